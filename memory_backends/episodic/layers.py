"""The layers of this memory: facts, and what is kept around them.

An entry's layer and what only its layer has are further fields of its variable; an entry
without them (a repair's) is a fact.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any, Literal

from memory_backends.retrieval.periods import period_of
from traces.schema import MemoryEntry, Variable

Layer = Literal["fact", "foresight", "episode", "scene"]
# The others only organise: they are not searched and never returned.
RETURNED = ("fact", "foresight")


def layered(entry: MemoryEntry, layer: Layer, **further: Any) -> Variable:
    """Return the variable of an entry of a layer, with the fields of that layer."""
    own = {} if layer in RETURNED else {"internal": True}
    return Variable("entry", {**entry.as_variable().value, "layer": layer, **own, **further})


def field(entry: MemoryEntry, name: str) -> Any:
    """Return a further field of an entry, or None."""
    return None if entry.variable is None else entry.variable.value.get(name)


def in_layer(entries: Iterable[MemoryEntry], layer: Layer) -> list[MemoryEntry]:
    """Return the entries of one layer, in their order."""
    return [entry for entry in entries if layer_of(entry) == layer]


def layer_of(entry: MemoryEntry) -> str:
    """Return the layer of an entry."""
    return field(entry, "layer") or "fact"


def messages_of(entry: MemoryEntry) -> frozenset[str]:
    """Return the ids of the messages that an entry rests on, or that it is made of."""
    return frozenset(field(entry, "messages") or entry.sources)


def holds_on(entry: MemoryEntry, day: date) -> bool:
    """Say whether a day is in an entry's validity interval; open ends hold for ever."""
    first, last = (period_of(field(entry, name) or "") for name in ("holds_from", "holds_until"))
    return (first is None or first[0] <= day) and (last is None or day <= last[1])
