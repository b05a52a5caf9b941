"""Small sets of planted cases, made once a test session, and how one is un-planted."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from agent.fault_cases import FaultPlan, make_cases
from agent.fault_side import PlantedReplays
from evals.faults.cases import FaultCase
from traces.operation import Intervention

SEED = 414


@cache
def cases(backend: str = "fact_store", **changes: float) -> tuple[FaultCase, ...]:
    """Return the cases of a small plan: a few of each group unless told otherwise."""
    plan = {"singles": 23, "pairs": 16, "harmless": 5, "wrong_gold": 4, "judge_flips": 4}
    return tuple(make_cases(FaultPlan(backend, SEED, **{**plan, **changes})))  # type: ignore[arg-type]


def of_group(group: str, backend: str = "fact_store") -> list[FaultCase]:
    """Return the cases of one group."""
    return [case for case in cases(backend) if case.group == group]


def side(case: FaultCase) -> PlantedReplays:
    """Return what a case's replays are made of."""
    assert isinstance(case.open, PlantedReplays)
    return case.open


def unplanted(operations: Iterable[str]) -> list[Intervention]:
    """Return what takes the faults at these operations away: each puts out what it would of
    itself, given what it is given then."""
    return [Intervention(id, lambda _, real: real(), repair=True) for id in operations]


def right(case: FaultCase, interventions: Iterable[Intervention]) -> bool:
    """Say whether a replay with these interventions answers rightly."""
    found = case.open(case.failure, case.graph)(list(interventions))
    assert found.error is None
    assert found.prediction is not None
    return case.judge(case.failure.question, found.prediction)[0]
