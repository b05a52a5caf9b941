"""Canonical JSON and content hashes.

Hashes are blake2b over canonical JSON (sorted keys, no spaces), never Python's
`hash`, which differs between processes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any

import orjson

_OPTIONS = (
    orjson.OPT_SORT_KEYS
    | orjson.OPT_PASSTHROUGH_DATACLASS
    | orjson.OPT_PASSTHROUGH_DATETIME
    | orjson.OPT_PASSTHROUGH_SUBCLASS
)
_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode


def canonical_json(value: Any) -> str:
    """Return the one JSON text of a JSON-native value.

    What orjson refuses (lone surrogates, integers beyond 64 bits) is written by the
    standard library with ASCII escapes, so it survives storage unchanged; which of the
    two writes a value depends on the value alone. Raises TypeError when the value is not
    JSON-native; NaN and infinities become null.
    """
    try:
        return orjson.dumps(value, option=_OPTIONS).decode()
    except TypeError:
        return _encode(value)


def text_hash(text: str, size: int = 16) -> str:
    """Return the hex blake2b digest of `text`; `size` is in bytes."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=size).hexdigest()


def sequence_hash(values: Iterable[Any]) -> str:
    """Return `content_hash(list(values))` without holding all of their text at once.

    The two differ only where a value holds what orjson refuses.
    """
    digest = hashlib.blake2b(b"[", digest_size=16)
    for place, value in enumerate(values):
        text = canonical_json(value)
        digest.update((f",{text}" if place else text).encode("utf-8", "surrogatepass"))
    digest.update(b"]")
    return digest.hexdigest()


def content_hash(value: Any) -> str:
    """Return the content hash (32 hex digits) of a JSON-native value."""
    return text_hash(canonical_json(value))
