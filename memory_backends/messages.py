"""One entry a message, word for word: the memory under `rag` and `long_context`.

Each message is an operation of its own, so that its entry's provenance is that message
and nothing else.
"""

from __future__ import annotations

from functools import partial

from memory_backends.state import MemoryState
from traces.domain import Message, Session
from traces.operation import BoundOperation, OperationContext
from traces.schema import MemoryEntry, Outputs, change, message_variable


def store_messages(state: MemoryState, session: Session, ctx: OperationContext, name: str) -> None:
    """Add the session's messages to the memory; `name` names the operation.

    An entry is found by its text with that of the session's previous entry before it:
    replies rarely repeat the words of what they answer.
    """
    previous = ""
    for message in session.messages:
        outputs = ctx.perform(
            "update",
            name=name,
            identity=[message.id],
            inputs={"message": [message_variable(message, session.date)]},
            call=partial(_entry, message),
        )
        for entry in state.apply(outputs, partial(_after, previous)):
            previous = entry.text


def _after(previous: str, entry: MemoryEntry) -> str:
    return f"{previous} {entry.text}" if previous else entry.text


def _entry(message: Message, op: BoundOperation) -> Outputs:
    entry = MemoryEntry(
        op.new_id(),
        f"{message.speaker}: {message.text}",
        message.speaker,
        op.now.date().isoformat(),
        (message.id,),
    )
    return {"changes": [change("add", None)], "entries": [entry.as_variable()]}
