"""Foresight: what a cell says about the time ahead, and when it holds; one model call."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from memory_backends.episodic.boundary import Cell, messages_in
from memory_backends.episodic.layers import layered
from memory_backends.fact_store.extraction import iso_date, message_ids, numbered_messages
from memory_backends.prediction import predict
from traces.domain import Message
from traces.operation import BoundOperation, OperationContext
from traces.schema import MemoryEntry, Outputs, Variable, change


def foresee(
    cell: Cell, session_date: str, ctx: OperationContext, chars: int
) -> dict[str, list[Variable]]:
    """Return the foresights of a cell, as entries that are added."""
    messages = messages_in(cell)
    return ctx.perform(
        "update",
        name="foresight",
        slot="foresight",
        identity=[message.id for message in messages],
        inputs={"messages": cell},
        call=partial(_foresights, messages, session_date, chars),
    )


def _foresights(
    messages: Sequence[Message], session_date: str, chars: int, op: BoundOperation
) -> Outputs:
    from memory_backends.episodic.signatures import Foresights

    shown = numbered_messages(messages, chars)
    reply = predict(op, Foresights, session_date=session_date, messages=shown)
    ahead = [item for item in reply["foresights"] if item.text]
    entries = [
        layered(
            MemoryEntry(
                op.new_id(ordinal),
                item.text,
                item.speaker,
                session_date,
                tuple(message_ids(item.sources, messages)),
            ),
            "foresight",
            holds_from=iso_date(item.time) or session_date,
            holds_until=iso_date(item.until),
        )
        for ordinal, item in enumerate(ahead)
    ]
    return {"changes": [change("add", None, "ahead") for _ in entries], "entries": entries}
