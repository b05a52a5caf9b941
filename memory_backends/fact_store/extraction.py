"""Extraction: the messages of a window to self-contained facts, one model call."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from memory_backends.prediction import one_line, predict
from memory_backends.retrieval.periods import period_of
from memory_backends.state import of_kind
from traces.domain import Message, Session
from traces.operation import BoundOperation, OperationContext
from traces.schema import Outputs, Variable, fact, message_variable


def extract(
    session: Session, ctx: OperationContext, window: int, message_chars: int
) -> Iterator[Variable]:
    """Yield the facts of a session, window by window, in the order they were put out."""
    for messages in windows(session.messages, window):
        outputs = ctx.perform(
            "extraction",
            name="extract",
            slot="extraction",
            identity=[message.id for message in messages],
            inputs={"messages": [message_variable(m, session.date) for m in messages]},
            call=partial(facts_of, messages, session.date.date().isoformat(), message_chars),
        )
        yield from of_kind(outputs, "fact")


def windows(messages: Sequence[Message], size: int) -> Iterator[Sequence[Message]]:
    """Split messages into the fewest windows of at most `size`, as equal as can be."""
    count = -(-len(messages) // size)
    for i in range(count):
        yield messages[i * len(messages) // count : (i + 1) * len(messages) // count]


def facts_of(
    messages: Sequence[Message], session_date: str, chars: int, op: BoundOperation
) -> Outputs:
    """Return the facts of messages of a session of that ISO date: one model call."""
    from memory_backends.fact_store.signatures import Extraction

    found = predict(
        op, Extraction, session_date=session_date, messages=numbered_messages(messages, chars)
    )
    facts = [
        fact(
            item.text,
            item.speaker,
            iso_date(item.time) or session_date,
            message_ids(item.sources, messages),
        )
        for item in found["facts"]
        if item.text
    ]
    # A fact that a reply repeats word for word is one fact.
    return {"facts": list({one.json: one for one in facts}.values())}


def numbered_messages(messages: Sequence[Message], chars: int) -> str:
    """Return messages as a model is shown them: `[1] Ana: text`, one a line."""
    return "\n".join(
        f"[{number}] {one_line(message.speaker, chars)}: {one_line(message.text, chars)}"
        for number, message in enumerate(messages, start=1)
    )


def message_ids(numbers: Sequence[int], messages: Sequence[Message]) -> list[str]:
    """Return the ids of the numbered messages, in their order; of all when none is valid."""
    valid = {number for number in numbers if 1 <= number <= len(messages)}
    return [m.id for number, m in enumerate(messages, start=1) if not valid or number in valid]


def iso_date(time: str) -> str:
    """Return an ISO date (or month, or year) without its time of day, else ''."""
    return time.strip()[:10].strip() if period_of(time) else ""
