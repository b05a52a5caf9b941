"""Names and seasons: the words of a team that the reflection part picks up from signals."""

from __future__ import annotations

import re
from collections import Counter

from evals.simulation.reflection_signals import Cluster, Example

Words = dict[str, str]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

_STOP = _words(
    "a an the of on in at to for with from by and or but is are was were be been has have had "
    "do does did will would it its this that these those what who when where which how why "
    "her his their my your our i you she he they we about"
)
# Words that follow a name without being part of it.
_AFTER_NAME = _STOP | _words(
    "as than then now so until till before after again today yesterday tomorrow next last "
    "because if while not also just still finally soon can could should must may might goes "
    "go went starts start begins ends needs need got gets moves runs takes comes looks seems "
    "kicks slips wraps went kept made makes since once over during too"
)
_OPENERS = _words(
    "What Who Whose Whom When Where Which How Why Did Does Do Is Are Was Were Has Have Had Can "
    "Could Will Would Should In On At During Over The A An I It By For From Since Before After "
    "Until Around Ok Okay Yes No Hi Hey Hello Thanks Shall Not And But So"
)
_NO_NAMES = _OPENERS | set(WEEKDAYS) | set(MONTHS)

_CAPITALS = re.compile(r"\b[A-Z][a-z]+(?:[ -][A-Z][a-z]+){0,2}\b")
_SEASONS = (
    "harvest|planting|sowing|spring|summer|autumn|fall|winter|crunch|thaw|frost|rush|lull|monsoon"
    "|blossom|bloom|stocktake|stocktaking|inventory|vintage|lambing|pruning|peak|off-season|tide"
    "|carnival|festival|hibernation|regatta|shearing|drought|flood|[a-z]+ season|[a-z]+ time"
)
_LED = r"(?:[Tt]he\s+|[Oo]ur\s+|last\s+|this\s+)?[\"'‘“]?"
_PERIOD = re.compile(
    rf"\b(?i:during|throughout|over|in|at|last|this|of|around)\s+{_LED}(?i:({_SEASONS}))\b"
    rf"|\b(?:[Dd]uring|[Tt]hroughout)\s+{_LED}([a-z]{{4,}})\b"
)
_TIME_SLOT = re.compile(r"\b(?:in|at|over|around) (?:the )?([a-z]{4,})\b")


def tokens(text: str) -> set[str]:
    """Return the words that carry meaning, in lower case."""
    return {w for w in re.findall(r"[a-z0-9]+", text.casefold()) if w not in _STOP}


def _names(text: str, people: set[str]) -> list[str]:
    """Return the names in a text that are neither people, days, months nor sentence openers."""
    found: list[str] = []
    for match in _CAPITALS.finditer(text):
        words = match[0].split(" ")
        start = match.start()
        while words and words[0] in _NO_NAMES:
            start += len(words.pop(0)) + 1
        name = " ".join(words)
        before = text[:start].rstrip("\"'‘“ ")
        article = before.casefold().endswith((" the", "(the", "'the", " our", "\nthe", "\nour"))
        article = article or before.casefold() in ("the", "our")
        owner = text[match.end() :].startswith(("'s", "’s")) and not article
        if not words or words[0] in people or owner:
            continue
        opens = not before or before[-1] in ".!?\n:"
        if article:
            found.insert(0, f"the {name}")
        elif not opens:
            found.append(name)
    return found


def _whole_name(name: str, text: str) -> str:
    """Return the name with the noun that belongs to it ('Harbor migration')."""
    core = name.removeprefix("the ")
    after = re.search(rf"\b{re.escape(core)}\s+([a-z]{{3,14}})\b", text)
    if after and after[1] not in _AFTER_NAME and not after[1].endswith(("ed", "ly")):
        return f"{name} {after[1]}"
    return name


def _people(c: Cluster) -> set[str]:
    return {i.speaker.split()[0] for e in c.examples for i in e.evidence if i.speaker}


def alias(e: Example, c: Cluster) -> Words | None:
    """Look for a name in the question that no evidence holds, and for what it may stand for."""
    if e.abstain:
        return None
    people = _people(c)
    for nick in _names(e.question, people):
        core = nick.removeprefix("the ")
        partners: Counter[str] = Counter()
        for other in c.examples:
            if core not in other.question:
                continue
            for item in other.evidence:
                names = [n for n in _names(item.text, people) if core not in n]
                # Not a set: its order, and so the choice among equals, varies by process.
                partners.update(list(dict.fromkeys(_whole_name(n, item.text) for n in names)))
        alone = core not in e.texts or " (" in e.texts
        if partners and alone:
            # A name with an article is likelier to be a thing than a person.
            best = max(partners, key=lambda n: (n.startswith("the "), partners[n], len(n)))
            return {"nick": nick, "name": best}
    return None


def _season_word(question: str, c: Cluster) -> str:
    """Return the word of the question that seems to name a time of the year, or ''."""
    found = _PERIOD.search(question)
    word = (found[1] or found[2]).casefold() if found else ""
    if word and word.split(" ")[0] not in _AFTER_NAME:
        return word
    # A word unknown to it is a season when questions keep using it where a time would stand.
    said = set[str]().union(*(tokens(e.texts) for e in c.examples))
    for match in _TIME_SLOT.finditer(question):
        again = sum(match[0] in e.question for e in c.examples)
        if again >= 2 and match[1] not in said and match[1] not in _AFTER_NAME:
            return match[1]
    return ""


def _months_of(text: str) -> set[int]:
    """Return the months of the full dates in a text: 12 May 2024, May 12, 2024, 2024-05-12."""
    found = {int(month) for month in re.findall(r"\b\d{4}-(\d\d)\b", text, re.ASCII)}
    for number, name in enumerate(MONTHS, start=1):
        if re.search(rf"\b\d{{1,2}}(?:st|nd|rd|th)? {name}\b|\b{name} \d{{1,2}}\b", text):
            found.add(number)
    return {month for month in found if 1 <= month <= 12}


def season(e: Example, c: Cluster) -> Words | None:
    """Look for a season in the question; its months are those that the evidence names, else
    those in which it was said."""
    word = _season_word(e.question, c)
    if not word:
        return None
    seen = set()
    for other in c.examples:
        if _season_word(other.question, c) == word:
            for item in other.evidence:
                seen |= _months_of(item.text) or _months_of(item.date)
    if not seen:
        return None
    # The shortest stretch of the year that holds all months seen; it may span new year.
    length, first = min((max((m - s) % 12 for m in seen), s) for s in sorted(seen))
    return {
        "season": word,
        "first": MONTHS[first - 1],
        "last": MONTHS[(first - 1 + length) % 12],
    }
