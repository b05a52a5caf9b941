"""What an error signal looks like: features by which signals of one cause resemble another.

Words alone do not show it: two phone numbers share no word, but the same shape. The shapes
are those of the text itself (letters, digits and signs); no list here says what to look for.
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
_TOKEN = re.compile(r"\S+")
_RUNS = ((re.compile(r"[A-Z]+"), "A"), (re.compile(r"[a-z]+"), "a"), (re.compile(r"\d+"), "9"))
_OPENING = re.compile(r"^\s*([^\s\w]+|\w+[^\s\w]+)\s", re.M)
_ENDING = re.compile(r"[^\s\w]+$", re.M)
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


def _forms(text: str) -> set[str]:
    """Return the shapes of the words that are more than letters: 'AB-12' is 'A-9'."""
    found = set()
    for token in _TOKEN.findall(text):
        word = token.strip(".,;:!?")
        if word and not word.isalpha() and not word.isdigit():
            for run, sign in _RUNS:
                word = run.sub(sign, word)
            found.add(word[:12])
    return found


def _around(text: str, answer: str) -> set[str]:
    """Return the signs between the start of its line and the answer, and the answer's form."""
    found = {f"is {form}" for form in _forms(answer)}
    at = text.lower().find(answer.lower())
    if at >= 0:
        before = text[text.rfind("\n", 0, at) + 1 : at]
        found |= {f"after {sign}" for sign in before if not (sign.isalnum() or sign.isspace())}
    return found


def shape_weights(signal: ErrorSignal, people: frozenset[str]) -> dict[str, float]:
    """Return shape tokens: shapes of words, how lines begin and end, what stands before the
    answer, names that only the question knows, ..."""
    texts = "\n".join(item.text for item in signal.evidence)
    found = {f"s:{form}": 1.0 for form in _forms(texts)}
    if signal.expected:
        found |= {f"s:answer {form}": 1.5 for form in _around(texts, signal.expected)}
    for opening in _OPENING.findall(texts):
        if opening.rstrip(":,").lower() not in people:
            found[f"s:line {opening.lower()}"] = 1.5
    for ending in _ENDING.findall(texts):
        found[f"s:end {ending}"] = 0.5
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
