"""Who is at work in a memory directory: closing waits for them, erasing keeps them out."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from traces.errors import SettingsError


class ClosedError(SettingsError):
    """The agent is closed."""

    def __init__(self) -> None:
        super().__init__("the memory agent is closed; create a new one")


@dataclass(eq=False, slots=True)
class Entry:
    """Something under way; `loop` is the event loop that it needs to come to its end."""

    loop: asyncio.AbstractEventLoop | None


class Gate:
    """Counts what is under way. Thread-safe."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._under_way: set[Entry] = set()
        self._inside = 0
        self._alone = False
        self._closing = False
        self._shut = False

    @property
    def closing(self) -> bool:
        """Whether new turns are refused."""
        return self._closing

    @property
    def claimed(self) -> bool:
        """Whether somebody is alone, or waits for it."""
        return self._alone

    def enter(self, loop: asyncio.AbstractEventLoop | None = None, *, begun: bool = False) -> Entry:
        """Count one more. Raises ClosedError, unless it belongs to a turn that has begun."""
        with self._changed:
            if self._shut or (self._closing and not begun):
                raise ClosedError
            entry = Entry(loop)
            self._under_way.add(entry)
            return entry

    def leave(self, entry: Entry) -> None:
        """Count one less; twice is no error."""
        with self._changed:
            self._under_way.discard(entry)
            self._changed.notify_all()

    def on_its_own(self, entry: Entry) -> None:
        """Note that it needs no event loop any more. Raises ClosedError."""
        with self._changed:
            if self._shut:
                raise ClosedError
            entry.loop = None

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Work side by side with others, never with one that is `alone`."""
        with self._changed:
            self._changed.wait_for(lambda: not self._alone)
            self._inside += 1
        try:
            yield
        finally:
            with self._changed:
                self._inside -= 1
                self._changed.notify_all()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Wait until nobody is inside; who comes meanwhile waits."""
        with self._changed:
            self._changed.wait_for(lambda: not self._alone)
            self._alone = True
        try:
            with self._changed:
                self._changed.wait_for(lambda: not self._inside)
            yield
        finally:
            with self._changed:
                self._alone = False
                self._changed.notify_all()

    def close(self) -> None:
        """Refuse what is new and wait for the rest, but for what needs this thread's loop."""
        here = None
        with suppress(RuntimeError):
            here = asyncio.get_running_loop()
        with self._changed:
            self._closing = True
            self._changed.wait_for(
                lambda: all(here is not None and e.loop is here for e in self._under_way)
            )
            self._shut = True
