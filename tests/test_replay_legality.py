"""Legality: a repair uses only what its operation was given, and one that does not is refused."""

from __future__ import annotations

from typing import Any

import pytest

from tests.attribution_fixture import Pipeline
from tests.replay_scene import operation, scene_of
from traces import schema
from traces.attribution.replay.legality import IllegalRepair, check_legal
from traces.attribution.replay.repair import Kind, Repair, Scene
from traces.errors import InterventionError
from traces.schema import MemoryEntry, Outputs, Variable

SAID = {
    "m1": ("s1", "Rosa", "I moved my desk to room 214 yesterday."),
    "m2": ("s1", "Tom", "My desk is in room 9."),
    "m3": ("s2", "Rosa", "My desk is in room 300 now."),
}
FACT, OTHER, NEW = (
    "Rosa moved her desk to room 214.", "Tom's desk is in room 9.", "Rosa's desk is in room 300.",
)  # fmt: skip


@pytest.fixture
def scene() -> Scene:
    """Two sessions: a desk and its new room; the search returned Tom's desk and the new room."""
    pipe = Pipeline(SAID)
    old, tom = pipe.remember("s1", ("m1", FACT), ("m2", OTHER))
    (fact,) = pipe.extract("s2", ("m3", NEW))
    new = pipe.update("s2", fact, "change", target=old, near=[old])
    pipe.ask(
        "Which room was Rosa's desk in?", "214", "300", evidence=["m1"], found=[tom, new]
    )  # fmt: skip
    return scene_of(pipe)


def refused(
    scene: Scene, kind: Kind, of: str, number: int = 0, outputs: Outputs | None = None, **more: Any
) -> str:
    """Return why a hand-made repair is refused."""
    repair = Repair(operation(scene, of, number), {**(outputs or {}), **more}, kind, "")
    with pytest.raises(IllegalRepair) as caught:
        check_legal(repair, scene)
    return str(caught.value)


def recorded(scene: Scene, of: str, number: int, kind: str) -> list[Variable]:
    return scene.index.outputs(operation(scene, of, number), kind)


# extraction ----------------------------------------------------------------------------------


def test_a_fact_from_a_message_that_was_not_given_is_refused(scene: Scene) -> None:
    """The first session's extraction cannot tell what the second one's messages say."""
    told = schema.fact("Rosa: My desk is in room 300 now.", "Rosa", "2024-06-12", ["m3"])
    facts = [*recorded(scene, "extraction", 0, "fact"), told]
    assert "messages do not give" in refused(scene, "verbatim", "extraction", facts=facts)


@pytest.mark.parametrize("kind", ["own_extraction", "verbatim"])
def test_a_fact_with_the_gold_answer_that_its_messages_do_not_say_is_refused(
    scene: Scene, kind: Kind
) -> None:
    """However the fact is said to have been made."""
    told = schema.fact("Rosa's desk was in room 214.", "Rosa", "2024-06-12", ["m3"])
    why = refused(scene, kind, "extraction", 1, facts=[told])
    assert "room 214" in why


def test_a_gold_date_in_the_date_field_is_refused() -> None:
    """A day that no message gives cannot be smuggled in beside the text."""
    pipe = Pipeline({"m1": ("s1", "Rosa", "I moved my desk the other day.")})
    pipe.extract("s1")
    pipe.ask("When did Rosa move her desk?", "3 May 2024", "x", evidence=["m1"])
    told = schema.fact("Rosa moved her desk.", "Rosa", "2024-05-03", ["m1"])
    refused(scene_of(pipe), "own_extraction", "extraction", facts=[told])


def test_a_resolved_relative_day_is_legal() -> None:
    """'Yesterday' gives the day before the session, though the message does not spell it."""
    pipe = Pipeline({"m1": ("s1", "Rosa", "I moved my desk yesterday.")})
    pipe.extract("s1")
    pipe.ask("When did Rosa move her desk?", "9 May 2024", "x", evidence=["m1"])
    scene = scene_of(pipe)
    told = schema.fact("Rosa moved her desk on 9 May 2024.", "Rosa", "2024-05-09", ["m1"])
    check_legal(
        Repair(operation(scene, "extraction"), {"facts": [told]}, "own_extraction", ""), scene
    )


def test_words_of_ones_own_are_refused_in_a_verbatim_fact(scene: Scene) -> None:
    """Only the memory's own extraction may paraphrase."""
    told = schema.fact("Rosa relocated her desk.", "Rosa", "2024-05-10", ["m1"])
    facts = [told, recorded(scene, "extraction", 0, "fact")[1]]
    assert "not in the words" in refused(scene, "verbatim", "extraction", facts=facts)


def test_a_speaker_whom_no_message_has_is_refused(scene: Scene) -> None:
    """The speaker of a fact comes from the messages too."""
    told = schema.fact(FACT, "Zoe", "2024-05-10", ["m1"])
    facts = [told, recorded(scene, "extraction", 0, "fact")[1]]
    refused(scene, "own_extraction", "extraction", facts=facts)


def test_leaving_out_a_supported_fact_is_refused(scene: Scene) -> None:
    """A faithful fact cannot be repaired away, whatever it led the answer to."""
    facts = recorded(scene, "extraction", 0, "fact")[:1]
    assert "left out" in refused(scene, "without_fact", "extraction", facts=facts)


def test_a_message_of_ones_own_is_refused(scene: Scene) -> None:
    """A window may pass on only messages that it was given, word for word."""
    value = {**scene.index.messages["m1"].value, "text": "My desk is in room 214."}
    made = {"facts": recorded(scene, "extraction", 0, "fact"), "m": [Variable("message", value)]}
    assert "not among its inputs" in refused(scene, "put_back", "extraction", outputs=made)


# update --------------------------------------------------------------------------------------


def entry(id: str, text: str, version: int = 1, sources: tuple[str, ...] = ("m3",)) -> Variable:
    return MemoryEntry(id, text, "Rosa", "2024-06-12", sources, version).as_variable()


def test_an_entry_that_was_not_shown_cannot_be_changed_or_deleted(scene: Scene) -> None:
    """Tom's desk was not near Rosa's new room."""
    tom = recorded(scene, "update", 1, "entry")[0].value["entry_id"]
    assert "not shown" in refused(
        scene, "delete", "update", 2, changes=[schema.change("delete", tom)]
    )
    made = {"changes": [schema.change("add", None)], "entries": [entry(tom, NEW, 2)]}
    assert "not shown" in refused(scene, "replace", "update", 2, made)


def test_an_entry_with_words_that_were_not_given_is_refused(scene: Scene) -> None:
    """Only the fact, the shown entries, and the word that tells history."""
    made = {"changes": [schema.change("add", None)], "entries": [entry("e9", f"{NEW} Window.")]}
    assert "says what neither" in refused(scene, "as_given", "update", 2, made)


def test_an_entry_with_sources_that_were_not_given_is_refused(scene: Scene) -> None:
    """Its provenance is that of fact and shown entries."""
    made = {
        "changes": [schema.change("add", None)],
        "entries": [entry("e9", NEW, sources=("m2",))],
    }
    assert "cites messages" in refused(scene, "as_given", "update", 2, made)


def test_a_version_that_does_not_follow_from_the_shown_one_is_refused(scene: Scene) -> None:
    """A changed entry is the next version of the one that was shown."""
    old = recorded(scene, "update", 0, "entry")[0].value["entry_id"]
    made = {"changes": [schema.change("change", old)], "entries": [entry(old, NEW, 5)]}
    assert "does not follow" in refused(scene, "replace", "update", 2, made)


def test_deleting_what_the_fact_does_not_take_back_is_refused(scene: Scene) -> None:
    """A new value is no retraction."""
    old = recorded(scene, "update", 0, "entry")[0].value["entry_id"]
    made = {"changes": [schema.change("delete", old)], "entries": []}
    assert "takes back" in refused(scene, "delete", "update", 2, made)


def test_not_storing_a_fact_is_refused_where_nothing_speaks_against_it(scene: Scene) -> None:
    """Tom's desk is neither known already nor against what the evidence says."""
    made = {"changes": [schema.change("keep", None)], "entries": []}
    assert "neither known already" in refused(scene, "keep", "update", 1, made)


# retrieval and response ----------------------------------------------------------------------


def returned(scene: Scene, *more: Variable) -> list[Variable]:
    return [*recorded(scene, "retrieval", 0, "retrieved"), *more]


def test_an_entry_that_did_not_stand_is_refused(scene: Scene) -> None:
    """The overwritten version no longer exists when the question is asked."""
    old = recorded(scene, "update", 0, "entry")[0]
    made = {
        "query": recorded(scene, "retrieval", 0, "query"),
        "entries": [returned(scene)[0], Variable("retrieved", old.value)],
    }
    assert "did not stand" in refused(scene, "choose", "retrieval", outputs=made)


def test_an_entry_whose_text_is_not_the_standing_one_is_refused(scene: Scene) -> None:
    """The right id and version do not help."""
    value = {**returned(scene)[1].value, "text": FACT}
    made = {
        "query": recorded(scene, "retrieval", 0, "query"),
        "entries": [returned(scene)[0], Variable("retrieved", value)],
    }
    assert "did not stand" in refused(scene, "choose", "retrieval", outputs=made)


def test_more_than_a_search_returns_is_refused() -> None:
    """What was missed takes the last rank; the context does not grow."""
    pipe = Pipeline(SAID)
    first, second = pipe.remember("s1", ("m1", FACT), ("m2", OTHER))
    pipe.ask("Which room?", "214", "9", evidence=["m1"], found=[second])
    scene = scene_of(pipe)
    missed = Variable("retrieved", pipe.memory[first].value)
    made = {
        "query": recorded(scene, "retrieval", 0, "query"),
        "entries": returned(scene, missed),
    }
    assert "more than it returns" in refused(scene, "choose", "retrieval", outputs=made)


def test_other_queries_are_refused(scene: Scene) -> None:
    """A retrieval is repaired in what it returned, not in what it looked for."""
    made = {"query": [schema.query(["room 214"])], "entries": returned(scene)}
    assert "queries" in refused(scene, "choose", "retrieval", outputs=made)


def test_leaving_out_what_did_not_mislead_is_refused(scene: Scene) -> None:
    """Only the entry that supports the wrong answer may go without another in its place."""
    made = {
        "query": recorded(scene, "retrieval", 0, "query"),
        "entries": returned(scene)[1:],
    }
    assert "leaves out" in refused(scene, "leave_out", "retrieval", outputs=made)


def test_a_repaired_response_is_refused(scene: Scene) -> None:
    """Even with the answer that it gave."""
    why = refused(scene, "verbatim", "response", answer=[schema.answer("214")])
    assert "always rescues" in why
    assert issubclass(IllegalRepair, InterventionError)
