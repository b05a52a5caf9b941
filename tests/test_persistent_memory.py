"""Behaviour of memory on disk: turns, reopening, restoring, users, threads."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import dspy
import pytest
from dspy.adapters.json_adapter import JSONAdapter
from hypothesis import given, settings
from hypothesis import strategies as st

from evals.simulation.request import Request
from memory_backends.persistent import PersistentMemory
from memory_backends.protocol import Inspectable, Snapshottable
from memory_backends.registry import create_backend
from memory_backends.retrieval.chroma_store import Collection
from tests.backend_fixture import Scripted, ask, context, ingest, session
from tests.persistent_fixture import (
    CHAT,
    EMBEDDERS,
    Hashed,
    entry,
    files_of,
    moving,
    texts_of,
    write,
)
from traces.errors import OperationError, SettingsError, StoreError
from traces.schema import MemoryEntry

pytestmark = pytest.mark.usefixtures("json_adapter")


# turns ------------------------------------------------------------------------------


# What the scripted model knows the tasks of; of the others see tests/test_chat_backends.py.
SCRIPTED = ("episodic", "fact_store", "long_context", "rag")


@pytest.mark.parametrize("embedder", list(EMBEDDERS))
@pytest.mark.parametrize("backend", SCRIPTED)
def test_a_reopened_memory_goes_on_as_one_in_memory(
    backend: str, embedder: str, tmp_path: Path
) -> None:
    """Closed and opened again after every session, it retrieves the same entries in the same
    order, and ends with the same ones: ids, versions, sources, dates, places in the graph."""
    model = EMBEDDERS[embedder]
    plain, ctx = create_backend(backend, None, model), context(Scripted(moving), backend)
    assert isinstance(plain, Inspectable)
    disk = context(Scripted(moving), backend)
    for number, one in enumerate(CHAT):
        with PersistentMemory(tmp_path, backend, embedder=model) as memory:
            user = memory.user("Rosa")
            ingest(user, disk, one)
            ingest(plain, ctx, one)
            for question in ("home?", "who plays chess", "Tom"):
                id = f"{number} {question}"
                assert ask(user, disk, question, id) == ask(plain, ctx, question, id)
    with PersistentMemory(tmp_path, backend, embedder=model) as memory:
        kept = memory.user("Rosa").entries()
        assert kept == list(plain.entries())
        assert [one.variable for one in kept] == [one.variable for one in plain.entries()]
        assert memory.sessions("Rosa") == ["s1", "s2", "s3"]
    assert [o.reuse_key for o in disk.recorder.operations] == [
        o.reuse_key for o in ctx.recorder.operations
    ]


any_text = st.text(st.characters(), max_size=8)
any_entry = st.builds(
    MemoryEntry,
    id=any_text,
    text=any_text,
    speaker=any_text,
    date=any_text,
    sources=st.lists(any_text, max_size=3).map(tuple),
    version=st.integers(1, 2**70),
)


def test_any_entries_come_back_bit_for_bit(tmp_path: Path) -> None:
    """Whatever the ids, texts, sources and places of origin, for any user."""

    @given(
        st.text(st.characters(), min_size=1, max_size=6),
        st.lists(st.tuples(any_entry, st.one_of(st.none(), any_text)), max_size=5),
    )
    @settings(max_examples=12, deadline=None)
    def holds(user: str, drawn: list[tuple[MemoryEntry, str | None]]) -> None:
        made = {
            one.id: one
            if origin is None
            else MemoryEntry.from_variable(one.as_variable().placed(origin))
            for one, origin in drawn
        }
        with PersistentMemory(tmp_path) as memory:
            write(memory, user, *made.values())
        with PersistentMemory(tmp_path) as memory:
            found = memory.user(user).entries()
            assert found == list(made.values())
            assert [one.variable for one in found] == [one.variable for one in made.values()]
            assert not made or user in memory.users()

    holds()


def test_a_failed_turn_leaves_nothing(tmp_path: Path) -> None:
    """Where a session's second fact fails, its first is neither in memory nor on disk; the
    same session can be ingested again."""
    broken = True

    def reply(request: Request) -> Mapping[str, Any]:
        if broken and "action" in request.outputs:
            raise RuntimeError("cut off")
        return moving(request)

    turn = session("a parrot", "my home is Porto", id="s2")
    with PersistentMemory(tmp_path) as memory:
        user, ctx = memory.user("Rosa"), context(Scripted(reply))
        ingest(user, ctx, session("my home is Lisbon"))
        with pytest.raises(Exception, match="cut off"):
            ingest(user, ctx, turn)
        assert texts_of(memory, "Rosa") == ["my home is Lisbon"]
    broken = False
    with PersistentMemory(tmp_path) as memory:
        assert texts_of(memory, "Rosa") == ["my home is Lisbon"]
        assert memory.sessions("Rosa") == ["s1"]
        ingest(memory.user("Rosa"), context(Scripted(reply)), turn)
        assert texts_of(memory, "Rosa") == ["my home is Lisbon", "a parrot", "my home is Porto"]


def test_a_turn_that_chroma_did_not_get_is_finished_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error after the commit is raised; the turn is there all the same, at once and after
    reopening, and no later turn is built on a memory without it."""
    with PersistentMemory(tmp_path, embedder=Hashed()) as memory:
        user, ctx = memory.user("Rosa"), context(Scripted())
        ingest(user, ctx, CHAT[0])
        with monkeypatch.context() as patched:
            patched.setattr(Collection, "put", lambda self, records: _fail())
            with pytest.raises(StoreError, match="disk is full"):
                ingest(user, ctx, CHAT[1])
            with pytest.raises(StoreError, match="disk is full"):
                user.entries()
        assert memory.sessions("Rosa") == ["s1", "s2"]
        assert len(user.entries()) == 5
        with monkeypatch.context() as patched:
            patched.setattr(Collection, "put", lambda self, records: _fail())
            with pytest.raises(StoreError):
                ingest(user, ctx, CHAT[2])
    with PersistentMemory(tmp_path, embedder=Hashed()) as memory:
        assert memory.sessions("Rosa") == ["s1", "s2", "s3"]
        assert len(memory.user("Rosa").entries()) == 6


def _fail() -> None:
    raise StoreError("disk is full")


def test_an_embedder_is_asked_once_a_turn_and_never_for_what_is_stored(tmp_path: Path) -> None:
    """All new texts of a turn in one batch; reopening embeds nothing but queries."""
    embedder = Hashed()
    ctx = context(Scripted())
    with PersistentMemory(tmp_path, embedder=embedder) as memory:
        ingest(memory.user("Rosa"), ctx, CHAT[0])
        assert embedder.batches == [3]
    with PersistentMemory(tmp_path, embedder=embedder) as memory:
        ask(memory.user("Rosa"), ctx, "home")
        ingest(memory.user("Rosa"), ctx, CHAT[1])
    assert embedder.batches == [3, 1, 2]


def test_a_new_version_of_the_same_text_is_not_embedded_again(tmp_path: Path) -> None:
    """Version and sources change in place; the vector stays."""
    embedder = Hashed()
    with PersistentMemory(tmp_path, embedder=embedder) as memory:
        write(memory, "Rosa", entry("a", "red car"), entry("b", "dog"))
        write(memory, "Rosa", entry("a", "red car", 2), entry("b", "dog"))
        assert embedder.batches == [2]
    with PersistentMemory(tmp_path, embedder=embedder) as memory:
        assert [one.version for one in memory.user("Rosa").entries()] == [2, 1]


# restore ----------------------------------------------------------------------------


def test_a_restored_memory_is_not_written_until_it_is_committed(tmp_path: Path) -> None:
    """Replay on a user's backend stays in the process; committing makes it the memory."""
    with PersistentMemory(tmp_path, embedder=Hashed()) as memory:
        user, ctx = memory.user("Rosa"), context(Scripted(moving))
        ingest(user, ctx, CHAT[0])
        kept = user.snapshot()
        ingest(user, ctx, CHAT[1])
        before = files_of(tmp_path)
        user.restore(kept)
        ingest(user, ctx, CHAT[2])
        assert texts_of(memory, "Rosa")[-1] != "the cat is called Tom"
        assert files_of(tmp_path) == before
    with PersistentMemory(tmp_path, embedder=Hashed()) as memory:
        assert texts_of(memory, "Rosa")[-1] == "the cat is called Tom"
        assert memory.sessions("Rosa") == ["s1", "s2"]
        memory.user("Rosa").restore(kept)
        memory.commit("Rosa")
    with PersistentMemory(tmp_path, embedder=Hashed()) as memory:
        user = memory.user("Rosa")
        assert texts_of(memory, "Rosa") == [one.text for one, _ in kept.items]  # type: ignore[attr-defined]
        ingest(user, ctx, CHAT[1])
        assert memory.sessions("Rosa") == ["s1", "s2", "s2"]


def test_a_snapshot_restores_into_a_memory_that_is_not_on_disk(tmp_path: Path) -> None:
    """A plain backend continues from it as the one on disk would."""
    with PersistentMemory(tmp_path, embedder=Hashed()) as memory:
        user, ctx = memory.user("Rosa"), context(Scripted(moving))
        ingest(user, ctx, CHAT[0])
        copy = create_backend("fact_store", None, Hashed())
        assert isinstance(copy, Snapshottable)
        assert isinstance(user, Snapshottable)
        copy.restore(user.snapshot())
        other = context(Scripted(moving))
        ingest(copy, other, CHAT[1])
        ingest(user, ctx, CHAT[1])
        assert list(copy.entries()) == user.entries()  # type: ignore[attr-defined]
        assert ask(copy, other, "home") == ask(user, ctx, "home")
        with pytest.raises(OperationError, match="fact_store"):
            user.restore(create_backend("rag").snapshot())  # type: ignore[attr-defined]


def test_any_order_of_arrival_is_kept(tmp_path: Path) -> None:
    """Entries put back in another order come back in that order."""
    a, b, c = entry("a", "one"), entry("b", "two"), entry("c", "three")
    for order in ((a, b, c), (c, a, b), (b, c), (b, a, c), ()):
        with PersistentMemory(tmp_path) as memory:
            write(memory, "Rosa", *order)
        with PersistentMemory(tmp_path) as memory:
            assert memory.user("Rosa").entries() == list(order)


# users ------------------------------------------------------------------------------

ODD = [
    "a",
    "A",
    "ä",
    "a\u0308",
    " ",
    "\0",
    "\ud800",
    "../x",
    "a" * 5000,
    "💬",
    "'; --",
    "1",
    "true",
]


def test_users_of_any_name_are_apart(tmp_path: Path) -> None:
    """Each finds only their own; a name is what it is, to the last code point."""
    directory = tmp_path / "memory"
    with PersistentMemory(directory, embedder=Hashed()) as memory:
        for number, name in enumerate(ODD):
            write(memory, name, entry("e", f"secret {number}"))
    with PersistentMemory(directory, embedder=Hashed()) as memory:
        assert memory.users() == sorted(ODD)
        for number, name in enumerate(ODD):
            found = ask(memory.user(name), context(Scripted()), "secret", id=str(number))
            assert found == [f"secret {number}"]
    assert list(tmp_path.iterdir()) == [directory]


@pytest.mark.parametrize("name", ["", None, 3])
def test_a_user_without_a_name_is_refused(name: Any, tmp_path: Path) -> None:
    """An empty id would be everybody's."""
    with PersistentMemory(tmp_path) as memory, pytest.raises(SettingsError, match="user id"):
        memory.user(name)


def test_asking_makes_no_user(tmp_path: Path) -> None:
    """Who never said anything is not on disk."""
    with PersistentMemory(tmp_path) as memory:
        before = files_of(tmp_path)
        assert ask(memory.user("Rosa"), context(Scripted()), "home?") == []
        assert memory.forget("Ben") == 0
        assert memory.users() == []
        assert memory.sessions("Rosa") == []
        assert files_of(tmp_path) == before


def test_fifty_users_at_a_time(tmp_path: Path) -> None:
    """Threads write, ask, and forget side by side; each user has what they said."""
    turns, users = 3, 50

    def live(number: int) -> None:
        with dspy.context(adapter=JSONAdapter(use_native_function_calling=False)):
            user, ctx = memory.user(f"user {number}"), context(Scripted())
            for turn in range(turns):
                ingest(user, ctx, session(f"secret{number} part{turn}", id=f"s{turn}"))
                found = ask(user, ctx, f"secret{number}", id=f"q{turn}")
                assert len(found) == turn + 1
            if number % 10 == 0:
                memory.forget(f"user {number}", [user.entries()[0].id])

    with PersistentMemory(tmp_path, embedder=Hashed()) as memory, ThreadPoolExecutor(users) as pool:
        list(pool.map(live, range(users)))
    with PersistentMemory(tmp_path, embedder=Hashed()) as memory:
        for number in range(users):
            expected = [f"secret{number} part{turn}" for turn in range(turns)]
            assert texts_of(memory, f"user {number}") == expected[number % 10 == 0 :]


def test_threads_may_share_one_user(tmp_path: Path) -> None:
    """Calls of one user run one after the other: no turn is lost."""
    gate = threading.Barrier(8)

    def say(number: int) -> None:
        with dspy.context(adapter=JSONAdapter(use_native_function_calling=False)):
            gate.wait()
            ingest(memory.user("Rosa"), context(Scripted()), session(f"w{number}", id=f"{number}"))

    with PersistentMemory(tmp_path) as memory:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(say, range(8)))
        assert sorted(memory.sessions("Rosa")) == [str(number) for number in range(8)]
    with PersistentMemory(tmp_path) as memory:
        assert sorted(texts_of(memory, "Rosa")) == [f"w{number}" for number in range(8)]
