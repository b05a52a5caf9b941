"""What can be set of an episodic memory."""

from __future__ import annotations

from dataclasses import dataclass

from memory_backends.retrieval.index import WEIGHT


@dataclass(frozen=True, slots=True)
class EpisodicOptions:
    """window: most messages in which boundaries are looked for at once. uncut: a window of at
    most so many messages is one cell, unasked. message_chars: most characters of one text in
    a prompt. near: most entries shown to a profile step, each at least `near_share` (0..1) as
    close to the fact as the fact itself. scenes_shown: most scenes that a cell may choose
    from, each with an episode at least `scene_share` (0..1) as close as the cell's own.
    top_k: entries that are returned. candidates: most entries that a round of retrieval hands
    on. scenes_opened: most scenes that a search expands to. similarity_weight: of n-grams or
    embeddings beside BM25's 1."""

    window: int = 40
    uncut: int = 4
    message_chars: int = 6_000
    near: int = 5
    near_share: float = 0.15
    scenes_shown: int = 5
    scene_share: float = 0.1
    top_k: int = 10
    candidates: int = 20
    scenes_opened: int = 5
    similarity_weight: float = WEIGHT
