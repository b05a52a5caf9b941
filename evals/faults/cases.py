"""A failure with a known cause: what an attribution method is given, and the truth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from traces.domain import OperationKind
from traces.graph import EvolutionGraph
from traces.protocols import Ask, Judge
from traces.replay import OpenReplay
from traces.results import Failure

Group = Literal["single", "pair", "harmless", "wrong_gold", "judge_flip"]


@dataclass(frozen=True, slots=True)
class PlantedFault:
    """One fault: at which operation of the planted pass, and what it did there.

    `harmless` faults changed an output without changing the answer.
    """

    operation: str
    kind: OperationKind
    error_type: str
    sub_type: str
    harmless: bool = False

    @property
    def cell(self) -> str:
        """The name of the cell of the matrix (`evals.faults.matrix.Cell.name`)."""
        return f"{self.kind}/{self.error_type}/{self.sub_type}"


@dataclass(frozen=True)
class FaultCase:
    """A wrong answer with a known cause.

    `failure`, `graph` (the pass with the faults in it), `open` (replays of it, in which the
    faults stay active), `judge` and `ask` (the judge's model; both over a ledger of the case's
    own) are all that a method is given; `known_calls` are the ledger keys of the planted
    pass, which an attribution does not pay for.
    `truths` are the smallest sets of operations whose un-planting restores the answer; empty
    where the memory is not to blame (wrong gold, judge flip). `error_types` are those of the
    faults by operation id.
    """

    id: str
    group: Group
    failure: Failure
    graph: EvolutionGraph
    open: OpenReplay
    judge: Judge
    ask: Ask
    known_calls: frozenset[str]
    faults: tuple[PlantedFault, ...]
    truths: tuple[frozenset[str], ...]

    @property
    def real(self) -> tuple[PlantedFault, ...]:
        """The faults that are to blame: those in one of the truths."""
        blamed = frozenset().union(*self.truths) if self.truths else frozenset()
        return tuple(fault for fault in self.faults if fault.operation in blamed)
