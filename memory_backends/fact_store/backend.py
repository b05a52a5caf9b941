"""The fact store as a memory backend."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from memory_backends.fact_store.extraction import extract
from memory_backends.fact_store.retrieval import retrieve
from memory_backends.fact_store.update import update
from memory_backends.options import fingerprint, read_options
from memory_backends.prompts import read_slot
from memory_backends.retrieval.embeddings import Embedder
from memory_backends.retrieval.index import WEIGHT, HybridIndex
from memory_backends.state import InState, MemoryState, of_kind
from traces.domain import PromptSlot, Question, Session
from traces.operation import OperationContext
from traces.schema import MemoryEntry

# Part of the fingerprint: raise it with any change of behaviour.
VERSION = "1"


@dataclass(frozen=True, slots=True)
class FactStoreOptions:
    """window: most messages in one extraction. message_chars: most characters of one
    text in a prompt. near: most entries shown to an update, each at least
    `near_share` (0..1) as close to the fact as the fact itself. top_k: entries that a
    retrieval returns. similarity_weight: of n-grams or embeddings beside BM25's 1."""

    window: int = 40
    message_chars: int = 6_000
    near: int = 5
    near_share: float = 0.15
    top_k: int = 10
    similarity_weight: float = WEIGHT


class FactStore(InState):
    """Facts extracted from messages, kept up to date one by one, found by hybrid search.

    Implements MemoryBackend, Inspectable and Snapshottable.
    """

    name: str = "fact_store"
    slots: tuple[PromptSlot, ...] = (
        read_slot("fact_store", "extraction", "extraction"),
        read_slot("fact_store", "update", "update"),
        read_slot("fact_store", "retrieval", "retrieval"),
    )

    def __init__(
        self, config: Mapping[str, Any] | None = None, embedder: Embedder | None = None
    ) -> None:
        self.options = read_options(FactStoreOptions, self.name, config)
        self.fingerprint = fingerprint(self.name, VERSION, self.options, embedder)
        index = HybridIndex(embedder, self.options.similarity_weight)
        self._state = MemoryState(self.name, index)

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
