"""The episodic memory as a memory backend."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from memory_backends.episodic.boundary import Cell, cells
from memory_backends.episodic.facts import facts
from memory_backends.episodic.foresight import foresee
from memory_backends.episodic.layers import RETURNED, in_layer, layer_of
from memory_backends.episodic.narrative import narrate
from memory_backends.episodic.options import EpisodicOptions
from memory_backends.episodic.recollection import Recollection
from memory_backends.episodic.rerank import choose
from memory_backends.episodic.retrieval import retrieve
from memory_backends.episodic.scene import stage
from memory_backends.episodic.sufficiency import complete
from memory_backends.fact_store.update import update
from memory_backends.options import fingerprint, read_options
from memory_backends.prompts import read_slot
from memory_backends.retrieval.embeddings import Embedder
from memory_backends.retrieval.index import HybridIndex
from memory_backends.state import InState, MemoryState, of_kind
from traces.domain import PromptSlot, Question, Session
from traces.operation import OperationContext
from traces.schema import MemoryEntry, Outputs, Variable

# Part of the fingerprint: raise it with any change of behaviour.
VERSION = "2"


class Episodic(InState):
    """Cells of a conversation, their episodes in scenes, and the facts that hold.

    Implements MemoryBackend, Inspectable and Snapshottable.
    """

    name: str = "episodic"
    slots: tuple[PromptSlot, ...] = (
        read_slot("episodic", "boundary", "extraction"),
        read_slot("episodic", "narrative", "update"),
        read_slot("episodic", "scene", "update"),
        read_slot("episodic", "foresight", "update"),
        read_slot("episodic", "extraction", "extraction"),
        read_slot("episodic", "update", "update"),
        read_slot("episodic", "retrieval", "retrieval"),
        read_slot("episodic", "sufficiency", "retrieval"),
        read_slot("episodic", "rerank", "retrieval"),
    )

    def __init__(
        self, config: Mapping[str, Any] | None = None, embedder: Embedder | None = None
    ) -> None:
        self.options = read_options(EpisodicOptions, self.name, config)
        self.fingerprint = fingerprint(self.name, VERSION, self.options, embedder)
        index = HybridIndex(embedder, self.options.similarity_weight)
        self._state = MemoryState(self.name, index)

    def ingest(self, session: Session, ctx: OperationContext) -> None:
        """Take in the session cell by cell: its episode and scene, foresights, then facts."""
        seen: Counter[tuple[str, ...]] = Counter()
        for cell in cells(session, ctx, self.options):
            self._take_in(cell, session.date.date().isoformat(), ctx, seen)

    def retrieve(
        self, question: Question, asked_on: datetime, ctx: OperationContext
    ) -> Sequence[MemoryEntry]:
        """Return the entries that the last step put out, best first."""
        asking = Recollection(self._state, question, asked_on, ctx, self.options)
        first = retrieve(asking)
        found = of_kind(first, "retrieved")
        if not found and not any(v.value["queries"] for v in of_kind(first, "query")):
            return []  # the first round's prompt looks for nothing: there is nothing to complete
        found = of_kind(complete(asking, found), "retrieved")
        chosen = of_kind(choose(asking, found), "retrieved")
        return [MemoryEntry.from_variable(v) for v in chosen]

    def _take_in(
        self, cell: Cell, session_date: str, ctx: OperationContext, seen: Counter[tuple[str, ...]]
    ) -> None:
        options, chars = self.options, self.options.message_chars
        for episode in self._apply(narrate(cell, session_date, ctx, chars)):
            self._apply(stage(self._state, episode, ctx, options))
        self._apply(foresee(cell, session_date, ctx, chars))
        for fact in facts(cell, session_date, ctx, chars):
            sources = tuple(fact.value["sources"])
            self._apply(update(fact, seen[sources], self._near(fact), ctx, chars, name="profile"))
            seen[sources] += 1

    def _near(self, fact: Variable) -> list[MemoryEntry]:
        """Return the facts that are near a fact, nearest first."""
        options = self.options
        near = self._state.index.near(fact.value["text"], len(self._state), options.near_share)
        return in_layer([self._state[entry_id] for entry_id, _ in near], "fact")[: options.near]

    def _apply(self, outputs: Outputs) -> list[MemoryEntry]:
        return self._state.apply(outputs, _found_by)


def _found_by(entry: MemoryEntry) -> str:
    # Episodes and scenes are found by their messages, not by their words.
    return entry.text if layer_of(entry) in RETURNED else ""
