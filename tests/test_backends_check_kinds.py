"""Many ways in which a backend can be broken: each is named for what it is by the suite."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest

from agent.backend_check import check_backend
from agent.cli.main import main
from memory_backends.plain import MOST
from tests.broken_backends import Opaque, Sound
from traces.errors import SettingsError

_FREE = threading.Event()


@pytest.fixture(autouse=True)
def freed() -> Iterator[None]:
    """Let go what hangs when the test is over."""
    _FREE.clear()
    yield
    _FREE.set()


class Cancelled(Sound):
    """Raises what is no Exception."""

    def search(self, question: str) -> Any:
        raise asyncio.CancelledError


class Interrupts(Sound):
    """Raises what only the user should."""

    def add(self, messages: list[dict[str, Any]]) -> None:
        raise KeyboardInterrupt


class HangsInClosing(Sound):
    """Never lets go."""

    def close(self) -> None:
        _FREE.wait()


class HangsWhenMade(Sound):
    """Waits for its server once the first ones were made."""

    made = 0

    def __init__(self) -> None:
        super().__init__()
        HangsWhenMade.made += 1
        if HangsWhenMade.made > 1:
            _FREE.wait()


class Endless(Sound):
    """Goes on finding."""

    def search(self, question: str) -> Any:
        number = 0
        while self.kept:
            number += 1
            yield f"{number}. {question}"


class Huge(Sound):
    """Finds a library."""

    def search(self, question: str) -> Any:
        return ["word " * 400_000] if self.kept else []


class HalfLetters(Sound):
    """Cuts emoji in two."""

    def search(self, question: str) -> Any:
        return [{**e, "text": e["text"] + "\ud83d"} for e in super().search(question)]


class Wordless(Sound):
    """Finds entries that say nothing."""

    def search(self, question: str) -> Any:
        return [{**e, "text": " "} for e in super().search(question)]


class Invents(Sound):
    """Finds something in nothing."""

    def search(self, question: str) -> Any:
        return ["xyzzy"]

    def entries(self) -> list[Any]:
        return []


class LeaksLater(Sound):
    """New instances are empty; later they find what others were told."""

    told: ClassVar[list[str]] = []

    def add(self, messages: list[dict[str, Any]]) -> None:
        super().add(messages)
        self.told.extend(m["text"] for m in messages)

    def search(self, question: str) -> Any:
        return [*super().search(question), *(self.told if self.kept else [])]


class CountsAll(Opaque):
    """Weighs words by how often all conversations said them."""

    counts: ClassVar[Counter[str]] = Counter()

    def add(self, messages: list[dict[str, Any]]) -> None:
        super().add(messages)
        for m in messages:
            self.counts.update(m["text"].lower().strip(".?").split())

    def search(self, question: str) -> list[str]:
        words = set(question.lower().strip("?").split())

        def weight(text: str) -> float:
            shared = words & {w.strip(".,:?") for w in text.lower().split()}
            return -sum(1 / self.counts[w] for w in shared if self.counts[w])

        return sorted((e["text"] for e in self._inner.kept), key=lambda t: (weight(t), t))


class FromThreads(Sound):
    """Order by which thread was done first."""

    turns: ClassVar[Counter[str]] = Counter()

    def search(self, question: str) -> Any:
        self.turns[question] += 1
        found: list[Any] = []
        waits = (0.0, 0.05) if self.turns[question] % 2 else (0.05, 0.0)
        workers = [
            threading.Timer(waits[n % 2], found.append, [entry])
            for n, entry in enumerate(super().search(question))
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        return found


class ChangesLater(Sound):
    """Keeps the messages themselves, and marks in a search what it found."""

    def __init__(self) -> None:
        super().__init__()
        self.given: list[dict[str, Any]] = []

    def add(self, messages: list[dict[str, Any]]) -> None:
        super().add(messages)
        self.given.extend(messages)

    def search(self, question: str) -> Any:
        for message in self.given:
            message["seen"] = question
        return super().search(question)


class AddsNested(Sound):
    """Notes something of its own in a message."""

    def add(self, messages: list[dict[str, Any]]) -> None:
        super().add(messages)
        messages[0].setdefault("metadata", {})["seen"] = True


class Async(Sound):
    """Is never awaited."""

    async def add(self, messages: list[dict[str, Any]]) -> None:  # type: ignore[override]
        super().add(messages)


@pytest.mark.parametrize(
    ("backend", "check", "problem", "told"),
    [
        (Cancelled, "works", "raises", "CancelledError"),
        (Interrupts, "works", "raises", "KeyboardInterrupt"),
        (HangsInClosing, "protocol", "hangs", "did not return within"),
        (HangsWhenMade, "protocol", "hangs", "did not return within"),
        (Endless, "works", "garbage", f"more than {MOST:,} entries"),
        (Huge, "works", "garbage", "a text of 2,000,000 characters"),
        (HalfLetters, "works", "garbage", "no text that a model can be sent"),
        (Wordless, "works", "garbage", "no text that a model can be sent"),
        (Invents, "isolation", "garbage", "was given nothing finds 'xyzzy'"),
        (LeaksLater, "isolation", "leaks", "of one conversation found"),
        (CountsAll, "isolation", "leaks", "once another one was added elsewhere"),
        (FromThreads, "isolation", "not_deterministic", "the same question to the same memory"),
        (
            ChangesLater,
            "inputs",
            "mutates_inputs",
            "search changes what add was given: a message, ",
        ),
        (AddsNested, "inputs", "mutates_inputs", "now with {'metadata': {'seen': True}}"),
    ],
)
def test_a_broken_backend_is_named_for_what_it_is(
    backend: type, check: str, problem: str, told: str
) -> None:
    """The first error has the right name, stands at the right check, and says how to mend it."""
    hangs = problem == "hangs"
    HangsWhenMade.made = -1 if backend is HangsWhenMade else 0
    found = check_backend(
        f"{__name__}:{backend.__name__}", seconds=2.0 if hangs else 60.0, processes=False
    )
    errors = [(r.check, f) for r in found for f in r.findings if f.severity == "error"]
    assert errors
    assert (errors[0][0], errors[0][1].problem) == (check, problem)
    assert told in errors[0][1].what
    assert errors[0][1].mend


def test_what_is_async_is_refused_before_anything_runs(capsys: pytest.CaptureFixture[str]) -> None:
    """One line that names the method: a coroutine that nobody awaits would keep nothing."""
    with pytest.raises(SettingsError, match=r"Async\.add is async"):
        list(check_backend(f"{__name__}:Async", processes=False))
    assert main(["run", "--backend", f"{__name__}:Async", "--conversations", "3"]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
