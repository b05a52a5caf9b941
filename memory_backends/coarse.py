"""A plain memory as a backend: two coarse operations, `add` and `search`, through the one seam.

What `add` computes and what it does to the object cannot be told apart, so the contract of
`perform` (a call leaves memory alone) holds only by what follows here. Where an operation's
outputs did not come from the object just now (they were recorded before, or a repair or a planted
fault put them in place), the object is brought to them before it is next used:

- one that offers `entries`, `put` and `remove`, by putting and removing: any outputs will do;
- any other by adding the same messages again. That leads to recorded outputs where the class is
  deterministic; what it does not lead to is refused with NotIntervenable.

A search whose outputs are known needs no object at all. Model calls that a class makes by itself
are not seen here: they are neither recorded nor budgeted, and adding again makes them again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar

from memory_backends.contents import Contents, told
from memory_backends.isolation import not_isolated
from memory_backends.places import place
from memory_backends.plain import (
    Item,
    Plain,
    items,
    messages_of,
)
from memory_backends.state import of_kind
from traces.domain import PromptSlot, Question, Session
from traces.errors import MemtuneError, NotIntervenable, OperationError, of_machine
from traces.hashing import text_hash
from traces.operation import BoundOperation, OperationContext
from traces.schema import (
    MemoryEntry,
    Outputs,
    Variable,
    message_variable,
    query,
    question_variable,
)

T = TypeVar("T")
# Part of the fingerprint: raise it with any change of what operations put out.
VERSION = "1"


class Coarse:
    """A MemoryBackend over a Plain. The object is called by one thread at a time."""

    slots: tuple[PromptSlot, ...] = ()

    def __init__(self, inner: Plain, name: str, fingerprint: str) -> None:
        self.name = name
        self.fingerprint = fingerprint
        self.inner = inner
        self._lock = threading.RLock()
        self._wanted = Contents()  # by the outputs of all operations so far
        self._there = Contents()  # in the object
        self._behind: list[tuple[Session, Outputs]] = []  # what it was not given yet

    def ingest(self, session: Session, ctx: OperationContext) -> None:
        """Add the session's messages: one operation."""
        ran = False

        def call(_: BoundOperation) -> Outputs:
            nonlocal ran
            self._catch_up()
            ran = True
            return self._add(session)

        with self._lock:
            outputs = ctx.perform(
                "update",
                name="add",
                identity=[m.id for m in session.messages],
                inputs={
                    "messages": [message_variable(m, session.date) for m in session.messages],
                    "entries": self._given(),
                    "memory": [self._memory()],
                },
                call=call,
            )
            self._wanted.note(session, outputs)
            if not ran:
                self._behind.append((session, outputs))

    def retrieve(
        self, question: Question, asked_on: datetime, ctx: OperationContext
    ) -> Sequence[MemoryEntry]:
        """Return what the object's search returns: one operation."""

        def call(_: BoundOperation) -> Outputs:
            with self._lock:
                self._catch_up()
                found = self._search(question.text)
            entries = [self._retrieved(item) for item in found]
            return {"query": [query([question.text])], "entries": entries}

        with self._lock:
            memory = self._memory()
        outputs = ctx.perform(
            "retrieval",
            name="search",
            identity=[question.id],
            inputs={"question": [question_variable(question, asked_on)], "memory": [memory]},
            call=call,
        )
        return [MemoryEntry.from_variable(v) for v in of_kind(outputs, "retrieved")]

    def close(self) -> None:
        """Release what the object holds, where it says how."""
        close = getattr(self.inner, "close", None)
        if callable(close):
            self._ask("close", close)

    # variables ----------------------------------------------------------------------------

    def _memory(self) -> Variable:
        wanted = self._wanted
        value = {"hash": wanted.history, "size": len(wanted.texts)}
        return Variable("memory", value, f"memory/{wanted.history}")

    def _given(self) -> list[Variable]:
        """Return the entries that an add may change: only what can be put back is shown."""
        return []

    def _retrieved(self, item: Item) -> Variable:
        held = self._there.held.get(item.key)
        if held is not None and held.text == item.text:
            return held.as_variable("retrieved")
        version = 1 if held is None else held.version
        return item.entry(self._there.repeated(item.text), version).as_variable("retrieved")

    # the object -----------------------------------------------------------------------------

    def _add(self, session: Session) -> Outputs:
        """Add to the object; return what that did, as far as it can be seen."""
        if not self._there.texts:
            self._require_new(session)
        self._there.texts.update((m.id, m.text) for m in session.messages)
        self._ask("add", lambda: self.inner.add(messages_of(session)))
        outputs = self._seen(session)
        self._there.note(session, outputs)
        return outputs

    def _seen(self, session: Session) -> Outputs:
        # Nothing can be seen: the memory itself is what the operation put out.
        said = "".join(message_variable(m, session.date).hash for m in session.messages)
        digest = text_hash(self._there.history + said)
        return {"memory": [Variable("memory", {"hash": digest, "size": len(self._there.texts)})]}

    def _search(self, text: str) -> list[Item]:
        return self._ask("search", lambda: items(self.inner.search(text), "search"))

    def _require_new(self, session: Session) -> None:
        """Raise OperationError where a memory finds something before it was given anything."""
        text = next((m.text for m in session.messages if m.text.strip()), "")
        found = self._search(text) if text else []
        if found:
            raise not_isolated(self.name, [item.text for item in found], text)

    def _catch_up(self) -> None:
        """Bring the object to what memory should hold, by adding again.

        Raises NotIntervenable where that leads elsewhere.
        """
        behind, self._behind = self._behind, []
        for session, outputs in behind:
            if told(self._add(session)) != told(outputs):
                break
        if self._there.history != self._wanted.history:
            raise NotIntervenable(
                f"memory backend '{self.name}' cannot be brought to what its add put out: adding "
                "the same messages leads elsewhere. After a repair only entries(), put(entry) and "
                "remove(entry_id) help; without one the class is not deterministic"
            )

    def _ask(self, method: str, call: Callable[[], T]) -> T:
        """Call the object; what it raises becomes an OperationError that says where."""
        try:
            return call()
        except (MemtuneError, KeyboardInterrupt):
            raise
        except BaseException as error:
            if of_machine(error):
                raise
            raise OperationError(
                f"{method} of memory backend '{self.name}' raised {type(error).__name__}: "
                f"{str(error)[:200]} ({place(error)})"
            ) from error
