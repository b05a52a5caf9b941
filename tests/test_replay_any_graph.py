"""Repairs of whatever graph there may be: legal, new, well formed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.attribution_fixture import Pipeline
from tests.replay_scene import Extraction, scene_of
from traces.attribution.replay.ideal import content_of, ideal_outputs
from traces.attribution.replay.legality import IllegalRepair, check_legal
from traces.attribution.replay.repair import Scene
from traces.schema import Outputs, Variable, validate_outputs

_WORDS = "desk room 214 9 May moved has tea bike former yesterday last week no longer gave up"
_TEXT = st.lists(
    st.sampled_from([*_WORDS.split(), "Rosa", "Tom", "I", "my", "2024", "12", "Friday.", "so!\n"]),
    min_size=1, max_size=9,
).map(" ".join)  # fmt: skip


@st.composite
def pipelines(draw: st.DrawFn) -> tuple[Pipeline, Extraction]:
    """A pipeline of two sessions whose every step may do anything."""
    speakers = st.sampled_from(["Rosa", "Tom", ""])
    said = {f"m{n}": ("s1" if n < 3 else "s2", draw(speakers), draw(_TEXT)) for n in range(5)}
    pipe = Pipeline(said)
    raw = draw(st.integers(0, 3)) == 0
    for session in ("s1", "s2"):
        here = [m for m, (s, _, _) in said.items() if s == session]
        if raw:
            pipe.index(*here[: draw(st.integers(1, len(here)))])
            continue
        dates = st.sampled_from(["2024-05-10", "2024-05-02", "2024-05", "", "soon"])
        fact = st.tuples(st.sampled_from(here), _TEXT, speakers, dates)
        for made in pipe.extract(session, *draw(st.lists(fact, max_size=4))):
            near = draw(st.lists(st.sampled_from(sorted(pipe.memory)), unique=True, max_size=3)
                        if pipe.memory else st.just([]))  # fmt: skip
            action = draw(st.sampled_from(["add", "keep", *["change", "delete"] * bool(near)]))
            target = draw(st.sampled_from(near)) if action in ("change", "delete") else ""
            text = draw(st.just("") | _TEXT)
            pipe.update(session, made, action, text=text, target=target, near=near)
    ids = sorted(pipe.memory)
    found = draw(st.lists(st.sampled_from(ids), unique=True, max_size=3)) if ids else []
    evidence = draw(st.lists(st.sampled_from(sorted(said)), unique=True, min_size=1, max_size=3))
    unanswerable = draw(st.booleans())
    gold = None if unanswerable else draw(st.sampled_from(["214", "May 2024", "tea and desk"]))
    prediction = draw(_TEXT | st.just("Not mentioned"))
    asked = draw(_TEXT)
    pipe.ask(asked, gold, prediction, found=found, evidence=evidence, unanswerable=unanswerable)
    pipe.ask("Anything?", "x", "y", found=ids[:2], id="q2")
    own = draw(st.dictionaries(
        st.sampled_from(sorted(said)), st.lists(st.tuples(_TEXT, speakers), max_size=2)
    ))  # fmt: skip
    return pipe, Extraction(own)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(pipelines())
def test_whatever_the_graph_every_repair_is_legal_new_and_well_formed(
    made: tuple[Pipeline, Extraction],
) -> None:
    """Each passes the check, fits its operation's schema, changes something, and is none of
    those before it; no response and no operation of another question has any."""
    scene = scene_of(*made)
    for id in scene.index.position:
        one = scene.index.operation(id)
        found = list(ideal_outputs(one, scene))
        for repair in found:
            check_legal(repair, scene)
            validate_outputs(one.kind, one.name, repair.outputs)
        before = content_of(_recorded(scene, id))
        contents = [before, *(content_of(r.outputs) for r in found)]
        assert len(set(contents)) == len(contents)
        assert not found or (one.kind != "response" and one.scope != "q2")


def _recorded(scene: Scene, id: str) -> Outputs:
    one = scene.index.operation(id)
    kinds = ("fact", "change", "entry", "query", "retrieved", "answer")
    return {kind: scene.index.outputs(one, kind) for kind in kinds}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(pipelines(), _TEXT)
def test_a_repair_that_says_one_thing_more_is_refused(
    made: tuple[Pipeline, Extraction], foreign: str
) -> None:
    """A word that nobody said, put into the text of any repair that makes one, is illegal."""
    scene = scene_of(*made)
    for id in scene.index.position:
        for repair in ideal_outputs(scene.index.operation(id), scene):
            if repair.kind in ("own_extraction", "without_fact", "keep", "delete", "leave_out"):
                continue
            outputs = {
                role: [_with(v, f"{foreign} xylophone") for v in variables]
                for role, variables in repair.outputs.items()
            }
            with pytest.raises(IllegalRepair):
                check_legal(replace(repair, outputs=outputs), scene)


def _with(variable: Variable, more: str) -> Variable:
    if "text" not in variable.value:
        return variable
    value = {**variable.value, "text": f"{variable.value['text']} {more}"}
    return Variable(variable.kind, value)
