"""Hashed character n-grams: a vector for a text without any model.

Catches what stems miss (compounds, misspellings, inflections). N-grams of 3 to 5
characters are taken inside words, with a space for each word's edge, hashed to
`BUCKETS` buckets, and weighted by (1 + ln count) * idf; texts are compared by cosine.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from traces.text import normalise

BUCKETS = 16_384
SIZES = (3, 4, 5)
# The vector needs no more of a very long text; its words are all in BM25.
LONGEST = 20_000

_PRIME = np.uint64(0x100000001B3)
_MIX = np.uint64(0x9E3779B97F4A7C15)
_SHIFT = np.uint64(64 - BUCKETS.bit_length() + 1)

Features = tuple[NDArray[np.int32], NDArray[np.float64]]


def _features(text: str) -> Features:
    codes = np.frombuffer(
        f" {normalise(text[:LONGEST])} ".encode("utf-32-le", "surrogatepass"), dtype=np.uint32
    ).astype(np.uint64)
    space = np.uint64(32)
    buckets: list[NDArray[np.int32]] = []
    for size in SIZES:
        count = len(codes) - size + 1
        if count <= 0:
            continue
        value = np.full(count, size, dtype=np.uint64)
        inside = np.ones(count, dtype=bool)
        for offset in range(size):
            piece = codes[offset : offset + count]
            value = (value ^ piece) * _PRIME
            if 0 < offset < size - 1:
                inside &= piece != space
        # Fibonacci hashing: the top bits depend on every character.
        buckets.append((value[inside] * _MIX >> _SHIFT).astype(np.int32))
    if not buckets:
        return np.zeros(0, dtype=np.int32), np.zeros(0)
    found, counts = np.unique(np.concatenate(buckets), return_counts=True)
    return found.astype(np.int32), 1.0 + np.log(counts)


_cached = lru_cache(maxsize=16_384)(_features)


def features(text: str) -> Features:
    """Return (buckets ascending, shape (n,); weights 1 + ln count, shape (n,))."""
    return _cached(text) if len(text) <= 2_000 else _features(text)


class NgramSimilarity:
    """Cosine of idf-weighted n-gram vectors between a query and prepared texts."""

    def __init__(self) -> None:
        self._size = 0
        self._buckets = np.zeros(0, dtype=np.int32)
        self._weights = np.zeros(0)
        self._rows = np.zeros(0, dtype=np.intp)
        self._norms = np.zeros(0)
        self._idf = np.zeros(BUCKETS)

    def prepare(self, texts: Sequence[str]) -> None:
        """Take these texts as the documents; the idf is theirs."""
        parts = [features(text) for text in texts]
        lengths = np.array([len(buckets) for buckets, _ in parts], dtype=np.intp)
        self._size = len(parts)
        self._rows = np.repeat(np.arange(len(parts)), lengths)
        empty: list[NDArray[np.int32]] = [np.zeros(0, dtype=np.int32)]
        self._buckets = np.concatenate(empty + [buckets for buckets, _ in parts])
        df = np.bincount(self._buckets, minlength=BUCKETS)
        self._idf = np.log((1.0 + self._size) / (1.0 + df)) + 1.0
        raw = np.concatenate([np.zeros(0), *(weights for _, weights in parts)])
        self._weights = raw * self._idf[self._buckets]
        norms = np.sqrt(np.bincount(self._rows, self._weights**2, minlength=self._size))
        self._norms = np.where(norms > 0, norms, 1.0)

    def scores(self, query: str) -> NDArray[np.float64]:
        """Return the cosines (0..1), shape (number of prepared texts,)."""
        buckets, weights = features(query)
        vector = np.zeros(BUCKETS)
        vector[buckets] = weights * self._idf[buckets]
        norm = float(np.sqrt((vector[buckets] ** 2).sum()))
        if norm == 0.0 or self._size == 0:
            return np.zeros(self._size)
        products = self._weights * vector[self._buckets]
        sums = np.bincount(self._rows, products, minlength=self._size)
        scores: NDArray[np.float64] = sums / (self._norms * norm)
        return scores
