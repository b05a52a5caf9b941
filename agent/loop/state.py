"""What the loop's checkpoints hold: handles and counters, never contents."""

from __future__ import annotations

from typing import TypedDict


class LoopState(TypedDict, total=False):
    """Prompt sets by hash.

    round: 1-based number of the round under way. incumbent: in force. working: the
    challenger that collects edits, or the incumbent. candidate: what the optimizer last
    proposed ("" for nothing). gated: hash pair of the last gate, so that the same
    comparison is not tested twice. idle: rounds in a row without a promotion or a new
    challenger. stop: why the loop ends ("" while it goes on).
    """

    round: int
    incumbent: str
    working: str
    candidate: str
    gated: list[str]
    idle: int
    stop: str
