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

import errno
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar, cast

from memory_backends.isolation import not_isolated
from memory_backends.places import place
from memory_backends.plain import (
    Item,
    Plain,
    PlainEdits,
    PlainEntries,
    PlainSnapshots,
    items,
    messages_of,
)
from memory_backends.state import of_kind
from traces.domain import PromptSlot, Question, Session
from traces.errors import MemtuneError, NotIntervenable, OperationError
from traces.hashing import text_hash
from traces.operation import BoundOperation, OperationContext
from traces.schema import (
    MemoryEntry,
    Outputs,
    Variable,
    change,
    message_variable,
    query,
    question_variable,
)

T = TypeVar("T")
# What no class is to blame for.
_MACHINE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EMFILE, errno.ENFILE})


@dataclass
class Contents:
    """What a memory holds, by what its adds put out. `history` is a hash of all of that,
    `texts` are the added messages' by id, `versions` the last version of each entry ever held."""

    history: str = ""
    texts: dict[str, str] = field(default_factory=dict)
    held: dict[str, MemoryEntry] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)

    def copy(self) -> Contents:
        """Return a copy that does not change with this one."""
        return Contents(self.history, dict(self.texts), dict(self.held), dict(self.versions))

    def note(self, session: Session, outputs: Outputs) -> None:
        """Enter what the add of a session put out."""
        self.history = text_hash(self.history + told(outputs))
        self.texts.update((m.id, m.text) for m in session.messages)
        for variable in of_kind(outputs, "change"):
            if variable.value["action"] in ("change", "delete"):
                self.held.pop(variable.value["target"], None)
        for variable in of_kind(outputs, "entry"):
            entry = MemoryEntry.from_variable(variable)
            self.held[entry.id] = entry
            self.versions[entry.id] = entry.version

    def difference(self, now: Sequence[Item], sources: Sequence[str]) -> Outputs:
        """Return as outputs what changed, now that memory holds these items; `sources` are
        the messages that were added."""
        changes: list[Variable] = []
        entries: list[Variable] = []
        gone = dict(self.held)
        for item in {item.key: item for item in now}.values():
            old = gone.pop(item.key, None)
            if old is not None and (old.text, old.speaker, old.date) == (
                item.text, item.speaker, item.date,
            ):  # fmt: skip
                continue
            mine = [*(old.sources if old else ()), *self.repeated(item.text, sources)]
            version = self.versions.get(item.key, 0) + 1
            entries.append(item.entry(list(dict.fromkeys(mine)), version).as_variable())
            changes.append(change("change", item.key) if old else change("add", None))
        changes += [change("delete", id) for id in gone]
        return {"changes": changes, "entries": entries}

    def repeated(self, text: str, otherwise: Sequence[str] = ()) -> Sequence[str]:
        """Return the messages that a text repeats word for word, else `otherwise`."""
        return [i for i, said in self.texts.items() if said.strip() and said in text] or otherwise


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
        if text and self._search(text):
            raise not_isolated(self.name)

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
        except MemtuneError:
            raise
        except (Exception, SystemExit) as error:
            if isinstance(error, OSError) and error.errno in _MACHINE:
                raise
            raise OperationError(
                f"{method} of memory backend '{self.name}' raised {type(error).__name__}: "
                f"{str(error)[:200]} ({place(error)})"
            ) from error


class Seen(Coarse):
    """One whose object shows its entries: Inspectable."""

    def entries(self) -> Sequence[MemoryEntry]:
        """Return the current version of every entry."""
        with self._lock:
            self._catch_up()
            return tuple(self._there.held.values())

    def _seen(self, session: Session) -> Outputs:
        return self._there.difference(self._items(), [m.id for m in session.messages])

    def _items(self) -> list[Item]:
        show = cast(PlainEntries, self.inner).entries
        return self._ask("entries", lambda: items(show(), "entries"))

    def _require_new(self, session: Session) -> None:
        if self._items():
            raise not_isolated(self.name)


class _Snapshots(Coarse):
    """One whose object can go back to a state: Snapshottable."""

    def snapshot(self) -> object:
        """Return the present state."""
        with self._lock:
            self._catch_up()
            kept = self._ask("snapshot", cast(PlainSnapshots, self.inner).snapshot)
            return _Snapshot(self.name, self._there.copy(), kept)

    def restore(self, snapshot: object) -> None:
        """Return to a state. Raises OperationError for one of another backend."""
        with self._lock:
            known = _own(self.name, snapshot)
            restore = cast(PlainSnapshots, self.inner).restore
            self._ask("restore", lambda: restore(known.kept))
            self._there, self._wanted = known.contents.copy(), known.contents.copy()
            self._behind = []


class Snapshots(_Snapshots):
    """One that can go back, and whose entries cannot be seen."""


class SeenSnapshots(Seen, _Snapshots):
    """One that shows its entries and can go back to a state."""


class Edited(Seen):
    """One that is nothing but its entries, which can be put and removed: it can be brought to
    any state. Inspectable and Snapshottable; the object is never made to add twice."""

    def snapshot(self) -> object:
        """Return the present state."""
        with self._lock:
            return _Snapshot(self.name, self._wanted.copy())

    def restore(self, snapshot: object) -> None:
        """Return to a state. Raises OperationError for one of another backend."""
        with self._lock:
            self._wanted = _own(self.name, snapshot).contents.copy()
            self._behind = []

    def _given(self) -> list[Variable]:
        return [entry.as_variable() for entry in self._wanted.held.values()]

    def _catch_up(self) -> None:
        self._behind = []
        if self._there.history == self._wanted.history:
            return
        edits = cast(PlainEdits, self.inner)
        there, wanted = self._there.held, self._wanted.held
        for id in [id for id in there if id not in wanted]:
            self._ask("remove", lambda id=id: edits.remove(id))  # type: ignore[misc]
        for id, entry in wanted.items():
            if there.get(id) != entry:
                self._ask("put", lambda entry=entry: edits.put(_plain(entry)))  # type: ignore[misc]
        self._there = self._wanted.copy()


@dataclass(frozen=True)
class _Snapshot:
    """A state: what memory held, and what the object gave to go back to it."""

    backend: str
    contents: Contents
    kept: Any = None


def _own(name: str, snapshot: object) -> _Snapshot:
    if not isinstance(snapshot, _Snapshot) or snapshot.backend != name:
        raise OperationError(f"memory backend '{name}' can only restore a snapshot of its own")
    return snapshot


def _plain(entry: MemoryEntry) -> dict[str, Any]:
    return {
        "id": entry.id, "text": entry.text, "speaker": entry.speaker, "date": entry.date,
        "sources": list(entry.sources),
    }  # fmt: skip


def told(outputs: Outputs) -> str:
    """Return a text that is equal for outputs that say and do the same, in the same order."""
    return "".join(v.hash for variables in outputs.values() for v in variables)


def coarse(inner: Plain, name: str, fingerprint: str) -> Coarse:
    """Return the backend over a plain memory, with the capabilities that it offers."""
    seen = isinstance(inner, PlainEntries)
    if seen and isinstance(inner, PlainEdits):
        return Edited(inner, name, fingerprint)
    if isinstance(inner, PlainSnapshots):
        return (SeenSnapshots if seen else Snapshots)(inner, name, fingerprint)
    return (Seen if seen else Coarse)(inner, name, fingerprint)
