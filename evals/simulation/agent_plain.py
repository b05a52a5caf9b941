"""Plain requests to the simulated agent: into the fields that it knows, and back again.

The task is told by the fields of the reply, never by the wording of the prompt.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evals.simulation.request import Request
from evals.simulation.request_plain import PlainRequest, SectionedRequest
from evals.simulation.request_shape import Shape

_STATEMENTS = re.compile(
    r"fact|memor|observation|statement|note|item|insight|finding|entr(?:y|ies)|information|extract",
    re.I,
)
_SEARCHES = re.compile(r"quer|search", re.I)
_ANSWERS = re.compile(r"answer|response|reply", re.I)
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}")
_ROLE = r"user|assistant|human|ai|system|bot"
_TURN = re.compile(
    r"^\s*(?:[-*•]\s+)?(?:[\[(#]?(?P<number>\d{1,4})[\]).:]+\s+)?"
    r"(?:[\[(]?\d[\d:T./ -]{3,20}(?:[ap]m)?[\])]?\s+(?:-\s+)?)?"
    rf"(?:(?P<role>{_ROLE})\s*:\s*)?"
    r"(?:(?P<name>[A-ZÀ-Ö][\w'’.-]*(?: [A-ZÀ-Ö(][\w'’.)-]*){0,3})\s*:\s+)?(?P<text>.*)$",
    re.I,
)
_PERSON = re.compile(r"[A-ZÀ-Ö]")
# Which fields of an item say what; the first that fits a field's name.
_MEANINGS = (
    ("id", re.compile(r"^(?:id|index|number|nr|no)$|_id$", re.I)),
    ("role", re.compile(r"attribut|\brole\b", re.I)),
    ("sources", re.compile(r"source|message|evidence|\blines?\b|\bturns?\b", re.I)),
    ("speaker", re.compile(r"speaker|subject|person|\bwho\b|author|about|^name$", re.I)),
    ("time", re.compile(r"date|time|\bwhen\b|\bday\b", re.I)),
    ("text", re.compile(r"text|fact|memory|content|statement|sentence|observation|note|detail"
                        r"|information|what|value|summary", re.I)),
)  # fmt: skip


@dataclass(frozen=True)
class Turn:
    """One message: its number in the prompt (else its place), the chat role if any, who, what."""

    number: int
    role: str
    speaker: str
    text: str


def typed(request: PlainRequest) -> Request | None:
    """Return the same request in the fields of one of the agent's tasks; None for no task."""
    inputs = request.inputs
    day = next(iter(_ISO.findall(inputs.get("date", ""))), "")
    outputs: tuple[str, ...]
    if _field(request.shape, _SEARCHES) is not None:
        given = {"question": _question(inputs), "asked_on": day}
        outputs = _RETRIEVAL
    elif _field(request.shape, _ANSWERS) is not None:
        given = {"question": _question(inputs), "asked_on": day}
        outputs = ("answer",)
        memories = _lines(inputs.get("memories", ""))
        given["memories"] = "\n".join(f"[{i}] {line}" for i, line in enumerate(memories, 1))
    elif _field(request.shape, _STATEMENTS) is not None:
        lines = "\n".join(
            f"[{place}] {turn.speaker}: {turn.text}"
            for place, turn in enumerate(turns(inputs.get("messages", "")), 1)
        )
        given = {"session_date": day, "messages": lines}
        outputs = ("facts",)
    else:
        return None
    given["prompt"] = inputs.get("prompt", "")
    return SectionedRequest(request.instruction, given, outputs, request.sample, request.closing)


_RETRIEVAL = ("queries", "after", "before", "require")


def shaped(request: PlainRequest, made: Mapping[str, Any]) -> dict[str, object]:
    """Return what a task put out in the shape that the request asks for."""
    if "facts" in made:
        name, shape = _field(request.shape, _STATEMENTS) or ("facts", Shape(True))
        said = turns(request.inputs.get("messages", ""))
        items = [
            _item(shape, place, fact, said) for place, fact in enumerate(made["facts"])
        ]  # fmt: skip
        found: dict[str, object] = {name: items if shape.many else " ".join(map(str, items))}
    elif "queries" in made:
        name, shape = _field(request.shape, _SEARCHES) or ("queries", Shape(True))
        found = {name: made["queries"] if shape.many else " ".join(made["queries"])}
    else:
        name, shape = _field(request.shape, _ANSWERS) or ("answer", Shape())
        found = {name: [made["answer"]] if shape.many else made["answer"]}
    return {n: found.get(n, [] if s.many else "") for n, s in request.shape}


def turns(text: str) -> list[Turn]:
    """Return the messages of a transcript: JSON, or a line each (`user: Ana: ...`, `[3] Ana:`)."""
    if text.lstrip().startswith("["):
        try:
            listed = json.loads(text)
        except ValueError:
            listed = None
        if isinstance(listed, list) and all(isinstance(one, dict) for one in listed):
            return [_of_json(place, one) for place, one in enumerate(listed, 1)]
    found: list[Turn] = []
    for line in text.splitlines():
        match = _TURN.match(line)
        if match is None or not line.strip():
            continue
        role, name, said = match["role"] or "", match["name"] or "", match["text"]
        if name and not _PERSON.match(name):
            name, said = "", line[match.start("name") :]
        if found and not role and not name and not match["number"]:
            last = found[-1]
            found[-1] = Turn(last.number, last.role, last.speaker, f"{last.text} {line.strip()}")
            continue
        number = int(match["number"]) if match["number"] else len(found) + 1
        found.append(Turn(number, role.lower(), name or role.capitalize() or "Somebody", said))
    return found


def _of_json(place: int, one: Mapping[str, Any]) -> Turn:
    values = {str(k).lower(): str(v) for k, v in one.items()}
    text = next((values[k] for k in ("content", "text", "message", "utterance") if k in values), "")
    role = values.get("role", "")
    name = next((values[k] for k in ("speaker", "name", "author", "sender") if k in values), "")
    inner = _TURN.match(text)
    if not name and inner and inner["name"] and _PERSON.match(inner["name"]):
        name, text = inner["name"], inner["text"]
    return Turn(place, role.lower(), name or role.capitalize() or "Somebody", text)


def _question(inputs: Mapping[str, str]) -> str:
    return inputs.get("question") or inputs.get("messages", "")


def _lines(text: str) -> list[str]:
    """Return memories one a line, without the marks in front of them."""
    found = [re.sub(r"^\s*(?:[-*•]|[\[(]?\d+[\]).:]+)\s+", "", line) for line in text.splitlines()]
    return [line.strip() for line in found if line.strip()]


def _field(shape: Sequence[tuple[str, Shape]], wanted: re.Pattern[str]) -> tuple[str, Shape] | None:
    return next(((name, one) for name, one in shape if wanted.search(name)), None)


def _item(shape: Shape, place: int, fact: Mapping[str, Any], said: Sequence[Turn]) -> object:
    """Return one statement as the item that is asked for: its text alone, or an object."""
    if not shape.fields:
        return fact["text"]
    rests_on = [said[n - 1] for n in fact["sources"]]
    values = {
        "id": str(place), "text": fact["text"], "speaker": fact["speaker"], "time": fact["time"],
        "role": next((t.role for t in rests_on if t.role), "user"),
        "sources": [turn.number for turn in rests_on],
    }  # fmt: skip
    item: dict[str, object] = {}
    for name, inner in shape.fields:
        meaning = next((m for m, pattern in _MEANINGS if pattern.search(name)), None)
        if meaning == "sources" and not inner.many:
            item[name] = rests_on[0].number
        elif meaning is not None and (meaning == "sources") == inner.many:
            item[name] = values[meaning]
    if fact["text"] not in item.values():
        item[next(n for n, s in shape.fields if not s.many)] = fact["text"]
    return item
