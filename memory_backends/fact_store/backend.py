"""The fact store as a memory backend."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from memory_backends.fact_store.facts import FactOptions, Facts
from memory_backends.options import fingerprint, read_options
from memory_backends.retrieval.embeddings import Embedder
from memory_backends.retrieval.index import WEIGHT, HybridIndex
from memory_backends.state import MemoryState

# Part of the fingerprint: raise it with any change of behaviour.
VERSION = "1"


@dataclass(frozen=True, slots=True)
class FactStoreOptions(FactOptions):
    """similarity_weight: of n-grams or embeddings beside BM25's 1, in search."""

    similarity_weight: float = WEIGHT


class FactStore(Facts):
    """Facts extracted from messages, kept up to date one by one, found by hybrid search.

    Implements MemoryBackend, Inspectable and Snapshottable.
    """

    name: str = "fact_store"

    def __init__(
        self, config: Mapping[str, Any] | None = None, embedder: Embedder | None = None
    ) -> None:
        self.options = read_options(FactStoreOptions, self.name, config)
        self.fingerprint = fingerprint(self.name, VERSION, self.options, embedder)
        index = HybridIndex(embedder, self.options.similarity_weight)
        self._state = MemoryState(self.name, index)
