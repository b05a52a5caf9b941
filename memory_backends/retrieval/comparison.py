"""Comparing a query with texts when an exact score may cost something.

Who keeps vectors elsewhere knows bounds at first and pays for exact scores one by one;
who has everything at hand knows the scores at once (`Known`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from memory_backends.retrieval.embeddings import Similarity


class Comparison(Protocol):
    """One query beside the prepared texts; both arrays have shape (number of texts,).

    A text's score is at least `least` and at most `greatest` (all >= 0).
    """

    @property
    def least(self) -> NDArray[np.float64]: ...

    @property
    def greatest(self) -> NDArray[np.float64]: ...

    def settle(self, rows: NDArray[np.intp]) -> None:
        """Make both bounds of the texts in these rows their exact score."""


class Comparing(Protocol):
    """Compares queries with prepared texts."""

    def prepare(self, texts: Mapping[str, str]) -> None:
        """Take these texts, by id, as the documents; their order is that of the rows."""

    def compare(self, query: str) -> Comparison:
        """Return the query's comparison with every prepared text."""


@runtime_checkable
class KeepsVectors(Protocol):
    """An embedder that keeps the vectors of texts where they need not be held here."""

    def comparing(self) -> Comparing:
        """Return the comparison with texts whose vectors it keeps."""


@dataclass(frozen=True, slots=True)
class KnownScores:
    """Scores that are all exact."""

    least: NDArray[np.float64]
    greatest: NDArray[np.float64]

    def settle(self, rows: NDArray[np.intp]) -> None:
        """There is nothing left to find out."""


class Known:
    """A similarity that gives every score at once, as a Comparing."""

    def __init__(self, similarity: Similarity) -> None:
        self._similarity = similarity

    def prepare(self, texts: Mapping[str, str]) -> None:
        """Take these texts as the documents."""
        self._similarity.prepare(list(texts.values()))

    def compare(self, query: str) -> Comparison:
        """Return the exact scores as bounds."""
        scores = self._similarity.scores(query)
        return KnownScores(scores, scores)
