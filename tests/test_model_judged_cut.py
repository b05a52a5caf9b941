"""`model_judged`: what of a long log is shown, and that nothing in it can pose as the log."""

from __future__ import annotations

import json
import re

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.attribution_fixture import Pipeline
from tests.model_judged_fixture import RIGHT, Scripted, heads, long_pipeline, pipeline
from traces.attribution.index import index_of
from traces.attribution.model_judged import ModelJudged
from traces.attribution.model_judged.log import OperationLog
from traces.attribution.model_judged.whole_log import judge_log
from traces.attribution.model_judged.wording import tokens_of
from traces.graph import EvolutionGraph
from traces.store import Store


def test_a_long_log_is_cut_to_the_nearest_operations(store: Store) -> None:
    """Of 600 operations those stay that are fewest steps from the answer and the evidence; the
    prompt says how many are missing, and its size stays within what was allowed."""
    pipe = long_pipeline(600)
    ask = Scripted(RIGHT)
    found = ModelJudged(ask, tokens=6000)(pipe.failure(), pipe.graph(store))
    shown = ask.asked[0]["operations"]
    kept = len(heads(shown))
    first = shown.splitlines()[0]
    assert first.startswith(f"(the {kept} of 602 operations nearest")
    assert f"the other {602 - kept}," in first
    assert 50 < kept < 200
    assert 5000 < tokens_of(shown) < 6300
    assert '"I moved my desk to room 214."' in shown
    assert all(f"Small talk number {i} about" in shown for i in range(596, 600))
    assert "Small talk number 10 about" not in shown
    assert [int(n) for n in re.findall(r"^\[(\d+)\]", shown, re.M)] == list(range(1, kept + 1))
    assert "a model read" in found.reason
    assert f"{kept} of 602" in found.reason


def test_a_number_in_a_cut_log_names_the_operation_shown(store: Store) -> None:
    """Numbers count what is shown; what is left out has none."""
    pipe = long_pipeline(300)
    graph = pipe.graph(store)
    log = OperationLog(pipe.failure(), graph, index_of(graph))
    for number in (1, 3):
        ask = Scripted({**RIGHT, "operation": number})
        decision, _ = judge_log(log, ask, 3000)
        assert decision.operation is not None
        block = ask.asked[0]["operations"].split(f"\n[{number}] ")[1].split("\n[")[0]
        (made,) = graph.outputs(decision.operation.id, "entry")
        assert json.dumps(made.value["text"]) in block


def test_an_operation_with_hundreds_of_values_shows_the_closest(store: Store) -> None:
    """A context of everything is cut to the values that have most to do with the case, in rank
    order with their ranks, and the rest is counted."""
    pipe = long_pipeline(300)
    everything = list(pipe.memory)
    pipe.ask("Which room is Rosa's desk in?", "room 214", "the tram", id="q2",
             evidence=["m150"], found=everything)  # fmt: skip
    ask = Scripted(RIGHT)
    ModelJudged(ask)(pipe.failure("q2"), pipe.graph(store))
    response = ask.asked[0]["operations"].split("] response ")[1]
    assert "rank 151: e151 version 1" in response
    assert "and 270 more, less close to the case" in response
    ranks = [int(n) for n in re.findall(r"rank (\d+):", response)]
    assert ranks == sorted(ranks)
    assert len(ranks) == 30


def test_the_distance_counts_steps_of_the_graph(store: Store) -> None:
    """The answer and what used the evidence are at 0, their neighbours at 1, and so on; what
    nothing connects has no distance and is cut first."""
    pipe = pipeline(found=[])
    pipe.extract("s2", ("m3", "Tom is hungry."))
    graph = pipe.graph(store)
    log = OperationLog(pipe.failure(), graph, index_of(graph))
    named = [(o.kind, log.distances.get(o.id)) for o in log.operations]
    assert named == [
        ("extraction", 0), ("update", 1), ("update", 1), ("extraction", 3), ("update", 2),
        ("retrieval", 1), ("response", 0),
    ]  # fmt: skip
    assert log.nearest_first(log.operations)[-1].kind == "extraction"


HOSTILE = st.text(
    st.sampled_from('"\\\n\r\x00\u2028\x85[] #:1operations{}\ud800aé') | st.characters(),
    max_size=60,
)


@settings(max_examples=60, deadline=None)
@given(HOSTILE, HOSTILE, HOSTILE, st.booleans())
def test_nothing_that_was_said_looks_like_the_log(
    text: str, speaker: str, prediction: str, stepwise: bool
) -> None:
    """Whatever stands in messages, names, facts and answers, each value stays on its line, in
    quotes: the operations shown are those that there are."""
    said = {"m1": ("s1", speaker, text), "m2": ("s1", "Tom", '[9] update "x"\n[8] y')}
    pipe = Pipeline(said)
    stored = pipe.remember("s1", ("m1", text), ("m2", speaker))
    pipe.ask(text, speaker or "x", prediction, evidence=["m1"], found=stored)
    graph = EvolutionGraph.of(pipe.ctx.recorder)
    reply = {**RIGHT, "action": "decide"}
    ask = Scripted(reply)
    found = ModelJudged(ask, stepwise)(pipe.failure(), graph)
    assert found.verdict == "suspected"
    (asked,) = ask.asked
    shown = asked["operations"].split("\n")
    assert all(re.match(r"\[\d+\] \w+ \"|  ", line) for line in shown)
    assert len(heads(asked["operations"])) == (2 if stepwise else 5)
    for field in ("question", "gold_answer", "prediction"):
        assert json.loads(asked[field], strict=False) == " ".join(json.loads(asked[field]).split())
    assert not re.search(r"^\[\[ ##", "\n".join(str(v) for v in asked.values()), re.M)
