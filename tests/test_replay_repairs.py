"""Ideal outputs: what each kind of operation should have put out, the best first."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from typing import Any

import pytest

from tests.attribution_fixture import Pipeline
from tests.replay_scene import Extraction, changes, operation, repairs, scene_of, texts
from traces import schema
from traces.attribution.carries import Carries, Reading
from traces.attribution.replay.ideal import ideal_outputs
from traces.attribution.replay.repair import Scene
from traces.attribution.targets import Item, Target
from traces.attribution.words import key_stems
from traces.graph import EvolutionGraph
from traces.hashing import text_hash
from traces.schema import Variable

SAID = {
    "m1": ("s1", "Rosa", "Hello all. I moved my desk to room 214 yesterday. Lunch was soup."),
    "m2": ("s1", "Tom", "My desk is in room 9."),
    "m3": ("s2", "Rosa", "My desk is in room 300 now."),
    "m4": ("s2", "Rosa", "I gave up the desk in room 214."),
}
QUESTION = "Which room is Rosa's desk in?"
FACT, OTHER = "Rosa moved her desk to room 214.", "Tom's desk is in room 9."
NEW = "Rosa's desk is in room 300."
OWN = {"m1": [(FACT, "Rosa")]}


def asked(pipe: Pipeline, *found: str, prediction: str = "Not mentioned", **more: Any) -> Scene:
    replay = more.pop("replay", None)
    more.setdefault("evidence", ["m1"])
    pipe.ask(QUESTION, more.pop("gold", "214"), prediction, found=found, **more)
    return scene_of(pipe, replay)


class Wrong(Carries):
    """Carries-tests that are all answered the other way round."""

    def reading(self, item: Item, target: Target) -> Reading:
        return Reading(not super().reading(item, target).carried)


def mistaken(scene: Scene) -> Scene:
    return replace(scene, carries=Wrong(scene.index, scene.question))


# extraction ----------------------------------------------------------------------------------


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


# update --------------------------------------------------------------------------------------


def test_a_fact_that_was_not_stored_becomes_an_entry_as_given() -> None:
    """Text, speaker, date and sources are the fact's; the id is the one of a real entry."""
    pipe = Pipeline(SAID)
    fact, _ = pipe.extract("s1", ("m1", FACT), ("m2", OTHER))
    pipe.update("s1", fact, "keep")
    scene = asked(pipe)
    (first, *_) = repairs(scene, "update")
    assert first.kind == "as_given"
    assert changes(first) == [("add", None)]
    (entry,) = [v for vs in first.outputs.values() for v in vs if v.kind == "entry"]
    assert entry.value == {
        "entry_id": text_hash(f"{first.operation.id}/0", 8), "version": 1, "text": FACT,
        "speaker": "Rosa", "date": "2024-05-10", "sources": ["m1"],
    }  # fmt: skip


def test_a_message_that_was_not_indexed_becomes_an_entry_with_its_speaker() -> None:
    """Where messages are stored as they are, so is the repair."""
    pipe = Pipeline(SAID)
    message = schema.message_variable(pipe.sessions["s1"].messages[0], pipe.sessions["s1"].date)
    pipe.update("s1", message, "keep", kind_of_input="message")
    (first, *_) = repairs(asked(pipe), "update")
    assert texts(first, "entry") == [f"Rosa: {SAID['m1'][2]}"]


def test_an_overwritten_entry_is_restored_beside_the_fact() -> None:
    """The fact becomes an entry of its own, and no change ends what it overwrote."""
    pipe = Pipeline(SAID)
    (old,) = pipe.remember("s1", ("m1", FACT))
    (fact,) = pipe.extract("s2", ("m3", "Rosa likes tea."))
    pipe.update("s2", fact, "change", target=old, near=[old])
    first = repairs(asked(pipe, old), "update", 1)[0]
    assert (first.kind, changes(first)) == ("add_beside", [("add", None)])
    assert texts(first, "entry") == ["Rosa likes tea."]


def test_a_former_value_that_is_asked_for_is_told_as_history() -> None:
    """The changed entry gets the new value, the former one behind it, and both sources."""
    pipe = Pipeline(SAID)
    (old,) = pipe.remember("s1", ("m1", FACT))
    (fact,) = pipe.extract("s2", ("m3", NEW))
    pipe.update("s2", fact, "change", target=old, near=[old])
    pipe.ask("Which room was Rosa's desk in before?", "214", "300", evidence=["m1"], found=[old])
    first = repairs(scene_of(pipe), "update", 1)[0]
    assert (first.kind, changes(first)) == ("with_history", [("change", old)])
    (entry,) = first.outputs["entries"]
    assert entry.value["text"] == (
        "Rosa's desk is in room 300 (formerly: Rosa moved her desk to room 214)"
    )
    assert (entry.value["version"], entry.value["sources"]) == (2, ["m1", "m3"])


def test_a_statement_against_the_evidence_is_not_stored() -> None:
    """Where the gold answer says that the earlier value stands, memory is kept as it was."""
    pipe = Pipeline(SAID)
    (old,) = pipe.remember("s1", ("m1", FACT))
    (fact,) = pipe.extract("s2", ("m3", NEW))
    pipe.update("s2", fact, "change", target=old, near=[old])
    first = repairs(asked(pipe, old, prediction="300"), "update", 1)[0]
    assert (first.kind, changes(first)) == ("keep", [("keep", old)])
    assert texts(first, "entry") == []


def test_a_stale_value_gives_way_to_the_evidence() -> None:
    """First with the old value as history, then without, for the old entry that was shown."""
    pipe = Pipeline(SAID)
    (old,) = pipe.remember("s1", ("m1", FACT))
    (fact,) = pipe.extract("s2", ("m3", NEW))
    new = pipe.update("s2", fact, "add", near=[old])
    scene = asked(pipe, old, new, prediction="214", gold="300", evidence=["m3"])
    found = repairs(scene, "update", 1)
    assert [(r.kind, changes(r)) for r in found] == [
        ("with_history", [("change", old)]),
        ("replace", [("change", old)]),
    ]
    assert texts(found[1], "entry") == [NEW]


def test_an_old_value_that_was_not_shown_cannot_be_replaced() -> None:
    """What the update was not given, its repair does not touch."""
    pipe = Pipeline(SAID)
    (old,) = pipe.remember("s1", ("m1", FACT))
    (fact,) = pipe.extract("s2", ("m3", NEW))
    new = pipe.update("s2", fact, "add")
    scene = asked(pipe, old, new, prediction="214", gold="300", evidence=["m3"])
    assert repairs(scene, "update", 1) == []


def test_an_entry_that_holds_another_part_of_the_answer_is_not_stale() -> None:
    """What adds up is added: the fact becomes an entry beside it before anything else."""
    said = {
        "m1": ("s1", "Rosa", "I look after the wiki."),
        "m3": ("s2", "Rosa", "I look after the snacks now."),
    }
    pipe = Pipeline(said)
    (old,) = pipe.remember("s1", ("m1", "Rosa looks after the wiki."))
    (fact,) = pipe.extract("s2", ("m3", "Rosa looks after the snacks now."))
    pipe.update("s2", fact, "keep", near=[old])
    pipe.ask(
        "What does Rosa look after?", "the wiki and the snacks", "the wiki",
        evidence=["m1", "m3"], found=[old],
    )  # fmt: skip
    assert repairs(scene_of(pipe), "update", 1)[0].kind == "as_given"


def test_a_merge_into_another_matter_is_undone() -> None:
    """The fact gets an entry of its own, and the entry that it was merged into stays."""
    pipe = Pipeline(SAID)
    (tea,) = pipe.remember("s1", ("m2", "Tom likes tea."))
    (fact,) = pipe.extract("s2", ("m3", NEW))
    pipe.update("s2", fact, "change", text="Tom likes tea.", target=tea, near=[tea])
    first = repairs(asked(pipe, tea, gold="300", evidence=["m3"]), "update", 1)[0]
    assert (first.kind, changes(first)) == ("add_beside", [("add", None)])


def test_what_was_taken_back_is_deleted() -> None:
    """The retraction's update deletes the entry that misled the answer."""
    pipe = Pipeline(SAID)
    (old,) = pipe.remember("s1", ("m1", FACT))
    (fact,) = pipe.extract("s2", ("m4", "Rosa gave up the desk in room 214."))
    pipe.update("s2", fact, "add", near=[old])
    pipe.ask(QUESTION, None, "214", found=[old], evidence=["m1", "m4"], unanswerable=True)
    first = repairs(scene_of(pipe), "update", 1)[0]
    assert (first.kind, changes(first)) == ("delete", [("delete", old)])


def test_a_wrongly_deleted_entry_is_restored() -> None:
    """First beside the fact, then without it where the fact speaks against it."""
    pipe = Pipeline(SAID)
    (old,) = pipe.remember("s1", ("m1", FACT))
    (fact,) = pipe.extract("s2", ("m3", NEW))
    pipe.update("s2", fact, "delete", target=old, near=[old])
    found = repairs(asked(pipe), "update", 1)
    assert [r.kind for r in found][:2] == ["add_beside", "keep"]


def test_an_entry_that_says_more_than_its_fact_says_what_it_was_given() -> None:
    """The stored text was the update's own invention."""
    pipe = Pipeline(SAID)
    (fact,) = pipe.extract("s1", ("m2", OTHER))
    made = pipe.update("s1", fact, "add", text="Tom's desk is in room 11.")
    pipe.ask("Which room is Tom's desk in?", "9", "11", evidence=["m2"], found=[made])
    first = repairs(scene_of(pipe), "update")[0]
    assert texts(first, "entry") == [OTHER]


# retrieval -------------------------------------------------------------------------------------


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


# response, and what is not concerned -----------------------------------------------------------


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
