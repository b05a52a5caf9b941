"""Linked notes as a memory backend."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from memory_backends.linked_notes.construct import construct
from memory_backends.linked_notes.evolve import evolve
from memory_backends.linked_notes.link import link, new_note
from memory_backends.linked_notes.note import Note
from memory_backends.linked_notes.retrieval import retrieve
from memory_backends.options import fingerprint, read_options
from memory_backends.prompts import read_slot
from memory_backends.retrieval.embeddings import Embedder
from memory_backends.retrieval.index import WEIGHT, HybridIndex
from memory_backends.state import InState, MemoryState, of_kind
from traces.domain import PromptSlot, Question, Session
from traces.operation import OperationContext
from traces.schema import MemoryEntry, Outputs, Variable

# Part of the fingerprint: raise it with any change of behaviour.
VERSION = "1"


@dataclass(frozen=True, slots=True)
class LinkedNotesOptions:
    """window: most messages in one construction. message_chars: most characters of one text
    in a prompt. near: most notes shown to a linking, each at least `near_share` (0..1) as
    close to the new note as that note itself. top_k: notes that a search returns. beside:
    most linked notes that a retrieval adds to these. similarity_weight: of n-grams or
    embeddings beside BM25's 1."""

    window: int = 40
    message_chars: int = 6_000
    near: int = 5
    near_share: float = 0.15
    top_k: int = 10
    beside: int = 5
    similarity_weight: float = WEIGHT


class LinkedNotes(InState):
    """Notes that are described, linked, and described anew as others come.

    Implements MemoryBackend, Inspectable and Snapshottable.
    """

    name: str = "linked_notes"
    slots: tuple[PromptSlot, ...] = (
        read_slot("linked_notes", "construction", "extraction"),
        read_slot("linked_notes", "linking", "update"),
        read_slot("linked_notes", "evolution", "update"),
        read_slot("linked_notes", "retrieval", "retrieval"),
    )

    def __init__(
        self, config: Mapping[str, Any] | None = None, embedder: Embedder | None = None
    ) -> None:
        self.options = read_options(LinkedNotesOptions, self.name, config)
        self.fingerprint = fingerprint(self.name, VERSION, self.options, embedder)
        index = HybridIndex(embedder, self.options.similarity_weight)
        self._state = MemoryState(self.name, index)

    def ingest(self, session: Session, ctx: OperationContext) -> None:
        """Make the session's notes; link each in turn, and let those linked to it evolve."""
        seen: Counter[tuple[str, ...]] = Counter()
        for fact in construct(session, ctx, self.options.window, self.options.message_chars):
            sources = tuple(fact.value["sources"])
            self._add(fact, seen[sources], ctx)
            seen[sources] += 1

    def _add(self, fact: Variable, ordinal: int, ctx: OperationContext) -> None:
        options = self.options
        text = new_note(fact, "").found_by
        near = [id for id, _ in self._state.index.near(text, options.near, options.near_share)]
        notes = [Note.of(self._state[id]) for id in near]
        made = self._apply(link(fact, ordinal, notes, ctx, options.message_chars))
        if not made:
            return
        # What stands for a linking may name no links: then all that it was shown are.
        links = near if made[0].links is None else made[0].links
        linked = [
            Note.of(self._state[id]) for id in links if id in self._state and id != made[0].entry.id
        ]
        if linked:
            self._apply(evolve(fact, ordinal, made[0], linked, ctx, options.message_chars))

    def _apply(self, outputs: Outputs) -> list[Note]:
        """Do what an operation put out; return the notes that it made."""
        made = self._state.apply(outputs, lambda entry: Note.of(entry).found_by)
        return [Note.of(entry) for entry in made]

    def retrieve(
        self, question: Question, asked_on: datetime, ctx: OperationContext
    ) -> Sequence[MemoryEntry]:
        """Return the notes that the retrieval put out: found ones, then linked ones."""
        options = self.options
        outputs = retrieve(
            self._state,
            question,
            asked_on,
            ctx,
            options.top_k,
            options.beside,
            options.message_chars,
        )
        return [MemoryEntry.from_variable(v) for v in of_kind(outputs, "retrieved")]
