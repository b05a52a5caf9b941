"""The smallest set of repairs: what each of them is needed for, seen without it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import cast

import pytest

from tests.attribution_fixture import Pipeline
from tests.replay_scene import OWN, QUESTION, SAID, Extraction, operation, repairs, scene_of, texts
from traces.attribution.path import Chain
from traces.attribution.replay.minimal import smallest
from traces.attribution.replay.repair import Repair, Scene
from traces.attribution.replay.trial import Outcome, Trial
from traces.attribution.suspects import Suspects
from traces.graph import EvolutionGraph
from traces.operation import Recorder
from traces.replay import Replayed

Right = Callable[[Sequence[Repair]], bool]


class Replays:
    """A Trial whose replays are right where the test says so; memory stays as recorded. With
    `arrived` the evidence is in every replay's context."""

    def __init__(self, pipe: Pipeline, scene: Scene, right: Right, arrived: bool = False) -> None:
        self.graph = EvolutionGraph.of(pipe.ctx.recorder)
        self._scene, self._right, self._arrived = scene, right, arrived

    def allows(self, calls: int = 1) -> bool:
        return True

    def scene(self, outcome: Outcome | None = None) -> Scene:
        return self._scene

    def suspects(self, outcome: Outcome) -> Suspects:
        ranks = [1] if self._arrived else []
        return Suspects(None, chains=tuple(Chain(t, ranks=ranks) for t in self._scene.targets))

    def attempt(self, made: Sequence[Repair]) -> Outcome:
        return Outcome(tuple(made), Replayed(Recorder(), "an answer"), self._right(made))

    def least(self, *made: Repair) -> list[Repair]:
        """Return what is left of a rescue by these repairs."""
        return list(smallest(cast(Trial, self), self.attempt(made)).repairs)


def stored(made: Sequence[Repair]) -> str:
    return " ".join(text for repair in made for text in texts(repair, "entry"))


def garbled(said_by: str) -> tuple[Pipeline, Scene]:
    """Rosa's desk was extracted as somebody's, and the fact then not stored."""
    pipe = Pipeline(SAID)
    (fact,) = pipe.extract("s1", ("m1", f"{said_by} moved the desk to room 214.", said_by))
    pipe.update("s1", fact, "keep")
    pipe.ask(QUESTION, "214", "Not mentioned", evidence=["m1"])
    return pipe, scene_of(pipe, Extraction(OWN))


@pytest.mark.parametrize(
    ("needed", "kinds"), [("214", ["as_given"]), ("Rosa", ["own_extraction", "as_given"])]
)
def test_what_was_made_from_a_dropped_repair_is_made_anew(needed: str, kinds: list[str]) -> None:
    """An update that should have stored its fact stores the garbled one where the extraction is
    not repaired: is that enough for the answer, the extraction's fault was harmless."""
    pipe, scene = garbled("Tom")
    _, mended = garbled("Rosa")
    extraction = repairs(scene, "extraction")[0]
    update = replace(repairs(mended, "update")[0], operation=operation(scene, "update"))
    replays = Replays(pipe, scene, lambda made: needed in stored(made))
    assert [r.kind for r in replays.least(extraction, update)] == kinds


@pytest.mark.parametrize(
    ("found", "arrived", "kinds"),
    [("Rosa:", False, ["verbatim"]), ("x", False, None), ("Rosa:", True, None)],
)
def test_a_search_that_missed_the_words_of_one_repair_is_not_to_blame(
    found: str, arrived: bool, kinds: list[str] | None
) -> None:
    """Where another wording of the lost fact is found without it, the extraction alone is; else
    both are. What arrived in the words of the first repair was not missed for its words."""
    pipe = Pipeline(SAID)
    (other,) = pipe.remember("s1", ("m2", "Tom's desk is in room 9."))
    pipe.ask(QUESTION, "214", "Not mentioned", evidence=["m1"], found=[other])
    scene = scene_of(pipe, Extraction(OWN))
    extraction = repairs(scene, "extraction")[0]
    search = Repair(operation(scene, "retrieval"), {"entries": []}, "choose", "returned")

    def right(made: Sequence[Repair]) -> bool:
        told = " ".join(text for repair in made for text in texts(repair, "fact"))
        return len(made) > 1 or found in told

    left = Replays(pipe, scene, right, arrived).least(extraction, search)
    assert [r.kind for r in left] == (kinds or ["own_extraction", "choose"])


@pytest.mark.parametrize(("needed", "kinds"), [(1, ["leave_out"]), (2, ["as_given", "leave_out"])])
def test_an_entry_is_still_left_out_when_a_repair_before_it_is_dropped(
    needed: int, kinds: list[str]
) -> None:
    """Is it enough to leave out what misled the answer, what stored the evidence is not to
    blame; else both are."""
    pipe, scene = garbled("Rosa")
    update = repairs(scene, "update")[0]
    (other,) = pipe.remember("s1", ("m2", "Tom's desk is in room 9."))
    pipe.ask(QUESTION, "214", "room 9", evidence=["m1"], found=[other], id="q2")
    scene = scene_of(pipe, Extraction(OWN), "q2")
    (without,) = [r for r in repairs(scene, "retrieval", 1) if r.kind == "leave_out"]
    left = Replays(pipe, scene, lambda made: without in made and len(made) >= needed).least(
        update, without
    )
    assert [r.kind for r in left] == kinds
