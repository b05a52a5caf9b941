"""What a plain chat prompt asks for: third-party prompts that follow no fixed format.

What is wanted is told by the shape of the reply, what is given by headed sections, and the
instruction is the rest. No prompt is known by its wording.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from evals.simulation.request import Request
from evals.simulation.request_shape import Shape, wanted_fields

_HEADING = re.compile(
    r"^(?:#{1,6} +(?P<hash>[^\n#]{2,60}?) *#*"
    r"|<(?P<tag>[A-Za-z][\w -]{1,40})>"
    r"|[=*-]{2,} ?(?P<ruled>[A-Za-z][^\n=*]{1,40}?):? ?[=*-]{2,}"
    r"|\*{0,2}(?P<label>[A-Za-z][\w /'()-]{1,50}?)\*{0,2}:\*{0,2}"
    r"|(?P<capitals>[A-Z][A-Z ]{3,40}))[ \t]*$",
    re.M,
)
#: A label with its value on the same line counts for what fits on a line.
_INLINE = re.compile(
    r"^\*{0,2}(?P<label>[A-Za-z][\w ]{0,30}?(?:date|day|question|query|time)[\w ]{0,20}?)"
    r"(?: \([^)\n]*\))?\*{0,2}:\*{0,2} +(?P<value>\S[^\n]*)$",
    re.M | re.I,
)
_INSTRUCTS = re.compile(
    r"instruction|\brules?\b|guideline|requirement|directive|\btask\b|criteria|how to|what to",
    re.I,
)
_DATE = re.compile(r"\bdate\b|\bday\b|\btime\b|\btimestamp\b", re.I)
_WALL = re.compile(r"current|today|\bnow\b|system", re.I)
_EARLIER = re.compile(
    r"\blast\b|previous|recent|earlier|history|\bprior\b|\bpast\b|summary|profile|background"
    r"|existing|known|already",
    re.I,
)
_MESSAGES = re.compile(
    r"message|conversation|dialog|\bchat\b|transcript|session|\bturns?\b|exchange|discussion"
    r"|\binput\b",
    re.I,
)
_QUESTION = re.compile(r"question|\bquery\b|asked", re.I)
_MEMORIES = re.compile(r"memor|entries|notes|facts|knowledge|records|retrieved", re.I)
_REPLY = re.compile(r"output|reply|response|format|schema|example|json|answer|\breturn\b", re.I)


@dataclass(frozen=True)
class SectionedRequest(Request):
    """A request with instructions in a section of their own (`closing`), which are part of
    `instruction` as well; "" where there is none."""

    closing: str = ""


@dataclass(frozen=True)
class PlainRequest(SectionedRequest):
    """A plain request: the shape of the reply, by field. `outputs` are the fields' names."""

    shape: tuple[tuple[str, Shape], ...] = ()


def parse_plain(messages: Sequence[Mapping[str, str]], sample: int = 0) -> PlainRequest | None:
    """Return the request that chat messages in no known format make; None where they do not
    say what the reply shall look like."""
    system = "\n\n".join(m.get("content") or "" for m in messages if m.get("role") == "system")
    users = [m.get("content") or "" for m in messages if m.get("role") == "user"]
    user = users[-1] if users else ""
    parts = _sections(user)
    given = [(head, body) for head, body in parts if head and not _tells(head)]
    told = [body for head, body in parts if not head or _tells(head)]
    if system:
        closing = "\n".join(b for head, b in parts if head and _INSTRUCTS.search(head)).strip()
        instruction = "\n".join(filter(None, [system.strip(), closing]))
        shape = wanted_fields(system) or wanted_fields("\n".join(told))
    else:
        closing, instruction = "", "\n".join(told).strip()
        shape = wanted_fields(instruction)
    if not shape:
        return None
    inputs = _inputs(given or [("messages", user)])
    # Draws depend on the whole request.
    inputs["prompt"] = user
    names = tuple(name for name, _ in shape)
    return PlainRequest(instruction, inputs, names, sample, closing, shape)


def _tells(heading: str) -> bool:
    """Tell whether a section says what to do, not what is given."""
    if _INSTRUCTS.search(heading):
        return True
    return bool(_REPLY.search(heading)) and not _MESSAGES.search(heading)


@lru_cache(maxsize=64)
def _sections(text: str) -> tuple[tuple[str, str], ...]:
    """Return (heading, body) in order; what stands before any heading has the heading ''."""
    found: list[tuple[int, int, str, str | None]] = []
    for match in _HEADING.finditer(text):
        heading = next(g for g in match.groups() if g)
        found.append((match.start(), match.end(), heading, None))
    known = {start for start, *_ in found}
    for match in _INLINE.finditer(text):
        if match.start() not in known:
            found.append((match.start(), match.end(), match["label"], match["value"]))
    found.sort()
    made = [("", text[: found[0][0]] if found else text)]
    for index, (_, end, heading, value) in enumerate(found):
        until = found[index + 1][0] if index + 1 < len(found) else len(text)
        body = text[end:until]
        if value is not None:
            made += [(heading, value), ("", body)]
        else:
            made.append((heading, re.sub(r"\n</[\w -]+>\s*", "\n", body + "\n")))
    return tuple((heading, body.strip()) for heading, body in made if heading or body.strip())


def _inputs(given: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Return what is given, by what it is: session_date, question, messages, memories."""

    def best(matching: Iterable[tuple[str, str]], rather_not: re.Pattern[str]) -> str:
        ranked = sorted(matching, key=lambda part: bool(rather_not.search(part[0])))
        return ranked[0][1] if ranked else ""

    dates = [p for p in given if _DATE.search(p[0]) and not _MESSAGES.search(p[0])]
    dates += [p for p in given if _DATE.search(p[0]) and re.search(r"\d", p[1][:40])]
    rest = [p for p in given if p not in dates]
    questions = [p for p in rest if _QUESTION.search(p[0])]
    rest = [p for p in rest if p not in questions]
    messages = [p for p in rest if _MESSAGES.search(p[0])]
    memories = [p for p in rest if _MEMORIES.search(p[0]) and p not in messages]
    return {
        "date": best(dates, _WALL),
        "question": best(questions, _EARLIER),
        "messages": best(messages, _EARLIER),
        "memories": best(memories, re.compile(r"$^")),
    }
