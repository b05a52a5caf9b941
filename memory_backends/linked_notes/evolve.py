"""Evolution: what a new note tells of those linked to it, and they of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from memory_backends.linked_notes.note import Note, lines
from memory_backends.prediction import one_line, predict
from traces.operation import BoundOperation, OperationContext
from traces.schema import Outputs, Variable, change


def evolve(
    fact: Variable,
    ordinal: int,
    note: Note,
    linked: Sequence[Note],
    ctx: OperationContext,
    chars: int,
) -> dict[str, list[Variable]]:
    """Return new versions of the notes whose context or tags change; contents stay.

    `note` is the one that was made of the fact, `linked` those that it is linked to.
    """
    return ctx.perform(
        "update",
        name="evolve",
        slot="evolution",
        identity=[*fact.value["sources"], str(ordinal)],
        inputs={
            "fact": [fact],
            "note": [note.variable],
            "linked": [one.variable for one in linked],
        },
        call=lambda op: _described(op, fact, note, linked, chars),
    )


def _described(
    op: BoundOperation, fact: Variable, note: Note, linked: Sequence[Note], chars: int
) -> Outputs:
    from memory_backends.linked_notes.signatures import Evolution

    reply = predict(
        op,
        Evolution,
        note=one_line(note.entry.text, chars),
        note_speaker=one_line(note.entry.speaker, chars),
        note_date=note.entry.date,
        linked=lines(linked, chars),
    )
    # What stands for a linking may put out a bare entry: it is described here.
    bare = note.links is None
    first = replace(note, links=tuple(one.entry.id for one in linked)) if bare else note
    told = {item.number: item for item in reply["descriptions"]}
    made: list[Note] = []
    for number, old in enumerate([first, *linked]):
        item = told.get(number)
        context = item.context if item and item.context else old.context
        tags = tuple(item.tags) if item and item.tags else old.tags
        if (context, tags) != (old.context, old.tags) or (bare and old is first):
            made.append(old.described(context, tags, fact.value["sources"]))
    if not made:
        return {"changes": [change("keep", None, "all described as before")], "entries": []}
    return {
        "changes": [change("change", one.entry.id, one.context) for one in made],
        "entries": [one.as_variable() for one in made],
    }
