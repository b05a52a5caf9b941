"""The search for repairs: what is found one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import pytest

from tests.attribution_fixture import Pipeline
from tests.replay_scene import (
    FACT,
    OTHER,
    OWN,
    QUESTION,
    SAID,
    Extraction,
    operation,
    repairs,
    scene_of,
    texts,
)
from traces.attribution.blame import Blame
from traces.attribution.path import Chain
from traces.attribution.replay.repair import Repair, Scene
from traces.attribution.replay.search import search
from traces.attribution.replay.trial import Outcome, Trial
from traces.attribution.suspects import Suspects
from traces.operation import Recorder
from traces.replay import Replayed


def remembered(*facts: tuple[str, str], returned: int = 2) -> Scene:
    """Rosa's desk is asked for, and the answer takes Tom's: the facts are stored, and the last
    ones returned."""
    pipe = Pipeline(SAID)
    found = pipe.remember("s1", *facts)
    pipe.ask(QUESTION, "214", "room 9", evidence=["m1"], found=found[-returned:])
    return scene_of(pipe, Extraction(OWN))


class Replays:
    """A Trial: an operation of the kind `lost` is suspected first; the scene after its repair is
    `after`, whose answer an entry on another matter misled. `arrived`: the evidence stands in its
    context."""

    def __init__(
        self, before: Scene, after: Scene, arrived: bool = True, lost: str = "extraction"
    ) -> None:
        self.scenes = before, after
        self.arrived, self.lost = arrived, lost
        self.tried: list[list[str]] = []

    def allows(self, calls: int = 1) -> bool:
        return True

    def scene(self, outcome: Outcome | None = None) -> Scene:
        return self.scenes[outcome is not None and bool(outcome.repairs)]

    def suspects(self, outcome: Outcome | None = None) -> Suspects:
        scene = self.scene(outcome)
        if scene is self.scenes[0]:
            lost = Blame(operation(scene, self.lost), "Error", "omission", "lost")
            return Suspects(lost, chains=tuple(Chain(t) for t in scene.targets))
        misled = Blame(operation(scene, "retrieval"), "RetrievalError", "distractor", "misled")
        ranks = [1] if self.arrived else []
        return Suspects(misled, chains=tuple(Chain(t, 4, ranks=ranks) for t in scene.targets))

    def attempt(self, made: Sequence[Repair], *_: object) -> Outcome:
        self.tried.append([r.kind for r in made])
        told = [text for r in made for text in texts(r, "retrieved")]
        kinds = {r.kind for r in made}
        right = "leave_out" in kinds and ("own_extraction" in kinds or told == [FACT])
        return Outcome(tuple(made), Replayed(Recorder(), "room 9"), right)


@pytest.mark.parametrize("arrived", [True, False])
def test_what_misled_beside_evidence_that_a_repair_brought_is_left_out_next(arrived: bool) -> None:
    """A lost fact and a distractor are found together, once the fact is there; where it did not
    come into the context, leaving something out only goes round whoever lost it."""
    trial = Replays(remembered(("m2", OTHER)), remembered(("m1", FACT), ("m2", OTHER)), arrived)
    found = search(cast(Trial, trial), trial.suspects())
    kinds = [r.kind for r in found.rescue.repairs] if found.rescue else []
    assert kinds == (["own_extraction", "leave_out"] if arrived else [])
    assert (trial.tried[-1] == ["own_extraction", "leave_out"]) is arrived


def test_a_search_that_returned_too_little_and_too_much_is_repaired_in_both() -> None:
    """Where it is suspected again because of what it returned beside the evidence, that goes."""
    facts = (("m1", FACT), ("m2", OTHER))
    trial = Replays(remembered(*facts, returned=1), remembered(*facts), lost="retrieval")
    found = search(cast(Trial, trial), trial.suspects())
    assert found.rescue
    assert [texts(r, "retrieved") for r in found.rescue.repairs] == [[FACT]]
    assert trial.tried == [["choose"], ["leave_out"]]


def test_an_invention_that_ended_what_still_holds_is_left_out() -> None:
    """Of a question that cannot be answered: a fact that nobody stated ended the entry that the
    last message takes back, which then found nothing to delete."""
    pipe = Pipeline({
        "m1": ("s1", "Rosa", "I have a season ticket for the opera."),
        "m2": ("s1", "Tom", "The printer is sulking again."),
        "m3": ("s2", "Rosa", "I no longer have the season ticket for the opera."),
    })  # fmt: skip
    held, gone = pipe.extract(
        "s1", ("m1", "Rosa has a season ticket for the opera."),
        ("m2", "Rosa no longer has the season ticket for the opera."),
    )  # fmt: skip
    ticket = pipe.update("s1", held)
    pipe.update("s1", gone, "delete", target=ticket, near=[ticket])
    (late,) = pipe.remember("s2", ("m3", "Rosa no longer has the season ticket for the opera."))
    pipe.ask(
        "For which venue does Rosa have a season ticket?", None, "the opera", found=[late],
        evidence=["m1", "m3"], unanswerable=True,
    )  # fmt: skip
    first = repairs(scene_of(pipe), "extraction")[0]
    assert first.kind == "without_fact"
    assert texts(first, "fact") == ["Rosa has a season ticket for the opera."]
