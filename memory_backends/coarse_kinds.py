"""Plain memories by what they offer besides add and search: entries, edits, snapshots."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from memory_backends.coarse import Coarse
from memory_backends.contents import Contents
from memory_backends.isolation import not_isolated
from memory_backends.plain import Item, Plain, PlainEdits, PlainEntries, PlainSnapshots, items
from traces.domain import Session
from traces.errors import OperationError
from traces.schema import MemoryEntry, Outputs, Variable


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
        shown = self._items()
        if shown:
            raise not_isolated(self.name, [item.text for item in shown])


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


def coarse(inner: Plain, name: str, fingerprint: str) -> Coarse:
    """Return the backend over a plain memory, with the capabilities that it offers."""
    seen = isinstance(inner, PlainEntries)
    if seen and isinstance(inner, PlainEdits):
        return Edited(inner, name, fingerprint)
    if isinstance(inner, PlainSnapshots):
        return (SeenSnapshots if seen else Snapshots)(inner, name, fingerprint)
    return (Seen if seen else Coarse)(inner, name, fingerprint)
