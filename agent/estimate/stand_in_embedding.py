"""Embeddings in a dry pass: hashed n-grams in the place of the model's vectors."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from typing import Any

import numpy as np

from agent.models.embeddings import ROLE as EMBEDDING
from agent.models.embeddings import EmbeddingModel, packed
from agent.models.providers import Messages
from agent.models.rate_limits import CHARACTERS_A_TOKEN
from memory_backends.retrieval.ngrams import features
from traces.ledger import Completion

__all__ = ["EMBEDDING", "StandInEmbedding"]

# Enough to find what is alike; a model's vectors would fill the temporary database.
DIMENSIONS = 256


class StandInEmbedding(EmbeddingModel):
    """Counts what would be embedded; nothing is sent."""

    def __init__(self) -> None:
        self._identity = {"provider": "stand-in", "model": "n-grams", "api_base": None}

    def complete(
        self,
        role: str,
        messages: Messages,
        sample_index: int,
        schema: Mapping[str, Any] | None = None,
    ) -> Completion:
        """Return the texts' vectors, and about the tokens that they have."""
        texts = [text for _, text in messages]
        tokens = ceil(sum(map(len, texts)) / CHARACTERS_A_TOKEN)
        vectors = np.zeros((len(texts), DIMENSIONS), dtype=np.float32)
        for row, text in enumerate(texts):
            buckets, weights = features(text)
            np.add.at(vectors[row], buckets % DIMENSIONS, weights)
        return Completion(packed(vectors), tokens, 0)
