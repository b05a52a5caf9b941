"""Updates that tell messages anew of which facts are made besides (accounts, foresights)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.attribution_fixture import DATES, Pipeline
from tests.replay_scene import changes, operation, repairs, scene_of, texts
from traces.attribution.replay.legality import IllegalRepair, check_legal
from traces.attribution.replay.repair import Repair, Scene
from traces.schema import MemoryEntry, Variable, change, message_variable

SAID = {
    "m1": ("s1", "Rosa", "My desk is in room 214."),
    "m2": ("s1", "Tom", "I will paint the fence in autumn."),
}
FACT, OTHER = "Rosa's desk is in room 214.", "Tom will paint the fence in autumn."
AHEAD = "In autumn Tom will paint the fence."
FIRST = "Rosa spoke of a desk in room 214."
MADE_UP, MADE_UP_TOO = "The desk of Rosa stands in room 300.", "Tom gave up his cellar lease."


def told(text: str, first: str = FIRST) -> Scene:
    """Rosa's desk and Tom's fence as facts, stored as such; besides, both messages are told
    anew, as `first` and `text`. The question where the desk is was answered from the latter."""
    pipe = Pipeline(SAID)
    own = pipe.remember("s1", ("m1", FACT), ("m2", OTHER))
    entries = [
        MemoryEntry("a1", first, "Rosa", "2024-05-10", ("m1",)),
        MemoryEntry("a2", text, "Tom", "2024-05-10", ("m2",)),
    ]
    messages = [message_variable(m, DATES["s1"]) for m in pipe.sessions["s1"].messages]
    outputs = pipe.scope("s1").perform(
        "update", name="account", identity=["m1", "m2"], inputs={"messages": messages},
        call=lambda op: {
            "changes": [change("add", None, "ahead") for _ in entries],
            "entries": [e.as_variable() for e in entries],
        },
    )  # fmt: skip
    pipe.memory.update({e.value["entry_id"]: e for e in outputs["entries"]})
    pipe.ask(
        "Which room is Rosa's desk in?", "214", "300", evidence=["m1"], found=["a2", *own]
    )  # fmt: skip
    return scene_of(pipe)


ACCOUNT = 2  # its place among the updates


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (f"{AHEAD} {MADE_UP}", AHEAD),
        (f"{MADE_UP} {AHEAD}", AHEAD),
        (f"{AHEAD} {MADE_UP} Tom has a fence.", f"{AHEAD} Tom has a fence."),
    ],
)
def test_an_account_gives_up_the_sentence_that_it_made_up(text: str, left: str) -> None:
    """What it tells rightly stays, in the entry and beside it; last, the entry goes."""
    first, second = repairs(told(text), "update", ACCOUNT)
    assert {first.kind, second.kind} == {"without_fact"}
    assert texts(first, "entry") == [FIRST, left]
    assert texts(second, "entry") == [FIRST]


def test_all_entries_in_which_an_account_made_something_up_are_repaired_at_once() -> None:
    """One of them left as it was would still mislead."""
    first, second = repairs(told(f"{AHEAD} {MADE_UP}", f"{FIRST} {MADE_UP_TOO}"), "update", ACCOUNT)
    assert texts(first, "entry") == [FIRST, AHEAD]
    assert texts(second, "entry") == []
    assert changes(first) == [("add", None)] * 2
    assert changes(second) == []


def test_an_account_that_is_made_up_altogether_goes() -> None:
    """To tell it in the messages' words would go round whoever made their facts."""
    (only,) = repairs(told(MADE_UP), "update", ACCOUNT)
    assert texts(only, "entry") == [FIRST]


def test_a_faithful_account_is_not_repaired() -> None:
    """Whatever it leaves out, the facts carry."""
    assert repairs(told(AHEAD), "update", ACCOUNT) == []


def _entries(scene: Scene, **changed: str) -> list[Variable]:
    found = scene.index.outputs(operation(scene, "update", ACCOUNT), "entry")
    new = {
        id: Variable("entry", {**v.value, "text": changed[id]})
        for v in found if (id := v.value["entry_id"]) in changed
    }  # fmt: skip
    return [new.get(v.value["entry_id"], v) for v in found]


@pytest.mark.parametrize(
    ("outputs", "reason"),
    [
        (lambda scene: _entries(scene)[1:], "which its messages support"),
        (lambda scene: _entries(scene, a2="Rosa: My desk is in room 214."), "no part of what"),
        (lambda scene: [*_entries(scene), MemoryEntry("new", AHEAD).as_variable()], "no part of"),
    ],
)
def test_a_repair_of_an_account_says_nothing_else_and_drops_nothing_true(
    outputs: Any, reason: str
) -> None:
    """A true entry left out, the evidence put in, an entry added: each is refused."""
    scene = told(f"{AHEAD} {MADE_UP}")
    account = operation(scene, "update", ACCOUNT)
    repair = Repair(account, {"changes": [], "entries": outputs(scene)}, "without_fact", "")
    with pytest.raises(IllegalRepair, match=reason):
        check_legal(repair, scene)
