"""Attends to the threads of an episode or a replay: a backend that hangs costs its worker, not
the run.

A thread cannot be killed. One that shows no sign of life (no operation ends, no model is being
called) for too long is left behind, and whoever waited for it is told where it stood.
"""

from __future__ import annotations

import queue
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import dataclass
from types import FrameType
from typing import TYPE_CHECKING, Any, TypeVar

from memory_backends.places import foreign_frames, frames_of, place, stands_in_ours
from traces.errors import DeadlineExceeded, OperationError
from traces.operation import BindModel, BoundOperation, OperationContext

if TYPE_CHECKING:
    from agent.models.language_model import Completing
    from agent.models.providers import Messages
    from traces.ledger import Completion

T = TypeVar("T")
A = TypeVar("A")
BACKEND_SECONDS = 300.0  # of silence that are granted
_LOOKS = 0.5  # s between looks
_LAST = 10.0  # s of silence that are granted once the run's deadline has passed
_PERFORM = OperationContext.perform.__code__


class Hanging(OperationError):
    """A backend was given up: nothing came of it for too long."""

    code = "backend_hangs"


class Quits(OperationError):
    """A backend raised what ends a program: SystemExit, KeyboardInterrupt, a cancellation."""

    code = "backend_quits"


class Attended:
    """The threads of one episode or replay, and what they show of life.

    `bind` is how their operations come to a model; `seconds` of silence are granted. After that
    no model call is made for them any more.
    """

    def __init__(self, bind: BindModel, seconds: float) -> None:
        self._bind = bind
        self._seconds = seconds
        self._lock = threading.Lock()
        self._calling = 0
        self._called = 0
        self._threads: list[int] = []
        self.left = False

    # what the threads work with -------------------------------------------------------

    def bind(self, operation: BoundOperation) -> Any:
        """Return the model bound to one operation (traces.operation.BindModel)."""
        from agent.models.language_model import BoundModel

        model = self._bind(operation)
        return model.through(self.watched) if isinstance(model, BoundModel) else model

    def watched(self, way: Completing) -> Completing:
        """Return a way to the models on which calls are noted: who waits for one is alive."""
        return _Watched(way, self)

    @contextmanager
    def calling(self) -> Iterator[None]:
        """Note a model call. Raises DeadlineExceeded where its threads were given up."""
        with self._lock:
            if self.left:
                raise DeadlineExceeded("what made this call was given up: its backend hung")
            self._calling += 1
        try:
            yield
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
                    number, one = work.get_nowait()
                except queue.Empty:
                    return
                try:
                    found[number] = function(one)
                except BaseException as error:
                    failed[number] = error

        # Of a thread pool's threads one that hangs would keep the process from ending.
        workers = [
            threading.Thread(target=copy_context().run, args=(run,), daemon=True)
            for _ in range(min(threads, len(given)))
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        for number in sorted(failed):
            raise failed[number]
        return [found[number] for number in range(len(given))]

    # who waits for it -----------------------------------------------------------------------

    def wait(
        self, work: Callable[[], T], what: str, life: Callable[[], int], deadline: float | None
    ) -> T:
        """Do work in a thread of its own and return what comes of it. `life` is a number that
        changes while work goes on (of operations that ended).

        Raises what it raises (Quits for what would end the process); Hanging where it is silent
        for too long, naming `what` and where it stands; DeadlineExceeded where the run's deadline
        passes over its silence.
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
            self._watch(ended, what, life, deadline)
        except BaseException:
            self.left = True
            raise
        for error in failed:
            if isinstance(error, Exception):
                raise error
            # The user's interruption comes to the main thread, never to this one.
            said = f"{type(error).__name__}: {error}"[:300]
            raise Quits(f"{what}: {said} ({place(error)})") from error
        return found[0]

    def _watch(
        self, ended: threading.Event, what: str, life: Callable[[], int], deadline: float | None
    ) -> None:
        seen, since = (-1, -1), time.monotonic()
        while not ended.wait(min(_LOOKS, self._seconds / 4)):
            with self._lock:
                calling, now = self._calling, (self._called, life())
            if calling or now != seen:
                seen, since = now, time.monotonic()
                continue
            silent = time.monotonic() - since
            if silent > self._seconds:
                raise Hanging(
                    f"{what}: the backend hangs{self._standing()}: no operation ended and no model "
                    f"was called for {silent:.0f} s; its thread is left behind. Mend it, or grant "
                    "it more with backend_timeout"
                )
            late = deadline is not None and time.monotonic() > deadline
            if late and silent > _LAST:
                raise DeadlineExceeded(f"the deadline passed in '{what}'")

    def _standing(self) -> str:
        """Return where the threads stand: operation or method, and the line, in somebody's code
        where any does."""
        found = [_stand(frame) for frame in frames_of(self._threads)]
        theirs = [said for said, foreign in found if foreign]
        return "; ".join((theirs or [said for said, _ in found[-1:]])[:2])


@dataclass(frozen=True, slots=True)
class _Watched:
    """agent.models.language_model.Completing whose calls are noted as life."""

    way: Completing
    attended: Attended

    def complete(
        self,
        role: str,
        messages: Messages,
        sample_index: int,
        schema: Mapping[str, Any] | None = None,
    ) -> tuple[str, Completion]:
        """Pass a call on."""
        with self.attended.calling():
            return self.way.complete(role, messages, sample_index, schema)


def _stand(frame: FrameType) -> tuple[str, bool]:
    """Return where a thread stands, in words, and whether that is somebody's code."""
    stack = traceback.extract_stack(frame)
    # One that waits for another of them stands in ours, whatever called it.
    theirs = [] if stands_in_ours(stack) else foreign_frames(stack)
    at = (theirs or stack)[-1]
    # An operation is recorded when it has ended: which one it is in, only the stack knows.
    operation = next((f.f_locals["name"] for f in _outwards(frame) if f.f_code is _PERFORM), None)
    doing = f"operation '{operation}'" if operation else f"'{(theirs or [at])[0].name}'"
    return f" in {doing}, at {at.filename}:{at.lineno} in {at.name}", bool(theirs)


def _outwards(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back
