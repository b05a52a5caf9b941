"""The entries that are alive in a memory, and the index over them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Protocol

from memory_backends.retrieval.index import HybridIndex
from traces.errors import OperationError
from traces.hashing import text_hash
from traces.schema import MemoryEntry, Variable, VariableKind


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A state: (entry, text that it is found by) in the order of arrival.

    `beside` is what a backend keeps beside its entries, in a text of its own; '' is nothing.
    """

    backend: str
    items: tuple[tuple[MemoryEntry, str], ...]
    beside: str = ""


class Searching(Protocol):
    """Finds entries by text. Results depend on the entries held, not on their order."""

    def search(
        self, queries: Sequence[str], k: int, accept: Callable[[str], bool] | None = None
    ) -> list[tuple[str, float]]:
        """Return at most k (id, score) of accepted entries, best first; without queries none."""

    def near(self, text: str, k: int, at_least: float) -> list[tuple[str, float]]:
        """Return at most k (id, share) about what `text` is about, each at least so near."""


class MemoryState:
    """Alive entries by id, in order of arrival (a changed entry keeps its place).

    Entries are immutable, so a snapshot is a copy of references and a restore
    touches only what differs. `index` None means that nothing is searched.
    """

    def __init__(self, backend: str, index: HybridIndex | None = None) -> None:
        self._backend = backend
        self._index = index
        self._items: dict[str, tuple[MemoryEntry, str]] = {}
        self._variable: Variable | None = None

    @property
    def index(self) -> Searching:
        """The index over the entries. Raises OperationError where there is none."""
        if self._index is None:
            raise OperationError(f"memory backend '{self._backend}' has no index")
        return self._index

    def __len__(self) -> int:
        return len(self._items)

    def __contains__(self, entry_id: object) -> bool:
        return entry_id in self._items

    def __getitem__(self, entry_id: str) -> MemoryEntry:
        return self._items[entry_id][0]

    def entries(self) -> tuple[MemoryEntry, ...]:
        """Return the entries in order of arrival."""
        return tuple(entry for entry, _ in self._items.values())

    def put(self, entry: MemoryEntry, found_by: str) -> None:
        """Hold an entry version, in place of another of the same id."""
        self._items[entry.id] = entry, found_by
        if self._index is not None:
            self._index.put(entry.id, found_by)
        self._variable = None

    def remove(self, entry_id: str) -> None:
        """Drop an entry; one that is not held is no error."""
        if self._items.pop(entry_id, None) is not None:
            if self._index is not None:
                self._index.remove(entry_id)
            self._variable = None

    def apply(
        self,
        outputs: Mapping[str, Sequence[Variable]],
        found_by: Callable[[MemoryEntry], str] = attrgetter("text"),
    ) -> list[MemoryEntry]:
        """Do what an update operation put out; return the entries that it made.

        Entries are held, each found by the text that `found_by` gives; the targets
        of changes and deletions that got no new version are dropped.
        """
        made = [MemoryEntry.from_variable(v) for v in of_kind(outputs, "entry")]
        for entry in made:
            self.put(entry, found_by(entry))
        kept = {entry.id for entry in made}
        for change in of_kind(outputs, "change"):
            target = change.value["target"]
            if change.value["action"] in ("change", "delete") and target not in kept:
                self.remove(target)
        return made

    def variable(self) -> Variable:
        """Return the memory as a variable: hash of its entries and their number.

        Equal for equal entries, whatever the order in which they came.
        """
        if self._variable is None:
            digest = text_hash("".join(sorted(_hash(entry) for entry, _ in self._items.values())))
            value = {"hash": digest, "size": len(self._items)}
            self._variable = Variable("memory", value, f"memory/{digest}")
        return self._variable

    def snapshot(self) -> Snapshot:
        """Return the present state."""
        return Snapshot(self._backend, tuple(self._items.values()))

    def restore(self, snapshot: object) -> None:
        """Return to a state. Raises OperationError for one of another backend."""
        if not isinstance(snapshot, Snapshot) or snapshot.backend != self._backend:
            raise OperationError(
                f"memory backend '{self._backend}' can only restore a snapshot of its own"
            )
        wanted = {entry.id: (entry, found_by) for entry, found_by in snapshot.items}
        if self._index is not None:
            for entry_id in self._items.keys() - wanted.keys():
                self._index.remove(entry_id)
            for entry_id, (_, found_by) in wanted.items():
                self._index.put(entry_id, found_by)
        self._items = wanted
        self._variable = None


class InState:
    """What is the same for every backend whose whole memory is a MemoryState.

    Implements Inspectable and Snapshottable. Its snapshots are Snapshot values, which
    PersistentMemory can keep on disk.
    """

    _state: MemoryState

    def entries(self) -> Sequence[MemoryEntry]:
        """Return the current version of every entry that is alive, in order of arrival."""
        return self._state.entries()

    def snapshot(self) -> object:
        """Return the present state; unaffected by what follows."""
        return self._state.snapshot()

    def restore(self, snapshot: object) -> None:
        """Return to a state of a backend of this name. Raises OperationError for others."""
        self._state.restore(snapshot)


def of_kind(outputs: Mapping[str, Sequence[Variable]], kind: VariableKind) -> list[Variable]:
    """Return the outputs of one kind, whatever role they are in.

    A substituted output may use roles of its own.
    """
    return [v for variables in outputs.values() for v in variables if v.kind == kind]


def _hash(entry: MemoryEntry) -> str:
    return entry.variable.hash if entry.variable is not None else entry.as_variable().hash
