"""Ideal outputs of extractions and responses: what they should have put out, the best first."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice

import pytest

from tests.attribution_fixture import Pipeline
from tests.replay_scene import (
    FACT,
    OTHER,
    OWN,
    QUESTION,
    SAID,
    Extraction,
    asked,
    operation,
    repairs,
    scene_of,
    texts,
)
from traces import schema
from traces.attribution.carries import Carries, Reading
from traces.attribution.replay.ideal import ideal_outputs
from traces.attribution.replay.repair import Scene
from traces.attribution.targets import Item, Target
from traces.attribution.words import key_stems


class Wrong(Carries):
    """Carries-tests that are all answered the other way round."""

    def reading(self, item: Item, target: Target) -> Reading:
        return Reading(not super().reading(item, target).carried)


def mistaken(scene: Scene) -> Scene:
    return replace(scene, carries=Wrong(scene.index, scene.question))


def test_an_omitted_message_gets_the_facts_that_the_memory_makes_of_it_alone() -> None:
    """They stand in message order; the facts of other messages stay as they were."""
    pipe = Pipeline(SAID)
    scene = asked(pipe, *pipe.remember("s1", ("m2", OTHER)), replay=Extraction(OWN))
    first = repairs(scene, "extraction")[0]
    assert first.kind == "own_extraction"
    assert texts(first, "fact") == [FACT, OTHER]
    assert list(first.outputs) == ["facts"]


def test_the_second_repair_is_the_telling_sentence_word_for_word() -> None:
    """Its speaker is named, the relative day is resolved in brackets, its date the session's."""
    pipe = Pipeline(SAID)
    scene = asked(pipe, *pipe.remember("s1", ("m2", OTHER)), replay=Extraction(OWN))
    second = repairs(scene, "extraction")[1]
    assert second.kind == "verbatim"
    made = second.outputs["facts"][0].value
    assert made == {
        "text": "Rosa: I moved my desk to room 214 yesterday (9 May 2024).",
        "speaker": "Rosa",
        "date": "2024-05-10",
        "sources": ["m1"],
    }


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("I sold it last month.", "last month (April 2024)"),
        ("I sold it last year.", "last year (2023)"),
        ("I sold it last week.", "last week (between 27 April 2024 and 9 May 2024)"),
    ],
)
def test_what_is_no_single_day_is_told_as_the_time_it_is(said: str, told: str) -> None:
    """Months and years by name, other spans by their first and last day."""
    pipe = Pipeline({"m1": ("s1", "Rosa", said)})
    pipe.extract("s1")
    pipe.ask("When did Rosa sell it?", "2024", "Not mentioned", evidence=["m1"])
    first = repairs(scene_of(pipe), "extraction")[0]
    assert told in texts(first, "fact")[0]


def test_no_model_is_asked_before_a_repair_is() -> None:
    """The message's extraction is made when the first repair is asked for, and once."""
    pipe = Pipeline(SAID)
    replay = Extraction(OWN)
    scene = asked(pipe, *pipe.remember("s1", ("m2", OTHER)), replay=replay)
    made = ideal_outputs(operation(scene, "extraction"), scene)
    assert replay.asked == []
    list(islice(made, 2))
    assert replay.asked == [("m1",)]


def test_a_wrong_fact_is_replaced_where_it_stood() -> None:
    """Facts on other matters of the same message stay in the message's words' repair."""
    pipe = Pipeline(SAID)
    wrong, soup = "Rosa moved her desk to room 7.", "Rosa had soup for lunch."
    ids = pipe.remember("s1", ("m2", OTHER), ("m1", wrong), ("m1", soup))
    scene = asked(pipe, *ids, prediction="7", replay=Extraction(OWN))
    own, verbatim, *_ = repairs(scene, "extraction")
    assert texts(own, "fact") == [OTHER, FACT]
    told = texts(verbatim, "fact")
    assert told[0] == OTHER
    assert told[2] == soup
    assert "214" in told[1]
    assert wrong not in told


def test_an_own_extraction_that_loses_it_too_comes_after_the_message_itself() -> None:
    """Whether the memory's own facts carry decides only the order."""
    pipe = Pipeline(SAID)
    own = {"m1": [("Rosa says hello.", "Rosa")]}
    scene = asked(pipe, *pipe.remember("s1", ("m2", OTHER)), replay=Extraction(own))
    kinds = [r.kind for r in repairs(scene, "extraction")]
    assert kinds[:2] == ["verbatim", "own_extraction"]


def test_a_day_that_stays_a_relative_word_is_told_after_the_one_that_is_resolved() -> None:
    """An own extraction that says 'yesterday' leaves the day to be guessed."""
    pipe = Pipeline({"m1": ("s1", "Rosa", "I moved my desk yesterday.")})
    pipe.extract("s1")
    pipe.ask("When did Rosa move her desk?", "9 May 2024", "Not mentioned", evidence=["m1"])
    own = Extraction({"m1": [("Rosa moved her desk yesterday.", "Rosa")]})
    first = repairs(scene_of(pipe, own), "extraction")[0]
    assert texts(first, "fact") == ["Rosa: I moved my desk yesterday (9 May 2024)."]


def test_wrong_carries_tests_leave_every_repair() -> None:
    """With all carries-tests the other way round, the same repairs come in another order."""
    pipe = Pipeline(SAID)
    scene = asked(pipe, *pipe.remember("s1", ("m2", OTHER)), replay=Extraction(OWN))
    right = {tuple(texts(r, "fact")) for r in repairs(scene, "extraction")}
    wrong = {tuple(texts(r, "fact")) for r in repairs(mistaken(scene), "extraction")}
    assert (FACT, OTHER) in right & wrong
    assert len(right & wrong) >= 2


def test_several_messages_of_a_window_are_repaired_together() -> None:
    """One extraction of both (a reply often needs what it answers), one repair."""
    said = {**SAID, "m2": ("s1", "Tom", "Rosa's new room has the code K-17.")}
    pipe = Pipeline(said)
    pipe.extract("s1")
    replay = Extraction({**OWN, "m2": [("Rosa's room has the code K-17.", "Tom")]})
    scene = asked(pipe, evidence=["m1", "m2"], gold="214, K-17", replay=replay)
    first = repairs(scene, "extraction")[0]
    assert texts(first, "fact") == [FACT, "Rosa's room has the code K-17."]
    assert replay.asked[0] == ("m1", "m2")


def test_a_fact_that_no_message_supports_is_left_out() -> None:
    """The other facts stay; nothing is said in its place."""
    pipe = Pipeline(SAID)
    ids = pipe.remember("s1", ("m1", FACT), ("m2", "Tom plays the cello."))
    pipe.ask("What does Tom play?", "the oboe", "the cello", found=ids)
    (first, *_) = repairs(scene_of(pipe), "extraction")
    assert first.kind == "without_fact"
    assert texts(first, "fact") == [FACT]


def test_an_invention_and_an_omission_are_repaired_in_one_output() -> None:
    """The evidence is told and the invented fact is gone."""
    pipe = Pipeline(SAID)
    ids = pipe.remember("s1", ("m2", "Rosa's desk is in room 555."))
    scene = asked(pipe, *ids, prediction="555", replay=Extraction(OWN))
    first = repairs(scene, "extraction")[0]
    assert texts(first, "fact") == [FACT]


def test_a_supported_fact_is_never_left_out() -> None:
    """A faithful fact that misled the answer gives its extraction nothing to repair."""
    pipe = Pipeline(SAID)
    ids = pipe.remember("s1", ("m1", FACT), ("m2", OTHER))
    pipe.ask("What room has Tom got?", "12", "9", found=ids)
    assert repairs(scene_of(pipe), "extraction") == []


def test_a_retraction_that_was_not_extracted_is_what_an_unanswerable_question_lacks() -> None:
    """The message that takes back what misled the answer is extracted."""
    pipe = Pipeline(SAID)
    ids = pipe.remember("s1", ("m1", FACT))
    pipe.extract("s2")
    pipe.ask(QUESTION, None, "room 214", found=ids, evidence=["m1", "m4"], unanswerable=True)
    first = repairs(scene_of(pipe), "extraction", 1)[0]
    assert texts(first, "fact") == ["Rosa: I gave up the desk in room 214."]


def test_a_window_that_dropped_the_message_passes_it_on() -> None:
    """An extraction that passes messages on puts the evidence back, in their order."""
    pipe = Pipeline(SAID)
    given = [
        schema.message_variable(m, pipe.sessions["s1"].date) for m in pipe.sessions["s1"].messages
    ]
    pipe.scope("s1").perform(
        "extraction", name="window", identity=["m1", "m2"], inputs={"messages": given},
        call=lambda op: {"window": given[1:]},
    )  # fmt: skip
    (only,) = repairs(asked(pipe), "extraction")
    assert only.kind == "put_back"
    assert [v.value["id"] for v in only.outputs["window"]] == ["m1", "m2"]


# response, and what is not concerned ------------------------------------------------------------


def test_a_response_is_never_repaired() -> None:
    """A repaired answer always rescues, and proves nothing."""
    pipe = Pipeline(SAID)
    assert repairs(asked(pipe, *pipe.remember("s1", ("m1", FACT))), "response") == []


def test_operations_that_neither_evidence_nor_supporter_concern_have_no_repair() -> None:
    """Another session's extraction, another fact's update, another question's search."""
    pipe = Pipeline(SAID)
    ids = pipe.remember("s1", ("m1", FACT), ("m2", OTHER))
    pipe.remember("s2", ("m3", "Rosa likes tea."))
    pipe.ask("What else?", "x", "y", found=ids[1:], id="q2")
    scene = asked(pipe, *ids, replay=Extraction(OWN))
    assert repairs(scene, "extraction", 1) == []
    assert [repairs(scene, "update", n) for n in (1, 2)] == [[], []]
    assert repairs(scene, "retrieval", 0) == []


def test_the_gold_answer_is_not_told_by_a_fact_that_its_message_does_not_support() -> None:
    """An own extraction that says more than the message is not taken."""
    pipe = Pipeline({"m1": ("s1", "Rosa", "My desk moved again.")})
    pipe.extract("s1")
    replay = Extraction({"m1": [("Rosa's desk is in room 214.", "Rosa")]})
    found = repairs(asked(pipe, replay=replay), "extraction")
    assert found
    assert not any("214" in key_stems(text) for r in found for text in texts(r, "fact"))
