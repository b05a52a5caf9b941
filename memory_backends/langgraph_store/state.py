"""The entries of a memory that lies in a LangGraph store."""

from __future__ import annotations

from memory_backends.langgraph_store.search import StoreSearch
from memory_backends.langgraph_store.space import Space
from memory_backends.retrieval.embeddings import Embedder
from memory_backends.state import MemoryState, Searching
from traces.schema import MemoryEntry


class StoreState(MemoryState):
    """Alive entries, each of which is put into the store; what is found is what it finds.

    The entries are known here too, with their origin, for the memory's hash and snapshots.
    """

    def __init__(self, backend: str, space: Space, embedder: Embedder | None) -> None:
        super().__init__(backend)
        self._space = space
        self._search = StoreSearch(space, self, embedder)

    @property
    def index(self) -> Searching:
        """The store's search."""
        return self._search

    def put(self, entry: MemoryEntry, found_by: str) -> None:
        """Hold an entry version, in place of another of the same id."""
        self._space.write([entry])
        super().put(entry, found_by)

    def remove(self, entry_id: str) -> None:
        """Drop an entry; one that is not held is no error."""
        if entry_id in self:
            self._space.write([], [entry_id])
        super().remove(entry_id)

    def restore(self, snapshot: object) -> None:
        """Return to a state, here and in the store: only what differs is written.

        Raises OperationError for a snapshot of another backend.
        """
        before = {entry.id: entry for entry in self.entries()}
        super().restore(snapshot)
        after = {entry.id: entry for entry in self.entries()}
        changed = [entry for id, entry in after.items() if before.get(id) != entry]
        gone = [id for id in before if id not in after]
        if changed or gone:
            self._space.write(changed, gone)
