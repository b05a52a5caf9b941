"""A crash at every step of a change, one by one: the change is there whole, or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from memory_backends.persistent import PersistentMemory
from memory_backends.retrieval.chroma_hold import JOURNAL
from memory_backends.retrieval.chroma_journal import Journal
from memory_backends.retrieval.chroma_store import ChromaStore, Collection
from memory_backends.retrieval.index import HybridIndex
from memory_backends.state import Snapshot
from tests.persistent_fixture import (
    Clusters,
    Hashed,
    entry,
    files_of,
    plain_index,
    state,
    write,
)
from traces.hashing import canonical_json
from traces.schema import MemoryEntry

# Also crash at every step of every recovery; takes minutes.
TWICE = bool(os.environ.get("CRASH_TWICE"))


class Crash(BaseException):
    """The process ends here."""


class Steps:
    """Counts the steps that reach a disk, and ends the process before the chosen one."""

    def __init__(self) -> None:
        self.left: int | None = None

    def tick(self) -> None:
        if self.left is not None:
            self.left -= 1
            if self.left <= 0:
                raise Crash


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> Steps:
    counted = Steps()

    def around(real: Callable[..., Any]) -> Callable[..., Any]:
        def step(*arguments: Any) -> Any:
            counted.tick()
            return real(*arguments)

        return step

    for owner, names in (
        (Collection, ("put", "remove", "describe")),
        (ChromaStore, ("collection", "drop", "erase")),
        (Journal, ("transaction", "erase")),
    ):
        for name in names:
            monkeypatch.setattr(owner, name, around(getattr(owner, name)))
    return counted


BEFORE = (entry("a", "red car"), entry("b", "codeword"), entry("c", "blue dog"), entry("d", "x"))
AFTER = (entry("a", "a changed car", 2), entry("c", "blue dog", 2), entry("e", "a new dog"))


def turn(memory: PersistentMemory) -> None:
    write(memory, "Rosa", *AFTER)


def forget_some(memory: PersistentMemory) -> None:
    memory.forget("Rosa", ["b"])


def forget_all(memory: PersistentMemory) -> None:
    memory.forget("Rosa")


def use(memory: PersistentMemory) -> None:
    memory.user("Rosa").entries()


Case = tuple[Callable[[PersistentMemory], None], dict[str, Any], list[MemoryEntry]]
CASES: dict[str, Case] = {
    "a turn": (turn, {}, list(AFTER)),
    "forgetting an entry": (forget_some, {}, [BEFORE[0], *BEFORE[2:]]),
    "forgetting a user": (forget_all, {}, []),
    "embedding again": (use, {"embedder": Clusters(), "adopt": True}, list(BEFORE)),
}


@pytest.mark.parametrize("case", list(CASES))
def test_a_crash_at_any_step_leaves_all_or_nothing(case: str, tmp_path: Path, steps: Steps) -> None:
    """Before, after, never between; what is forgotten is in no file once that is seen; others
    are untouched, and searches rank as in memory."""
    change, options, after = CASES[case]
    options = {"embedder": Hashed(), **options}
    with PersistentMemory(tmp_path / "first", embedder=Hashed()) as memory:
        write(memory, "Rosa", *BEFORE)
        write(memory, "Ben", entry("z", "bystander"))
    seen: list[list[MemoryEntry]] = []
    for step in range(1, 1000):
        directory = tmp_path / f"{step}"
        shutil.copytree(tmp_path / "first", directory)
        if not crashed(directory, options, change, step, steps):
            break
        if not TWICE:
            seen.append(checked(directory, options, after))
        for again in range(1, 1000 if TWICE else 0):
            other = tmp_path / f"{step}-{again}"
            shutil.copytree(directory, other)
            done = not crashed(other, options, use, again, steps)
            seen.append(checked(other, options, after))
            shutil.rmtree(other)
            if done:
                break
        shutil.rmtree(directory)
    assert step > 5
    assert checked(directory, options, after) == after
    assert list(BEFORE) in seen
    assert after in seen


def crashed(directory: Path, options: dict[str, Any], change: Any, step: int, steps: Steps) -> bool:
    """Open, change, and crash at the given step; say whether there was such a step."""
    steps.left = step
    memory = None
    try:
        memory = PersistentMemory(directory, **options)
        change(memory)
        return False
    except Crash:
        return True
    finally:
        steps.left = None
        if memory is not None:
            memory.close()


def checked(
    directory: Path, options: dict[str, Any], after: list[MemoryEntry]
) -> list[MemoryEntry]:
    with PersistentMemory(directory, **options) as memory:
        found = list(memory.user("Rosa").entries())
        assert found in (list(BEFORE), after)
        assert memory.users() == (["Ben", "Rosa"] if found else ["Ben"])
        for user, kept in (("Rosa", found), ("Ben", [entry("z", "bystander")])):
            assert memory.user(user).entries() == kept
            index = HybridIndex(memory.directory.load(user).vectors)
            for one in kept:
                index.put(one.id, one.text)
            plain = plain_index({one.id: one.text for one in kept}, options["embedder"], 0.25)
            for query in ("a dog", "codeword", "bystander"):
                assert index.search([query], 9) == plain.search([query], 9)
        if BEFORE[1] not in found and AFTER[0] not in found:
            assert [n for n, held in files_of(directory).items() if b"codeword" in held] == []
        return found


KEEPING = {"backend": "mem0"}


@pytest.mark.parametrize("forget", [False, True])
def test_what_is_kept_beside_goes_with_the_entries(
    forget: bool, tmp_path: Path, steps: Steps
) -> None:
    """Crashed at any step of a turn or of a forgetting, the last messages are those of the
    entries that are there; of what is forgotten there is nothing in the files."""

    def of(text: str, *entries: MemoryEntry) -> Snapshot:
        return replace(
            state(*entries, name="mem0"), beside=canonical_json([["user", text]]) * bool(text)
        )

    before = of("my codeword", *BEFORE)
    after = of("", *BEFORE[:1], *BEFORE[2:]) if forget else of("a new dog", *AFTER)

    def change(memory: PersistentMemory) -> None:
        if forget:
            memory.forget("Rosa", [BEFORE[1].id])
        else:
            memory.user("Rosa").restore(after)
            memory.commit("Rosa")

    with PersistentMemory(tmp_path / "first", **KEEPING) as memory:
        memory.user("Rosa").restore(before)
        memory.commit("Rosa")
    seen = []
    for step in range(1, 1000):
        directory = tmp_path / f"{step}"
        shutil.copytree(tmp_path / "first", directory)
        done = not crashed(directory, KEEPING, change, step, steps)
        with PersistentMemory(directory, **KEEPING) as memory:
            seen.append(memory.user("Rosa").snapshot())
        if forget and seen[-1] == after:
            held = files_of(directory)
            assert [name for name in held if b"codeword" in held[name]] == []
        if done:
            break
        shutil.rmtree(directory)
    assert step > 5
    assert all(one in (before, after) for one in seen)
    assert before in seen
    assert seen[-1] == after


def test_a_collection_in_use_is_never_dropped(tmp_path: Path) -> None:
    """A note that a copy is to go does nothing once that copy has become the memory."""
    with PersistentMemory(tmp_path) as memory:
        write(memory, "Rosa", *BEFORE)
    journal = Journal(tmp_path / JOURNAL)
    (user,) = journal.users()
    journal.add(user.key, "drop", user.collection, {})
    journal.close()
    with PersistentMemory(tmp_path) as memory:
        assert memory.user("Rosa").entries() == list(BEFORE)
