"""A conversation in the making: lines, facts and questions, numbered at the end."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import TypeVar, cast

from evals.simulation.world_lexicon import LEADS, OUTSIDERS, SMALL_TALK
from traces.domain import Conversation, GoldFact, Message, Question, Session

_MONTHS = (
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

T = TypeVar("T")


def spell(day: date, year: bool = True) -> str:
    """Write a date as '3 May 2024' or '3 May'."""
    return f"{day.day} {_MONTHS[day.month - 1]}" + (f" {day.year}" if year else "")


def month_name(month: int) -> str:
    """Return the month's English name."""
    return _MONTHS[month - 1]


@dataclass(eq=False)
class Line:
    """One message before it has its id."""

    speaker: str
    text: str
    id: str = ""


@dataclass
class _Fact:
    subject: str
    value: str
    sources: tuple[Line, ...]
    alive: bool


@dataclass
class _Question:
    text: str
    answer: str | None
    category: str
    evidence: tuple[Line, ...]


@dataclass
class Draft:
    """Collects what is said and asked; `build` orders and numbers it."""

    rng: random.Random
    id: str
    people: tuple[str, ...]
    dates: tuple[date, ...]
    needed: frozenset[str]
    lexicon: dict[str, object]
    _blocks: list[list[list[Line]]] = field(default_factory=lambda: [[] for _ in range(4)])
    _facts: list[_Fact] = field(default_factory=list)
    _questions: list[_Question] = field(default_factory=list)
    _pools: dict[str, list[object]] = field(default_factory=dict)
    _memos: dict[str, list[str]] = field(default_factory=dict)

    @property
    def questions(self) -> int:
        """How many questions there are so far."""
        return len(self._questions)

    def take(self, pool: str, options: Sequence[T]) -> T:
        """Draw without replacement from a named pool (refilled when it is empty)."""
        left = self._pools.setdefault(pool, [])
        if not left:
            left.extend(options)
            self.rng.shuffle(left)
        return cast(T, left.pop())

    def memo(self, name: str, start: Sequence[str] = ()) -> list[str]:
        """Return a list that the items of this conversation share."""
        return self._memos.setdefault(name, list(start))

    def word(self, pool: str, options: Sequence[str]) -> str:
        """Draw a string without replacement."""
        return self.take(pool, options)

    def person(self) -> str:
        """Draw one of the speakers, evenly."""
        return self.word("people", self.people)

    def other(self, person: str) -> str:
        """Draw a speaker who is not this person."""
        return self.rng.choice([p for p in self.people if p != person])

    def outsider(self) -> str:
        """Draw the name of somebody who does not speak."""
        return self.word("outsiders", OUTSIDERS)

    def say(self, session: int, speaker: str, text: str, *, lead: bool = True) -> Line:
        """Add a message of its own to a session."""
        return self.exchange(session, [(speaker, text)], lead=lead)[0]

    def exchange(
        self, session: int, lines: Sequence[tuple[str, str]], *, lead: bool = False
    ) -> list[Line]:
        """Add messages that follow each other."""
        block = []
        for speaker, text in lines:
            start = self.rng.choice(LEADS) if lead else ""
            if (
                start
                and not text.startswith(("I ", "I'", *self.people))
                and text.split()[0].rstrip(",") in _LOWERABLE
            ):
                text = text[:1].lower() + text[1:]
            block.append(Line(speaker, start + text))
        self._blocks[session].append(block)
        return block

    def fact(self, subject: str, value: str, *sources: Line, alive: bool = True) -> None:
        """Record what an ideal memory holds."""
        self._facts.append(_Fact(subject, value, sources, alive))

    def ask(self, text: str, answer: str | None, category: str, *evidence: Line) -> None:
        """Add a question; without an answer the right behaviour is to abstain."""
        self._questions.append(_Question(text, answer, category, evidence))

    def relative(self, session: int) -> tuple[str, date]:
        """Draw a relative date of a session and the day that it means."""
        today = self.dates[session]
        kind = self.rng.randrange(4)
        if kind == 0:
            return "yesterday", today - timedelta(days=1)
        if kind == 1:
            count = self.rng.randint(2, 6)
            word = ("", "", "two", "three", "four", "five", "six")[count]
            return f"{word} days ago", today - timedelta(days=count)
        back = self.rng.randint(1, 7)
        day = today - timedelta(days=back)
        return "last " + (
            "Monday",
            "Tuesday",
            "Wednesday",
            "Thursday",
            "Friday",
            "Saturday",
            "Sunday",
        )[day.weekday()], day

    def future(self, session: int, least: int = 5, most: int = 40) -> date:
        """Draw a day after a session."""
        return self.dates[session] + timedelta(days=self.rng.randint(least, most))

    def build(self) -> Conversation:
        """Fill up with small talk, order, number."""
        sessions = []
        small = list(SMALL_TALK)
        self.rng.shuffle(small)
        for index, blocks in enumerate(self._blocks):
            size = sum(map(len, blocks))
            for _ in range(max(1, 10 - size)):
                blocks.append(
                    [Line(self.rng.choice(self.people), small.pop() if small else "Thanks!")]
                )
            self.rng.shuffle(blocks)
            lines = [line for block in blocks for line in block]
            for number, line in enumerate(lines, 1):
                line.id = f"s{index + 1}m{number}"
            messages = tuple(Message(line.id, line.speaker, line.text) for line in lines)
            stamp = datetime.combine(self.dates[index], time(9 + index, 15))
            sessions.append(Session(f"s{index + 1}", stamp, messages))
        self.rng.shuffle(self._questions)
        questions = tuple(
            Question(
                f"{self.id}-q{n:02d}",
                q.text,
                q.answer,
                q.category,
                tuple(e.id for e in q.evidence),
                unanswerable=q.answer is None,
            )
            for n, q in enumerate(self._questions, 1)
        )
        facts = tuple(
            GoldFact(
                f"{self.id}-f{n:02d}", f.subject, f.value, tuple(s.id for s in f.sources), f.alive
            )
            for n, f in enumerate(self._facts, 1)
        )
        return Conversation(self.id, tuple(sessions), questions, facts)


_LOWERABLE = frozenset(
    str.split(
        "My The You They We For At Our Parking That This There Most What Yesterday Last Two Three "
        "Four Five Six Please Careful When From On Of If"
    )
)
