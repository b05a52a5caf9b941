"""Answers by the simulated agent: the best fitting memory, and a short span of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from evals.simulation.agent_span import lists, span
from evals.simulation.draws import digest, uniform
from evals.simulation.language import (
    ANSWER_TYPES,
    CODE,
    PERSON_LINKS,
    STOP,
    concept,
    content,
    names,
    things,
    words,
)
from evals.simulation.language_dates import MONTH_NAME
from evals.simulation.request import Request

NOT_MENTIONED = "Not mentioned"
_ENTRY = re.compile(r"^\[(\d+)\] (?:\((\d{4}-\d{2}-\d{2})[^)]*\) )?(.*)$")
_HISTORY = re.compile(r"\s*\((?:formerly|until)(?:, until then)?:? ?((?:[^()]|\([^()]*\))*)\)\.?$")
# What a memory says of itself in brackets at its end: it counts no more.
_RETIRED = re.compile(r"\s*\((?:superseded|outdated|hearsay|no longer \w+)\b[^()]*\)\.?$", re.I)
_PAST = re.compile(
    r"\bbefore\b|\bformer(?:ly)?\b|\bused to\b|\bpreviously\b|\bearlier\b|\boriginally\b"
    r"|\bat first\b|\bprior to\b|\bold\b",
    re.I,
)
_WITHDRAWN = re.compile(r"\b(?:strike|scratch) (?:that|it)\b", re.I)
_PLACE = re.compile(r"\b(?:t[ao]ke?n? place|was held|held|happen(?:ed|s)?|take place)\b", re.I)


@dataclass(frozen=True)
class Memory:
    """One line that the answer may be read from."""

    number: int
    date: str
    text: str
    history: str
    retired: bool = False


@lru_cache(maxsize=16384)
def _memory(line: str) -> Memory | None:
    match = _ENTRY.match(line.strip())
    if not match or not match[3].strip():
        return None
    told = _RETIRED.sub("", match[3])
    history = _HISTORY.search(told)
    text = _HISTORY.sub("", told) if history else told
    return Memory(
        int(match[1]),
        match[2] or "",
        text.strip(),
        history.group(1) if history else "",
        told != match[3],
    )


@lru_cache(maxsize=4096)
def _asked(question: str) -> tuple[frozenset[str], frozenset[str]]:
    """Return the people that a question names and the concepts it asks about."""
    people = frozenset(n for n in names(question) if not MONTH_NAME.fullmatch(n))
    lower = {n.lower() for n in (*people, *things(question))} | {
        m.group(1).lower() for m in MONTH_NAME.finditer(question)
    }
    wanted = frozenset(
        concept(w.lower())
        for w in words(_PLACE.sub(" ", CODE.sub(" ", question)))
        if w.lower() not in STOP
        and w.lower() not in ANSWER_TYPES
        and w.lower() not in lower
        and not _PAST.fullmatch(w)
    )
    return people, wanted


def _score(people: frozenset[str], wanted: frozenset[str], text: str) -> float:
    tokens = set(content(text))
    shared = wanted & tokens
    if wanted and not shared:
        return 0.0
    share = len(shared) / len(wanted) if wanted else 0.0
    present = sum(1 for name in people if re.search(rf"\b{re.escape(name)}\b", text))
    if share < 0.34 or (share <= (0.5 if len(wanted) == 2 else 0.49) and not present):
        return 0.0
    named = present / len(people) if people else 0.5
    return share + 0.6 * named + 0.02 * len(shared)


def respond(request: Request, slip: float, seed: int) -> dict[str, object]:
    """Answer the question from the memories."""
    key = digest(seed, request)
    question = request.inputs.get("question", "")
    memories = [
        m for m in (_memory(line) for line in request.inputs.get("memories", "").splitlines()) if m
    ]
    answer = _answer(question, memories)
    if uniform(key, "slip") < slip:
        # A spoilt step: abstains, or answers from some other memory.
        other = memories[digest(key) % len(memories)] if memories else None
        if other is None or uniform(key, "kind") < 0.5:
            return {"answer": NOT_MENTIONED}
        return {"answer": span(question, other.text, other.date)}
    return {"answer": answer}


def _answer(question: str, memories: list[Memory]) -> str:
    people, wanted = _asked(question)
    past = bool(_PAST.search(question)) and not re.search(
        r"\bbefore \d|\bold is\b|\bhow old\b", question
    )
    if not past:
        memories = [m for m in memories if not m.retired]
    hop = _through(question, memories)
    if hop:
        people, wanted = hop
        memories = [m for m in memories if any(name in m.text for name in people)]
    scored: list[tuple[float, Memory, str]] = []
    named = frozenset(things(question))
    for memory in memories:
        if _WITHDRAWN.search(memory.text):
            continue
        score = _score(people or named, wanted, memory.text)
        if score > 0:
            scored.append((score, memory, memory.text))
    if not scored:
        return NOT_MENTIONED
    best = max(score for score, _, _ in scored)
    if people and not any(
        re.search(rf"\b{re.escape(n)}\b", m.text) for n in people for m in memories
    ):
        return NOT_MENTIONED
    close = [row for row in scored if row[0] >= best - 0.12]
    close.sort(key=lambda row: (row[1].date, row[0], row[1].text), reverse=True)
    if lists(question) and not past:
        values = [span(question, text, memory.date) for _, memory, text in reversed(close)]
        return ", ".join(dict.fromkeys(values[:5]))
    if past:
        told = next((m for _, m, _ in close if m.history), None)
        if told:
            parts = told.history.split("(formerly")
            return span(question, parts[0], told.date)
        former = next((m for _, m, _ in close if m.retired), None)
        if former:
            return span(question, former.text, former.date)
        if len(close) < 2:
            return NOT_MENTIONED
        return span(question, close[-1][2], close[-1][1].date)
    return span(question, close[0][2], close[0][1].date)


_LINKS = "|".join(sorted(PERSON_LINKS))
_HOP = re.compile(rf"([A-ZÀ-Ö][\wÀ-ÿ]+)['’]s? ({_LINKS})\b|\b({_LINKS}) of ([A-ZÀ-Ö][\wÀ-ÿ]+)")


def _through(question: str, memories: list[Memory]) -> tuple[frozenset[str], frozenset[str]] | None:
    """Follow 'Ana's mentor' to the mentor's name, where the memories give it."""
    match = _HOP.search(question)
    if not match:
        return None
    person, relation = match[1] or match[4], match[2] or match[3]
    _, wanted = _asked(question)
    rest = wanted - {concept(relation)}
    if not rest:
        return None
    found = sorted(
        (m for m in memories if person in m.text and concept(relation) in content(m.text)),
        key=lambda m: m.date,
        reverse=True,
    )
    for memory in found:
        others = [n for n in names(memory.text) if n != person]
        if others:
            return frozenset(others[:1]), rest
    return None
