"""What turns are made with, and how an operation of one is run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from agent.chat.record import TurnLog
from agent.models.gateway import Gateway
from memory_backends.persistent import PersistentMemory
from traces.domain import PromptSet
from traces.errors import MemtuneError, OperationError
from traces.operation import OperationContext, Recorder

Result = TypeVar("Result")


@dataclass(frozen=True)
class Parts:
    """A memory directory, its record, and who speaks for it with which prompts.

    `parameters` hashes all else that an operation's result depends on; `clock` gives local
    time, which dates what is said.
    """

    memory: PersistentMemory
    log: TurnLog
    gateway: Gateway
    prompts: PromptSet
    parameters: str
    clock: Callable[[], datetime]

    def now(self) -> datetime:
        """Return the local time, to the second."""
        return self.clock().replace(tzinfo=None, microsecond=0)

    def context(self, user: str, scope: str, now: datetime, recorder: Recorder) -> OperationContext:
        """Return where a user's operations run, those of one question or session."""
        return OperationContext(
            user, scope, now, self.prompts, self.gateway.bind, self.parameters, recorder
        )


def scoped(where: str, work: Callable[[], Result]) -> Result:
    """Run operations: DSPy set up, and errors of somebody else's backend told as ours."""
    from agent.models.language_model import dspy_scope

    with dspy_scope():
        try:
            return work()
        except (MemtuneError, OSError):
            raise
        except Exception as error:
            line = f"{where}: {type(error).__name__}: {error}"[:500]
            raise OperationError(line) from error
