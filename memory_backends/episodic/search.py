"""Hybrid search over facts and foresights, and the scenes that its hits open."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date

from memory_backends.episodic.layers import (
    RETURNED,
    holds_on,
    in_layer,
    layer_of,
    messages_of,
)
from memory_backends.episodic.options import EpisodicOptions
from memory_backends.fact_store.wanted import Wanted
from memory_backends.state import MemoryState
from traces.schema import MemoryEntry

Accept = Callable[[str], bool]


def accepting(state: MemoryState, wanted: Wanted, day: date) -> Accept:
    """Return the test for ids of entries that may be returned on a day."""

    fits = wanted.accepting(state)

    def accept(entry_id: str) -> bool:
        entry = state[entry_id]
        returned = layer_of(entry) in RETURNED and holds_on(entry, day)
        return returned and (fits is None or fits(entry_id))

    return accept


def search(
    state: MemoryState, queries: Sequence[str], accept: Accept, options: EpisodicOptions
) -> list[MemoryEntry]:
    """Return at most `candidates` entries: the `top_k` hits, then what else is in the scenes
    of the hits, the scene of the best hit first, and in it what fits the queries best."""
    found = state.index.search(queries, len(state), accept)
    ranked = [state[entry_id] for entry_id, _ in found]
    hits = ranked[: options.top_k]
    chosen = {hit.id: hit for hit in hits}
    fits = {entry.id for entry in ranked}
    rest = ranked[options.top_k :]
    rest += [e for e in state.entries() if e.id not in fits and accept(e.id)]
    for scene in _opened(state, hits, options.scenes_opened):
        within = messages_of(scene)
        chosen.update({e.id: e for e in rest if within & messages_of(e)})
    return list(chosen.values())[: options.candidates]


def _opened(state: MemoryState, hits: Sequence[MemoryEntry], most: int) -> list[MemoryEntry]:
    scenes = in_layer(state.entries(), "scene")
    opened = [s for hit in hits for s in scenes if messages_of(s) & messages_of(hit)]
    return list({scene.id: scene for scene in opened}.values())[:most]
