"""What kind of error a repair shows, by what operations of that name are seen to do."""

from __future__ import annotations

import pytest

from tests.attribution_fixture import Pipeline
from tests.replay_scene import FACT, QUESTION, SAID, repairs, scene_of
from traces.attribution.replay.classify import blame_of

FILLED = {f"m1{n}": ("s1", "Tom", f"Shelf {n} holds box {n}.") for n in range(6)}


def retraction_missed(change_one: bool) -> tuple[str, str]:
    """Return the type of a retraction that went in as a fact of its own: six other facts were
    added before, the last one as a change where asked for."""
    pipe = Pipeline({**SAID, **FILLED})
    (old,) = pipe.remember("s1", ("m1", FACT))
    facts = pipe.extract("s1", *((id, text) for id, (_, _, text) in FILLED.items()))
    first = pipe.update("s1", facts[0], "add")
    for fact in facts[1:-1]:
        pipe.update("s1", fact)
    if change_one:
        pipe.update("s1", facts[-1], "change", target=first, near=[first])
    (fact,) = pipe.extract("s2", ("m4", "Rosa gave up the desk in room 214."))
    pipe.update("s2", fact, "add", near=[old])
    pipe.ask(QUESTION, None, "214", found=[old], evidence=["m1", "m4"], unanswerable=True)
    scene = scene_of(pipe)
    last = len(scene.index.of_kind("update")) - 1
    repair = next(r for r in repairs(scene, "update", last) if r.kind == "delete")
    blame = blame_of(repair, scene, None)
    return blame.error_type, blame.sub_type


@pytest.mark.parametrize(
    ("change_one", "expected"),
    [(True, ("DeletionError", "stale")), (False, ("UpdateError", "stale"))],
)
def test_what_has_only_added_so_far_is_not_blamed_for_not_deleting(
    change_one: bool, expected: tuple[str, str]
) -> None:
    """An update that adds and changes might have deleted; one that only adds should have told
    that the entry no longer holds."""
    assert retraction_missed(change_one) == expected


def test_a_few_operations_say_nothing_of_what_they_may_do() -> None:
    """With two updates in the record, a missed retraction is a missed deletion."""
    pipe = Pipeline(SAID)
    (old,) = pipe.remember("s1", ("m1", FACT))
    (fact,) = pipe.extract("s2", ("m4", "Rosa gave up the desk in room 214."))
    pipe.update("s2", fact, "add", near=[old])
    pipe.ask(QUESTION, None, "214", found=[old], evidence=["m1", "m4"], unanswerable=True)
    scene = scene_of(pipe)
    blame = blame_of(repairs(scene, "update", 1)[0], scene, None)
    assert (blame.error_type, blame.sub_type) == ("DeletionError", "stale")
