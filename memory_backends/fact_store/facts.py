"""Extraction, update and retrieval over whatever holds the entries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from memory_backends.fact_store.extraction import extract
from memory_backends.fact_store.retrieval import retrieve
from memory_backends.fact_store.update import update
from memory_backends.prompts import read_slot
from memory_backends.state import InState, of_kind
from traces.domain import PromptSlot, Question, Session
from traces.operation import OperationContext
from traces.schema import MemoryEntry


@dataclass(frozen=True, slots=True)
class FactOptions:
    """window: most messages in one extraction. message_chars: most characters of one
    text in a prompt. near: most entries shown to an update, each at least
    `near_share` (0..1) as close to the fact as the fact itself. top_k: entries that a
    retrieval returns."""

    window: int = 40
    message_chars: int = 6_000
    near: int = 5
    near_share: float = 0.15
    top_k: int = 10


class Facts(InState):
    """Facts extracted from messages and kept up to date one by one; each model step a slot.

    Who inherits sets `options` and `_state`, and with that where entries lie and what
    searches them.
    """

    slots: tuple[PromptSlot, ...] = (
        read_slot("fact_store", "extraction", "extraction"),
        read_slot("fact_store", "update", "update"),
        read_slot("fact_store", "retrieval", "retrieval"),
    )
    options: FactOptions

    def ingest(self, session: Session, ctx: OperationContext) -> None:
        """Extract the session's facts and update the memory with each in turn."""
        options = self.options
        seen: Counter[tuple[str, ...]] = Counter()
        for fact in extract(session, ctx, options.window, options.message_chars):
            sources = tuple(fact.value["sources"])
            near = self._state.index.near(fact.value["text"], options.near, options.near_share)
            entries = [self._state[entry_id] for entry_id, _ in near]
            outputs = update(fact, seen[sources], entries, ctx, options.message_chars)
            seen[sources] += 1
            self._state.apply(outputs)

    def retrieve(
        self, question: Question, asked_on: datetime, ctx: OperationContext
    ) -> Sequence[MemoryEntry]:
        """Return the entries that the retrieval operation put out, best first."""
        options = self.options
        outputs = retrieve(
            self._state, question, asked_on, ctx, options.top_k, options.message_chars
        )
        return [MemoryEntry.from_variable(v) for v in of_kind(outputs, "retrieved")]
