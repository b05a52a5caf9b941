"""Other values that could as well have been said: what distortions and inventions say."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property, lru_cache

from evals.faults.wording import WEEKDAYS, is_date, shift_dates, spelled
from traces.domain import Conversation, Question
from traces.hashing import text_hash
from traces.text import content_words, stems

_NEAR = 0.3  # share of their words by which two questions ask for the same kind of thing

_Form = tuple[str, bool, bool]


def number_of(*parts: str) -> int:
    """Return a number that depends on the texts alone."""
    return int(text_hash("\x1f".join(parts), 6), 16)


@dataclass(frozen=True)
class Values:
    """Questions with their answers, from which another answer of the same kind is taken."""

    asked: tuple[tuple[str, str], ...]  # (question's text, answer)
    _memo: dict[tuple[str, _Form | None], tuple[list[str], list[str]]] = field(
        default_factory=dict, compare=False, repr=False
    )

    @classmethod
    def of(cls, conversations: Iterable[Conversation]) -> Values:
        """Gather what the questions of these conversations ask for."""
        return cls(
            tuple((q.text, q.answer) for c in conversations for q in c.questions if q.answer)
        )

    @cached_property
    def answers(self) -> tuple[str, ...]:
        """All answers, longest first, without repeats."""
        return tuple(sorted({answer for _, answer in self.asked}, key=lambda a: (-len(a), a)))

    @cached_property
    def _rarity(self) -> Mapping[str, float]:
        """How much a stem of a question tells about what it asks for."""
        counts = Counter(s for text, _ in self.asked for s in _matter(text))
        return {s: math.log(1 + len(self.asked) / n) for s, n in counts.items()}

    def _alike(self, one: str, other: str) -> bool:
        """Say whether two questions ask for the same kind of thing: they share enough words,
        weighed by what these tell, and the most telling one of either."""
        a, b = _matter(one), _matter(other)
        most = math.log(1 + len(self.asked))
        weights = {s: self._rarity.get(s, most) for s in a | b}
        kinds = _kind_word(one) | _kind_word(other)
        telling = {max(sorted(stems), key=weights.__getitem__) for stems in (a, b) if stems}
        shared = sum(weights[s] for s in a & b)
        return bool((kinds or telling) & a & b) and shared >= _NEAR * sum(weights.values())

    def others(self, question: Question, value: str, seed: str, count: int = 3) -> list[str]:
        """Return up to `count` other values of the kind of `value`; of the kind that the
        question asks for where `value` is empty."""
        drawn = number_of(seed, question.id, value)
        if is_date(value):
            days = (-9, 11, -16, 24, -5, 6, -33, 38)
            start = drawn % len(days)
            order = (*days[start:], *days[:start])
            return [shift_dates(value, shift, "2024-01-01") for shift in order[:count]]
        if any(char in "123456789" for char in value):
            return [_digits_changed(value, drawn + i) for i in range(count)]
        if value in WEEKDAYS:
            place = WEEKDAYS.index(value)
            return [WEEKDAYS[(place + 1 + (drawn + 2 * i) % 6) % 7] for i in range(min(count, 3))]
        return self._found(question, value, seed)[:count]

    def _found(self, question: Question, value: str, seed: str) -> list[str]:
        """Return answers to questions that ask for the same, else for a person or a place of
        the same form, in an order that is drawn."""
        said = set(stems(value)) | set(stems(question.answer or ""))
        form = _form(question.text, value) if value else None
        same, formed = self._kin(question.text, form)
        for group in (same, formed):
            others = {a: number_of(seed, question.id, a) for a in group if not said & {*stems(a)}}
            if others:
                return sorted(others, key=others.__getitem__)
        return []

    def _kin(self, question: str, form: _Form | None) -> tuple[list[str], list[str]]:
        """Return the answers to questions of the same kind, and others of the same form."""
        if (question, form) not in self._memo:
            fit = [
                (text, answer) for text, answer in self.asked
                if not is_date(answer) and form in (None, _form(text, answer))
            ]  # fmt: skip
            alike = [(answer, self._alike(text, question)) for text, answer in fit]
            same = dict.fromkeys(answer for answer, yes in alike if yes)
            formed = dict.fromkeys(answer for answer, yes in alike if form and not yes)
            self._memo[question, form] = list(same), list(formed)
        return self._memo[question, form]

    def invented(self, question: Question, seed: str) -> str:
        """Return a made-up answer of the kind that a question asks for; empty where nothing
        tells what that is."""
        if question.answer:
            found = self.others(question, question.answer, seed, 1)
        elif question.text.lower().startswith(("when", "on which date", "on what day")):
            days = number_of(seed, question.id) % 200
            found = [spelled(date(2024, 2, 3) + timedelta(days=days))]
        else:
            found = self.others(question, "", seed, 1)
        return found[0] if found else ""


def _digits_changed(value: str, drawn: int) -> str:
    places = [i for i, char in enumerate(value) if char.isdigit() and char != "0"]
    chosen = places[: 2 if len(places) > 1 else 1]
    chars = list(value)
    for offset, place in enumerate(chosen):
        step = 1 + (drawn // (offset + 1)) % 8
        chars[place] = str(1 + (int(chars[place]) - 1 + step) % 9)
    return "".join(chars)


@lru_cache(maxsize=4096)
def _matter(text: str) -> frozenset[str]:
    """Return the stems of a question's words that are no names."""
    names = {w.lower().removesuffix("'s") for w in text.split()[1:] if w[:1].isupper()}
    return frozenset(s for word in content_words(text) if word not in names for s in stems(word))


@lru_cache(maxsize=4096)
def _kind_word(question: str) -> frozenset[str]:
    """Return the stem of the word that says what is asked for: 'Which tea ...'."""
    match = re.search(r"\b(?:which|what) (?!kind\b)([a-z]+)", question, re.I)
    return _matter(question) & frozenset(stems(match[1]) if match else ())


def _form(question: str, answer: str) -> _Form | None:
    """Return who or where is asked for and the form of the answer (a name; several words);
    None for other questions, whose answers can be anything."""
    words = question.lower().replace("which place", "where").split()
    asked = next((w for w in ("who", "whom", "where") if w in words), None)
    named = any(char.isupper() for char in answer)
    return None if asked is None else (asked.rstrip("m"), named, len(answer.split()) > 1)
