"""Causes where two updates take one fact in turn: one stores it, another describes what stands
beside it; and entries that say of themselves that they count no more."""

from __future__ import annotations

import pytest

from tests.attribution_fixture import Pipeline
from tests.replay_scene import changes, operation, repairs, scene_of
from tests.test_attribution_loss import attribute, kind
from traces.attribution.targets import Item
from traces.attribution.words import retired
from traces.schema import Variable, change
from traces.store import Store

SAID = {
    "m1": ("s1", "Rosa", "My locker is number 12, near the stairs."),
    "m3": ("s2", "Rosa", "My locker is number 77 from today."),
}
OLD, NEW = "Rosa's locker is number 12, near the stairs.", "Rosa's locker is number 77."
OVER = f"{OLD} (superseded since 2024-06-12)"
QUESTION = "Which locker does Rosa have?"


def two_updates(action: str, gold: str, said: str, evidence: str) -> Pipeline:
    """The new fact is stored by one update; a second one is shown the old entry and the new,
    and keeps the memory or tells in the old entry that it is over."""
    pipe = Pipeline(SAID)
    (old,) = pipe.remember("s1", ("m1", OLD))
    (fact,) = pipe.extract("s2", ("m3", NEW))
    new = pipe.update("s2", fact)
    target = old if action == "change" else ""
    pipe.update("s2", fact, action, text=OVER, target=target, near=[old, new])
    pipe.ask(QUESTION, gold, said, evidence=[evidence], found=[old, new])
    return pipe


def test_an_old_value_is_left_standing_by_the_update_that_was_shown_it(store: Store) -> None:
    """The update that stored the new fact was shown nothing that it could have ended."""
    pipe = two_updates("keep", gold="77", said="12", evidence="m3")
    found = attribute(pipe, store)
    assert kind(found) == ("UpdateError", "stale")
    assert found.operations == (operation(scene_of(pipe), "update", 2).id,)


def test_an_entry_that_is_told_to_be_over_no_longer_carries(store: Store) -> None:
    """Words remain, but a reader takes them for past: the update that said so lost them."""
    pipe = two_updates("change", gold="12", said="77", evidence="m1")
    found = attribute(pipe, store)
    assert kind(found) == ("UpdateError", "overwritten")
    assert found.operations == (operation(scene_of(pipe), "update", 2).id,)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [(QUESTION, False), ("Which locker did Rosa have before?", True)],
)
def test_an_entry_that_is_over_tells_what_was_before(asked: str, expected: bool) -> None:
    """It carries the evidence of a question for the former value, and of no other."""
    pipe = two_updates("change", gold="12", said="77", evidence="m1")
    pipe.ask(asked, "12", "77", evidence=["m1"], found=list(pipe.memory), id="q2")
    scene = scene_of(pipe, question="q2")
    over = next(v for v in pipe.memory.values() if v.value["text"] == OVER)
    assert scene.carries.reading(Item.of(over), scene.targets[0]).carried is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [(OVER, True), ("Ana quit. (no longer holds since 2024)", True), ("So. (Hearsay.)", True),
     (OLD, False), ("Ana (no longer a member) moved.", False), ("Here (formerly: Bo).", False)],
)  # fmt: skip
def test_only_a_remark_at_the_end_takes_all_of_an_entry_back(text: str, expected: bool) -> None:
    """Brackets elsewhere, and former values beside new ones, take back nothing."""
    assert retired(text) is expected


def test_what_an_earlier_update_stored_is_not_stored_again() -> None:
    """To leave the memory as it was shown repairs the second update; to add the fact once more,
    or to delete its own entry, would go round the first."""
    scene = scene_of(two_updates("change", gold="12", said="77", evidence="m1"))
    made = repairs(scene, "update", 2)
    assert made[0].kind == "keep"
    assert changes(made[0]) == [("keep", None)]
    new = operation(scene, "update", 1).outputs["entries"][0][0]
    own = scene.index.version_of[new].variable.value["entry_id"]
    for repair in made:
        assert all(target != own for _, target in changes(repair))
        entries = [v for vs in repair.outputs.values() for v in vs if v.kind == "entry"]
        assert all(v.value["version"] > 1 for v in entries)


def test_a_repaired_entry_keeps_what_a_backend_holds_besides() -> None:
    """Further fields of the recorded entry stay; what it says is the fact's."""
    pipe = Pipeline(SAID)
    (fact,) = pipe.extract("s1", ("m1", OLD))
    told = {
        "entry_id": "e1", "version": 1, "text": "Rosa's locker is number 99.", "speaker": "Rosa",
        "date": "2024-05-10", "sources": ["m1"], "tags": ["locker"],
    }  # fmt: skip
    outputs = pipe.scope("s1").perform(
        "update", name="update", identity=["x"], inputs={"fact": [fact]},
        call=lambda op: {"changes": [change("add", None)], "entries": [Variable("entry", told)]},
    )  # fmt: skip
    pipe.memory["e1"] = outputs["entries"][0]
    pipe.ask(QUESTION, "12", "99", evidence=["m1"], found=["e1"])
    scene = scene_of(pipe)
    (first, *_) = repairs(scene, "update")
    (entry,) = [v for vs in first.outputs.values() for v in vs if v.kind == "entry"]
    assert (entry.value["text"], entry.value["tags"]) == (OLD, ["locker"])
