"""Memories judged by the simulated agent: are they enough for a question, which help most."""

from __future__ import annotations

import re
from dataclasses import dataclass

from evals.simulation.agent_retrieval import link, retrieval
from evals.simulation.draws import digest, uniform
from evals.simulation.instructions import Reading
from evals.simulation.language import ANSWER_TYPES, concept, content, names, words
from evals.simulation.language_dates import MONTH_NAME
from evals.simulation.request import Request

_LINE = re.compile(r"^\[(\d+)\] (?:\(([^)]*)\) )?(.*)$")
_ENOUGH = 0.5  # of what a question asks about, the share that a memory has to be about


@dataclass(frozen=True)
class _Line:
    number: int
    date: str
    text: str


def sufficiency(request: Request, reading: Reading, slip: float, seed: int) -> dict[str, object]:
    """Return whether the memories are enough, what is missing and what to look for."""
    question = request.inputs.get("question", "")
    lines = _lines(request)
    hop = link(question)
    require: object = []
    if hop:
        missing, queries, about = _beyond(question, hop, lines)
        require = [about] if about and "nothing_fits" in reading.competences else []
    else:
        known = any(_fit(question, line.text) >= _ENOUGH for line in lines)
        missing, queries = ("", []) if known else (question, [])
    if missing and not queries:
        wanted = retrieval(request, reading, 0.0, seed)
        found, require = wanted["queries"], wanted["require"]
        queries = list(found) if isinstance(found, list) else []
    enough = not missing
    if uniform(digest(seed, request), "slip") < slip:
        # A spoilt step: content too early, or never.
        enough = not enough
    return {
        "sufficient": enough, "missing": missing,
        "queries": [] if enough else queries[:3], "require": [] if enough else require,
    }  # fmt: skip


def ranking(request: Request, slip: float, seed: int) -> list[int]:
    """Return the numbers of the memories, those that fit the question best first."""
    key = digest(seed, request)
    question = request.inputs.get("question", "")
    hop = link(question)
    lines = _lines(request)

    def rank(line: _Line) -> tuple[float, str, int]:
        fit = _fit(question, line.text)
        if hop and _states(hop, line.text):
            fit = max(fit, _ENOUGH)
        return fit, line.date, -line.number

    order = [line.number for line in sorted(lines, key=rank, reverse=True)]
    if order and uniform(key, "slip") < slip:
        # A spoilt step: what fits best is put last.
        order = [*order[1:], order[0]]
    return order


def _lines(request: Request) -> list[_Line]:
    found = (_LINE.match(one.strip()) for one in request.inputs.get("memories", "").splitlines())
    return [_Line(int(m[1]), m[2] or "", m[3]) for m in found if m]


def _fit(question: str, text: str) -> float:
    """Return how far a text is about what is asked (0..1), a little more where it names whom."""
    people = [n for n in names(question) if not MONTH_NAME.fullmatch(n)]
    told = set(content(text))
    wanted = _wanted(question)
    share = len(wanted & told) / len(wanted) if wanted else 0.0
    named = [n for n in people if n in text]
    if people and not named:
        share *= 0.5
    return share + 0.1 * len(named)


def _wanted(question: str) -> set[str]:
    lower = {n.lower() for n in names(question)}
    return {
        concept(w.lower())
        for w in words(question)
        if w.lower() not in lower and w.lower() not in ANSWER_TYPES
    } & set(content(question))


def _states(hop: tuple[str, str], text: str) -> bool:
    """Tell whether a text says who somebody's mentor (or the like) is."""
    person, relation = hop
    return person in text and concept(relation) in content(text)


def _beyond(question: str, hop: tuple[str, str], lines: list[_Line]) -> tuple[str, list[str], str]:
    """Return what is missing of a question that goes through another person, queries for it,
    and whom they are about."""
    person, relation = hop
    rest = _wanted(question) - {concept(relation)}
    for line in lines:
        others = [n for n in names(line.text) if n != person]
        if _states(hop, line.text) and others:
            other = others[0]
            known = any(other in one.text and rest & set(content(one.text)) for one in lines)
            asked = [w for w in words(question) if concept(w.lower()) in rest]
            if known:
                return "", [], ""
            return f"about {other}", [" ".join([other, *asked])], other
    return f"{person}'s {relation}", [f"{person} {relation}"], person
