"""Links by the simulated agent: which of the numbered notes a new note belongs with."""

from __future__ import annotations

import re
from dataclasses import dataclass

from evals.simulation.agent_update import parse
from evals.simulation.draws import digest, uniform
from evals.simulation.language import PERSON_LINKS, names
from evals.simulation.request import Request

_LINE = re.compile(r"^\[(\d+)\] (?:\((\d{4}-\d{2}-\d{2})[^)]*\) )?(.*)$")
_CONTEXT, _TAGS = "context: ", "tags: "
# The least share of the shorter note's words that two notes on one matter have in common.
_SAME = 0.5


@dataclass(frozen=True)
class Shown:
    """One note as the request shows it."""

    number: int
    date: str
    content: str
    context: str
    tags: tuple[str, ...]


def read_notes(text: str) -> list[Shown]:
    """Return the notes of a request, one a line: content, context and tags."""
    found = []
    for line in text.splitlines():
        match = _LINE.match(line.strip())
        if match:
            content, *parts = match[3].split(" | ")
            context = next((p.removeprefix(_CONTEXT) for p in parts if p.startswith(_CONTEXT)), "")
            tags = next((p.removeprefix(_TAGS) for p in parts if p.startswith(_TAGS)), "")
            found.append(
                Shown(int(match[1]), match[2] or "", content, context, tuple(tags.split(", ")))
            )
    return found


def links(request: Request, slip: float, seed: int) -> list[int]:
    """Return the numbers of the notes that a new note is linked to."""
    key = digest(seed, request)
    note = request.inputs.get("note", "")
    near = read_notes(request.inputs.get("near", ""))
    found = [one.number for one in near if _related(note, one.content)]
    if uniform(key, "slip") < slip:
        # A spoilt step: a link is missed, or an unrelated note is linked.
        others = [one.number for one in near if one.number not in found]
        if found and (not others or uniform(key, "kind") < 0.5):
            missed = found[digest(key) % len(found)]
            return [number for number in found if number != missed]
        return [*found, *others[:1]]
    return found


def _related(note: str, other: str) -> bool:
    """Tell whether two notes are on one matter, or one says who the other speaks of."""
    new, old = parse(note), parse(other)
    if new.subject == old.subject and new.relations & old.relations:
        return True
    called = {name.lower() for name in (*names(note), *names(other))}
    shared = new.tokens & old.tokens
    matter = any(t not in called and not t.isdigit() for t in shared)
    if matter and len(shared) >= _SAME * min(len(new.tokens), len(old.tokens)):
        return True
    if new.subject == old.subject or PERSON_LINKS.isdisjoint(new.tokens | old.tokens):
        return False
    return new.subject in names(other) or old.subject in names(note)
