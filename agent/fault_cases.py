"""Failures with known causes for any backend, on synthetic conversations and the simulated
model: what the bench of attribution methods is measured on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing

from agent.fault_bed import CleanPass, make_world
from agent.fault_groups import Planter
from evals.faults.cases import FaultCase, Group
from evals.faults.plan import FaultPlan, Tally

__all__ = ["FaultPlan", "make_cases"]

# Worlds after which what still lacks cases is left so, and conversations in a row that gave
# none.
MOST_WORLDS = 24
BARREN = 8


def make_cases(
    plan: FaultPlan, on_progress: Callable[[Mapping[Group, int]], None] = lambda _: None
) -> Iterator[FaultCase]:
    """Yield the cases of a plan; the same plan yields the same cases, whatever the machine.

    Fewer than planned where the worlds have no more to give (a cell that nothing fills).
    `on_progress` is told the number of cases by group after each.
    """
    tally, barren = Tally(plan), 0
    for number in range(plan.part, MOST_WORLDS * plan.parts, plan.parts):
        world = make_world(
            plan.seed, number, plan.conversations, plan.backend, plan.config, plan.slip
        )
        for conversation in world.conversations:
            if tally.done or barren >= BARREN:
                return
            barren += 1
            with closing(CleanPass(world, conversation)) as clean:
                for case in Planter(clean, tally, f"{plan.seed}/{number}", plan.evidence).cases():
                    barren = 0
                    on_progress(dict(tally.groups))
                    yield case
