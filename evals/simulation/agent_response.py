"""Answers by the simulated agent: the best fitting memory, and a short span of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

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
from evals.simulation.language_dates import (
    ABSOLUTE,
    MONTH_NAME,
    RELATIVE,
    WEEKDAYS,
    parse_iso,
    spell,
)
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
_LISTS = re.compile(
    r"\blooks? after\b|\bin charge of\b|\bresponsible for\b|\btakes? care of\b|\bduties\b"
    r"|\bresponsibilit",
    re.I,
)
_WITHDRAWN = re.compile(r"\b(?:strike|scratch) (?:that|it)\b", re.I)
_RELATION = re.compile(
    r"\b(?:(?:find|put|moved|placed) \w+['’]s? \w+|is called|is named|named|called|is based in"
    r"|is scheduled for|is set for|takes place on"
    r"|took place (?:at|in)|is located in"
    r"|stands in|sits in|was held (?:at|in)|lives in|resides in|has a home in|moved to"
    r"|works as an?|has the job of|is employed as a"
    r"|drives an?|gets around in an?|uses as notebook an?|is in charge of|looks after"
    r"|takes care of|is responsible for|is allergic to"
    r"|has an allergy to|cannot eat, for an allergy,|grew up in|was raised in|growing up, in"
    r"|is learning|is taking up the language"
    r"|takes lessons in the language|has a degree in|went to university for|studied|plays the"
    r"|makes music on the|is a musician on the"
    r"|is a fan of|adores|likes best|prefers as [\w ]+?|collects|has a collection of|gathers"
    r"|intends to|plans to|has the plan to"
    r"|is going to|wants to|will|decided to|holds? a|owns? a|has a|has an|has as|has|is on|is in"
    r"|is at|is an?"
    r"|are|is|was at|was in|was|were|likes|loves|uses|gathers at|meets (?:at|in))\b"
)


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
        return {"answer": _span(question, other, other.text)}
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
    if _LISTS.search(question) and not past:
        values = [_span(question, memory, text) for _, memory, text in reversed(close)]
        return ", ".join(dict.fromkeys(values[:5]))
    if past:
        told = next((m for _, m, _ in close if m.history), None)
        if told:
            parts = told.history.split("(formerly")
            return _span(question, told, parts[0])
        former = next((m for _, m, _ in close if m.retired), None)
        if former:
            return _span(question, former, former.text)
        if len(close) < 2:
            return NOT_MENTIONED
        return _span(question, close[-1][1], close[-1][2])
    return _span(question, close[0][1], close[0][2])


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


def _dates(text: str) -> list[str]:
    found = [m.group() for m in ABSOLUTE.finditer(text)]
    if not found:
        found = [m.group() for m in RELATIVE.finditer(text)]
    if not found:
        found = [m.group() for m in MONTH_NAME.finditer(text) if m.group() != "May"]
    if not found:
        found = re.findall(r"\b(?:19|20)\d\d\b", text)
    return found


def _span(question: str, memory: Memory, text: str) -> str:
    """Cut the short span of a memory that answers the question."""
    lower = question.lower()
    text = re.sub(r"^(.*?), it (?=is |was )", r"\1: ", text.strip().rstrip("."))
    if re.search(r"\b(?:which|what) (?:week)?day\b|\bday is\b|gym day", lower):
        weekday = next((d for d in WEEKDAYS if d in text), None)
        if weekday:
            return weekday
    if re.match(
        r"\s*(?:when\b|(?:on )?(?:what|which) (?:day|date)\b|since when|by when|(?:what|which"
        r"|how) .*\bdeadline\b|what is the (?:deadline|date|day))",
        lower,
    ):
        days = _dates(text)
        if days:
            return days[0]
        day = parse_iso(memory.date)
        return spell(day) if day else text
    codes = CODE.findall(text)
    if codes and re.search(r"\b(?:code|number|reference|ticket|id|identifier)\b", lower):
        return str(codes[0])
    money = re.search(
        r"\b\d[\d,. ]*\d(?: (?:euros?|pounds?|dollars?|francs?|kronor))?(?: an? (?:day|hour|year"
        r"|month))?",
        text,
    )
    if re.search(r"salary|bonus|rate|earn|how much|how many|pay\b", lower) and money:
        return money.group().strip()
    asked = {w.lower() for w in words(question)}
    if re.match(r"\s*who(?:m|se)?\b", lower) or re.search(r"\bname\b", lower):
        others = [n for n in names(text) if n.lower() not in asked]
        if others:
            return others[0]
    undated = re.sub(r"^On \d{1,2} [A-Z]\w+ \d{4}, ", "", text)
    undated = re.sub(r",? on \d{1,2} [A-Z]\w+ \d{4}$", "", undated)
    return _value(question, undated) or text


def _value(question: str, text: str) -> str:
    """Return what follows the statement's verb; or what precedes it, where that is asked."""
    wanted = set(content(question))
    best = ""
    moved = text.partition(": is ")[2] or text.partition(": was ")[2]
    if moved:
        return str(moved).removesuffix(" now").strip()
    for match in _RELATION.finditer(text):
        value = text[match.end() :].strip(" ,")
        tokens = content(value)
        new = [t for t in tokens if t not in wanted]
        if new:
            best = value
            lead = re.match(r"(?:on|in|at|by|as|to) (?=\S)", value)
            best = value[lead.end() :] if lead and lead.group() in ("as ", "to ") else value
            if len([t for t in tokens if t in wanted]) == 0 or len(new) <= 4:
                break
        else:
            before = text[: match.start()].strip(" ,")
            if any(t not in wanted for t in content(before)):
                best = before
                break
    if not best:
        rest = [
            w
            for w in re.findall(r"[\w'’-]+", text)
            if concept(w.lower()) not in wanted and w.lower() not in STOP
        ]
        best = " ".join(rest[:8])
    best = (
        re.split(r"\s*[,;:–—] (?![A-Z\d])", best, maxsplit=1)[0]
        if not _LISTS.search(question)
        else best
    )
    pieces = best.split()
    while pieces and pieces[0].lower() in ("now", "a", "an", "called", "currently"):
        pieces = pieces[1:]
    while len(pieces) > 1 and pieces[-1].lower() in ("now", "currently", "here"):
        pieces = pieces[:-1]
    return " ".join(pieces[:14]).strip(" ,;")
