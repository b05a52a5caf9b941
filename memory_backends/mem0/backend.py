"""mem0 as a memory backend: its own add, search, update and delete, seen at their boundaries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any, cast

from memory_backends.fact_store.extraction import windows
from memory_backends.fact_store.update import update
from memory_backends.mem0.extraction import SLOT, extract, reply_of, turns
from memory_backends.mem0.parts import Chat, Embedding, Log, Model
from memory_backends.mem0.store import Store
from memory_backends.options import fingerprint, installed, read_options
from memory_backends.prompts import read_slot
from memory_backends.retrieval.embeddings import Embedder
from memory_backends.state import MemoryState, Snapshot, of_kind
from traces.domain import Message, PromptSlot, Question, Session
from traces.operation import BoundOperation, OperationContext
from traces.schema import MemoryEntry, Outputs, Variable, change, query, question_variable

# Part of the fingerprint: raise it with any change of behaviour.
VERSION = "1"
# mem0 files every memory under somebody; a memory here is one conversation's.
USER = "memtune"


@dataclass(frozen=True, slots=True)
class Mem0Options:
    """window: most messages in one add, which is one model call. message_chars: most
    characters of one message. top_k and threshold: those of mem0's search. update: decide on
    each fact with memtune's update operation, carried out by mem0's explicit `update` and
    `delete`; mem0 by itself only adds. near, near_share: entries near a fact, as those of
    fact_store: what the update operation is shown."""

    window: int = 10
    message_chars: int = 6_000
    top_k: int = 10
    threshold: float = 0.1
    update: bool = False
    near: int = 5
    near_share: float = 0.15


class Mem0:
    """Drives the installed mem0ai 2.x. Implements MemoryBackend, Inspectable, Snapshottable.

    An add is mem0's own, from its search for related memories to its check for repeated ones;
    its model call is the extraction operation. What is to be stored is decided by an update
    operation a fact; changes and deletions are mem0's own update and delete. Its entity linking,
    which needs a spaCy model from the network, is off.
    """

    name: str = "mem0"
    # mem0 2.x has one text of the user's, and nothing is asked when it stores or searches:
    # there is no slot for update or retrieval.
    slots: tuple[PromptSlot, ...] = (read_slot("mem0", SLOT, "extraction"),)

    def __init__(
        self, config: Mapping[str, Any] | None = None, embedder: Embedder | None = None
    ) -> None:
        self.options = read_options(Mem0Options, self.name, config)
        self.fingerprint = fingerprint(
            self.name, VERSION, self.options, embedder, installed("mem0ai")
        )
        if self.options.update:
            self.slots = (*Mem0.slots, read_slot("fact_store", "update", "update"))
        self._state = MemoryState(self.name)
        self._store = Store(self._state, embedder, USER)
        self._model = Model()
        self._log = Log()

    @cached_property
    def _memory(self) -> Any:
        from memory_backends.mem0.package import make_memory

        parts = {
            "llm": self._model, "embedding_model": Embedding(), "vector_store": self._store,
            "db": self._log,
        }  # fmt: skip
        return make_memory(parts, USER)

    def ingest(self, session: Session, ctx: OperationContext) -> None:
        """Add the session's messages, window by window, and store each fact in turn."""
        seen: Counter[tuple[str, ...]] = Counter()
        for messages in windows(session.messages, self.options.window):
            for fact in self._add(messages, session, ctx):
                sources = tuple(fact.value["sources"])
                self._apply(self._decide(fact, seen[sources], ctx))
                seen[sources] += 1

    def retrieve(
        self, question: Question, asked_on: datetime, ctx: OperationContext
    ) -> Sequence[MemoryEntry]:
        """Return what mem0's search finds, best first."""
        options = self.options

        def call(_: BoundOperation) -> Outputs:
            entries: list[Variable] = []
            if len(self._state) and question.text.strip():
                found = self._memory.search(
                    question.text, top_k=options.top_k, threshold=options.threshold,
                    filters={"user_id": USER},
                )  # fmt: skip
                entries = [self._state[f["id"]].as_variable("retrieved") for f in found["results"]]
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

    def entries(self) -> Sequence[MemoryEntry]:
        """Return the current version of every entry that is alive, in order of arrival."""
        return self._state.entries()

    def snapshot(self) -> object:
        """Return the present state; unaffected by what follows."""
        return replace(self._state.snapshot(), beside=self._log.as_text())

    def restore(self, snapshot: object) -> None:
        """Return to a state of a backend of this name. Raises OperationError for others."""
        self._store.restore(snapshot)
        self._log.read(cast(Snapshot, snapshot).beside)

    def _add(
        self, messages: Sequence[Message], session: Session, ctx: OperationContext
    ) -> list[Variable]:
        """Let mem0 add messages; return the facts that were extracted."""
        facts: list[Variable] = []

        def answer(request: Chat) -> str:
            facts.extend(extract(request, messages, session, len(self._state), ctx))
            return reply_of(facts)

        self._store.offered.clear()
        self._model.answer, self._model.error = answer, None
        try:
            self._memory.add(
                turns(messages, self.options.message_chars),
                user_id=USER,
                prompt=ctx.prompts.instructions.get(SLOT),
            )
        except Exception as error:
            # mem0 raises an error of its own over whatever the model raised.
            raise self._model.error or error from None
        return facts

    def _decide(
        self, fact: Variable, ordinal: int, ctx: OperationContext
    ) -> dict[str, list[Variable]]:
        """Return what becomes of the memory; `ordinal` tells apart facts of the same sources."""
        options = self.options
        near = self._store.near(fact.value["text"], options.near, options.near_share)
        if options.update:
            return update(fact, ordinal, near, ctx, options.message_chars)
        same = self._repeated(fact)
        near = [*same, *(entry for entry in near if entry not in same)]
        # Shown although mem0 lets them be: what might have been done to them can be tried.
        return ctx.perform(
            "update",
            name="store",
            identity=[*fact.value["sources"], str(ordinal)],
            inputs={"fact": [fact], "near": [e.variable or e.as_variable() for e in near]},
            call=lambda op: _stored(op, fact.value, same),
        )

    def _repeated(self, fact: Variable) -> list[MemoryEntry]:
        """Return the entry for whose sake mem0 does not store a fact: one that says the same."""
        text = fact.value["text"]
        if text in self._store.offered:
            self._store.offered.remove(text)
            return []
        return [entry for entry in self._state.entries() if entry.text == text][:1]

    def _apply(self, outputs: Mapping[str, Sequence[Variable]]) -> None:
        """Do what an update operation put out: new entries go into mem0's vector store, where
        its add puts them too; what stands there is changed by its own update and delete."""
        made = [MemoryEntry.from_variable(v) for v in of_kind(outputs, "entry")]
        for entry in made:
            if entry.id in self._state:
                with self._store.changing_to(entry):
                    self._memory.update(entry.id, text=entry.text)
            else:
                self._store.hold(entry)
        kept = {entry.id for entry in made}
        for one in of_kind(outputs, "change"):
            target = one.value["target"]
            dropped = one.value["action"] in ("change", "delete") and target not in kept
            if dropped and target in self._state:
                self._memory.delete(target)


def _stored(op: BoundOperation, fact: dict[str, Any], same: Sequence[MemoryEntry]) -> Outputs:
    if same:
        return {"changes": [change("keep", same[0].id, "mem0 has this text")], "entries": []}
    entry = MemoryEntry(
        op.new_id(), fact["text"], fact["speaker"], fact["date"], tuple(fact["sources"])
    )
    return {"changes": [change("add", None, "mem0 only adds")], "entries": [entry.as_variable()]}
