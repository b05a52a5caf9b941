"""Planted cases: the faults are active, the truth restores the answer, nothing leaks."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.models.gateway import metered
from evals.faults.cases import FaultCase
from tests.faults_fixture import cases, of_group, right, side, unplanted
from traces.operation import Draw
from traces.replay import recorded_outputs


def _put_out(case: FaultCase, operation: str) -> object:
    found = recorded_outputs(case.graph, operation)
    return {role: [v.json for v in vs] for role, vs in found.items() if vs}


def _of_itself(case: FaultCase, operation: str) -> object:
    found = recorded_outputs(side(case).real, operation)
    return {role: [v.json for v in vs] for role, vs in found.items() if vs}


def test_a_planted_fault_changes_what_its_operation_puts_out() -> None:
    """A single fault is in force in the recorded pass, at an operation of that pass."""
    for case in of_group("single"):
        (fault,) = case.faults
        assert case.graph.operations[fault.operation].kind == fault.kind
        assert _put_out(case, fault.operation) != _of_itself(case, fault.operation)


@pytest.mark.parametrize("group", ["single", "pair", "harmless", "wrong_gold", "judge_flip"])
def test_every_case_is_a_wrong_answer_that_its_replay_repeats(group: str) -> None:
    """A replay without repairs gives the recorded prediction, runs nothing anew, and the
    judge that the case hands out calls it wrong."""
    assert of_group(group)
    for case in of_group(group):
        found = case.open(case.failure, case.graph)([])
        assert (found.prediction, found.ran) == (case.failure.prediction, ())
        assert not case.judge(case.failure.question, case.failure.prediction)[0]


@pytest.mark.parametrize("group", ["single", "pair", "harmless"])
def test_taking_away_a_truth_restores_the_answer(group: str) -> None:
    """Each of the smallest sets restores the right answer when it is un-planted, and no
    smaller part of it does."""
    for case in of_group(group):
        assert case.truths
        for truth in case.truths:
            assert right(case, unplanted(truth))
            for kept in truth if len(truth) > 1 else ():
                assert not right(case, unplanted(truth - {kept}))


def test_a_harmless_fault_changes_an_output_and_explains_nothing() -> None:
    """Beside a real fault stands one that changes what an operation puts out; taking it away
    leaves the answer wrong."""
    for case in of_group("harmless"):
        (quiet,) = [f.operation for f in case.faults if f.harmless]
        assert _put_out(case, quiet) != _of_itself(case, quiet)
        assert not right(case, unplanted([quiet]))
        assert [f.operation for f in case.real] == [
            f.operation for f in case.faults if not f.harmless
        ]


def test_pairs_name_two_operations() -> None:
    """Both faults of a pair are to blame: together, or either way."""
    for case in of_group("pair"):
        one, other = (fault.operation for fault in case.faults)
        assert one != other
        assert frozenset().union(*case.truths) == {one, other}


def test_a_fault_stays_active_when_an_earlier_one_is_repaired() -> None:
    """Mending only the upstream fault of a pair changes what the other one is given, which
    still spoils it."""
    chained = [
        c for c in of_group("pair")
        if c.faults[0].kind == "extraction" and len(c.truths) == 1
        and c.faults[1].kind != "extraction"
    ]  # fmt: skip
    assert chained
    for case in chained:
        upstream, downstream = case.faults
        found = case.open(case.failure, case.graph)(unplanted([upstream.operation]))
        assert found.prediction is not None
        assert not case.judge(case.failure.question, found.prediction)[0]
        assert downstream.operation in found.graph.operations


def test_the_planted_pass_looks_like_any_other() -> None:
    """No operation of it is marked: each was executed, those that ask a model with their
    calls, and a replay tells no faulted operation from the others."""
    for case in cases():
        operations = case.graph.operations.values()
        assert {o.status for o in operations} == {"executed"}
        for operation in operations:
            asks = operation.kind in ("extraction", "retrieval", "response")
            assert not asks or operation.calls
        found = case.open(case.failure, case.graph)([])
        assert {o.status for o in found.recorder.operations} == {"reused"}
        sessions = {session.id for session in case.failure.conversation.sessions}
        taken_over = {o.id for o in operations if o.scope in sessions}
        assert found.recorder.fired == taken_over


def test_a_fault_survives_its_operation_being_run_anew() -> None:
    """Drawing every operation of the pass again at sample 0 gives the same wrong answer."""
    for case in of_group("single")[:8]:
        draw = Draw(0, frozenset(case.graph.operations))
        found = case.open(case.failure, case.graph)([], draw=draw)
        assert found.prediction == case.failure.prediction


def test_what_the_clean_pass_asked_is_not_in_the_ledger() -> None:
    """Un-planting costs the calls that the clean pass once made: the case's ledger holds those
    of the planted pass alone, and they are free."""
    for case in of_group("single"):
        (fault,) = case.faults
        with metered(case.known_calls) as meter:
            case.open(case.failure, case.graph)([])
        assert meter.calls == 0
        if fault.kind in ("extraction", "update"):
            with metered(case.known_calls) as meter:
                case.open(case.failure, case.graph)(unplanted([fault.operation]))
            assert meter.calls > 0


def test_known_calls_are_those_of_the_planted_operations() -> None:
    """The ledger keys that an attribution does not pay for are those of the recorded pass."""
    for case in cases():
        recorded = {key for o in case.graph.operations.values() for key in o.calls}
        assert case.known_calls == recorded


def test_a_method_sees_neither_gold_facts_nor_other_questions() -> None:
    """The failure's conversation has its one question and nothing of the world's key."""
    for case in cases():
        conversation = case.failure.conversation
        assert conversation.questions == (case.failure.question,)
        assert conversation.gold_facts == ()


def test_a_message_alone_is_extracted_without_the_fault() -> None:
    """The memory's own extraction, run on one message, is an operation of its own: an omission
    that was planted at the session's is not at work there."""
    lost = [c for c in of_group("single") if c.faults[0].cell.endswith("ExtractionError/omission")]
    assert lost
    for case in lost:
        replay = case.open(case.failure, case.graph)
        assert any(replay.extract_alone(m) for m in case.failure.question.evidence)


def test_a_wrong_label_leaves_the_memory_right() -> None:
    """The answer is right by the true label and wrong by the case's; nothing is to blame, and
    some have a harmless fault beside."""
    found = of_group("wrong_gold")
    assert {bool(case.faults) for case in found} == {True, False}
    for case in found:
        question = case.failure.question
        assert (case.truths, case.real) == ((), ())
        assert all(fault.harmless for fault in case.faults)
        said = replace(question, answer=case.failure.prediction)
        assert case.judge(said, case.failure.prediction)[0]
        told = " ".join(
            message.text for session in case.failure.conversation.sessions
            for message in session.messages if message.id in question.evidence
        )  # fmt: skip
        assert question.answer
        assert question.answer not in told


def test_a_flipped_verdict_errs_once() -> None:
    """The judge errs on the recorded prediction at sample 0, not at other samples and not on
    other predictions."""
    for case in of_group("judge_flip"):
        question, said = case.failure.question, case.failure.prediction
        assert case.truths == ()
        assert [case.judge(question, said, k)[0] for k in (0, 1, 2)] == [False, True, True]
        assert not case.judge(question, "something else entirely")[0]
        assert question.answer is not None
        assert case.judge(question, question.answer)[0]


def test_without_evidence_no_id_of_it_is_left() -> None:
    """`evidence=False` plants the same faults and takes the evidence ids from the question."""
    known = cases(singles=6, pairs=0, harmless=0, wrong_gold=1, judge_flips=1)
    without = cases(singles=6, pairs=0, harmless=0, wrong_gold=1, judge_flips=1, evidence=False)
    assert [c.id for c in known] == [c.id for c in without]
    assert any(c.failure.question.evidence for c in known)
    for case in without:
        assert case.failure.question.evidence == ()
        assert all(q.evidence == () for q in case.failure.conversation.questions)


def test_a_plan_always_makes_the_same_cases() -> None:
    """Cases depend on the plan alone."""
    cases.cache_clear()
    few = {"singles": 5, "pairs": 2, "harmless": 1, "wrong_gold": 1, "judge_flips": 1}
    first = [(c.id, c.failure.prediction, c.truths) for c in cases(**few)]
    cases.cache_clear()
    assert [(c.id, c.failure.prediction, c.truths) for c in cases(**few)] == first
