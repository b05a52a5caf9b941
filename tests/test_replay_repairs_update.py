"""Ideal outputs of updates: what should have become of the fact and of what was shown."""

from __future__ import annotations

from tests.attribution_fixture import Pipeline
from tests.replay_scene import (
    FACT,
    NEW,
    OTHER,
    QUESTION,
    SAID,
    asked,
    changes,
    repairs,
    scene_of,
    texts,
)
from traces import schema
from traces.hashing import text_hash


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


def test_a_retraction_that_went_into_another_entry_deletes_what_it_takes_back() -> None:
    """The entry that should be gone was shown, although another one misled the answer."""
    pipe = Pipeline(SAID)
    old, soup = pipe.remember("s1", ("m1", FACT), ("m2", "Tom likes soup."))
    (fact,) = pipe.extract("s2", ("m4", "Rosa gave up the desk in room 214."))
    text = "Tom likes soup; Tom gave up the desk in room 214."
    pipe.update("s2", fact, "change", text=text, target=soup, near=[old, soup])
    pipe.ask(
        QUESTION, None, "Tom gave up 214 soup", found=[soup], evidence=["m1", "m4"],
        unanswerable=True,
    )  # fmt: skip
    first = repairs(scene_of(pipe), "update", 2)[0]
    assert (first.kind, changes(first)) == ("delete", [("delete", old)])


def test_only_what_was_said_last_takes_back() -> None:
    """A repetition of what is taken back later deletes nothing; it may be known already."""
    said = {**SAID, "m2": ("s1", "Rosa", "As I said, my desk is in room 214.")}
    pipe = Pipeline(said)
    first, second = pipe.extract("s1", ("m1", FACT), ("m2", "Rosa's desk is in room 214."))
    old = pipe.update("s1", first)
    new = pipe.update("s1", second, near=[old])
    pipe.ask(QUESTION, None, "214", found=[new], evidence=["m1", "m2", "m4"], unanswerable=True)
    assert [r.kind for r in repairs(scene_of(pipe), "update", 1)] == ["keep"]


def test_an_invented_fact_is_not_the_update_s_to_refuse() -> None:
    """What the extraction made up contradicts the evidence; the update stored what it got."""
    pipe = Pipeline(SAID)
    (old,) = pipe.remember("s1", ("m1", FACT))
    (fact,) = pipe.extract("s2", ("m3", "Rosa's desk is in room 555."))
    new = pipe.update("s2", fact, near=[old])
    scene = asked(pipe, old, new, prediction="555")
    assert repairs(scene, "update", 1) == []
    assert repairs(scene, "extraction", 1)[0].kind == "without_fact"


def test_a_value_in_other_words_gives_way_after_the_fact_was_added() -> None:
    """The entry that the answer was taken from is on the question's matter, whatever words it
    shares with the fact: it is replaced only when adding the fact was tried."""
    said = {
        "m1": ("s1", "Rosa", "I look after the wiki."),
        "m3": ("s2", "Rosa", "I am in charge of the snacks now."),
    }
    pipe = Pipeline(said)
    (old,) = pipe.remember("s1", ("m1", "Rosa looks after the wiki."))
    (fact,) = pipe.extract("s2", ("m3", "Rosa is in charge of the snacks now."))
    pipe.update("s2", fact, "keep", near=[old])
    pipe.ask(
        "What is Rosa in charge of?", "the snacks", "the wiki", evidence=["m3"], found=[old]
    )  # fmt: skip
    kinds = [r.kind for r in repairs(scene_of(pipe), "update", 1)]
    assert kinds == ["as_given", "with_history", "replace"]


def test_an_entry_that_drew_the_evidence_s_update_to_itself_says_what_was_given() -> None:
    """Another fact's entry said more than its fact, and the evidence's update deleted it; one
    that only stands in memory is of no concern."""
    for action, expected in (("delete", [["Tom likes tea."]]), ("keep", [])):
        pipe = Pipeline(SAID)
        (fact,) = pipe.extract("s1", ("m2", "Tom likes tea."))
        tea = pipe.update("s1", fact, text="Tom likes tea. Rosa's desk is in room 7.")
        (fact,) = pipe.extract("s2", ("m3", NEW))
        pipe.update("s2", fact, action, target=tea, near=[tea])
        found = repairs(asked(pipe, gold="300", evidence=["m3"]), "update", 0)
        assert [texts(r, "entry") for r in found] == expected


def test_an_invented_statement_on_the_question_in_the_context_says_what_was_given() -> None:
    """Also where the wrong answer does not say it: it may have drawn the answer away."""
    pipe = Pipeline(SAID)
    (fact,) = pipe.extract("s1", ("m2", "Tom likes tea."))
    tea = pipe.update("s1", fact, text="Tom likes tea. Rosa's desk is in room 7.")
    (only,) = repairs(asked(pipe, tea, evidence=["m3"], gold="300"), "update", 0)
    assert texts(only, "entry") == ["Tom likes tea."]
