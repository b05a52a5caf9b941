"""How many cases of which kind are wanted, and how many there are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from evals.faults.cases import Group


@dataclass(frozen=True)
class FaultPlan:
    """How many cases of each group, and where they are planted.

    `seed` fixes worlds and choices; worlds of `conversations` conversations each are made until
    there are enough cases. Singles are spread evenly over the cells of the matrix, pairs over
    the pairs of operation kinds. `evidence=False` leaves the evidence ids out of what a method
    sees. `config` is the backend's. Of the worlds, only every `parts`-th from the `part`-th on
    is used: plans that differ in `part` alone share none.
    """

    backend: str = "fact_store"
    seed: int = 0
    conversations: int = 4
    slip: float = 0.0
    singles: int = 0
    pairs: int = 0
    harmless: int = 0
    wrong_gold: int = 0
    judge_flips: int = 0
    evidence: bool = True
    config: Mapping[str, Any] = field(default_factory=dict)
    part: int = 0
    parts: int = 1

    def wanted(self) -> dict[Group, int]:
        """Return the number of cases by group."""
        return {
            "single": self.singles, "pair": self.pairs, "harmless": self.harmless,
            "wrong_gold": self.wrong_gold, "judge_flip": self.judge_flips,
        }  # fmt: skip


class Tally:
    """Counts cases by group and by share (a cell, a pair of kinds), and says what is wanted."""

    def __init__(self, plan: FaultPlan) -> None:
        self.groups: Counter[Group] = Counter()
        self._shares: Counter[tuple[str, ...]] = Counter()
        self._wanted = plan.wanted()

    def lacks(self, group: Group) -> bool:
        """Say whether a group wants more cases."""
        return self.groups[group] < self._wanted[group]

    @property
    def done(self) -> bool:
        """Whether no group wants more."""
        return not any(self.lacks(group) for group in self._wanted)

    def count(self, group: Group, *share: str) -> int:
        """Return how many cases of a group count for a share."""
        return self._shares[(group, *share)]

    def room(self, group: Group, shares: int, *share: str) -> bool:
        """Say whether this one of so many equal shares of a group wants more."""
        return self.lacks(group) and self.count(group, *share) < -(-self._wanted[group] // shares)

    def add(self, group: Group, *shares: tuple[str, ...]) -> None:
        """Count one case, under each of the shares."""
        self.groups[group] += 1
        for share in shares:
            self._shares[(group, *share)] += 1
