"""The seam: execute, reuse, substitute; stable ids; validation."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from traces.errors import DeadlineExceeded, InterventionError, OperationError
from traces.operation import Draw, Intervention, OperationContext, Recorder, substitute
from traces.schema import Variable, answer, fact
from traces.store import Store


def extract(ctx: OperationContext, text: str, ids: list[str], calls: list[str]) -> dict[str, Any]:
    message = Variable(
        "message", {"id": ids[0], "speaker": "Ana", "text": text, "date": "2024-05-12"},
        f"message/{ids[0]}",
    )  # fmt: skip

    def call(op: Any) -> dict[str, Any]:
        calls.append(op.id)
        return {"facts": [fact(f"Ana: {text}", "Ana", "2024-05-12", ids)]}

    return ctx.perform(
        "extraction", name="extract", slot="extraction", identity=ids,
        inputs={"messages": [message]}, call=call,
    )  # fmt: skip


def saved(store: Store, ctx: OperationContext) -> OperationContext:
    store.save_pass(ctx.episode, ctx.prompts.hash, "p", ctx.recorder)
    return replace(ctx, recorder=Recorder(), reuse=store)


def test_executes_and_records(context: OperationContext) -> None:
    """An operation that ran is recorded with its inputs, outputs and status."""
    calls: list[str] = []
    outputs = extract(context, "hello", ["m1"], calls)
    (record,) = context.recorder.operations
    assert calls == [record.id]
    assert record.status == "executed"
    assert outputs["facts"][0].id == f"{record.id}/facts/0"
    assert record.outputs["facts"] == [(outputs["facts"][0].id, outputs["facts"][0].hash)]


def test_reuses_what_was_recorded(context: OperationContext, store: Store) -> None:
    """The same operation with the same inputs and prompt is not called again."""
    calls: list[str] = []
    first = extract(context, "hello", ["m1"], calls)
    again = saved(store, context)
    second = extract(again, "hello", ["m1"], calls)
    assert len(calls) == 1
    assert second == first
    assert again.recorder.operations[0].status == "reused"


@pytest.mark.parametrize("change", ["input", "prompt", "parameters", "sample"])
def test_reuse_needs_everything_the_same(
    context: OperationContext, store: Store, change: str
) -> None:
    """Another input, instruction, backend or sample index means that the operation runs."""
    calls: list[str] = []
    extract(context, "hello", ["m1"], calls)
    again = saved(store, context)
    text = "hello"
    if change == "input":
        text = "good bye"
    elif change == "prompt":
        again = replace(again, prompts=again.prompts.with_changes({"extraction": "Keep all."}))
    elif change == "parameters":
        again = replace(again, parameters="another backend")
    else:
        again = replace(again, sample_index=1)
    extract(again, text, ["m1"], calls)
    assert len(calls) == 2


def test_another_slots_prompt_does_not_matter(context: OperationContext, store: Store) -> None:
    """An operation is reused when only the prompt of another slot has changed."""
    calls: list[str] = []
    extract(context, "hello", ["m1"], calls)
    again = saved(store, context)
    extract(
        replace(again, prompts=again.prompts.with_changes({"update": "Other."})),
        "hello", ["m1"], calls,
    )  # fmt: skip
    assert len(calls) == 1


def test_ids_do_not_depend_on_neighbours(context: OperationContext) -> None:
    """An operation performed in between renames none of its neighbours."""
    calls: list[str] = []
    for ids in (["m1"], ["m3"]):
        extract(context, "x", ids, calls)
    other = replace(context, recorder=Recorder())
    for ids in (["m1"], ["m2"], ["m3"]):
        extract(other, "x", ids, calls)
    assert calls[:2] == [calls[2], calls[4]]


def test_the_same_work_twice_has_two_ids(context: OperationContext) -> None:
    """Repeating identical work in one pass is told apart by its occurrence."""
    calls: list[str] = []
    extract(context, "x", ["m1"], calls)
    extract(context, "x", ["m1"], calls)
    assert calls[0] != calls[1]


def test_substitutes_and_says_so(context: OperationContext) -> None:
    """A repair replaces the output, the call is not made, and the record says substituted."""
    calls: list[str] = []
    extract(context, "x", ["m1"], calls)
    replay = context.intervened(
        [substitute(calls[0], {"facts": [fact("repaired", "Ana", "", ["m1"])]})]
    )
    outputs = extract(replay, "x", ["m1"], calls)
    replay.require_fired()
    assert outputs["facts"][0].value["text"] == "repaired"
    assert len(calls) == 1
    assert replay.recorder.operations[0].status == "substituted"


def test_a_repair_overrides_a_fault(context: OperationContext) -> None:
    """A fault is a function of the real output; a repair at the same place wins over it."""
    calls: list[str] = []
    extract(context, "x", ["m1"], calls)
    id = calls[0]
    fault = Intervention(
        id, lambda inputs, real: {"facts": [*real()["facts"], fact("made up", "Bo", "", ["m1"])]}
    )
    faulty = context.intervened([fault])
    assert len(extract(faulty, "x", ["m1"], calls)["facts"]) == 2
    repaired = faulty.intervened([substitute(id, {"facts": []})])
    assert extract(repaired, "x", ["m1"], calls)["facts"] == []


def test_substituted_outputs_are_never_reused(context: OperationContext, store: Store) -> None:
    """What an intervention put out does not leak into later passes."""
    calls: list[str] = []
    extract(context, "x", ["m1"], calls)
    replay = context.intervened([substitute(calls[0], {"facts": []})])
    extract(replay, "x", ["m1"], calls)
    store.save_pass("conv", "prompts", "p", replay.recorder)
    again = replace(context, recorder=Recorder(), reuse=store)
    assert len(extract(again, "x", ["m1"], calls)["facts"]) == 1


def test_a_drawn_operation_runs_anew_at_its_sample_and_no_other_one(
    context: OperationContext, store: Store
) -> None:
    """In a replay the operations of a draw are run although they were recorded, at the draw's
    sample index; their neighbours are reused at sample 0."""
    calls: list[str] = []
    samples: list[int] = []

    def both(ctx: OperationContext) -> None:
        for id in ("m1", "m2"):
            ctx.perform(
                "extraction", name="extract", identity=[id], inputs={},
                call=lambda op: (calls.append(op.id), samples.append(op.sample_index), {})[2],
            )  # fmt: skip

    both(context)
    for sample in (0, 3):
        again = saved(store, context)
        both(replace(again, draw=Draw(sample, frozenset([calls[0]]))))
    assert calls[2:] == [calls[0], calls[0]]
    assert samples == [0, 0, 0, 3]


def test_a_pinned_operation_keeps_its_outputs_unless_it_is_repaired(
    context: OperationContext,
) -> None:
    """Where pins say so an operation is not run although its inputs changed; the record says
    pinned, and a repair goes before the pin."""
    kept = {"facts": [fact("kept", "Ana", "", ["m1"])]}

    class Pins:
        def find(self, kind: str, operation_id: str, inputs: object) -> Any:
            return kept if kind == "extraction" else None

    calls: list[str] = []
    pinned = replace(context, pins=Pins())
    outputs = extract(pinned, "changed", ["m1"], calls)
    assert calls == []
    assert outputs["facts"][0].value["text"] == "kept"
    (record,) = pinned.recorder.operations
    assert record.status == "pinned"
    repaired = pinned.intervened([substitute(record.id, {"facts": []})])
    assert extract(repaired, "changed", ["m1"], calls)["facts"] == []


def test_only_the_operations_asked_about_have_to_fire(context: OperationContext) -> None:
    """A fault that a repair upstream made impossible is no failed replay; a repair that does
    not fire is one."""
    calls: list[str] = []
    extract(context, "x", ["m1"], calls)
    replay = context.intervened(
        [substitute(calls[0], {"facts": []}), Intervention("gone", lambda _, real: real())]
    )
    extract(replay, "x", ["m1"], calls)
    replay.require_fired([calls[0]])
    with pytest.raises(InterventionError, match="gone"):
        replay.require_fired([calls[0], "gone"])


def test_an_intervention_that_matches_nothing_is_a_failed_replay(
    context: OperationContext,
) -> None:
    """A replay whose intervention never fired raises instead of passing for a success."""
    replay = context.intervened([substitute("no-such-operation", {})])
    extract(replay, "x", ["m1"], [])
    with pytest.raises(InterventionError, match="no-such-operation"):
        replay.require_fired()


def test_a_failing_operation_is_recorded_and_raised(context: OperationContext) -> None:
    """An exception is recorded with its type and message, and raised unchanged."""

    def call(op: Any) -> Any:
        raise ZeroDivisionError("boom")

    with pytest.raises(ZeroDivisionError):
        context.perform("extraction", name="e", identity=["m"], inputs={}, call=call)
    (record,) = context.recorder.operations
    assert (record.status, record.error) == ("failed", "ZeroDivisionError: boom")


def test_a_cancelled_operation_is_no_executed_one(context: OperationContext) -> None:
    """What is no Exception fails it too: its nothing must never be reused as its outputs."""

    def call(op: Any) -> Any:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        context.perform("extraction", name="e", identity=["m"], inputs={}, call=call)
    assert [record.status for record in context.recorder.operations] == ["failed"]


@pytest.mark.parametrize(
    ("kind", "outputs", "says"),
    [
        ("extraction", {"facts": [answer("x")]}, "expected fact"),
        ("extraction", {"facts": [Variable("fact", {"text": "x"})]}, "'speaker'"),
        ("update", {"changes": [Variable("change", {"action": "burn", "target": None,
                                                    "reason": ""})]}, "burn"),
        ("response", {}, "no answer"),
    ],
)  # fmt: skip
def test_outputs_are_validated(
    context: OperationContext, kind: Any, outputs: Any, says: str
) -> None:
    """Outputs that break the schema are refused, naming operation and field."""
    with pytest.raises(OperationError, match=says):
        context.perform(kind, name="op", identity=["x"], inputs={}, call=lambda op: outputs)


def test_substitutes_are_validated_too(context: OperationContext) -> None:
    """A repair that puts out garbage is refused like any output."""
    calls: list[str] = []
    extract(context, "x", ["m1"], calls)
    replay = context.intervened([substitute(calls[0], {"facts": [answer("no fact")]})])
    with pytest.raises(OperationError):
        extract(replay, "x", ["m1"], calls)


def test_deadline_is_checked_at_the_edge(context: OperationContext) -> None:
    """After the deadline no operation begins."""
    late = replace(context, deadline=time.monotonic() - 1)
    with pytest.raises(DeadlineExceeded):
        extract(late, "x", ["m1"], [])


@given(st.text(st.characters(), max_size=60))
def test_any_text_survives_hashing(text: str) -> None:
    """Emoji, NUL and lone surrogates keep their hash when read back."""
    made = Variable("answer", {"text": text})
    back = Variable.stored("answer", made.json, made.hash, "")
    assert back.value == {"text": text}
    assert Variable("answer", back.value).hash == made.hash


def test_surrogates_and_nul_survive_the_store(context: OperationContext, store: Store) -> None:
    """What SQLite cannot hold as text is stored escaped and comes back unchanged."""
    text = "a\x00b \ud800 😀 {braces}"
    calls: list[str] = []
    first = extract(context, text, ["m1"], calls)
    second = extract(saved(store, context), text, ["m1"], calls)
    assert second["facts"][0].value["text"] == first["facts"][0].value["text"]
    assert len(calls) == 1
