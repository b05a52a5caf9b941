"""mem0's one model call: the messages of an add, and what it is shown beside them, to facts."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from memory_backends.chat_request import chat
from memory_backends.mem0.parts import Chat
from memory_backends.mem0.sources import sources_of
from memory_backends.prediction import model_text, one_line
from memory_backends.state import of_kind
from traces.domain import Message, Session
from traces.errors import OperationError
from traces.hashing import content_hash
from traces.operation import BoundOperation, OperationContext
from traces.schema import Outputs, Variable, fact, message_variable

SLOT = "custom_instructions"
_ASSISTANTS = ("assistant", "ai", "bot", "system")
# As mem0 writes them: messages and memories before it have no lines of their own.
_DATES = re.compile(
    r"(\n## Observation Date\n)[0-9]{4}-[0-9]{2}-[0-9]{2}(\n\n## Current Date\n)"
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?=\n)"
)


def turns(messages: Sequence[Message], chars: int) -> list[dict[str, str]]:
    """Return messages as mem0 takes them: people are users, each named before what they say."""
    made = []
    for message in messages:
        speaker, text = one_line(message.speaker, 60), model_text(one_line(message.text, chars))
        who = speaker.casefold()
        role = "assistant" if who in _ASSISTANTS else "user"
        named = who == "user" or role == "assistant" or not speaker
        made.append({"role": role, "content": text if named else f"{model_text(speaker)}: {text}"})
    return made


def extract(
    request: Chat, messages: Sequence[Message], session: Session, held: int, ctx: OperationContext
) -> list[Variable]:
    """Return the facts of one add, as the extraction operation put them out.

    `request` is what mem0 wants to ask, `held` the number of entries in memory. The request
    shows memories near the messages and what was said before them, so its hash is an input.
    """
    asked = at_date(request, session.date.date())
    digest = content_hash([[m["role"], m["content"]] for m in asked])
    outputs = ctx.perform(
        "extraction",
        name="extract",
        slot=SLOT,
        identity=[message.id for message in messages],
        inputs={
            "messages": [message_variable(m, session.date) for m in messages],
            "memory": [Variable("memory", {"hash": digest, "size": held}, f"memory/{digest}")],
        },
        call=lambda op: _facts(op, asked, messages),
    )
    return of_kind(outputs, "fact")


def at_date(request: Chat, day: date) -> list[dict[str, str]]:
    """Return the request with the session's date where mem0 puts today's.

    Raises OperationError where the dates are not where they are known to be: unnoticed, the
    day of the run would stand for the day of the conversation.
    """
    found, last = 0, []
    for message in request:
        text, count = _DATES.subn(rf"\g<1>{day}\g<2>{day}", str(message["content"]), count=1)
        found += count
        last.append({"role": str(message["role"]), "content": text})
    if not found:
        raise OperationError(
            "mem0's extraction prompt has no Observation Date and Current Date where mem0ai 2.2 "
            "writes them; install mem0ai 2.2, or report this with your version of it"
        )
    return last


def _facts(op: BoundOperation, asked: Chat, messages: Sequence[Message]) -> Outputs:
    day = op.now.date().isoformat()
    found = []
    for text in dict.fromkeys(texts_in(chat(op, asked))):
        rests_on = sources_of(text, messages)
        found.append(fact(text, rests_on[0].speaker, day, [m.id for m in rests_on]))
    return {"facts": found}


def texts_in(reply: str) -> list[str]:
    """Return the memories of a reply, read as mem0 reads it; one that it cannot read has none."""
    from mem0.memory.utils import extract_json, remove_code_blocks

    try:
        text = remove_code_blocks(reply)
        try:
            found = json.loads(text, strict=False)
        except ValueError:
            found = json.loads(extract_json(text), strict=False)
    except (ValueError, RecursionError):
        return []
    items = found.get("memory") if isinstance(found, Mapping) else None
    texts = [
        item.get("text") for item in (items if isinstance(items, list) else [])
        if isinstance(item, Mapping)
    ]  # fmt: skip
    return [model_text(t.strip()) for t in texts if isinstance(t, str) and t.strip()]


def reply_of(facts: Sequence[Variable]) -> str:
    """Return the reply that makes mem0 go on with these facts."""
    memories: list[dict[str, Any]] = [{"text": f.value["text"]} for f in facts]
    return json.dumps({"memory": memories})
