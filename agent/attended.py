"""Attends to the threads of an episode: a backend that hangs costs its worker, not the run.

A thread cannot be killed. One that shows no sign of life (no operation ends, no model is being
called) for too long is left behind, and whoever waited for it is told where it stood.
"""

from __future__ import annotations

import queue
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextvars import copy_context
from typing import Any, TypeVar

from agent.models.gateway import Gateway
from agent.models.providers import Messages
from memory_backends.places import foreign_frames
from traces.errors import DeadlineExceeded, OperationError
from traces.ledger import Completion
from traces.operation import BoundOperation, Recorder

T = TypeVar("T")
A = TypeVar("A")
_LOOKS = 0.5  # s between looks
_LAST = 10.0  # s of silence that are granted once the run's deadline has passed


class Hanging(OperationError):
    """A backend was given up: nothing came of it for too long."""

    code = "backend_hangs"


class Attended:
    """The threads of one episode, and what they show of life.

    `seconds` of silence are granted. After that no model call is made for them any more.
    """

    def __init__(self, gateway: Gateway, seconds: float) -> None:
        self._gateway = gateway
        self._seconds = seconds
        self._lock = threading.Lock()
        self._calling = 0
        self._called = 0
        self._threads: list[int] = []
        self.left = False

    # what the episode works with ------------------------------------------------------

    def bind(self, operation: BoundOperation) -> Any:
        """Return the agent's model bound to one operation (traces.operation.BindModel)."""
        from agent.models.language_model import BoundModel

        return BoundModel(self, "agent", operation.sample_index, operation)

    def complete(
        self,
        role: str,
        messages: Messages,
        sample_index: int,
        schema: Mapping[str, Any] | None = None,
    ) -> tuple[str, Completion]:
        """Pass a call on to the gateway; who waits for a model is alive."""
        with self._lock:
            if self.left:
                raise DeadlineExceeded("the episode of this call was given up: its backend hung")
            self._calling += 1
        try:
            return self._gateway.complete(role, messages, sample_index, schema)
        finally:
            with self._lock:
                self._calling -= 1
                self._called += 1

    def each(self, function: Callable[[A], T], given: Sequence[A], threads: int) -> list[T]:
        """Return what the function makes of each, worked out in several threads, in order;
        raises the first error when all are done."""
        work: queue.SimpleQueue[tuple[int, A]] = queue.SimpleQueue()
        for pair in enumerate(given):
            work.put(pair)
        found: dict[int, T] = {}
        failed: dict[int, BaseException] = {}

        def run() -> None:
            with self._lock:
                self._threads.append(threading.get_ident())
            while not self.left:
                try:
                    place, one = work.get_nowait()
                except queue.Empty:
                    return
                try:
                    found[place] = function(one)
                except BaseException as error:
                    failed[place] = error

        # Of a thread pool's threads one that hangs would keep the process from ending.
        workers = [
            threading.Thread(target=copy_context().run, args=(run,), daemon=True)
            for _ in range(min(threads, len(given)))
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        for place in sorted(failed):
            raise failed[place]
        return [found[place] for place in range(len(given))]

    # who waits for it -----------------------------------------------------------------------

    def wait(
        self, work: Callable[[], T], what: str, recorder: Recorder, deadline: float | None
    ) -> T:
        """Do work in a thread of its own and return what comes of it.

        Raises what it raises; Hanging where it is silent for too long, naming `what` and
        where it stands; DeadlineExceeded where the run's deadline passes over its silence.
        """
        ended = threading.Event()
        found: list[T] = []
        failed: list[BaseException] = []

        def run() -> None:
            with self._lock:
                self._threads.append(threading.get_ident())
            try:
                found.append(work())
            except BaseException as error:
                failed.append(error)
            finally:
                ended.set()

        threading.Thread(target=copy_context().run, args=(run,), daemon=True).start()
        try:
            self._watch(ended, what, recorder, deadline)
        except BaseException:
            self.left = True
            raise
        if failed:
            raise failed[0]
        return found[0]

    def _watch(
        self, ended: threading.Event, what: str, recorder: Recorder, deadline: float | None
    ) -> None:
        seen, since = (-1, -1), time.monotonic()
        while not ended.wait(min(_LOOKS, self._seconds / 4)):
            with self._lock:
                calling, now = self._calling, (self._called, len(recorder.operations))
            if calling or now != seen:
                seen, since = now, time.monotonic()
                continue
            silent = time.monotonic() - since
            if silent > self._seconds:
                raise Hanging(
                    f"{what}: the backend hangs: no operation ended and no model was called for "
                    f"{silent:.0f} s ({self._standing()}); its thread is left behind, and its "
                    "episode counts as broken. Mend it, or grant it more with backend_timeout"
                )
            late = deadline is not None and time.monotonic() > deadline
            if late and silent > _LAST:
                raise DeadlineExceeded(f"the deadline passed in '{what}'")

    def _standing(self) -> str:
        """Return where the threads stand, in somebody's code where any does."""
        frames = sys._current_frames()
        stacks = [traceback.extract_stack(frames[t]) for t in self._threads if t in frames]
        theirs = [f for stack in stacks for f in foreign_frames(stack)[-1:]]
        found = theirs or [stack[-1] for stack in stacks[-1:]]
        return "; ".join(f"at {f.filename}:{f.lineno} in {f.name}" for f in found[:2]) or "nowhere"
