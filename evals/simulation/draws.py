"""Reproducible draws: the same in every process, a pure function of their keys."""

from __future__ import annotations

import random
from hashlib import blake2b


def digest(*keys: object) -> int:
    """Return 64 bits that depend on the keys alone (lone surrogates are allowed)."""
    text = "\x1f".join(str(key) for key in keys)
    return int.from_bytes(
        blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big"
    )


def uniform(*keys: object) -> float:
    """Return a number in [0, 1)."""
    return digest(*keys) / 2.0**64


def generator(*keys: object) -> random.Random:
    """Return a random generator that is seeded with the keys."""
    return random.Random(digest(*keys))
