"""Narrative: what happened in a cell, told in the third person; one model call."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from memory_backends.episodic.boundary import Cell, messages_in
from memory_backends.episodic.layers import layered
from memory_backends.fact_store.extraction import numbered_messages
from memory_backends.prediction import predict
from traces.domain import Message
from traces.operation import BoundOperation, OperationContext
from traces.schema import MemoryEntry, Outputs, Variable, change


def narrate(
    cell: Cell, session_date: str, ctx: OperationContext, chars: int
) -> dict[str, list[Variable]]:
    """Return the episode of a cell, as an entry that is added; none where nothing is told."""
    messages = messages_in(cell)
    return ctx.perform(
        "update",
        name="narrative",
        slot="narrative",
        identity=[message.id for message in messages],
        inputs={"messages": cell},
        call=partial(_episode, messages, session_date, chars),
    )


def _episode(
    messages: Sequence[Message], session_date: str, chars: int, op: BoundOperation
) -> Outputs:
    from memory_backends.episodic.signatures import Narrative

    shown = numbered_messages(messages, chars)
    reply = predict(op, Narrative, session_date=session_date, messages=shown)
    text, title = reply["narrative"].strip(), reply["title"].strip()
    if not text:
        return {"changes": [change("keep", None, "nothing to tell")], "entries": []}
    episode = layered(
        MemoryEntry(op.new_id(), text, date=session_date),
        "episode",
        title=title or text[:80],
        messages=[message.id for message in messages],
    )
    return {"changes": [change("add", None, "an episode")], "entries": [episode]}
