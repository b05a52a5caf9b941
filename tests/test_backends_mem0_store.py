"""What is stored is what operations put out, by mem0's own update and delete."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from memory_backends.registry import create_backend
from tests.backend_fixture import ask, context, ingest, session, texts
from tests.mem0_fixture import TALK, Extracting, driven, passed
from traces.errors import OperationError
from traces.operation import substitute
from traces.schema import MemoryEntry, change, fact

pytestmark = pytest.mark.usefixtures("json_adapter")


def test_what_replaces_an_extraction_is_what_mem0_stores() -> None:
    """Substituted facts go through mem0's check for repetition and into its store; what the
    model said does not."""
    _, before = passed(Extracting(), session(*TALK))
    extraction = before.recorder.operations[0].id
    told = [fact("Rosa keeps wasps.", "Rosa", "2024-05-12", ["s1:1"])]
    backend = create_backend("mem0")
    ctx = context(Extracting(), "mem0").intervened([substitute(extraction, {"facts": told})])
    ingest(backend, ctx, session(*TALK))
    assert texts(backend.entries()) == ["Rosa keeps wasps."]
    assert ask(backend, ctx, "Who keeps wasps?") == ["Rosa keeps wasps."]


@pytest.mark.parametrize("action", ["change", "delete", "keep"])
def test_what_replaces_a_store_is_carried_out_by_mem0(
    action: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """mem0's explicit update and delete do what the operation put out in the place of an add."""
    late = session("I keep bees in Lagos.", id="s2")
    plain, before = passed(Extracting(), session(*TALK), late)
    old = plain.entries()[0]
    store = next(o.id for o in before.recorder.operations if o.scope == "s2" and o.kind == "update")
    new = MemoryEntry(old.id, "Rosa keeps bees in Lagos now.", "Rosa", "2024-05-12", ("s2:1",), 2)
    made = {
        "changes": [change(action, old.id)],
        "entries": [new.as_variable()] if action == "change" else [],
    }
    backend = create_backend("mem0")
    ctx = context(Extracting(), "mem0").intervened([substitute(store, made)])
    calls = driven(monkeypatch)
    ingest(backend, ctx, session(*TALK), late)
    carried_out = {"change": [("update", old.id)], "delete": [("delete", old.id)], "keep": []}
    assert [call for call in calls if call[0] != "add"] == carried_out[action]
    rest = "Ben does bought a green canoe."
    wanted = {"change": [new.text, rest], "delete": [rest], "keep": [old.text, rest]}
    assert texts(backend.entries()) == wanted[action]
    found = ask(backend, ctx, "Where does Rosa keep bees?")
    assert [t for t in found if "bees" in t] == [t for t in wanted[action] if "bees" in t]


def test_a_text_that_mem0_holds_is_not_stored_twice() -> None:
    """mem0's own check finds it; the operation says that the entry was kept."""
    backend, ctx = passed(Extracting(), session(*TALK), session(TALK[0], id="s2"))
    assert len(backend.entries()) == 2
    last = ctx.recorder.operations[-1]
    (ref,) = last.outputs["changes"]
    kept = json.loads(ctx.recorder.values[ref[1]][1])
    assert (kept["action"], kept["target"]) == ("keep", backend.entries()[0].id)


@pytest.mark.parametrize(
    ("decision", "called", "wanted"),
    [
        (
            {"action": "change", "target": 1, "text": "Rosa keeps goats."},
            ["add", "add", "update"],
            ["Rosa keeps goats."],
        ),
        ({"action": "delete", "target": 1}, ["add", "add", "delete"], []),
        ({"action": "keep", "target": 1}, ["add", "add"], ["Rosa does keep bees in Faro."]),
    ],
)
def test_with_update_a_fact_may_change_what_stands(
    decision: Mapping[str, Any],
    called: Sequence[str],
    wanted: Sequence[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The option puts memtune's update operation over mem0's update and delete."""
    two = session("I keep bees in Faro."), session("I keep goats in Faro.", id="s2")
    calls = driven(monkeypatch)
    backend, _ = passed(Extracting(**decision), *two, config={"update": True})
    assert [name for name, _ in calls] == called
    assert texts(backend.entries()) == wanted


def test_what_mem0_would_write_instead_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The text that arrives at the store is the operation's, or the add fails: a mem0 that
    rewrites what it is told to hold is no memory of what is recorded."""
    from memory_backends.mem0.package import imported

    memory = imported().Memory
    real = memory.update
    monkeypatch.setattr(
        memory, "update", lambda self, id, text: real(self, id, text=f"{text} (updated)")
    )
    model = Extracting(action="change", target=1, text="Rosa keeps goats.")
    two = session("I keep bees in Faro."), session("I keep goats in Faro.", id="s2")
    with pytest.raises(OperationError, match=r"writes 'Rosa keeps goats. \(updated\)'"):
        passed(model, *two, config={"update": True})
