"""Character n-grams as plain vectors: an embedding function without any model.

For stores that keep vectors and compare them by cosine. A vector depends on its text alone,
so there is no idf; the words that every text has are left out instead.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from memory_backends.retrieval.ngrams import BUCKETS, features
from traces.text import content_words

DIMENSIONS = 512
_SHARED = BUCKETS // DIMENSIONS
# Weights are whole numbers, so that sums of products are exact (below 2**24, in single
# precision too) and a cosine does not depend on the order in which a store adds up.
_UNIT = 8


def ngram_vectors(texts: Sequence[str]) -> NDArray[np.float32]:
    """Return one vector a text, shape (len(texts), DIMENSIONS): all components are whole; zero
    for a text without words."""
    vectors = np.zeros((len(texts), DIMENSIONS), dtype=np.float32)
    for row, text in zip(vectors, texts, strict=True):
        buckets, weights = features(" ".join(content_words(text)))
        # Half of the n-grams that share a component count against it: unrelated texts then have
        # cosines around 0 (Weinberger et al. 2009, feature hashing).
        signs = 1 - 2 * (buckets & 1)
        np.add.at(row, buckets // _SHARED, signs * np.rint(weights * _UNIT))
    return vectors
