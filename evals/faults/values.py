"""Other values that could as well have been said: what distortions and inventions say."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from evals.faults.wording import WEEKDAYS, is_date, shift_dates, spelled
from traces.domain import Conversation, Question
from traces.hashing import text_hash
from traces.text import content_words, stems

_ASKING = ("who", "where", "when", "how", "what", "which")
_NEAR = 0.5  # share of a question's words by which another asks for the same kind of thing


def number_of(*parts: str) -> int:
    """Return a number that depends on the texts alone."""
    return int(text_hash("\x1f".join(parts), 6), 16)


@dataclass(frozen=True)
class Values:
    """Questions with their answers, from which another answer of the same kind is taken."""

    asked: tuple[tuple[str, str], ...]  # (question's text, answer)

    @classmethod
    def of(cls, conversations: Iterable[Conversation]) -> Values:
        """Gather what the questions of these conversations ask for."""
        return cls(
            tuple((q.text, q.answer) for c in conversations for q in c.questions if q.answer)
        )

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
        return self._alike(question, value, seed)[:count]

    def _alike(self, question: Question, value: str, seed: str) -> list[str]:
        wanted = _matter(question.text)
        said = set(stems(value)) | set(stems(question.answer or ""))
        ranked: dict[str, tuple[float, int]] = {}
        for text, answer in self.asked:
            if set(stems(answer)) & said or not answer.strip():
                continue
            words = _matter(text)
            near = len(words & wanted) / max(1, len(words | wanted))
            if near < _NEAR and not (value and _kind(text, answer) == _kind(question.text, value)):
                continue
            rank = (-near, number_of(seed, question.id, answer))
            ranked[answer] = min(ranked.get(answer, rank), rank)
        return sorted(ranked, key=lambda answer: ranked[answer])

    def invented(self, question: Question, seed: str) -> str:
        """Return a made-up answer of the kind that a question asks for."""
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


def _matter(text: str) -> frozenset[str]:
    """Return the stems of a question's words that are no names."""
    names = {w.lower().removesuffix("'s") for w in text.split()[1:] if w[:1].isupper()}
    return frozenset(
        s for word in content_words(text) if word not in names for s in stems(word)
    )  # fmt: skip


def _kind(question: str, answer: str) -> tuple[str, bool, bool, bool]:
    """Return what tells kinds of answers apart: what is asked for ('where', 'who'), and
    whether the answer is a name, a list of words, or has digits."""
    asked = next((w for w in _ASKING if w in question.lower().split()), "")
    digits = any(char.isdigit() for char in answer)
    return asked, answer[:1].isupper(), len(answer.split()) > 2, digits
