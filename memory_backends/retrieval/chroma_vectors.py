"""Exact similarity to texts whose vectors lie in Chroma.

Chroma tells single-precision distances of all records that its graph finds; these bound
the exact cosines. Vectors are fetched only of texts that the bounds leave in doubt, and
their cosines computed in double precision, as in memory. A record that the graph did
not find is bounded by 1, so that it is fetched where that could matter: what is found
does not depend on how good the graph is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from memory_backends.retrieval.comparison import Comparing, Comparison
from memory_backends.retrieval.embeddings import Embedder, cosines, query_vector, text_vectors
from traces.errors import StoreError

_ROUNDING = 2.0**-24  # of single precision, relative


class Stored(Protocol):
    """Where a user's committed vectors lie."""

    def record_of(self, text_id: str, text: str) -> str | None:
        """Return the id of the record that holds this text's vector, or None."""

    def vectors_of(self, record_ids: Sequence[str]) -> NDArray[np.float32]:
        """Return the vectors of records, shape (len(record_ids), dimensions)."""

    def distances(self, vector: NDArray[np.float32]) -> Mapping[str, float]:
        """Return 1 - vector . record, by id, of all records that are found."""


class StoredVectors:
    """An embedder that keeps vectors of committed texts in `stored`, those of others here.

    Implements Embedder and KeepsVectors.
    """

    def __init__(self, embedder: Embedder, stored: Stored) -> None:
        self.name = embedder.name
        self._embedder = embedder
        self._stored = stored
        self._held: dict[str, NDArray[np.float32]] = {}

    def embed(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return one vector a text, as the embedder gives it."""
        return self._embedder.embed(texts)

    def comparing(self) -> Comparing:
        """Return the comparison with texts, committed ones and others."""
        return _StoredSimilarity(self, self._embedder, self._stored)

    def hold(self, texts: Sequence[str]) -> dict[str, NDArray[np.float32]]:
        """Return unit vectors by text, held from now on in place of those held before.

        Only texts that were not held are embedded, in one batch.
        """
        new = [text for text in dict.fromkeys(texts) if text not in self._held]
        found = dict(self._held)
        if new:
            found.update(zip(new, text_vectors(self._embedder, new), strict=True))
        self._held = {text: found[text] for text in texts}
        return self._held


class _StoredSimilarity:
    """Implements Comparing."""

    def __init__(self, vectors: StoredVectors, embedder: Embedder, stored: Stored) -> None:
        self._vectors = vectors
        self._embedder = embedder
        self._stored = stored
        self._records: list[str | None] = []
        self._held: dict[int, NDArray[np.float32]] = {}

    def prepare(self, texts: Mapping[str, str]) -> None:
        """Take these texts as the documents; those that are nowhere yet are embedded."""
        self._records = [self._stored.record_of(id, text) for id, text in texts.items()]
        lacking = {
            row: text
            for row, (text, record) in enumerate(zip(texts.values(), self._records, strict=True))
            if record is None
        }
        held = self._vectors.hold(list(lacking.values()))
        self._held = {row: held[text] for row, text in lacking.items()}

    def compare(self, query: str) -> Comparison:
        """Return bounds from Chroma's distances."""
        vector = query_vector(self._embedder, query)
        found = _StoredComparison(self._stored, self._records, vector)
        if self._held:
            rows = np.fromiter(self._held, dtype=np.intp, count=len(self._held))
            found.know(rows, cosines(np.stack(list(self._held.values())), vector))
        return found


class _StoredComparison:
    """Implements Comparison."""

    def __init__(
        self, stored: Stored, records: Sequence[str | None], query: NDArray[np.float64]
    ) -> None:
        self._stored = stored
        self._records = records
        self._query = query
        self._open = np.ones(len(records), dtype=bool)
        narrow = query.astype(np.float32)
        if not narrow.any():
            # A zero vector, of a text without content: nothing is near it.
            self.least = self.greatest = np.zeros(len(records))
            return
        near = _near(stored, records, narrow)
        # Any order of summation in single precision errs by at most n roundings (Higham,
        # Accuracy and Stability, 3.1) of unit vectors' product; then the query's own rounding.
        slack = (len(query) + 8) * 1.01 * _ROUNDING
        slack += 1.01 * float(np.sqrt(((query - narrow) ** 2).sum()))
        unfound = np.isnan(near)
        self.least = np.where(unfound, 0.0, np.maximum(near - slack, 0.0))
        self.greatest = np.where(unfound, 1.0, np.maximum(near, 0.0)) + slack

    def know(self, rows: NDArray[np.intp], scores: NDArray[np.float64]) -> None:
        """Take these scores as exact."""
        self.least[rows] = self.greatest[rows] = scores
        self._open[rows] = False

    def settle(self, rows: NDArray[np.intp]) -> None:
        """Fetch the vectors of these rows where they are not known yet."""
        rows = rows[self._open[rows]]
        if not len(rows):
            return
        ids = [id for id in (self._records[row] for row in rows.tolist()) if id is not None]
        scores = cosines(self._stored.vectors_of(ids), self._query)
        if ((scores < self.least[rows]) | (scores > self.greatest[rows])).any():
            raise StoreError(
                "Chroma's distances do not agree with its vectors: another process has changed "
                "the memory's directory; restart this one, and use a directory in one process"
            )
        self.know(rows, scores)


def _near(
    stored: Stored, records: Sequence[str | None], query: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Return approximate products by row; NaN where none was found."""
    found = stored.distances(query) if any(records) else {}
    nothing = float("nan")
    return 1.0 - np.array([found.get(id or "", nothing) for id in records])
