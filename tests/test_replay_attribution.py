"""Attribution by replay on planted failures: what it names, what it proves, what it costs."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from agent.models.gateway import metered, spent
from evals.faults.cases import FaultCase
from tests.faults_fixture import cases, of_group, right, unplanted
from traces.attribution.registry import Replaying, create
from traces.attribution.replay.method import ReplayAttribution
from traces.domain import Question
from traces.errors import BudgetExceeded
from traces.results import Attribution

MEMORY = ("ExtractionError", "UpdateError", "DeletionError", "RetrievalError", "ResponseError")


def attribute(case: FaultCase, judge: Any = None, **options: Any) -> Attribution:
    """Attribute a case as the loop would: its own judge and ledger, planted calls not counted."""
    method = ReplayAttribution(
        case.ask, Replaying(case.open, judge or case.judge, spent), **options
    )
    with metered(case.known_calls):
        return method(case.failure, case.graph)


@cache
def attributed(case_id: str) -> Attribution:
    """Return the attribution of one of the fixture's cases, made once."""
    return attribute(next(c for c in cases() if c.id == case_id))


def certified(group: str) -> list[tuple[FaultCase, Attribution]]:
    """Return the cases of a group whose attribution a replay confirmed."""
    found = [(case, attributed(case.id)) for case in of_group(group)]
    return [
        (case, a) for case, a in found
        if a.verdict == "certified" and a.certificate is not None
        and a.certificate["kind"] == "replay"
    ]  # fmt: skip


def test_single_faults_are_named() -> None:
    """Of failures with one fault nearly all are attributed to the operation that has it."""
    found = [frozenset(attributed(c.id).operations) in c.truths for c in of_group("single")]
    assert sum(found) >= 0.9 * len(found)


def test_both_faults_of_a_pair_are_found_one_after_the_other() -> None:
    """A second fault is found on the graph in which the first is repaired."""
    pairs = [c for c in of_group("pair") if all(len(t) == 2 for t in c.truths)]
    found = [frozenset(attributed(c.id).operations) in c.truths for c in pairs]
    assert pairs
    assert sum(found) >= 0.7 * len(found)


def test_a_certificate_says_what_was_repaired_and_what_became_of_the_answer() -> None:
    """A certified attribution quotes the repair before and after, both answers, a control
    that repeats the wrong answer, and a placebo that leaves it wrong."""
    found = certified("single")
    assert found
    for case, attribution in found:
        proof = attribution.certificate
        assert proof is not None
        assert [r["operation"] for r in proof["repairs"]] == list(attribution.operations)
        assert all(r["before"] != r["after"] for r in proof["repairs"])
        assert proof["answer_before"] != proof["answer_after"]
        assert case.judge(case.failure.question, proof["answer_after"])[0]
        assert proof["control"] == {"draws": 1, "right": 0, "same_answer": True}
        assert proof["placebo"] is None or proof["placebo"]["right"] is False
        assert proof["replays"] >= 2
    assert any(a.certificate["placebo"] for _, a in found if a.certificate)


def test_the_certified_operation_is_one_whose_fault_matters() -> None:
    """Taking away the fault at the certified operation mends the answer as the repair did."""
    named = [(c, a) for c, a in certified("single") if frozenset(a.operations) in c.truths]
    assert named
    for case, attribution in named[:6]:
        assert right(case, unplanted(attribution.operations))


@pytest.mark.parametrize(
    ("group", "error_type"), [("judge_flip", "JudgeError"), ("wrong_gold", "AnnotationError")]
)
def test_a_wrong_label_is_no_fault_of_the_memory(group: str, error_type: str) -> None:
    """A flipped verdict and a wrong gold answer are told apart from faults of the memory."""
    for case in of_group(group):
        attribution = attributed(case.id)
        assert attribution.error_type == error_type
        assert attribution.operations == ()


def test_a_harmless_fault_is_not_blamed() -> None:
    """Of a harmful fault and a harmless one beside it only the harmful one is named."""
    for case in of_group("harmless"):
        harmless = {fault.operation for fault in case.faults if fault.harmless}
        assert harmless.isdisjoint(attributed(case.id).operations)


@pytest.mark.parametrize("most", [0, 2, 5])
def test_the_cap_on_calls_is_kept_and_said(most: int) -> None:
    """No failure costs more calls than its cap and what one more replay asks; where the cap
    ended the search, the reason says so."""
    for case in of_group("single")[:8]:
        attribution = attribute(case, most_calls=most)
        assert attribution.calls <= most + 4
        if attribution.verdict == "suspected" and attribution.calls >= most:
            assert attribution.reason


def test_costs_are_those_of_the_ledger() -> None:
    """Calls and tokens of an attribution are what was asked beyond the failing pass itself."""
    for case in of_group("single")[:5]:
        fresh = ReplayAttribution(case.ask, Replaying(case.open, case.judge, spent))
        with metered(case.known_calls) as meter:
            attribution = fresh(case.failure, case.graph)
        assert (attribution.calls, attribution.tokens) == (meter.calls, meter.tokens)


def test_the_same_failure_is_attributed_the_same_way_again() -> None:
    """Attributing a failure twice gives the same record, calls included: a resumed run
    decides like one that was not broken off."""
    for case in of_group("single")[:4] + of_group("pair")[:2]:
        assert attribute(case).to_json() == attribute(case).to_json()


def test_one_strange_case_does_not_end_the_night() -> None:
    """What breaks inside is that case's abstention, with the error in its reason."""

    def broken(question: Question, prediction: str, sample_index: int = 0) -> tuple[bool, str]:
        raise ValueError("out of paper")

    attribution = attribute(of_group("single")[0], judge=broken)
    assert attribution.verdict == "abstained"
    assert "out of paper" in attribution.reason


def test_a_spent_budget_is_not_swallowed() -> None:
    """A budget that is spent ends the attribution with its own error."""

    def spent_up(question: Question, prediction: str, sample_index: int = 0) -> tuple[bool, str]:
        raise BudgetExceeded("no call left")

    with pytest.raises(BudgetExceeded):
        [attribute(case, judge=spent_up) for case in of_group("single")]


def test_an_attribution_names_a_slot_only_with_its_operation() -> None:
    """The slot of an attribution is that of its first operation; wrong labels have none."""
    for case in cases():
        attribution = attributed(case.id)
        if attribution.operations and attribution.operations[0] in case.graph.operations:
            operation = case.graph.operations[attribution.operations[0]]
            assert (attribution.slot, attribution.kind) == (operation.slot, operation.kind)
        if not attribution.operations:
            assert attribution.slot is None
        assert attribution.error_type is None or attribution.error_type in (
            *MEMORY, "JudgeError", "AnnotationError", "ProviderError",
        )  # fmt: skip


def test_without_a_judge_model_replay_is_refused() -> None:
    """Attribution by replay needs a judge and a memory that it can rebuild, and says so."""
    case = of_group("single")[0]
    with pytest.raises(Exception, match="judge"):
        create("replay", None, 0)
    with pytest.raises(Exception, match="rebuild"):
        create("replay", case.ask, 0)
