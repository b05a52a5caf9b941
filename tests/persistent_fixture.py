"""Embedders, entries and a plain index for the tests of memory on disk."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evals.simulation.request import Request
from memory_backends.persistent import PersistentMemory
from memory_backends.retrieval.embeddings import Embedder
from memory_backends.retrieval.index import HybridIndex
from memory_backends.state import Snapshot
from tests.backend_fixture import DAY, one_fact_a_message, session
from tests.test_backends_registry import Letters
from traces.schema import MemoryEntry


class Hashed:
    """Unrelated texts, unrelated vectors: normal numbers seeded by the text."""

    def __init__(self, dimensions: int = 24, name: str = "hashed-1") -> None:
        self.name = name
        self.dimensions = dimensions
        self.batches: list[int] = []

    def embed(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return shape (len(texts), dimensions)."""
        self.batches.append(len(texts))
        return np.array([self._vector(text) for text in texts])

    def _vector(self, text: str) -> NDArray[np.float64]:
        seed = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        return np.random.default_rng(int.from_bytes(seed, "big")).normal(size=self.dimensions)


class Clusters(Hashed):
    """Hard cases: equal vectors, almost equal ones, opposites, zeros, huge and tiny ones."""

    def __init__(self) -> None:
        super().__init__(3, "clusters-1")

    def _vector(self, text: str) -> NDArray[np.float64]:
        base = np.array([1.0, 2.0, 3.0])
        return [
            base,
            -base,
            np.zeros(3),
            base * 1e200,
            base * 1e-200,
            base + 1e-8 * super()._vector(text),
            super()._vector(text),
        ][len(text) % 7]


EMBEDDERS: Mapping[str, Embedder | None] = {
    "none": None,
    "letters": Letters(),
    "hashed": Hashed(),
    "clusters": Clusters(),
}


def entry(id: str, text: str, version: int = 1, variable: str | None = None) -> MemoryEntry:
    """Return an entry; with `variable` it has passed through an operation of that id."""
    made = MemoryEntry(id, text, "Rosa", "2024-05-12", (f"{id}:1",), version)
    if variable is None:
        return made
    return MemoryEntry.from_variable(made.as_variable().placed(variable))


def state(*entries: MemoryEntry, name: str = "fact_store") -> Snapshot:
    """Return the state in which these entries arrived in this order."""
    return Snapshot(name, tuple((one, one.text) for one in entries))


def write(memory: PersistentMemory, user: str, *entries: MemoryEntry) -> None:
    """Make these the user's entries, on disk."""
    memory.user(user).restore(state(*entries, name=memory.name))
    memory.commit(user)


def texts_of(memory: PersistentMemory, user: str) -> list[str]:
    """Return the texts of the user's entries."""
    return [one.text for one in memory.user(user).entries()]


def plain_index(texts: Mapping[str, str], embedder: Embedder | None, weight: float) -> HybridIndex:
    """Return an in-memory index over texts, by id."""
    index = HybridIndex(embedder, weight)
    for id, text in texts.items():
        index.put(id, text)
    return index


def files_of(directory: Path) -> dict[str, bytes]:
    """Return all files below a directory."""
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }


def moving(request: Request) -> Mapping[str, Any]:
    """Extract every message; a fact of 'now' changes the nearest entry, 'never' deletes it."""
    if "action" not in request.outputs:
        return one_fact_a_message(request)
    words = request.inputs["fact"].split()
    action = "change" if "now" in words else "delete" if "never" in words else "add"
    return {"action": action, "target": 1, "text": request.inputs["fact"], "reason": "said so"}


CHAT = (
    session("my home is Lisbon", "I adopted a cat", "my sister Ana plays chess"),
    session("my home is Porto now", "the cat is called Tom", id="s2", date=DAY.replace(month=6)),
    session("my sister never plays chess", id="s3", date=DAY.replace(month=7)),
)
