"""What an error signal looks like: features by which signals of one cause resemble another.

Words alone do not show it: two lockers' codes share no word, but the same shape.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterable

from traces.results import ErrorSignal
from traces.text import STOP_WORDS, contains_words, stem, stems, tokens

_CALENDAR = frozenset(
    word.lower() for names in (calendar.month_name, calendar.day_name) for word in names if word
)
_SHAPES: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("code", re.compile(r"\b[A-Z]{1,5}[-/ ]?\d{2,}\b|\b\d+[-/][A-Z]{1,5}\b")),
    ("brackets", re.compile(r"\([^()]{3,}\)|\[[^\[\]]{3,}\]")),
    ("quoted", re.compile(r"[\"“”«»][^\"“”«»]{2,}[\"“”«»]|(?<!\w)'[^']{2,}'(?!\w)")),
    ("money", re.compile(r"[$€£¥]\s?\d|\b\d+(?:[.,]\d+)? ?(?:dollars|euros|pounds)\b", re.I)),
    ("asks", re.compile(r"\?(?:\s|$)")),
    ("plus", re.compile(r"(?<!\w)\+\d|[\U0001f44d\U0001f44e\u2705\u2714]")),
    ("clock", re.compile(r"\b\d{1,2}:\d\d\b|\b\d{1,2} ?[ap]m\b", re.I)),
    ("dash", re.compile(r"\s[–—-]\s")),
    ("negated", re.compile(r"\b(?:not|never|no longer|cancel\w*|off)\b|n't\b", re.I)),
    ("i", re.compile(r"\b(?:I|I'm|I've|I'll|I'd|my|mine)\b")),
    ("relative", re.compile(
        r"\b(?:yesterday|today|tomorrow|tonight|ago|(?:last|next|this|coming) [a-z]+day|"
        r"(?:last|next|this) (?:week|month|year|weekend))\b", re.I)),
)  # fmt: skip
_PREFIX = re.compile(r"^\s*(>+|[A-Z][\w-]{1,14}(?: \w+){0,2}(?=:\s))", re.M)
_CAPITALISED = re.compile(r"(?<![.!?]\s)(?<!^)\b[A-Z][a-z]{2,}\b")
# How much the words of question and evidence count. What an attribution adds of its own
# (lost, given, produced) does not: the members of a cluster vote on the cause, so what
# makes them alike must not come from their votes.
_ASKED, _SAID = 0.7, 0.7


def speakers_of(signals: Iterable[ErrorSignal]) -> frozenset[str]:
    """Return the words of all speakers' names: who speaks says nothing about the cause."""
    names = (item.speaker for signal in signals for item in signal.evidence)
    return frozenset(word for name in names for word in tokens(name))


def word_weights(signal: ErrorSignal, people: frozenset[str]) -> dict[str, float]:
    """Return the stems of question ("q:") and evidence ("e:"), weighted 0..1."""
    texts = "\n".join(item.text for item in signal.evidence)
    names = {stem(word) for word in people}
    found: dict[str, float] = {}
    for prefix, text, weight in (
        ("q:", signal.question, _ASKED),
        ("e:", texts, _SAID),
    ):
        for word in stems(text):
            if word not in names and not word.isdigit():
                found[prefix + word] = max(weight, found.get(prefix + word, 0.0))
    return found


def shape_weights(signal: ErrorSignal, people: frozenset[str]) -> dict[str, float]:
    """Return shape tokens: forms in the evidence, names that only the question knows, ..."""
    texts = "\n".join(item.text for item in signal.evidence)
    found = {f"s:{name}": 1.0 for name, pattern in _SHAPES if pattern.search(texts)}
    for name, pattern in _SHAPES:
        # A form that the answer itself stands in says most.
        for match in pattern.finditer(texts) if signal.expected else ():
            if contains_words(match[0], signal.expected):
                found[f"s:answer in {name}"] = 1.5
    for prefix in _PREFIX.findall(texts):
        found[f"s:line {tokens(prefix)[0] if tokens(prefix) else prefix[0]}"] = 1.5
    for name in _CAPITALISED.findall(signal.question):
        word = name.lower()
        known = contains_words(texts, word) or word in people or word in STOP_WORDS
        if not known and word not in _CALENDAR:
            found[f"s:name {word}"] = 2.0
    # Words of the question that its evidence lacks are what a search trips over.
    names = {stem(word) for word in people}
    for word in set(stems(signal.question)) - set(stems(texts)) - names:
        found[f"s:term {word}"] = 1.0
    if not signal.expected:
        found["s:abstain"] = 1.5
    if len(signal.evidence) > 1:
        found["s:several"] = 0.5
    if any(item.speaker and item.speaker.split()[0] not in signal.question
           for item in signal.evidence):  # fmt: skip
        found["s:other speaker"] = 0.5
    return found
