"""Remembering what was said: after the answer, in order, and again where it failed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from agent.chat.parts import Parts, scoped
from agent.chat.record import Turn
from traces.domain import OperationKind
from traces.errors import (
    BudgetExceeded,
    ContentError,
    MemtuneError,
    ProviderError,
    StoreError,
)
from traces.operation import OperationContext, Recorder
from traces.schema import Variable

# How often a turn is tried to be remembered, failures of provider and budget not counted.
ATTEMPTS = 3
# A further attempt draws other samples: the ledger would only repeat what failed.
SAMPLES_AN_ATTEMPT = 4


@dataclass(frozen=True)
class JournalledContext(OperationContext):
    """A context that tells after each operation that one has ended."""

    ended: Callable[[], None] = lambda: None

    def perform(self, kind: OperationKind, **given: Any) -> dict[str, list[Variable]]:
        """Do what `OperationContext.perform` does, then tell."""
        outputs = super().perform(kind, **given)
        self.ended()
        return outputs


@dataclass(frozen=True)
class Remembering:
    """Takes in the pending turns of a user. The caller sees to it that nobody else does."""

    parts: Parts

    def remember(self, user: str, number: int) -> str:
        """Remember what is pending, oldest first; return why a turn is not in memory, or ''.

        Nothing is raised: the answer is not lost with it. The reason is in the record, and
        the next turn of the user tries again, as long as the turn is not given up.
        """
        try:
            self.catch_up(user)
            return self.problem(user, number)
        except (MemtuneError, OSError) as error:
            return _line(error)

    def catch_up(self, user: str) -> None:
        """Remember what is pending, oldest first, until one fails: sessions come in order.

        Raises StoreError when memory or record cannot be used at all.
        """
        for turn in self.parts.log.pending(user):
            if not self._ingest(turn):
                break

    def _ingest(self, turn: Turn) -> bool:
        """Remember one turn; say whether the ones after it may follow."""
        parts = self.parts
        if turn.id in parts.memory.sessions(turn.user):
            # A crash came between memory and record; the operations were journalled before.
            parts.log.remembered(turn)
            return True
        if turn.memory_pass is not None:
            parts.log.begin_again(turn)
        recorder = Recorder()
        journal = partial(parts.log.journal, turn, parts.prompts.hash, parts.parameters, recorder)
        ctx = JournalledContext(
            turn.user, turn.id, turn.date, parts.prompts, parts.gateway.bind, parts.parameters,
            recorder, sample_index=turn.attempts * SAMPLES_AN_ATTEMPT, ended=journal,
        )  # fmt: skip
        try:
            backend = parts.memory.user(turn.user)
            scoped(f"{turn.user}, {turn.id}", lambda: backend.ingest(turn.session, ctx))
        except StoreError as error:
            # It may have been kept all the same: the next attempt asks the memory.
            parts.log.doubtful(turn, _line(error))
            return False
        except Exception as error:
            # Neither provider nor budget are the turn's fault.
            counts = isinstance(error, ContentError) or not isinstance(
                error, ProviderError | BudgetExceeded
            )
            given_up = counts and turn.attempts + 1 >= ATTEMPTS
            parts.log.missed(turn, _line(error), counts=counts, given_up=given_up)
            return given_up
        parts.log.remembered(turn)
        return True

    def problem(self, user: str, number: int) -> str:
        """Return why a turn is not in memory; '' when it is."""
        found = self.parts.log.turn(user, number)
        if found is None or found.status == "remembered":
            return ""
        if found.status == "failed":
            return f"given up after {found.attempts} attempts: {found.error}"
        if found.error:
            return f"{found.error}; the next turn tries again"
        blocking = self.parts.log.pending(user)[0]
        return f"waits for {blocking.id} ({blocking.error}); the next turn tries again"


def _line(error: Exception) -> str:
    return f"{getattr(error, 'code', type(error).__name__)}: {error}"[:500]
