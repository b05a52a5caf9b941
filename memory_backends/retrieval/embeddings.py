"""Embeddings in place of n-grams: what an embedder is, and exact search over it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Embedder(Protocol):
    """Turns texts into vectors. Deterministic; owns its budget, cache and retries.

    `name` identifies model and version: it becomes part of a backend's fingerprint.
    """

    name: str

    def embed(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return one vector a text, shape (len(texts), dimensions)."""


class Similarity(Protocol):
    """Compares a query with prepared texts; higher is nearer, 0 is unrelated."""

    def prepare(self, texts: Sequence[str]) -> None:
        """Take these texts as the documents."""

    def scores(self, query: str) -> NDArray[np.float64]:
        """Return one score (>= 0) a prepared text, in their order."""


class EmbeddingSimilarity:
    """Cosine between embeddings; negative cosines count as unrelated.

    Texts are embedded in one batch when they are first seen, and kept while held.
    """

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._vectors: dict[str, NDArray[np.float64]] = {}
        self._matrix: NDArray[np.float64] = np.zeros((0, 0))

    def prepare(self, texts: Sequence[str]) -> None:
        """Take these texts as the documents; only new ones are embedded."""
        new = [text for text in dict.fromkeys(texts) if text not in self._vectors]
        vectors = dict(self._vectors)
        if new:
            vectors.update(zip(new, _normalised(self._embedder.embed(new)), strict=True))
        self._vectors = {text: vectors[text] for text in texts}
        rows = [self._vectors[text] for text in texts]
        self._matrix = np.stack(rows) if rows else np.zeros((0, 0))

    def scores(self, query: str) -> NDArray[np.float64]:
        """Return the cosines (0..1), shape (number of prepared texts,)."""
        if not len(self._matrix):
            return np.zeros(0)
        vector = _normalised(self._embedder.embed([query]))[0]
        cosines: NDArray[np.float64] = np.maximum(self._matrix @ vector, 0.0)
        return cosines


def _normalised(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: NDArray[np.float64] = vectors / np.where(norms > 0, norms, 1.0)
    return unit
