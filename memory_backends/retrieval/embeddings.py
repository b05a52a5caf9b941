"""Embeddings in place of n-grams: what an embedder is, and exact search over it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from traces.errors import ProviderError

# Rows of vectors widened to double precision at a time.
_ROWS = 1024


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
        self._vectors: dict[str, NDArray[np.float32]] = {}
        self._matrix: NDArray[np.float32] = np.zeros((0, 0), dtype=np.float32)

    def prepare(self, texts: Sequence[str]) -> None:
        """Take these texts as the documents; only new ones are embedded."""
        new = [text for text in dict.fromkeys(texts) if text not in self._vectors]
        vectors = dict(self._vectors)
        if new:
            vectors.update(zip(new, text_vectors(self._embedder, new), strict=True))
        self._vectors = {text: vectors[text] for text in texts}
        rows = [self._vectors[text] for text in texts]
        self._matrix = np.stack(rows) if rows else np.zeros((0, 0), dtype=np.float32)

    def scores(self, query: str) -> NDArray[np.float64]:
        """Return the cosines (0..1), shape (number of prepared texts,)."""
        if not len(self._matrix):
            return np.zeros(0)
        return cosines(self._matrix, query_vector(self._embedder, query))


def text_vectors(embedder: Embedder, texts: Sequence[str]) -> NDArray[np.float32]:
    """Return unit vectors of texts (zero for a zero vector), shape (len(texts), dimensions).

    Single precision, as vector stores keep them, so that a text's score is the same
    wherever its vector lies. Raises ProviderError for what are no vectors.
    """
    return _normalised(embedder, texts).astype(np.float32)


def query_vector(embedder: Embedder, query: str) -> NDArray[np.float64]:
    """Return a query's unit vector, shape (dimensions,). Raises ProviderError."""
    vector: NDArray[np.float64] = _normalised(embedder, [query])[0]
    return vector


def cosines(vectors: NDArray[np.float32], query: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return max(0, vector . query) for each row of `vectors`, in double precision.

    A row's result depends on that row and the query alone, never on the rows beside it:
    a matrix product would round by the matrix's shape.
    """
    if len(vectors) and vectors.shape[1] != len(query):
        raise ProviderError(
            f"the embedding model gave vectors of {vectors.shape[1]} and of {len(query)} "
            "dimensions; use one model and size for a memory"
        )
    found = np.empty(len(vectors))
    for start in range(0, len(vectors), _ROWS):
        block = vectors[start : start + _ROWS].astype(np.float64)
        block *= query
        found[start : start + _ROWS] = block.sum(axis=1)
    return np.maximum(found, 0.0)


def _normalised(embedder: Embedder, texts: Sequence[str]) -> NDArray[np.float64]:
    vectors = np.asarray(embedder.embed(texts), dtype=np.float64)
    if vectors.ndim != 2 or len(vectors) != len(texts) or not np.isfinite(vectors).all():
        raise ProviderError(
            f"embedder '{embedder.name}' gave no finite vector for each of {len(texts)} texts "
            f"(shape {vectors.shape}); check the embedding model"
        )
    # Scaled first: the square of a large or tiny component need not be a number.
    largest = np.abs(vectors).max(axis=1, keepdims=True, initial=0.0)
    vectors = vectors / np.where(largest > 0, largest, 1.0)
    norms = np.sqrt((vectors * vectors).sum(axis=1, keepdims=True))
    unit: NDArray[np.float64] = vectors / np.where(norms > 0, norms, 1.0)
    return unit
