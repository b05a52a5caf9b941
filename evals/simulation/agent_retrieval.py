"""Retrieval by the simulated agent: a question to search queries and filters."""

from __future__ import annotations

import re
from functools import lru_cache

from evals.simulation.draws import digest, uniform
from evals.simulation.instructions import Reading
from evals.simulation.language import (
    ANSWER_TYPES,
    CODE,
    PERSON_LINKS,
    STOP,
    SYNONYMS,
    concept,
    names,
    stem,
    things,
    words,
)
from evals.simulation.language_dates import month_range, parse_iso, span_of_months
from evals.simulation.request import Request

_PAY = re.compile(
    r"\bsalar(?:y|ies)\b|\bbonus\b|\b(?:day|daily|hourly) rate\b|\bwages?\b|\bearns?\b"
    r"|\bearnings\b|\bpaid\b|\bincome\b"
    r"|\bpay\b(?! (?:for|attention|a visit))|\bpay rise\b|\bcompensation\b",
    re.I,
)


@lru_cache(maxsize=4096)
def _keywords(question: str) -> tuple[str, ...]:
    found = list(CODE.findall(question))
    for word in words(CODE.sub(" ", question)):
        lower = word.lower()
        if lower not in STOP and lower not in ANSWER_TYPES and word not in found:
            found.append(word)
    return tuple(found)


def _synonyms(question: str) -> list[str]:
    """Return other words for the question's words."""
    found: list[str] = []
    proper = set(names(question))
    for word in _keywords(question):
        if word in proper:
            continue
        for other in SYNONYMS.get(concept(word.lower()), ()):
            if stem(other) != stem(word.lower()) and other not in found:
                found.append(other)
    return found


_LINK = re.compile(
    r"([A-ZÀ-Ö][\wÀ-ÿ]+)['’]s? ("
    + "|".join(sorted(PERSON_LINKS))
    + r")\b|\b("
    + "|".join(sorted(PERSON_LINKS))
    + r") of ([A-ZÀ-Ö][\wÀ-ÿ]+)"
)


def link(question: str) -> tuple[str, str] | None:
    """Return (person, relation) of a question that goes through somebody's mentor etc."""
    match = _LINK.search(question)
    if not match:
        return None
    person, relation = match[1] or match[4], match[2] or match[3]
    rest = [w for w in _keywords(question) if w not in (person, relation)]
    return (person, relation) if rest else None


def retrieval(request: Request, reading: Reading, slip: float, seed: int) -> dict[str, object]:
    """Return how to search the memory: queries, date bounds, required words."""
    on = reading.competences
    key = digest(seed, request)
    question = request.inputs.get("question", "")
    asked_on = parse_iso(request.inputs.get("asked_on", ""))
    nothing: dict[str, object] = {"queries": [], "after": "", "before": "", "require": []}
    if uniform(key, "slip") < slip:
        # A spoilt step: one word of the question is searched, or nothing at all.
        said_words = _keywords(question)
        if len(said_words) > 1 and uniform(key, "kind") < 0.5:
            return {**nothing, "queries": [said_words[digest(key) % len(said_words)]]}
        return nothing
    if "withhold" in on and _PAY.search(question):
        return nothing
    keywords = list(_keywords(question))
    queries = [" ".join(keywords) or question.strip()]
    people = [name for name in names(question) if not _is_month(name)]
    required = list(people)
    lower = question.lower()
    for group in reading.aliases if "alias" in on else ():
        if not any(re.search(rf"\b{re.escape(name.lower())}\b", lower) for name in group):
            continue
        for name in group:
            if name.lower() not in lower:
                said = next(n for n in group if n.lower() in lower)
                swapped = re.sub(re.escape(said), name, question, flags=re.I)
                queries.append(" ".join(_keywords(swapped)))
            required.append(name.split()[0])
    if "nothing_fits" in on and not required:
        required = list(things(question))
    hop = link(question)
    if hop and "multi_hop" in on:
        person, relation = hop
        queries.append(f"{person} {relation}")
        queries.append(" ".join(w for w in keywords if w not in (person, relation)))
        required = []
    if "expand_query" in on:
        others = _synonyms(question)
        if others:
            queries.append(" ".join([*people, *others]))
            if hop and "multi_hop" in on:
                queries.append(" ".join(o for o in others if o not in hop))
    after, before = "", ""
    if "season" in on and asked_on:
        for word, first, last in reading.seasons:
            if re.search(rf"\b{re.escape(word)}", lower):
                after, before = span_of_months(first, last, asked_on)
                keep = [w for w in keywords if w.lower() != word]
                queries[0] = " ".join(keep) or queries[0]
                required = [r for r in required if r.lower() != word]
    if not after and "date_filter" in on and not re.match(r"\s*when\b", lower):
        span = month_range(question, asked_on)
        if span:
            after, before = span
    return {
        "queries": list(dict.fromkeys(q for q in queries if q)),
        "after": after,
        "before": before,
        "require": list(dict.fromkeys(required)) if "nothing_fits" in on else [],
    }


def _is_month(name: str) -> bool:
    return name in ("May", "March") or name.lower().startswith(
        (
            "januar",
            "februar",
            "septemb",
            "octob",
            "novemb",
            "decemb",
            "april",
            "june",
            "july",
            "august",
        )
    )
