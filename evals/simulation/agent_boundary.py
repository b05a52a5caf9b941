"""Boundaries by the simulated agent: where messages turn to something else."""

from __future__ import annotations

import re

from evals.simulation.draws import digest, uniform
from evals.simulation.language import content, names
from evals.simulation.request import Request

_LINE = re.compile(r"^\[(\d+)\] ([^:\n]{1,60}): ?(.*)$")
_LEAST = re.compile(
    r"\b(?:at least|no fewer than|a minimum of) (\d{1,2}|two|three|four|five|six|eight|ten)\b"
    r"(?: \w+)? (?:messages|turns|lines)\b",
    re.I,
)
_NUMBERS = {"two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "eight": 8, "ten": 10}
_USUAL = 3  # messages of a stretch, where the instruction names no number
_BACK = 3  # messages that a reader has in mind
_REPLY = re.compile(r"^\W*(?:\+1|👍|yes\b|no\b|yeah\b|sure\b|thanks\b|same here\b|me too\b)", re.I)


def starts(request: Request, slip: float, seed: int) -> list[int]:
    """Return the numbers of the messages that begin a stretch."""
    key = digest(seed, request)
    least = _least(request.instruction)
    lines = [m for line in request.inputs.get("messages", "").splitlines()
             if (m := _LINE.match(line))]  # fmt: skip
    found: list[int] = []
    since: list[re.Match[str]] = []
    for line in lines:
        opens = not found or (len(since) >= least and _turns(line[3], [m[3] for m in since]))
        if uniform(key, line[0], "slip") < slip:
            # A spoilt step: a boundary where there is none, or one overlooked.
            opens = not found or not opens
        if opens:
            found.append(int(line[1]))
            since = []
        since.append(line)
    return found


def _turns(text: str, before: list[str]) -> bool:
    """Tell whether a message turns away from the last ones: it shares nothing with them, says
    something of its own, and answers no question."""
    told = set(content(text))
    if len(told) < 3 or _REPLY.match(text) or before[-1].rstrip().endswith("?"):
        return False
    recent = before[-_BACK:]
    known = {concept for one in recent for concept in content(one)}
    return not told & (known - {name.lower() for one in recent for name in names(one)})


def _least(instruction: str) -> int:
    named = _LEAST.search(instruction)
    if not named:
        return _USUAL
    word = named.group(1).lower()
    return _NUMBERS.get(word) or max(1, int(word))
