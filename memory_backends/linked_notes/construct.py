"""Construction: the messages of a window to notes, one model call."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from memory_backends.fact_store.extraction import (
    iso_date,
    message_ids,
    numbered_messages,
    windows,
)
from memory_backends.prediction import predict
from memory_backends.state import of_kind
from traces.domain import Message, Session
from traces.operation import BoundOperation, OperationContext
from traces.schema import Outputs, Variable, fact, message_variable


def construct(
    session: Session, ctx: OperationContext, window: int, message_chars: int
) -> Iterator[Variable]:
    """Yield the notes of a session as facts that hold keywords, tags and context too."""
    for messages in windows(session.messages, window):
        outputs = ctx.perform(
            "extraction",
            name="construct",
            slot="construction",
            identity=[message.id for message in messages],
            inputs={"messages": [message_variable(m, session.date) for m in messages]},
            call=partial(_notes, messages, session.date.date().isoformat(), message_chars),
        )
        yield from of_kind(outputs, "fact")


def _notes(
    messages: Sequence[Message], session_date: str, chars: int, op: BoundOperation
) -> Outputs:
    from memory_backends.linked_notes.signatures import Construction

    found = predict(
        op, Construction, session_date=session_date, messages=numbered_messages(messages, chars)
    )
    notes = []
    for item in found["notes"]:
        if item.content:
            date = iso_date(item.time) or session_date
            said = fact(item.content, item.speaker, date, message_ids(item.sources, messages))
            described = {"keywords": item.keywords, "tags": item.tags, "context": item.context}
            notes.append(Variable("fact", {**said.value, **described}))
    # A note that a reply repeats word for word is one note.
    return {"facts": list({one.json: one for one in notes}.values())}
