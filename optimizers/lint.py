"""Checks that keep an instruction general, complete and clean.

Only what is new is judged: text that the incumbent or the slot's seed holds already was
either written by people or has passed before.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from optimizers.edits import Edit
from traces.domain import Conversation, PromptSlot
from traces.hashing import text_hash
from traces.text import tokens

COPIED_WORDS = 6

_MONTH = (
    r"(?:January|February|March|April|May|June|July|August|September|October|November|December"
    r"|Jan\.?|Feb\.?|Mar\.?|Apr\.?|Jun\.?|Jul\.?|Aug\.?|Sept?\.?|Oct\.?|Nov\.?|Dec\.?)"
)
_DATE = re.compile(
    r"(?<!\d)\d{4}-\d{1,2}(?:-\d{1,2})?(?!\d)"
    r"|(?<!\d)\d{1,4}[/.]\d{1,2}[/.]\d{1,4}(?!\d)"
    rf"|\b\d{{1,2}}(?:st|nd|rd|th)?(?: of)? {_MONTH}\b"
    rf"|\b{_MONTH},? (?:the )?\d{{1,2}}(?:st|nd|rd|th)?\b"
    rf"|\b{_MONTH},? (?:of )?\d{{4}}\b"
)
_YEAR = re.compile(r"(?<![\w-])\d{4}(?![\w-])")
_URL = re.compile(
    r"\b[a-z][a-z0-9+.-]{1,14}://\S+|\bwww\.\S+|\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+"
    r"|\b[\w-]+\.(?:com|org|net|io|dev|ai|edu|gov|co\.uk)\b(?:/\S*)?",
    re.I,
)
_SECRET = re.compile(
    r"\b(?:sk|pk|rk)[-_][A-Za-z0-9_-]{8,}"
    r"|\b(?:AKIA|ASIA)[A-Z0-9]{12,}|\bgh[pousr]_\w{16,}|\bxox[a-z]-[\w-]{8,}|\bAIza[\w-]{20,}"
    r"|\beyJ[\w-]{8,}\.[\w-]{8,}|-----BEGIN [A-Z ]+-----"
    r"|\b(?:api[ _-]?key|secret|password|passwd|token)\b\s*(?:is\s+|[:=]\s*)[\"']?(?=\S*\d)\S{6,}",
    re.I,
)
# A long run of letters and digits, as keys have; words and calendar dates are none.
_RANDOM = re.compile(r"(?<![\w/+-])(?=[\w/+-]*\d)(?=[\w/+-]*[A-Za-z])[A-Za-z0-9_/+-]{24,}={0,2}")
_MARKER = re.compile(r"\[\[\s*##|##\s*\]\]|<\|[\w ]+\|>")


class Corpus:
    """The n-grams (of `COPIED_WORDS` words) and years of the training conversations.

    Built once an assignment; 64-bit hashes in a sorted array, about 8 bytes a word.
    """

    def __init__(self, conversations: Iterable[Conversation]) -> None:
        grams: list[NDArray[np.uint64]] = []
        years = set[str]()
        for conversation in conversations:
            for session in conversation.sessions:
                years.add(str(session.date.year))
                grams += [_grams(message.text) for message in session.messages]
            for question in conversation.questions:
                grams += [_grams(question.text), _grams(question.answer or "")]
        self.years = frozenset(years)
        joined = np.concatenate(grams) if grams else np.zeros(0, dtype=np.uint64)
        self._grams = np.unique(joined)

    def copied(self, text: str, known: Iterable[str] = ()) -> str | None:
        """Return the first `COPIED_WORDS` words of `text` that a conversation holds, or None.

        N-grams of the `known` texts do not count.
        """
        found = _grams(text)
        hit = np.isin(found, self._grams)
        for other in known:
            hit &= ~np.isin(found, _grams(other))
        if not hit.any():
            return None
        first = int(np.argmax(hit))
        return " ".join(tokens(text)[first : first + COPIED_WORDS])


@lru_cache(maxsize=65_536)
def _word_hash(word: str) -> int:
    return int(text_hash(word, 8), 16)


def _grams(text: str) -> NDArray[np.uint64]:
    """Return a hash for each run of `COPIED_WORDS` words, in order (a polynomial, mod 2**64)."""
    words = np.array([_word_hash(word) for word in tokens(text)], dtype=np.uint64)
    count = len(words) - COPIED_WORDS + 1
    total = np.zeros(max(0, count), dtype=np.uint64)
    for offset in range(COPIED_WORDS if count > 0 else 0):
        total = total * np.uint64(0x9E3779B97F4A7C15) + words[offset : offset + count]
    return total


def _new(pattern: re.Pattern[str], text: str, known: Iterable[str]) -> str | None:
    """Return the first match that none of the known texts holds."""
    return next((m[0] for m in pattern.finditer(text) if all(m[0] not in k for k in known)), None)


def lint(
    instruction: str,
    slot: PromptSlot,
    *,
    incumbent: str,
    corpus: Corpus,
    edits: Iterable[Edit] = (),
    clusters: Iterable[str] | None = None,
) -> list[str]:
    """Return what is wrong with a new instruction, one line each; empty when it may be tried.

    `incumbent` is the text that it would replace. With `clusters` (the ids of the slot's
    clusters), each of `edits` must name one of them: else no error signal supports it.
    """
    if not instruction.strip():
        return ["is empty"]
    known = (incumbent, slot.seed)
    problems = []
    if instruction.split() == incumbent.split():
        problems.append("is unchanged")
    if len(instruction) > slot.max_chars:
        problems.append(f"has {len(instruction)} characters, {slot.max_chars} are allowed")
    problems += [f"lacks the required {n!r}" for n in slot.required if n not in instruction]
    for pattern, what in (
        (_URL, "a URL or address"),
        (_SECRET, "what looks like a secret"),
        (_RANDOM, "what looks like a secret"),
        (_DATE, "a calendar date"),
        (_MARKER, "a marker of the prompt's format"),
    ):
        # What looks like a secret is not repeated in records.
        found = _new(pattern, instruction, known)
        if found is not None:
            problems.append(f"holds {what}" + ("" if "secret" in what else f": {found[:40]!r}"))
    years = (y[0] for y in _YEAR.finditer(instruction) if all(y[0] not in k for k in known))
    year = next((y for y in years if y in corpus.years), None)
    if year is not None and _new(_DATE, instruction, known) is None:
        problems.append(f"holds a year of the data set: {year}")
    copied = corpus.copied(instruction, known)
    if copied is not None:
        problems.append(f"copies a training conversation: {copied!r}")
    if clusters is not None:
        ids = set(clusters)
        problems += [
            f"no error signal supports it: {edit.cluster[:20]!r} is no cluster of this slot"
            for edit in edits
            if edit.cluster not in ids
        ]
    return problems
