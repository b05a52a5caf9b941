"""Linking: a new note joins the memory, linked to those that it is related to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from memory_backends.linked_notes.note import Note, lines, note_text, texts_in
from memory_backends.prediction import one_line, predict
from traces.operation import BoundOperation, OperationContext
from traces.schema import MemoryEntry, Outputs, Variable, change


def new_note(fact: Variable, entry_id: str) -> Note:
    """Return the note that a fact makes, not yet linked; a foreign fact has no descriptions."""
    value = fact.value
    described = value.get("context")
    context = described if isinstance(described, str) else ""
    entry = MemoryEntry(
        entry_id, note_text(value["text"], context), value["speaker"], value["date"],
        tuple(value["sources"]),
    )  # fmt: skip
    return Note(entry, texts_in(value.get("keywords")), texts_in(value.get("tags")), context)


def link(
    fact: Variable, ordinal: int, near: Sequence[Note], ctx: OperationContext, chars: int
) -> dict[str, list[Variable]]:
    """Return what becomes of the memory: the note of a fact is added.

    `ordinal` tells apart the session's facts of the same sources; `near` are notes best
    first. Without any no model is asked.
    """

    def call(op: BoundOperation) -> Outputs:
        note = new_note(fact, op.new_id())
        linked = _linked(op, note, near, chars) if near else []
        reason = f"{len(linked)} of {len(near)} near notes linked" if near else "nothing near"
        made = replace(note, links=tuple(linked)).as_variable()
        return {"changes": [change("add", None, reason)], "entries": [made]}

    return ctx.perform(
        "update",
        name="link",
        slot="linking",
        identity=[*fact.value["sources"], str(ordinal)],
        inputs={"fact": [fact], "near": [note.variable for note in near]},
        call=call,
    )


def _linked(op: BoundOperation, note: Note, near: Sequence[Note], chars: int) -> list[str]:
    from memory_backends.linked_notes.signatures import Linking

    reply = predict(
        op,
        Linking,
        note=one_line(note.entry.text, chars),
        note_speaker=one_line(note.entry.speaker, chars),
        note_date=note.entry.date,
        near=lines(near, chars),
    )
    chosen = set(reply["links"])
    return [one.entry.id for number, one in enumerate(near, start=1) if number in chosen]
