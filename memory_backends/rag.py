"""Retrieval over raw messages: no model call, no prompt slot. The baseline to beat."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from memory_backends.messages import store_messages
from memory_backends.options import fingerprint, read_options
from memory_backends.retrieval.embeddings import Embedder
from memory_backends.retrieval.index import WEIGHT, HybridIndex
from memory_backends.state import InState, MemoryState, of_kind
from traces.domain import PromptSlot, Question, Session
from traces.operation import BoundOperation, OperationContext
from traces.schema import MemoryEntry, Outputs, query, question_variable

# Part of the fingerprint: raise it with any change of behaviour.
VERSION = "1"


@dataclass(frozen=True, slots=True)
class RagOptions:
    """top_k: entries that a retrieval returns. similarity_weight: of n-grams or
    embeddings beside BM25's 1."""

    top_k: int = 10
    similarity_weight: float = WEIGHT


class Rag(InState):
    """Every message an entry; the question is the query.

    Implements MemoryBackend, Inspectable and Snapshottable.
    """

    name: str = "rag"
    slots: tuple[PromptSlot, ...] = ()

    def __init__(
        self, config: Mapping[str, Any] | None = None, embedder: Embedder | None = None
    ) -> None:
        self.options = read_options(RagOptions, self.name, config)
        self.fingerprint = fingerprint(self.name, VERSION, self.options, embedder)
        index = HybridIndex(embedder, self.options.similarity_weight)
        self._state = MemoryState(self.name, index)

    def ingest(self, session: Session, ctx: OperationContext) -> None:
        """Add each message as an entry, with its speaker before it."""
        store_messages(self._state, session, ctx, "index")

    def retrieve(
        self, question: Question, asked_on: datetime, ctx: OperationContext
    ) -> Sequence[MemoryEntry]:
        """Return the entries that fit the question's words best, best first."""

        def call(_: BoundOperation) -> Outputs:
            found = self._state.index.search([question.text], self.options.top_k)
            entries = [self._state[entry_id].as_variable("retrieved") for entry_id, _ in found]
            return {"query": [query([question.text])], "entries": entries}

        outputs = ctx.perform(
            "retrieval",
            name="search",
            identity=[question.id],
            inputs={
                "question": [question_variable(question, asked_on)],
                "memory": [self._state.variable()],
            },
            call=call,
        )
        return [MemoryEntry.from_variable(v) for v in of_kind(outputs, "retrieved")]
