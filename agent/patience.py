"""Replays that are attended: how long one may be silent, and when no more of them are tried."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, replace
from typing import TypeVar

from agent.attended import BACKEND_SECONDS, Attended, Hanging
from agent.rebuilt_memory import RebuiltMemory
from traces.operation import OperationContext

T = TypeVar("T")
HANGS = 2  # in a row; a memory that always hangs would cost as many waits as there are replays
_CLOSING = 30.0  # s for what nobody waits for


@dataclass
class Patience:
    """What is granted to the replays of one conversation: so many `seconds` of silence to each
    (see `agent.attended`). After HANGS in a row that hung (`hung`; `last` says how), every
    further one is refused at once."""

    seconds: float = BACKEND_SECONDS
    hung: int = 0
    last: str = ""

    def require(self) -> None:
        """Raise Hanging where no more replays are tried."""
        if self.hung >= HANGS:
            raise Hanging(f"{self.hung} replays in a row hung, no more are tried; {self.last}")

    def note(self, error: Hanging | None) -> None:
        """Note how a replay ended."""
        self.hung, self.last = (0, "") if error is None else (self.hung + 1, str(error))


class AttendedReplays:
    """The replays of one recorded pass, and the memory that they work on: another one where a
    thread that rebuilt it was left behind in it. Thread-safe."""

    def __init__(self, make_memory: Callable[[], RebuiltMemory], patience: Patience) -> None:
        self._make_memory = make_memory
        self._memory = make_memory()
        self._patience = patience
        self._lock = threading.Lock()

    def attend(
        self,
        work: Callable[[OperationContext, RebuiltMemory], T],
        context: OperationContext,
        what: str,
        deadline: float | None,
    ) -> T:
        """Return what comes of a replay's work; `deadline` is the run's.

        Raises what it raises, and Hanging; see `agent.attended.Attended.wait`.
        """
        self._patience.require()
        memory = self._memory
        attended = Attended(context.bind, self._patience.seconds)

        def life() -> int:
            return len(context.recorder.operations) + len(memory.base.operations)

        watched, hung = replace(context, bind=attended.bind), None
        try:
            with _model_scope():  # what it imports is not silence
                return attended.wait(lambda: work(watched, memory), what, life, deadline)
        except Hanging as error:
            hung = Hanging(f"{memory.name}, in {error}")
            self._leave(memory)
            raise hung from None
        finally:
            self._patience.note(hung)

    def close(self, memory: RebuiltMemory | None = None) -> None:
        """Release the copies of the memory (of this one). One that raises or hangs is left as
        it is: nothing hangs on it any more."""
        released = memory or self._memory
        attended = Attended(_no_model, min(self._patience.seconds, _CLOSING))
        with suppress(Exception):
            attended.wait(released.close, "closing", lambda: 0, None)

    def _leave(self, memory: RebuiltMemory) -> None:
        with self._lock:
            if memory is not self._memory or memory.built:
                return
            self._memory = self._make_memory()
        self.close(memory)


def _no_model(operation: object) -> None:
    raise AssertionError("closing asks no model")


def _model_scope() -> AbstractContextManager[None]:
    from agent.models.language_model import dspy_scope

    return dspy_scope()
