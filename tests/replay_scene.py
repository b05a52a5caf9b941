"""Scenes of hand-made graphs: what repairs are made from, with a scripted extraction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tests.attribution_fixture import Pipeline
from traces.attribution.carries import Carries
from traces.attribution.contamination import Contamination
from traces.attribution.index import GraphIndex
from traces.attribution.replay.ideal import ideal_outputs
from traces.attribution.replay.repair import Repair, Scene
from traces.graph import EvolutionGraph
from traces.operation import Draw, Intervention
from traces.replay import Replayed
from traces.schema import OperationRecord, Variable, fact

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


class Extraction:
    """A Replay that only extracts: the facts (text, speaker) of each message id by script."""

    def __init__(self, facts: Mapping[str, Sequence[tuple[str, str]]] | None = None) -> None:
        self.facts = facts or {}
        self.asked: list[tuple[str, ...]] = []

    def __call__(
        self,
        interventions: Sequence[Intervention],
        *,
        evidence: object = (),
        draw: Draw | None = None,
    ) -> Replayed:
        raise AssertionError("repairs are made without replaying")

    def extract_alone(
        self, message_id: str, sample_index: int = 0, beside: Sequence[str] = ()
    ) -> tuple[Variable, ...]:
        self.asked.append((message_id, *beside))
        return tuple(
            fact(text, speaker, "2024-05-10", [id])
            for id in (message_id, *beside)
            for text, speaker in self.facts.get(id, ())
        )


def scene_of(pipe: Pipeline, replay: Extraction | None = None, question: str = "q1") -> Scene:
    """Return the scene of a question: targets by wording, the supporter of its prediction."""
    index = GraphIndex(EvolutionGraph.of(pipe.ctx.recorder))
    asked = next(q for q in pipe.questions if q.id == question)
    carries = Carries(index, asked)
    known = [index.messages[id] for id in asked.evidence if id in index.messages]
    targets = () if asked.unanswerable else tuple(carries.wording_target(m) for m in known)
    supporter = Contamination(index, asked, pipe.predictions[question]).supporter()
    return Scene(index, asked, targets, supporter, carries, replay or Extraction())


def operation(scene: Scene, kind: str, number: int = 0) -> OperationRecord:
    """Return an operation of a kind by its place."""
    found = [scene.index.operation(id) for id in scene.index.position]
    return [o for o in found if o.kind == kind][number]


def repairs(scene: Scene, kind: str, number: int = 0) -> list[Repair]:
    """Return all repairs of an operation, named by kind and place."""
    return list(ideal_outputs(operation(scene, kind, number), scene))


def texts(repair: Repair, kind: str) -> list[str]:
    """Return the texts of a repair's outputs of one kind."""
    return [v.value["text"] for vs in repair.outputs.values() for v in vs if v.kind == kind]


def changes(repair: Repair) -> list[tuple[str, str | None]]:
    """Return what a repair of an update does, as (action, target)."""
    return [
        (v.value["action"], v.value["target"])
        for vs in repair.outputs.values()
        for v in vs
        if v.kind == "change"
    ]


def asked(pipe: Pipeline, *found: str, prediction: str = "Not mentioned", **more: Any) -> Scene:
    """Ask where Rosa's desk is, answered from the entries `found`; return the scene."""
    replay = more.pop("replay", None)
    more.setdefault("evidence", ["m1"])
    pipe.ask(QUESTION, more.pop("gold", "214"), prediction, found=found, **more)
    return scene_of(pipe, replay)
