"""Backends that are broken on purpose, each in one way, and one that is sound."""

from __future__ import annotations

import random
import time
from typing import Any, ClassVar


class Sound:
    """Keeps messages; finds those that share most words with the question."""

    def __init__(self, top_k: int = 5) -> None:
        self.top_k = top_k
        self.kept: list[dict[str, Any]] = []

    def add(self, messages: list[dict[str, Any]]) -> None:
        for m in messages:
            text = f"{m['speaker']}: {m['text']}"
            self.kept.append({"id": m["id"], "text": text, "sources": [m["id"]]})

    def search(self, question: str) -> list[dict[str, Any]]:
        words = set(question.lower().strip("?").split())
        hits = [e for e in self.kept if words & set(e["text"].lower().split())]
        return sorted(hits, key=lambda e: -len(words & set(e["text"].lower().split())))[
            : self.top_k
        ]

    def entries(self) -> list[dict[str, Any]]:
        return list(self.kept)


class Editable(Sound):
    """Can be given entries, too."""

    def put(self, entry: dict[str, Any]) -> None:
        self.remove(entry["id"])
        self.kept.append(dict(entry))

    def remove(self, entry_id: str) -> None:
        self.kept = [e for e in self.kept if e["id"] != entry_id]


class Opaque:
    """Shows nothing but what it finds, as texts."""

    def __init__(self) -> None:
        self._inner = Sound()

    def add(self, messages: list[dict[str, Any]]) -> None:
        self._inner.add(messages)

    def search(self, question: str) -> list[str]:
        return [e["text"] for e in self._inner.search(question)]


class Raises(Sound):
    """Cannot take in every second session."""

    def add(self, messages: list[dict[str, Any]]) -> None:
        if self.kept:
            raise KeyError("the index has no such row")
        super().add(messages)


class Hangs(Sound):
    """Waits for what never comes."""

    def search(self, question: str) -> list[dict[str, Any]]:
        while True:
            time.sleep(0.05)


class Garbage(Sound):
    """Returns numbers."""

    def search(self, question: str) -> Any:
        return [1, 2, 3]


class Mutates(Sound):
    """Changes the messages that it is given."""

    def add(self, messages: list[dict[str, Any]]) -> None:
        for m in messages:
            m["text"] = m["text"].upper()
        super().add(messages)


_EVERYTHING: list[dict[str, Any]] = []


class Leaks(Sound):
    """All instances share one list."""

    def __init__(self) -> None:
        super().__init__()
        self.kept = _EVERYTHING


class LeaksUnseen:
    """The same, and shows no entries."""

    def __init__(self) -> None:
        self._shared = Leaks()

    def add(self, messages: list[dict[str, Any]]) -> None:
        self._shared.add(messages)

    def search(self, question: str) -> list[str]:
        return [e["text"] for e in self._shared.search(question)]


class Random(Sound):
    """Finds what chance will have."""

    def search(self, question: str) -> list[dict[str, Any]]:
        found = list(self.kept)
        random.shuffle(found)
        return found[: self.top_k]


class WallClock(Sound):
    """Dates what it keeps by the day on which it runs."""

    def add(self, messages: list[dict[str, Any]]) -> None:
        from datetime import datetime

        super().add(messages)
        for entry in self.kept:
            entry["date"] = datetime.now().date().isoformat()


class Counted(Editable):
    """Counts how many are open."""

    open: ClassVar[set[int]] = set()
    made = 0

    def __init__(self) -> None:
        super().__init__()
        Counted.made += 1
        self.number = Counted.made
        self.open.add(self.number)

    def close(self) -> None:
        self.open.discard(self.number)
