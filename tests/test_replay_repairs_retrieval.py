"""Ideal outputs of retrievals: what stood and was missed, and what misled the answer."""

from __future__ import annotations

import pytest

from tests.attribution_fixture import Pipeline
from tests.replay_scene import (
    FACT,
    OTHER,
    QUESTION,
    SAID,
    asked,
    repairs,
    scene_of,
    texts,
)
from traces import schema
from traces.graph import EvolutionGraph
from traces.schema import Variable


def test_what_stood_and_was_missed_takes_the_last_rank() -> None:
    """As many entries are returned as before, and the queries stay."""
    pipe = Pipeline(SAID)
    first, second, third = pipe.remember("s1", ("m1", FACT), ("m2", OTHER), ("m2", "Tom has tea."))
    (found, *_) = repairs(asked(pipe, second, third, queries=["tea"]), "retrieval")
    assert found.kind == "choose"
    assert [v.value["entry_id"] for v in found.outputs["entries"]] == [second, first]
    assert [v.value["queries"] for v in found.outputs["query"]] == [["tea"]]


def test_a_search_that_returned_fewer_than_it_may_returns_one_more() -> None:
    """Other searches of its name show how many it may return."""
    pipe = Pipeline(SAID)
    first, second = pipe.remember("s1", ("m1", FACT), ("m2", OTHER))
    pipe.ask("What else?", "x", "y", found=[first, second], id="q2")
    (found, *_) = repairs(asked(pipe, second), "retrieval", 1)
    assert [v.value["entry_id"] for v in found.outputs["entries"]] == [second, first]


def test_a_search_that_returned_nothing_returns_the_evidence() -> None:
    """First the evidence's entry alone, then with what is nearest to the question."""
    pipe = Pipeline(SAID)
    first, second = pipe.remember("s1", ("m1", FACT), ("m2", OTHER))
    pipe.ask("What else?", "x", "y", found=[first, second], id="q2")
    found = repairs(asked(pipe), "retrieval", 1)
    assert [[v.value["entry_id"] for v in r.outputs["entries"]] for r in found] == [
        [first],
        [first, second],
    ]


def test_an_entry_that_was_deleted_cannot_be_chosen() -> None:
    """Retrieval is not to blame for what no longer stood."""
    pipe = Pipeline(SAID)
    first, second = pipe.remember("s1", ("m1", FACT), ("m2", OTHER))
    (fact,) = pipe.extract("s2", ("m3", "Rosa likes tea."))
    pipe.update("s2", fact, "delete", target=first, near=[first])
    assert repairs(asked(pipe, second), "retrieval") == []


def test_what_misled_the_answer_is_left_out_and_the_evidence_put_in() -> None:
    """Choose, then choose in its place, then leave it out alone."""
    pipe = Pipeline(SAID)
    first, second = pipe.remember("s1", ("m1", FACT), ("m2", OTHER))
    pipe.ask("What else?", "x", "y", found=[first, second], id="q2")
    found = repairs(asked(pipe, second, prediction="9"), "retrieval", 1)
    chosen = [[v.value["entry_id"] for v in r.outputs["entries"]] for r in found]
    assert chosen == [[second, first], [first], []]
    assert [r.kind for r in found] == ["choose", "choose", "leave_out"]


def test_a_selection_returns_only_what_it_was_given() -> None:
    """An operation after the search cannot bring back what the search did not find."""
    pipe = Pipeline(SAID)
    first, second = pipe.remember("s1", ("m1", FACT), ("m2", OTHER))
    for id, given in (("q1", [first, second]), ("q2", [second])):
        pipe.ask(QUESTION, "214", "Not mentioned", evidence=["m1"], id=id, found=given)
        found = EvolutionGraph.of(pipe.ctx.recorder).of_scope(id, "retrieval")[0].outputs["entries"]
        pipe.scope(id).perform(
            "retrieval", name="rerank", identity=[id],
            inputs={"found": Variable.all_stored(found, pipe.ctx.recorder.values)},
            call=lambda op: {"kept": []},
        )  # fmt: skip
    (chosen, *_) = repairs(scene_of(pipe), "retrieval", 1)
    assert [v.value["entry_id"] for vs in chosen.outputs.values() for v in vs] == [first]
    assert repairs(scene_of(pipe, question="q2"), "retrieval", 3) == []


def test_an_entry_that_its_messages_do_not_support_is_not_left_out() -> None:
    """That is its maker's fault, not the retrieval's."""
    pipe = Pipeline(SAID)
    first, second = pipe.remember("s1", ("m1", FACT), ("m2", "Rosa's desk is in room 555."))
    kinds = [r.kind for r in repairs(asked(pipe, first, second, prediction="555"), "retrieval")]
    assert "leave_out" not in kinds


def test_an_entry_of_the_evidence_is_not_left_out() -> None:
    """What was taken back later was rightly found; that it still stood is another's fault."""
    pipe = Pipeline(SAID)
    (old,) = pipe.remember("s1", ("m1", FACT))
    pipe.remember("s2", ("m4", "Rosa gave up the desk in room 214."))
    pipe.ask(QUESTION, None, "214", found=[old], evidence=["m1", "m4"], unanswerable=True)
    assert repairs(scene_of(pipe), "retrieval") == []


def test_what_was_said_and_must_not_be_answered_is_left_out() -> None:
    """Nothing takes it back: the search should have returned nothing."""
    pipe = Pipeline(SAID)
    (old,) = pipe.remember("s1", ("m1", FACT))
    pipe.ask(QUESTION, None, "214", found=[old], evidence=["m1"], unanswerable=True)
    (only,) = repairs(scene_of(pipe), "retrieval")
    assert (only.kind, texts(only, "retrieved")) == ("leave_out", [])


@pytest.mark.parametrize(("returned", "repaired"), [((1, 3), (2, 3)), ((0, 1, 3), (0, 1, 2, 3))])
def test_a_memory_without_search_puts_the_evidence_back_in_its_place(
    returned: tuple[int, ...], repaired: tuple[int, ...]
) -> None:
    """It returns the latest entries, oldest first: where it left out the oldest ones, room is
    short and the first goes; where it reached back to the first, there is room for all."""
    pipe = Pipeline({**SAID, "m5": ("s2", "Tom", "Bye for now.")})
    ids = pipe.index("m1", "m2", "m3", "m5")
    entries = [
        schema.MemoryEntry.from_variable(pipe.memory[ids[n]]).as_variable("retrieved")
        for n in returned
    ]
    pipe.scope("q1").perform(
        "retrieval", name="recall", identity=["q1"], inputs={},
        call=lambda op: {"query": [schema.query([])], "entries": entries},
    )  # fmt: skip
    pipe.ask(QUESTION, "300", "Not mentioned", evidence=["m3"])
    (found, *_) = repairs(scene_of(pipe), "retrieval")
    assert [ids.index(v.value["entry_id"]) for v in found.outputs["entries"]] == [*repaired]
