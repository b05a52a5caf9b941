"""The whole history in the answer's context: no search, no model call, no prompt slot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from memory_backends.messages import store_messages
from memory_backends.options import fingerprint, read_options
from memory_backends.retrieval.embeddings import Embedder
from memory_backends.state import InState, MemoryState, of_kind
from traces.domain import PromptSlot, Question, Session
from traces.operation import BoundOperation, OperationContext
from traces.schema import MemoryEntry, Outputs, query, question_variable

# Part of the fingerprint: raise it with any change of behaviour.
VERSION = "1"


@dataclass(frozen=True, slots=True)
class LongContextOptions:
    """budget_chars: most characters of all returned entries' texts together."""

    budget_chars: int = 200_000


class LongContext(InState):
    """Every message an entry; a question gets the latest ones that fit the budget.

    Implements MemoryBackend, Inspectable and Snapshottable.
    """

    name: str = "long_context"
    slots: tuple[PromptSlot, ...] = ()

    def __init__(
        self, config: Mapping[str, Any] | None = None, embedder: Embedder | None = None
    ) -> None:
        # Nothing is searched, so an embedder changes nothing.
        del embedder
        self.options = read_options(LongContextOptions, self.name, config)
        self.fingerprint = fingerprint(self.name, VERSION, self.options)
        self._state = MemoryState(self.name)

    def ingest(self, session: Session, ctx: OperationContext) -> None:
        """Add each message as an entry, with its speaker before it."""
        store_messages(self._state, session, ctx, "append")

    def retrieve(
        self, question: Question, asked_on: datetime, ctx: OperationContext
    ) -> Sequence[MemoryEntry]:
        """Return the latest entries that fit the budget, oldest first."""

        def call(_: BoundOperation) -> Outputs:
            entries = [entry.as_variable("retrieved") for entry in self._latest()]
            return {"query": [query([])], "entries": entries}

        outputs = ctx.perform(
            "retrieval",
            name="recall",
            identity=[question.id],
            inputs={
                "question": [question_variable(question, asked_on)],
                "memory": [self._state.variable()],
            },
            call=call,
        )
        return [MemoryEntry.from_variable(v) for v in of_kind(outputs, "retrieved")]

    def _latest(self) -> Sequence[MemoryEntry]:
        entries = self._state.entries()
        left = self.options.budget_chars
        first = len(entries)
        while first > 0 and len(entries[first - 1].text) <= left:
            first -= 1
            left -= len(entries[first].text)
        return entries[first:]
