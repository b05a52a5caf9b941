"""Facts: the messages of a cell to atomic, self-contained facts; one model call."""

from __future__ import annotations

from functools import partial

from memory_backends.episodic.boundary import Cell, messages_in
from memory_backends.fact_store.extraction import facts_of
from memory_backends.state import of_kind
from traces.operation import OperationContext
from traces.schema import Variable


def facts(cell: Cell, session_date: str, ctx: OperationContext, chars: int) -> list[Variable]:
    """Return the facts of a cell, in the order in which they were put out."""
    messages = messages_in(cell)
    outputs = ctx.perform(
        "extraction",
        name="facts",
        slot="extraction",
        identity=[message.id for message in messages],
        inputs={"messages": cell},
        call=partial(facts_of, messages, session_date, chars),
    )
    return of_kind(outputs, "fact")
