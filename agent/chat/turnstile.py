"""One at a time for each key, in order of arrival; for threads and event loops alike."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager


class Turnstile:
    """Whoever has entered for a key leaves exactly once; then the next one may enter.

    `first` goes before all that wait. Keys that nobody uses cost nothing.
    """

    def __init__(self) -> None:
        self._waiting: dict[str, deque[Future[None]]] = {}
        self._lock = threading.Lock()

    @contextmanager
    def held(self, key: str, *, first: bool = False) -> Iterator[None]:
        """Wait, and hold the key for the block."""
        place = self._queue(key, first)
        try:
            place.result()
        except BaseException:  # an interrupt while waiting
            self._give_up(key, place)
            raise
        try:
            yield
        finally:
            self.leave(key)

    async def enter(self, key: str, *, first: bool = False) -> None:
        """Wait without holding up the event loop; `leave` is the caller's business."""
        place = self._queue(key, first)
        try:
            await asyncio.wrap_future(place)
        except BaseException:
            self._give_up(key, place)
            raise

    def leave(self, key: str) -> None:
        """Let the next one in. May be called from any thread."""
        with self._lock:
            waiting = self._waiting[key]
            while waiting:
                place = waiting.popleft()
                if place.set_running_or_notify_cancel():
                    break
            else:
                del self._waiting[key]
                return
        place.set_result(None)

    def _queue(self, key: str, first: bool) -> Future[None]:
        place: Future[None] = Future()
        with self._lock:
            waiting = self._waiting.get(key)
            if waiting is None:
                self._waiting[key] = deque()
                place.set_result(None)
            elif first:
                waiting.appendleft(place)
            else:
                waiting.append(place)
        return place

    def _give_up(self, key: str, place: Future[None]) -> None:
        # One that was let in at the same moment has to leave again.
        if not place.cancel():
            self.leave(key)
