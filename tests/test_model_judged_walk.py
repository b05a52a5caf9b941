"""`model_judged_stepwise`: a walk along the graph with a frontier, and both forms in a run."""

from __future__ import annotations

import re
from contextlib import ExitStack
from pathlib import Path
from typing import Any, get_args

import pytest

from agent.attributing import attribute_pass
from tests.attribution_fixture import Pipeline
from tests.loop_fixture import opened, small
from tests.model_judged_fixture import FACT, SAID, Scripted, heads, long_pipeline, pipeline
from traces.attribution.model_judged import ModelJudged
from traces.attribution.model_judged.stepwise import LAST, OUTPUTS
from traces.attribution.model_judged.wording import tokens_of
from traces.attribution.registry import create
from traces.results import Failure
from traces.store import Store


def move(action: str, operation: int, reason: str = "on") -> dict[str, Any]:
    """A reply that expands an operation."""
    return {"reason": reason, "action": action, "operation": operation, "error_type": "none",
            "sub_type": "none"}  # fmt: skip


def decide(operation: int, error_type: str = "UpdateError", sub: str = "stale") -> dict[str, Any]:
    """A reply that names an operation."""
    return {"reason": "so", "action": "decide", "operation": operation, "error_type": error_type,
            "sub_type": sub}  # fmt: skip


def walk(pipe: Pipeline, store: Store, *replies: dict[str, Any], **changes: Any) -> Any:
    """Let a scripted model walk; return the attribution, what was asked, and the graph."""
    ask = Scripted(*replies)
    graph = pipe.graph(store)
    return ModelJudged(ask, True, **changes)(pipe.failure(), graph), ask.asked, graph


def test_the_walk_begins_at_answer_and_evidence(store: Store) -> None:
    """The first frontier is the response and what the evidence was given to, in the order in
    which they happened, each with what stands before and after it."""
    _, (asked,), _ = walk(pipeline(), store, decide(2, "ResponseError", "ignored_evidence"))
    assert heads(asked["operations"]) == ['[1] extraction "extract"', '[2] response "respond"']
    first, second = asked["operations"].split("[2]")
    assert first.splitlines()[-2:] == ["  predecessors: none", "  successors: 2 not shown yet"]
    assert second.splitlines()[-2:] == ["  predecessors: 1 not shown yet", "  successors: none"]
    assert asked["seen_before"] == "(nothing: this is the first step)"
    assert asked["steps_left"] == "7"


def test_a_walk_expands_until_it_decides(store: Store) -> None:
    """Each step shows the neighbours that were asked for; numbers stay what they were, earlier
    operations stand in short beside what the model said, and any that was seen can be named."""
    found, asked, graph = walk(
        pipeline(), store, move("predecessors", 2, "what was it\ngiven?"),
        move("predecessors", 3), move("predecessors", 4), decide(4),
    )  # fmt: skip
    assert [heads(one["operations"]) for one in asked[1:]] == [
        ['[3] retrieval "retrieve"'],
        ['[4] update "update"'],
        ['[5] update "update"', '[6] extraction "extract"'],
    ]
    assert asked[1]["seen_before"].splitlines() == [
        f'[1] extraction "extract" on 2024-05-10 made "{FACT}; Tom likes walks."',
        '[2] response "respond" at the question made "by the lift"',
        'step 1: predecessors of [2]; you said "what was it given?"',
    ]
    assert [one["steps_left"] for one in asked] == ["7", "6", "5", "4"]
    changed = [o for o in graph.operations.values() if o.kind == "update"][2]
    assert found.operations == (changed.id,)
    assert (found.method, found.verdict) == ("model_judged_stepwise", "suspected")
    assert (found.error_type, found.sub_type, found.calls) == ("UpdateError", "stale", 4)
    assert found.reason == "a model walked 4 steps and saw 6 of 7 operations"


def test_successors_lead_forward(store: Store) -> None:
    """From the extraction to the updates of its facts, to the change, to the retrieval."""
    _, asked, _ = walk(
        pipeline(), store, move("successors", 1), move("successors", 3), decide(4),
    )  # fmt: skip
    assert heads(asked[1]["operations"]) == ['[3] update "update"', '[4] update "update"']
    assert '[5] update "update"' in heads(asked[2]["operations"])


def test_a_retrieval_that_returned_nothing_stands_before_its_answer(store: Store) -> None:
    """Nothing flows from it; the answer's way back leads to it all the same."""
    pipe = pipeline(found=[])
    _, asked, _ = walk(pipe, store, move("predecessors", 2), decide(3, "RetrievalError", "missed"))
    assert heads(asked[1]["operations"]) == ['[3] retrieval "retrieve"']
    assert "made entries: nothing" in asked[1]["operations"]


def test_a_way_that_leads_nowhere_is_said(store: Store) -> None:
    """Without neighbours the frontier stays, with a remark; where all were shown before they
    are shown again."""
    _, asked, _ = walk(
        pipeline(), store, move("successors", 2), move("predecessors", 2), move("successors", 3),
        decide(1),
    )  # fmt: skip
    assert asked[1]["operations"].endswith("[2] has no successors.")
    assert heads(asked[1]["operations"]) == heads(asked[0]["operations"])
    assert heads(asked[3]["operations"]) == ['[2] response "respond"']
    assert asked[3]["operations"].endswith("All successors of [3] were shown before.")


def test_the_last_step_must_decide(store: Store) -> None:
    """After so many steps the reply may only decide; one that does not is drawn anew, and then
    the failure is an abstention."""
    found, asked, _ = walk(pipeline(), store, move("predecessors", 2), steps=3)
    assert [one["sample"] for one in asked] == [0, 0, 0, 1]
    assert [one["outputs"] == OUTPUTS for one in asked] == [True, True, False, False]
    assert asked[-1]["outputs"] == LAST
    assert get_args(LAST["action"]) == ("decide",)
    assert "last step" in asked[-1]["steps_left"]
    assert (found.verdict, found.calls) == ("abstained", 4)
    assert found.reason == 'impossible_reply: no decision, but "predecessors"'


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (move("predecessors", 3), "there is no operation 3 of 2"),
        (move("sideways", 1), 'no decision, but "sideways"'),
        (decide(7), "there is no operation 7 of 2"),
        (decide(1, "none"), "there is no error none/stale"),
    ],
)
def test_an_impossible_step_is_drawn_anew_once(
    store: Store, reply: dict[str, Any], said: str
) -> None:
    """Operations that were not shown cannot be expanded or named."""
    mended, asked, graph = walk(pipeline(), store, reply, decide(1))
    assert (mended.verdict, [one["sample"] for one in asked]) == ("suspected", [0, 1])
    found = ModelJudged(Scripted(reply), True)(pipeline().failure(), graph)
    assert (found.verdict, found.reason) == ("abstained", f"impossible_reply: {said}")


def test_a_wide_frontier_is_cut_to_the_closest(store: Store) -> None:
    """Of the many operations behind an answer those are shown that have most to do with the
    case; the rest is counted, and asked for again comes next."""
    pipe = long_pipeline(60, found=60)
    back = (move("predecessors", 2), move("predecessors", 3))
    _, asked, _ = walk(pipe, store, *back, move("predecessors", 3), decide(1))
    assert len(heads(asked[2]["operations"])) == 12
    assert asked[2]["operations"].endswith("47 more predecessors of [3] are left out.")
    assert asked[3]["operations"].endswith("35 more predecessors of [3] are left out.")
    assert not set(heads(asked[2]["operations"])) & set(heads(asked[3]["operations"]))


def test_a_walk_costs_no_more_than_it_may(store: Store) -> None:
    """All requests of a walk together take about the tokens allowed: it ends early."""
    pipe = long_pipeline(300, found=300)
    moves = (move("predecessors", 2), *(move("predecessors", 3) for _ in range(30)))
    _, asked, _ = walk(pipe, store, *moves, steps=30, tokens=40_000)
    fields = ("instruction", "question", "gold_answer", "prediction", "evidence", "seen_before",
              "operations", "steps_left")  # fmt: skip
    drawn = [one for one in asked if one["sample"] == 0]
    spent = sum(tokens_of("".join(one[f] for f in fields)) for one in drawn)
    assert 5 < len(drawn) < 20
    assert 25_000 < spent < 40_000
    assert "last step" in drawn[-1]["steps_left"]


def test_names_stay_through_a_walk(store: Store) -> None:
    """A value has the same name at every step and is quoted again where a step first shows
    it."""
    _, asked, _ = walk(
        pipeline(), store, move("predecessors", 2), move("predecessors", 3), decide(1)
    )
    named = [re.findall(r"(e\d+ version 2)[^\n]*lift", one["operations"]) for one in asked]
    assert named == [["e1 version 2"]] * 3


def test_evidence_that_no_operation_used_leaves_the_answer(store: Store) -> None:
    """Where the evidence went nowhere, the walk begins at the answer alone."""
    pipe = Pipeline(SAID)
    pipe.ask("Where is Rosa's desk?", "room 214", "none", evidence=["m1"])
    found, (asked,), _ = walk(pipe, store, decide(1, "ResponseError", "wrong_abstention"))
    assert heads(asked["operations"]) == ['[1] response "respond"']
    assert '"I moved my desk to room 214."' in asked["evidence"]
    assert found.kind == "response"


@pytest.mark.parametrize("method", ["model_judged", "model_judged_stepwise"])
def test_a_run_is_attributed_by_the_simulated_judge(tmp_path: Path, method: str) -> None:
    """Over the real gateway, typed replies and ledger: failures get suspicions at operations of
    their own pass, what they cost is counted, and asked again nothing is paid."""
    with ExitStack() as stack:
        services = opened(small(tmp_path, attribution=method, seed=442), stack)
        conversation = services.dataset.conversations[0]
        (result,) = services.evaluator(services.seed_prompts, [conversation])
        wrong = {a.question: a.prediction or "" for a in result.answers if a.correct is False}
        failures = [
            Failure(conversation, question, wrong[question.id], result.pass_id)
            for question in conversation.questions
            if question.id in wrong
        ]
        assert services.attribute.name == method
        made = attribute_pass(failures, services.store, services.attribute)
        assert len(made) == len(failures) > 3
        known = {o.id for o in services.store.operations(result.pass_id)}
        for one in made.values():
            assert one.verdict == "suspected", one.reason
            assert set(one.operations) <= known
            assert one.calls <= (1 if method == "model_judged" else 8)
            assert one.tokens > 500
        paid = services.gateway.ledger.spending()["judge"].calls
        again = attribute_pass(
            failures, services.store, create(method, services.gateway.ask("judge"), 0), again=True
        )
        assert again == made
        assert services.gateway.ledger.spending()["judge"].calls == paid
