"""What chance does to a memory is never called a leak between conversations."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any, ClassVar

import pytest

from agent.backend_check import check_backend
from tests.broken_backends import Sound


class ById(Sound):
    """Order by where objects lie in memory."""

    def search(self, question: str) -> Any:
        return sorted((dict(e) for e in super().search(question)), key=lambda e: -id(e))


class Late(Sound):
    """Order by chance, which is the same for all until another conversation is told, and falls
    in another way from then on."""

    told = False
    turns: ClassVar[Counter[str]] = Counter()

    def add(self, messages: list[dict[str, Any]]) -> None:
        super().add(messages)
        Late.told = Late.told or any("glacier" in m["text"] for m in messages)

    def falls(self, turn: int) -> bool:
        """Say whether chance turns the order round."""
        return turn % 2 == 1

    def search(self, question: str) -> Any:
        found = super().search(question)
        if self.told:
            self.turns[question] += 1
        return found[::-1] if self.told and self.falls(self.turns[question]) else found


class LateAndRare(Late):
    """It seldom falls in another way."""

    def falls(self, turn: int) -> bool:
        return turn in (1, 9)


class LateAndLong(Late):
    """Once it fell in another way, it does so for long."""

    def falls(self, turn: int) -> bool:
        return turn < 9


class ThirdTime(Sound):
    """Says something else when it is asked for the third time, whatever others were told."""

    def __init__(self) -> None:
        super().__init__()
        self.turns: Counter[str] = Counter()

    def search(self, question: str) -> Any:
        self.turns[question] += 1
        return super().search(question)[:: -1 if self.turns[question] > 2 else 1]


class ByTheClock(Sound):
    """Order by the time of day, which changes it once the other conversations are told."""

    started = 0.0

    def add(self, messages: list[dict[str, Any]]) -> None:
        super().add(messages)
        if any("moved number 39" in m["text"] for m in messages):
            ByTheClock.started = time.monotonic() - 0.4

    def search(self, question: str) -> Any:
        turned = self.started and int((time.monotonic() - self.started) / 0.4) % 2
        return super().search(question)[:: -1 if turned else 1]


class ByPlace(Sound):
    """Order by where its entries lie in memory, which is the same while it lives."""

    def search(self, question: str) -> Any:
        return sorted(self.kept, key=id) if super().search(question) else []


class Forgets(Sound):
    """Of the memories that are made once the glacier was spoken of, every third one, by chance,
    does not find all."""

    told, made = False, 0

    def __init__(self) -> None:
        super().__init__()
        Forgets.made += self.told
        self.forgets = self.made % 3 == 1

    def add(self, messages: list[dict[str, Any]]) -> None:
        super().add(messages)
        Forgets.told = self.told or any("glacier" in m["text"] for m in messages)

    def search(self, question: str) -> Any:
        return super().search(question)[: -1 if self.forgets else None]


class KnownAlready(Sound):
    """Keeps no message that was told to another memory since the glacier was spoken of: a leak
    that shows in new memories alone."""

    known: ClassVar[set[str]] = set()
    told = False

    def add(self, messages: list[dict[str, Any]]) -> None:
        KnownAlready.told = self.told or any("glacier" in m["text"] for m in messages)
        super().add([m for m in messages if not self.told or m["text"] not in self.known])
        self.known.update(m["text"] for m in messages)


_ITSELF = "the same question to the same memory finds something else"
_OTHERS = "new memories that were told the same find different things"


@pytest.mark.parametrize(
    ("backend", "told"),
    [
        (ById, _ITSELF), (Late, _ITSELF), (LateAndRare, _ITSELF), (LateAndLong, _ITSELF),
        (ThirdTime, _ITSELF), (ByTheClock, _ITSELF), (ByPlace, _OTHERS), (Forgets, _OTHERS),
    ],
)  # fmt: skip
def test_a_memory_that_changes_by_itself_is_not_deterministic(backend: type, told: str) -> None:
    """Also where it happens to change only once another conversation is told: what leaks stays
    changed, and changes nothing without the other one."""
    Late.told, ByTheClock.started = False, 0.0
    Late.turns.clear()
    Forgets.told, Forgets.made = False, 0
    found = check_backend(f"{__name__}:{backend.__name__}", seconds=60.0, processes=False)
    errors = [(r.check, f) for r in found for f in r.findings if f.severity == "error"]
    ((check, finding),) = errors
    assert (check, finding.problem) == ("isolation", "not_deterministic")
    assert told in finding.what


def test_what_depends_on_others_when_it_is_told_leaks() -> None:
    """The same messages, told again after another conversation, lead to the same other memory."""
    KnownAlready.known.clear()
    KnownAlready.told = False
    found = check_backend(f"{__name__}:KnownAlready", seconds=60.0, processes=False)
    (finding,) = [f for r in found for f in r.findings if f.severity == "error"]
    assert finding.problem == "leaks"
    assert "when it is added after another one" in finding.what
