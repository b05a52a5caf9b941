"""Searching mem0's memory, its states, and threads."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import dspy
import numpy as np
import pytest
from dspy.adapters.json_adapter import JSONAdapter
from numpy.typing import NDArray

from memory_backends.registry import create_backend
from tests.backend_fixture import ask, context, ingest, session, texts
from tests.mem0_fixture import TALK, Extracting, driven, passed, section
from tests.persistent_fixture import entry, state
from traces.errors import OperationError


class Nearness:
    """An embedder that is told how near texts are to one question; others mean something else."""

    name = "nearness"

    def __init__(self, question: str, near: Mapping[str, float], seconds: float = 0) -> None:
        self.near, self.seconds = {question: 1.0, **near}, seconds
        self.asked: list[list[str]] = []

    def embed(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return shape (len(texts), 2)."""
        self.asked.append(list(texts))
        time.sleep(self.seconds)
        cosines = [self.near.get(text, 0.0) for text in texts]
        return np.array([[near, math.sqrt(1 - near**2)] for near in cosines])


pytestmark = pytest.mark.usefixtures("json_adapter")


def test_a_search_is_mem0s_and_changes_nothing() -> None:
    """Best first, at most top_k, nothing below the threshold; the memory stays what it was."""
    said = [f"I keep {n} bees in hive {n}." for n in range(12)]
    backend, ctx = passed(Extracting(), session(*said, *TALK), config={"top_k": 3})
    before = backend.snapshot()
    assert ask(backend, ctx, "Who bought the canoe?", "q1")[0] == "Ben does bought a green canoe."
    assert len(ask(backend, ctx, "Who keeps bees in a hive?", "q2")) == 3
    assert ask(backend, ctx, "xyzzy?", "q3") == ask(backend, ctx, " ", "q4") == []
    assert backend.snapshot() == before


def test_keywords_and_meaning_are_added_up_as_mem0_adds_them_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Neither the nearest in meaning nor the one with most of the words comes first, but what
    has a good part of both; what means something else is left out, whatever its words."""
    near = {
        "The yacht lies at anchor.": 0.95,
        "A canoe of birch, painted.": 0.8,
        "Green canoe birch: a poem.": 0.3,
        "Green birch canoe birch.": 0.05,
    }
    held = [
        entry(f"e{n}", text) for n, text in enumerate([*near, *map("Lot {}.".format, range(40))])
    ]
    backend = create_backend("mem0", None, Nearness("green canoe birch?", near))
    backend.restore(state(*held, name="mem0"))  # type: ignore[attr-defined]
    calls = driven(monkeypatch)
    ctx = context(Extracting(), "mem0")
    yacht, canoe, poem, _ = near
    assert ask(backend, ctx, "green canoe birch?") == [canoe, poem, yacht]
    assert calls == [("search", "green canoe birch?")]


def test_questions_at_once_prepare_the_memory_once() -> None:
    """Who asks first has new entries embedded; who asks meanwhile waits for that."""
    slow = Nearness("where?", {"one": 0.6, "two": 0.5}, seconds=0.05)
    backend = create_backend("mem0", None, slow)
    ctx = context(Extracting(), "mem0")
    backend.restore(state(entry("e1", "one"), name="mem0"))  # type: ignore[attr-defined]
    ask(backend, ctx, "where?")
    backend.restore(state(entry("e1", "one"), entry("e2", "two"), name="mem0"))  # type: ignore[attr-defined]
    gate = threading.Barrier(4)

    def asked(number: int) -> list[str]:
        gate.wait()
        return ask(backend, ctx, "where?", f"q{number}")

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(asked, range(4)))
    assert found == [["one", "two"]] * 4
    assert [texts for texts in slow.asked if texts != ["where?"]] == [["one"], ["two"]]


def test_a_restored_memory_goes_on_as_the_one_it_was() -> None:
    """Entries and the last messages come back, also in another instance."""
    third = session("I keep goats too.", id="s3")
    first, ctx = passed(Extracting(), session(*TALK))
    saved = first.snapshot()
    ingest(first, ctx, session("I sold my canoe.", id="s2"))
    model = Extracting()
    for backend in (first, create_backend("mem0")):
        backend.restore(saved)
        assert texts(backend.entries()) == [
            "Rosa does keep bees in Faro.", "Ben does bought a green canoe.",
        ]  # fmt: skip
        ingest(backend, context(model, "mem0"), third)
    assert model.texts[0] == model.texts[1]
    assert "canoe" in section(model.texts[0][1], "Last k Messages")
    with pytest.raises(OperationError):
        first.restore(create_backend("rag").snapshot())  # type: ignore[attr-defined]


def test_memories_in_threads_do_not_mix() -> None:
    """Each instance keeps to its own conversation, whatever runs beside it."""

    def run(name: str) -> list[str]:
        with dspy.context(adapter=JSONAdapter(use_native_function_calling=False)):
            one = session(*(f"I saw {name} {n}." for n in range(20)))
            backend, ctx = passed(Extracting(), one)
            return [*texts(backend.entries()), *ask(backend, ctx, f"What about {name}?")]

    names = ["falcons", "otters", "lizards", "herons"]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(run, names))
    assert found == [run(name) for name in names]
    assert all(name in text for name, made in zip(names, found, strict=True) for text in made)
