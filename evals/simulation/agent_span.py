"""The short span of a memory's text in which the simulated agent sees the answer."""

from __future__ import annotations

import re

from evals.simulation.language import CODE, STOP, concept, content, names, words
from evals.simulation.language_dates import (
    ABSOLUTE,
    MONTH_NAME,
    RELATIVE,
    WEEKDAYS,
    parse_iso,
    spell,
)

_LISTS = re.compile(
    r"\blooks? after\b|\bin charge of\b|\bresponsible for\b|\btakes? care of\b|\bduties\b"
    r"|\bresponsibilit",
    re.I,
)
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


def lists(question: str) -> bool:
    """Say whether a question asks for several things: the answer is all of them."""
    return bool(_LISTS.search(question))


def _dates(text: str) -> list[str]:
    found = [m.group() for m in ABSOLUTE.finditer(text)]
    if not found:
        found = [m.group() for m in RELATIVE.finditer(text)]
    if not found:
        found = [m.group() for m in MONTH_NAME.finditer(text) if m.group() != "May"]
    if not found:
        found = re.findall(r"\b(?:19|20)\d\d\b", text)
    return found


def span(question: str, text: str, date: str) -> str:
    """Cut the short span of a text that answers the question; `date` (ISO, or empty) is that of
    its memory."""
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
        day = parse_iso(date)
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
    best = re.split(r"\s*[,;:–—] (?![A-Z\d])", best, maxsplit=1)[0] if not lists(question) else best
    pieces = best.split()
    while pieces and pieces[0].lower() in ("now", "a", "an", "called", "currently"):
        pieces = pieces[1:]
    while len(pieces) > 1 and pieces[-1].lower() in ("now", "currently", "here"):
        pieces = pieces[:-1]
    return " ".join(pieces[:14]).strip(" ,;")
