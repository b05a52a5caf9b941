"""Update: one fact against the entries near it, at most one model call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from memory_backends.prediction import one_line, predict
from traces.operation import BoundOperation, OperationContext
from traces.schema import MemoryEntry, Outputs, Variable, change


def update(
    fact: Variable,
    ordinal: int,
    near: Sequence[MemoryEntry],
    ctx: OperationContext,
    chars: int,
    name: str = "update",
) -> dict[str, list[Variable]]:
    """Return what becomes of the memory: one change, and the entry version it makes.

    `name` names the operation; `ordinal` tells apart the session's facts of the same
    sources; `near` are entries best first. Without any the fact is added, and no model is
    asked.
    """
    return ctx.perform(
        "update",
        name=name,
        slot="update",
        identity=[*fact.value["sources"], str(ordinal)],
        inputs={"fact": [fact], "near": [_variable(entry) for entry in near]},
        call=lambda op: _decide(op, fact.value, near, chars),
    )


def _decide(
    op: BoundOperation, fact: dict[str, Any], near: Sequence[MemoryEntry], chars: int
) -> Outputs:
    if not near:
        return _added(op, fact, fact["text"], "nothing near")
    from memory_backends.fact_store.signatures import Update

    reply = predict(
        op,
        Update,
        fact=one_line(fact["text"], chars),
        fact_speaker=one_line(fact["speaker"], chars),
        fact_date=fact["date"],
        entries="\n".join(
            f"[{number}] ({entry.date}) {one_line(entry.text, chars)}"
            for number, entry in enumerate(near, start=1)
        ),
    )
    action, number, reason = reply["action"], reply["target"], reply["reason"].strip()
    text = reply["text"].strip()
    # DSPy reads a null text as the word.
    text = fact["text"] if text in ("", "None") else text
    if action == "add":
        return _added(op, fact, text, reason)
    if action == "keep" and number is None:
        return {"changes": [change("keep", None, reason)], "entries": []}
    if number is None or not 1 <= number <= len(near):
        # To add loses nothing; the text may be worded for the entry that is not there.
        return _added(op, fact, fact["text"], reason)
    target = near[number - 1]
    made = [_changed(target, fact, text).as_variable()] if action == "change" else []
    return {"changes": [change(action, target.id, reason)], "entries": made}


def _added(op: BoundOperation, fact: dict[str, Any], text: str, reason: str) -> Outputs:
    entry = MemoryEntry(op.new_id(), text, fact["speaker"], fact["date"], tuple(fact["sources"]))
    return {"changes": [change("add", None, reason)], "entries": [entry.as_variable()]}


def _changed(old: MemoryEntry, fact: dict[str, Any], text: str) -> MemoryEntry:
    return MemoryEntry(
        old.id,
        text,
        fact["speaker"] or old.speaker,
        fact["date"],
        tuple(dict.fromkeys([*old.sources, *fact["sources"]])),
        old.version + 1,
    )


def _variable(entry: MemoryEntry) -> Variable:
    return entry.variable if entry.variable is not None else entry.as_variable()
