"""Any LangGraph BaseStore as a memory backend."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from memory_backends.fact_store.facts import FactOptions, Facts
from memory_backends.langgraph_store.source import IN_MEMORY, rests_on, source_of
from memory_backends.langgraph_store.space import Space
from memory_backends.langgraph_store.state import StoreState
from memory_backends.options import fingerprint, read_options
from memory_backends.retrieval.embeddings import Embedder
from traces.domain import Session
from traces.operation import OperationContext

# Part of the fingerprint: raise it with any change of behaviour.
VERSION = "1"


@dataclass(frozen=True, slots=True)
class LangGraphStoreOptions(FactOptions):
    """store: `memory` (an InMemoryStore of its own), `module:attr` of a BaseStore or of a
    function that returns one (or a context manager that gives one), or a `postgresql://`
    address without a password. An object is shared by all memories; a function is called for
    each. near_share is the least score of an entry that an update is shown, in the store's scale.
    """

    store: str = IN_MEMORY


class LangGraphStore(Facts):
    """Facts extracted and kept up to date by memtune, held and searched by a LangGraph store.

    Implements MemoryBackend, Inspectable, Snapshottable, Reachable and Closable. Each instance
    has a namespace of its own under `memtune`, which `close` empties; a process that is killed
    leaves its own behind. The store's own times are not used.
    """

    name: str = "langgraph_store"

    def __init__(
        self, config: Mapping[str, Any] | None = None, embedder: Embedder | None = None
    ) -> None:
        self.options = read_options(LangGraphStoreOptions, self.name, config)
        self._space = Space(source_of(self.options.store, embedder))
        self.fingerprint = fingerprint(
            self.name, VERSION, self.options, embedder, *rests_on(self.options.store)
        )
        self._state = StoreState(self.name, self._space, embedder)

    def ingest(self, session: Session, ctx: OperationContext) -> None:
        """Extract the session's facts and update the memory with each in turn."""
        # Nothing is paid for what cannot be kept.
        self.reach()
        super().ingest(session, ctx)

    def reach(self) -> None:
        """Open the store now, where it is not open yet."""
        self._space.open()

    def close(self) -> None:
        """Empty the namespace and close what was opened; a second call does nothing."""
        self._space.close()
