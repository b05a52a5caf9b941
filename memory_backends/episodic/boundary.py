"""Boundary: the messages of a window to memory cells, one model call."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from memory_backends.episodic.options import EpisodicOptions
from memory_backends.fact_store.extraction import numbered_messages, windows
from memory_backends.prediction import predict
from memory_backends.state import of_kind
from traces.domain import Message, Session
from traces.operation import BoundOperation, OperationContext
from traces.schema import Outputs, Variable, message_variable

Cell = list[Variable]  # its messages, in order


def cells(session: Session, ctx: OperationContext, options: EpisodicOptions) -> Iterator[Cell]:
    """Yield the cells of a session in order; every message is in one of them."""
    for messages in windows(session.messages, options.window):
        outputs = ctx.perform(
            "extraction",
            name="boundary",
            slot="boundary",
            identity=[message.id for message in messages],
            inputs={"messages": [message_variable(m, session.date) for m in messages]},
            call=partial(_cut, session, messages, options),
        )
        yield from _grouped(of_kind(outputs, "message"))


def messages_in(cell: Cell) -> list[Message]:
    """Return a cell's messages."""
    return [Message(v.value["id"], v.value["speaker"], v.value["text"]) for v in cell]


def _cut(
    session: Session, messages: Sequence[Message], options: EpisodicOptions, op: BoundOperation
) -> Outputs:
    starts = {1}
    if len(messages) > options.uncut:
        from memory_backends.episodic.signatures import Boundary

        shown = numbered_messages(messages, options.message_chars)
        reply = predict(op, Boundary, session_date=session.date.date().isoformat(), messages=shown)
        starts |= set(reply["starts"])
    passed = []
    cell = ""
    for number, message in enumerate(messages, start=1):
        # A cell is named by its first message: what is put before it does not rename it.
        cell = message.id if number in starts else cell
        value = message_variable(message, session.date).value
        passed.append(Variable("message", {**value, "cell": cell}))
    return {"messages": passed}


def _grouped(messages: Sequence[Variable]) -> Iterator[Cell]:
    """Yield messages cell by cell; one without a cell (a repair's) goes with the one before."""
    cell: Cell = []
    name = ""
    for message in messages:
        own = message.value.get("cell", name)
        if cell and own != name:
            yield cell
            cell = []
        cell.append(message)
        name = own
    if cell:
        yield cell
