"""What an optimizer is given in a round, and what it hands back.

An optimizer owns nothing: `ask` and `evaluate` own ledger, budget, retry and cache.
BudgetExceeded, DeadlineExceeded, StopRequested and provider errors pass through it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from traces.domain import Conversation, PromptSet, PromptSlot
from traces.protocols import Ask, Evaluate
from traces.results import ErrorSignal


@dataclass(frozen=True)
class Assignment:
    """One round's work.

    `working` is the prompt set to be edited (the challenger, or the incumbent itself),
    `slots` the tunable ones. `signals` are of `working`'s failures on `episodes`, which are
    training conversations only. `ask` is in the reflection role; `evaluate` is incremental
    and cached. `memory` is what the last round's proposal returned ({} at first).
    """

    round: int
    working: PromptSet
    incumbent: PromptSet
    slots: tuple[PromptSlot, ...]
    signals: tuple[ErrorSignal, ...]
    episodes: tuple[Conversation, ...]
    ask: Ask
    evaluate: Evaluate
    memory: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0


@dataclass(frozen=True)
class Proposal:
    """What a round found; every field but `candidate` is JSON-native.

    `candidate` is None when nothing better than `working` was found; else a child of
    `working` that holds `edits`. `race` has a record for every candidate that was
    considered: hash, edits, score, progress, kept, and why or why not. `memory` is the
    next round's. `reason` is one line for people.
    """

    candidate: PromptSet | None
    edits: tuple[dict[str, Any], ...]
    race: tuple[dict[str, Any], ...]
    memory: dict[str, Any]
    reason: str


class Optimizer(Protocol):
    """Proposes a candidate from training data.

    `propose` is a pure function of the assignment, so that a crashed round, repeated,
    finds the same decision: no clock, no random state of a module, no `hash()`.
    """

    name: str

    def propose(self, assignment: Assignment) -> Proposal:
        """Return the round's proposal; raises what `ask` and `evaluate` raise."""
        ...
