"""What replay attribution is meant to reach: each target holds, and each bites."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from evals.benchmarks.attribution import figures
from evals.benchmarks.attribution_metrics import Outcome
from evals.benchmarks.attribution_targets import Conditions, checks
from evals.benchmarks.loop import Check
from evals.faults.cases import FaultCase
from tests.fault_case_fixture import Names, changed, one_of_each, scored
from traces.protocols import Attribute

PLAIN = Conditions(slip=0.0, evidence=True, test_error=0.0)


def replayed(method: Attribute, made: FaultCase) -> Outcome:
    return scored(method, made, method="replay")


SINGLE, PAIR, HARMLESS, GOLD, FLIP = one_of_each()
HIT = Names(("update",), "UpdateError", 0.98)
GOOD = {
    "single": replayed(HIT, SINGLE),
    "pair": replayed(Names(("update", "retrieval"), "UpdateError", 0.98), PAIR),
    "harmless": replayed(HIT, HARMLESS),
    "wrong_gold": replayed(Names((), "AnnotationError", 0.98), GOLD),
    "judge_flip": replayed(Names((), "JudgeError", 0.98), FLIP),
}


def judged(
    outcomes: Mapping[str, Outcome],
    conditions: Conditions = PLAIN,
    other: Mapping[str, Outcome] | None = None,
) -> dict[str, Check]:
    found = {"replay": figures(list(outcomes.values()))}
    if other is not None:
        found["provenance"] = found["model_judged"] = figures(list(other.values()))
    return {check.name: check for check in checks(found, conditions)}


DEAR = {name: changed(one, tokens=5000) for name, one in GOOD.items()}


def test_a_method_that_reaches_everything_meets_every_target() -> None:
    """Nine of the table, and cheaper than asking a model."""
    found = judged(GOOD, other=DEAR)
    assert len(found) == 10
    assert all(check.holds for check in found.values())


@pytest.mark.parametrize(
    ("group", "bad", "name"),
    [
        ("single", replayed(Names(("retrieval",), "UpdateError"), SINGLE),
         "operation accuracy, single"),
        ("single", replayed(Names(("update",), "RetrievalError"), SINGLE),
         "error type accuracy, single"),
        ("pair", replayed(HIT, PAIR), "pairs: set F1"),
        ("wrong_gold", replayed(Names(("update",)), GOLD), "blame for a wrong label or flip"),
        ("judge_flip", replayed(Names(("retrieval",)), FLIP), "blame for a wrong label or flip"),
        ("harmless", replayed(Names(("retrieval",), "RetrievalError"), HARMLESS),
         "blame of a harmless fault"),
        ("single", replayed(Names(("retrieval",), "UpdateError", 0.98), SINGLE),
         "Brier score of confidence"),
        ("single", changed(GOOD["single"], calls=25), "calls, 95th percentile"),
    ],
)  # fmt: skip
def test_each_target_bites(group: str, bad: Outcome, name: str) -> None:
    """A method that errs in one thing misses that target."""
    assert not judged({**GOOD, group: bad})[name].holds


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"calls": 9}, "calls, median"),
        ({"tokens": 20_001}, "tokens, median"),
        ({"tokens": 5_000}, "mean tokens, model judged"),
        ({"confidence": None}, "Brier score of confidence"),
    ],
)
def test_cost_and_confidence_bite(changes: Mapping[str, Any], name: str) -> None:
    """Dearer than allowed, as dear as asking a model, or without any confidence."""
    bad = {group: changed(one, **changes) for group, one in GOOD.items()}
    assert not judged(bad, other=DEAR)[name].holds


def test_always_naming_the_harmless_operation_is_blame_1() -> None:
    """The planted violation of the measure itself."""
    found = figures([replayed(Names(("retrieval",)), HARMLESS)] * 3)
    assert found["blame_on_harmless"].value == 1
    assert found["harmless_operation_accuracy"].value == 0


def test_targets_follow_the_conditions() -> None:
    """The slip rate chooses the column; without evidence ids and with wrong tests other rows
    are asked; for other conditions there are none."""
    at_slip = judged(GOOD, Conditions(0.05, True, 0.0))
    assert at_slip["operation accuracy, single"].asked == ">= 0.92"
    assert at_slip["error type accuracy, single"].asked == ">= 0.94"
    bare = judged(GOOD, Conditions(0.0, False, 0.0))
    assert {name: check.asked for name, check in bare.items()} == {
        "operation accuracy, no evidence": ">= 0.93"
    }
    spoilt = judged(GOOD, Conditions(0.0, True, 0.2), other=GOOD)
    assert spoilt["operation accuracy, wrong tests"].asked == ">= 0.9"
    assert not spoilt["the same, above provenance"].holds
    worse = {**GOOD, "single": replayed(Names(("retrieval",)), SINGLE)}
    assert judged(GOOD, Conditions(0.0, True, 0.2), worse)["the same, above provenance"].holds
    assert judged(GOOD, Conditions(0.06, True, 0.0)) == {}
    assert judged(GOOD, Conditions(0.0, True, 0.3)) == {}
    assert checks({"provenance": figures([GOOD["single"]])}, PLAIN) == []
