"""Wording: stems with numbers folded, names, first persons, abstentions, quotes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

from traces.text import STOP_WORDS, normalise, stem, tokens

QUOTE_CHARS = 300

_NUMBER_WORDS = "zero one two three four five six seven eight nine ten eleven twelve"
_NUMBERS = {word: str(number) for number, word in enumerate(_NUMBER_WORDS.split(" "))} | {
    "once": "1", "twice": "2", "first": "1st", "second": "2nd", "third": "3rd",
}  # fmt: skip
_FIRST_PERSON = frozenset(["i", "my", "me", "mine", "myself", "i'm", "i've", "i'd", "i'll"])
_PLURAL = frozenset(["we", "us", "our", "ours", "we're", "we've", "we'd", "we'll"])
_NEGATIONS = frozenset(
    ["not", "no", "never", "none", "nobody", "nothing", "neither", "nor", "without", "cannot",
     "dislike", "dislikes"]
)  # fmt: skip
_TAKES_BACK = re.compile(
    r"\b(?:cancel\w*|call(?:ed|ing)? (?:it |that |this )?off|scrap(?:ped)?|"
    r"forget (?:about|what|that|the)|no longer|any ?more|disregard|ignore (?:what|that|the|my)|"
    r"never ?mind|changed my mind|not (?:happening|going ahead|true)|withdr[ae]w\w*|retract\w*|"
    r"gave (?:it |that )?up|given up|giv(?:e|ing) up|dropped|stopped|quit|fell through|"
    r"take (?:it |that )?back|(?:strike|scratch) (?:that|this|it|what|my|the)|got rid of|"
    r"(?:expire|lapse|rescinde|revoke)d|isn't happening|won't (?:be )?happen\w*|"
    r"(?:is|are|was|all) off|don't|doesn't|do not|does not|not any)\b"
)
_FORMER = re.compile(
    r"\b(?:formerly|former|previous(?:ly)?|used to|earlier|originally|at first|initially|"
    r"until (?:then|now|recently)|before (?:that|then|this|now)|in the past|no longer|back then|"
    r"was replaced|replaced by|instead of|superseded|old)\b"
)
# What a memory that keeps everything writes behind what holds no more.
_RETIRED = re.compile(
    r"\((?:superseded|outdated|hearsay|retired|withdrawn|no longer \w+)\b[^()]*\)\W*$"
)
# The brackets behind a new value in which a memory tells the one before it.
_HISTORY = re.compile(
    r"\s*\((?:formerly|former|previously|before|until|was)\b.*\)\W*$", re.I | re.S
)
_ASKS_FORMER = re.compile(r"\b(?:before(?! \d)|prior|once|in the past)\b")
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")
_ENTITY = re.compile(r"\b(?:[A-Z]{1,5}-\d{1,6}|[A-Z][\w'’-]+|\d+(?:[.:]\d+)*)")


@lru_cache(maxsize=16_384)
def key_stems(text: str) -> tuple[str, ...]:
    """Return the stems of the words that are not stop words, number words as digits."""
    words = (_NUMBERS.get(w, w) for w in tokens(text) if w not in STOP_WORDS or w in _NUMBERS)
    return tuple(stem(word) for word in words)


def names_in(text: str, people: Mapping[str, str]) -> set[str]:
    """Return the full names of the people whom a text names, short forms included.

    A short form is a capitalised word of at least three letters that begins a name ('Mel').
    """
    found = {people[word] for word in tokens(text) if word in people}
    for match in re.finditer(r"\b[A-Z][a-z]{2,}\b", text):
        short = match.group().lower()
        if short not in people:
            fitting = {full for word, full in people.items() if word.startswith(short)}
            if len(fitting) == 1:
                found |= fitting
    return found


def first_person(text: str) -> bool:
    """Say whether a text speaks in the first person singular."""
    return not _FIRST_PERSON.isdisjoint(tokens(text))


def of_oneself(text: str) -> bool:
    """Say whether a speaker speaks of themselves, alone or with others."""
    return not (_FIRST_PERSON | _PLURAL).isdisjoint(tokens(text))


def as_history(text: str) -> bool:
    """Say whether a text tells of something as former."""
    return _FORMER.search(text.lower()) is not None


def asks_history(question: str) -> bool:
    """Say whether a question asks for what was so before."""
    return as_history(question) or _ASKS_FORMER.search(question.lower()) is not None


def retired(text: str) -> bool:
    """Say whether a text says of itself, in brackets at its end, that it counts no more."""
    return _RETIRED.search(text.lower()) is not None


def before_history(text: str) -> str:
    """Return what a text says before it first tells of something as former."""
    match = _FORMER.search(text.lower())
    return text if match is None else text[: match.start()]


def without_history(text: str) -> str:
    """Return a text without the brackets at its end that tell what was so before."""
    return _HISTORY.sub("", text) or text


def negated(text: str) -> bool:
    """Say whether a text holds a negation."""
    return any(w in _NEGATIONS or w.endswith("n't") for w in tokens(text))


def takes_back_words(text: str) -> bool:
    """Say whether a text sounds as if something no longer holds or was called off."""
    return _TAKES_BACK.search(text.lower().replace("’", "'")) is not None


def same_words(a: str, b: str) -> bool:
    """Say whether two answers have the same words, articles aside."""
    left, right = (
        [w for w in normalise(text).split() if w not in ("a", "an", "the")] for text in (a, b)
    )
    return bool(left) and left == right


def sentences(text: str) -> list[str]:
    """Return the sentences of a text."""
    return [part for part in _SENTENCE.split(text) if part.strip()]


def entities(text: str) -> set[str]:
    """Return names, codes and numbers in lower case; a sentence's first word only where it
    cannot be an ordinary word (it holds a digit)."""
    found: set[str] = set()
    for sentence in sentences(text):
        for match in _ENTITY.finditer(sentence):
            word = match.group()
            opens = not sentence[: match.start()].strip(" \"'“(*-")
            if (opens and not any(c.isdigit() for c in word)) or word.lower() in STOP_WORDS:
                continue
            found.update(w for w in tokens(word) if w not in STOP_WORDS)
    return found


def share(wanted: Iterable[str], held: Iterable[str]) -> float:
    """Return the share (0..1) of distinct `wanted` that `held` has; 0 for nothing wanted."""
    needed = set(wanted)
    return len(needed & set(held)) / len(needed) if needed else 0.0


def quote(text: str, limit: int = QUOTE_CHARS) -> str:
    """Return a text on one line, cut to `limit` characters."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 3].rstrip() + "..."
