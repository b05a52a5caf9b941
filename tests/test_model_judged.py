"""`model_judged`: what a model is shown of the operations, and what is made of its reply."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.attribution_fixture import DATES, Pipeline
from tests.model_judged_fixture import RIGHT, SAID, Scripted, heads, pipeline
from traces.attribution.model_judged import ModelJudged
from traces.attribution.model_judged.reply import ErrorName, SubTypeName
from traces.attribution.record import abstention
from traces.errors import (
    BudgetExceeded,
    ContentError,
    DeadlineExceeded,
    MemtuneError,
    ProviderError,
    StopRequested,
)
from traces.graph import EvolutionGraph
from traces.results import Failure
from traces.store import Store


def test_the_whole_log_is_one_prompt(store: Store) -> None:
    """Question, gold answer, prediction, evidence and every operation, in order, with what each
    used and made, in words; the reply's operation is named, suspected and no more."""
    pipe = pipeline()
    graph = pipe.graph(store)
    ask = Scripted({**RIGHT, "operation": 5, "error_type": "UpdateError", "sub_type": "stale"})
    found = ModelJudged(ask)(pipe.failure(), graph)
    (asked,) = ask.asked
    assert asked["question"] == '"Which room is Rosa\'s desk in?"'
    assert (asked["gold_answer"], asked["prediction"]) == ('"room 214"', '"by the lift"')
    assert asked["evidence"] == '(2024-05-10, "Rosa"): "I moved my desk to room 214."'
    assert heads(asked["operations"]) == [
        '[1] extraction "extract"', '[2] update "update"', '[3] update "update"',
        '[4] extraction "extract"', '[5] update "update"', '[6] retrieval "retrieve"',
        '[7] response "respond"',
    ]  # fmt: skip
    fifth = asked["operations"].split("[5]")[1].split("[6]")[0]
    assert fifth.splitlines() == [
        ' update "update" on 2024-06-12',
        "  used fact: f3",
        "  used near: e1 version 1",
        '  made changes: change e1, because "because"',
        '  made entries: e1 version 2 (2024-06-12, "Tom"): "Rosa\'s desk is by the lift."',
    ]
    changed = [o for o in graph.operations.values() if o.kind == "update"][2]
    assert (found.method, found.verdict, found.confidence) == ("model_judged", "suspected", None)
    assert found.operations == (changed.id,)
    assert (found.kind, found.slot) == ("update", "update")
    assert (found.error_type, found.sub_type) == ("UpdateError", "stale")
    assert found.lost == "It was stored."
    assert found.certificate is None
    assert found.calls == 1


def test_a_value_is_quoted_once_unless_it_was_altered(store: Store) -> None:
    """A value's name stands for it after its first quotation; the same version in other words,
    date or speaker is quoted again."""
    pipe = pipeline()
    entry = next(iter(pipe.memory.values()))
    pipe.memory[entry.value["entry_id"]] = entry.__class__(
        "entry", {**entry.value, "date": "2020-01-01"}, entry.id
    )
    pipe.ask("Where is Rosa's desk?", "room 214", "none", id="q2",
             found=[entry.value["entry_id"]])  # fmt: skip
    ask = Scripted(RIGHT)
    graph = pipe.graph(store)
    for id in ("q1", "q2"):
        ModelJudged(ask)(pipe.failure(id), graph)
    plain, altered = (asked["operations"] for asked in ask.asked)
    assert "made entries: rank 1: e1 version 2\n" in plain
    assert 'made entries: rank 1: e1 version 2 (2020-01-01, "Tom"): "Rosa\'s desk' in altered
    assert plain.count("by the lift.") == 1


def test_other_questions_and_what_came_later_are_left_out(store: Store) -> None:
    """The log ends where the question was answered; other questions' operations are not its."""
    pipe = pipeline()
    pipe.ask("What does Tom like?", "walks", "walks", id="q2")
    (late,) = pipe.extract("s2", ("m3", "Tom is late."))
    pipe.update("s2", late)
    pipe.ask("Is Tom late?", "yes", "no", id="q3")
    graph = pipe.graph(store)
    ask = Scripted(RIGHT)
    for id in ("q1", "q3"):
        ModelJudged(ask)(pipe.failure(id), graph)
    first, third = (asked["operations"] for asked in ask.asked)
    assert "late" not in first
    assert "Tom is late." in third
    for shown in (first, third):
        assert len(re.findall(r"^\[\d+\] re", shown, re.M)) == 2
    assert "What does Tom like?" not in first + third


def test_that_an_output_was_substituted_is_not_told(store: Store) -> None:
    """Whoever put an output in its place (a planted fault has that status) stays unknown."""
    pipe = pipeline()
    graph = pipe.graph(store)
    before, after = Scripted(RIGHT), Scripted(RIGHT)
    ModelJudged(before)(pipe.failure(), graph)
    marked = [replace(o, status="substituted") for o in graph.operations.values()]
    kinds = ("message", "question", "fact", "change", "entry", "memory", "query", "retrieved",
             "answer")  # fmt: skip
    planted = EvolutionGraph(marked, [v for kind in kinds for v in graph.variables(kind)])
    ModelJudged(after)(pipe.failure(), planted)
    assert before.asked == after.asked


def test_a_failed_operation_is_shown_as_failed(store: Store) -> None:
    """An operation that broke is in the log with its error, and can be named."""
    pipe = Pipeline(SAID)
    pipe.extract("s1", fail=ProviderError("the provider\nis down"))
    pipe.ask("Where?", "214", "none", evidence=["m1"])
    ask = Scripted(RIGHT)
    found = ModelJudged(ask)(pipe.failure(), pipe.graph(store))
    assert '  failed: "ProviderError: the provider is down"' in ask.asked[0]["operations"]
    assert found.kind == "extraction"


def test_evidence_that_nobody_names_is_searched(store: Store) -> None:
    """Without evidence ids the messages nearest in wording stand there, and it is said; none of
    them is recorded as the evidence."""
    pipe = pipeline(evidence=[])
    ask = Scripted(RIGHT)
    found = ModelJudged(ask)(pipe.failure(), pipe.graph(store))
    first, second = ask.asked[0]["evidence"].splitlines()[:2]
    assert "not known" in first
    assert "room 214" in second
    assert found.evidence == ()


def test_a_question_without_an_answer_says_so(store: Store) -> None:
    """For a question that cannot be answered, that is what is shown as the gold answer."""
    pipe = pipeline(gold=None, unanswerable=True)
    ask = Scripted(RIGHT)
    ModelJudged(ask)(pipe.failure(), pipe.graph(store))
    assert "cannot be answered" in ask.asked[0]["gold_answer"]


@pytest.mark.parametrize("error_type", ["AnnotationError", "JudgeError"])
def test_the_model_may_say_that_no_operation_is_to_blame(store: Store, error_type: str) -> None:
    """A wrong label or verdict is suspected, without an operation, whatever number is given."""
    pipe = pipeline()
    graph = pipe.graph(store)
    for number in (0, 3):
        reply = {**RIGHT, "operation": number, "error_type": error_type, "sub_type": "none"}
        found = ModelJudged(Scripted(reply))(pipe.failure(), graph)
        assert (found.verdict, found.error_type, found.sub_type) == ("suspected", error_type, None)
        assert found.operations == ()
        assert found.slot is None


IMPOSSIBLE = [
    ({"operation": 0}, "there is no operation 0 of 7"),
    ({"operation": 8}, "there is no operation 8 of 7"),
    ({"operation": -1}, "there is no operation -1 of 7"),
    ({"operation": True}, "True is no operation's number"),
    ({"operation": "5"}, "'5' is no operation's number"),
    ({"error_type": "MoralError"}, "there is no error MoralError/omission"),
    ({"sub_type": "sloth"}, "there is no error ExtractionError/sloth"),
]


@pytest.mark.parametrize(("change", "said"), IMPOSSIBLE)
def test_an_impossible_reply_is_drawn_anew_once(
    store: Store, change: dict[str, Any], said: str
) -> None:
    """What cannot be is asked for at the next sample index; twice the same is an abstention
    that says what was impossible, and both calls are counted."""
    pipe = pipeline()
    graph = pipe.graph(store)
    mended = Scripted({**RIGHT, **change}, RIGHT)
    assert ModelJudged(mended)(pipe.failure(), graph).verdict == "suspected"
    assert [asked["sample"] for asked in mended.asked] == [0, 1]
    found = ModelJudged(Scripted({**RIGHT, **change}))(pipe.failure(), graph)
    assert (found.verdict, found.calls) == ("abstained", 2)
    assert found.reason == f"impossible_reply: {said}"


def test_types_are_fields_of_the_request(store: Store) -> None:
    """Ask itself draws a reply anew that has another error type or no number: its output fields
    say which there are."""
    pipe = pipeline()
    ask = Scripted(RIGHT)
    ModelJudged(ask)(pipe.failure(), pipe.graph(store))
    assert ask.asked[0]["outputs"] == {
        "reason": str, "operation": int, "error_type": ErrorName, "sub_type": SubTypeName,
    }  # fmt: skip


@pytest.mark.parametrize("stepwise", [False, True])
def test_one_bad_case_is_an_abstention_and_a_spent_budget_is_not(
    store: Store, stepwise: bool
) -> None:
    """An unreadable reply abstains with its reason, as does a defect; whatever concerns the
    run passes through."""
    pipe = pipeline()
    graph = pipe.graph(store)
    for error, code in ((ContentError("no JSON"), "unreadable_reply: no JSON"),
                        (ValueError("odd"), "internal_error: ValueError: odd")):  # fmt: skip
        found = ModelJudged(Scripted(error), stepwise)(pipe.failure(), graph)
        assert (found.verdict, found.reason, found.calls) == ("abstained", code, 1)
    passing: list[MemtuneError] = [
        BudgetExceeded("b"), DeadlineExceeded("d"), ProviderError("p"), StopRequested("s"),
    ]  # fmt: skip
    for error in passing:
        with pytest.raises(type(error)):
            ModelJudged(Scripted(error), stepwise)(pipe.failure(), graph)


@pytest.mark.parametrize("stepwise", [False, True])
def test_what_cannot_be_judged_costs_nothing(store: Store, stepwise: bool) -> None:
    """Without a gold answer, and for a question of which nothing was recorded, no model is
    asked."""
    pipe = pipeline(gold=None)
    graph = pipe.graph(store)
    ask = Scripted(RIGHT)
    method = ModelJudged(ask, stepwise)
    assert method(pipe.failure(), graph) == abstention(pipe.failure(), method.name, "no_gold")
    stranger = replace(pipe.failure().question, id="q9", answer="room 214")
    found = method(replace(pipe.failure(), question=stranger), graph)
    assert found.reason.startswith("not_in_graph")
    assert ask.asked == []


def test_operations_tell_when_they_happened(store: Store) -> None:
    """Operations of ingestion carry their session's date; the question's own say so."""
    pipe = pipeline()
    failure = pipe.failure()
    later = [replace(s, date=s.date + timedelta(days=1)) for s in failure.conversation.sessions]
    moved = replace(failure.conversation, sessions=tuple(later))
    ask = Scripted(RIGHT)
    ModelJudged(ask)(Failure(moved, failure.question, failure.prediction, 1), pipe.graph(store))
    shown = ask.asked[0]["operations"]
    assert f'[1] extraction "extract" on {(DATES["s1"] + timedelta(days=1)).date()}' in shown
    assert '[7] response "respond" at the question' in shown
