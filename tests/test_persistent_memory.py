"""Behaviour of memory on disk: turns, reopening, forgetting, refusals, threads."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
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
from memory_backends.registry import backend_names, create_backend
from memory_backends.retrieval.chroma_directory import CHROMA
from memory_backends.retrieval.chroma_hold import JOURNAL
from memory_backends.retrieval.chroma_store import Collection
from tests.backend_fixture import DAY, Scripted, ask, context, ingest, one_fact_a_message, session
from tests.persistent_fixture import (
    EMBEDDERS,
    Clusters,
    Hashed,
    entry,
    files_of,
    state,
    texts_of,
    write,
)
from traces.errors import IdentityError, LockedError, OperationError, SettingsError, StoreError
from traces.schema import MemoryEntry


@pytest.fixture(autouse=True)
def _json() -> Iterator[None]:
    with dspy.context(adapter=JSONAdapter(use_native_function_calling=False)):
        yield


def moving(request: Request) -> Mapping[str, Any]:
    """Extract every message; a fact of 'now' changes the nearest entry, 'never' deletes it."""
    if "action" not in request.outputs:
        return one_fact_a_message(request)
    words = request.inputs["fact"].split()
    action = "change" if "now" in words else "delete" if "never" in words else "add"
    return {"action": action, "target": 1, "text": request.inputs["fact"], "reason": "said so"}


CHAT = (
    session("my home is Lisbon", "I adopted a cat", "my sister Ana plays chess"),
    session("my home is Porto now", "the cat is called Tom", id="s2", date=DAY.replace(month=6)),
    session("my sister never plays chess", id="s3", date=DAY.replace(month=7)),
)


# turns ------------------------------------------------------------------------------


@pytest.mark.parametrize("embedder", list(EMBEDDERS))
@pytest.mark.parametrize("backend", backend_names())
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


# forgetting -------------------------------------------------------------------------


def anywhere(directory: Path, text: str) -> list[str]:
    """Return the names of the files that hold a text."""
    return [name for name, held in files_of(directory).items() if text.encode() in held]


def test_forgotten_entries_are_in_no_file(tmp_path: Path) -> None:
    """Not in Chroma's log, not in free pages, nor in the journal; others stay found."""
    with PersistentMemory(tmp_path, embedder=Hashed()) as memory:
        user, ctx = memory.user("Rosa"), context(Scripted(moving))
        ingest(user, ctx, session("codeword Zanzibar", "my dog is Rex"))
        ingest(user, ctx, session("codeword Timbuktu now", id="s2"))
        write(memory, "Ben", entry("e", "Zanzibar is an island"))
        assert anywhere(tmp_path, "codeword Zanzibar")
        (id, _) = [one.id for one in user.entries()]
        assert memory.forget("Rosa", [id, "unknown"]) == 1
        assert anywhere(tmp_path, "codeword") == []
        assert anywhere(tmp_path, "Timbuktu") == []
        assert ask(user, ctx, "dog codeword") == ["my dog is Rex"]
        assert texts_of(memory, "Ben") == ["Zanzibar is an island"]
    with PersistentMemory(tmp_path, embedder=Hashed()) as memory:
        assert texts_of(memory, "Rosa") == ["my dog is Rex"]
        assert memory.sessions("Rosa") == ["s1", "s2"]


def test_chroma_writes_no_memory_of_the_process(tmp_path: Path) -> None:
    """The index files that Chroma fills with whatever the process held lead nowhere, also
    after a copy of the directory that followed the links."""
    with PersistentMemory(tmp_path / "memory", embedder=Hashed()) as memory:
        write(memory, "Rosa", entry("a", "one"))
    shutil.copytree(tmp_path / "memory", tmp_path / "copy")
    with PersistentMemory(tmp_path / "copy", embedder=Hashed()) as memory:
        write(memory, "Rosa", entry("a", "one"), entry("b", "two"))
        found = [
            path
            for folder in ("memory", "copy")
            for name in ("data_level0.bin", "length.bin")
            for path in (tmp_path / folder / CHROMA).glob(f"*/{name}")
        ]
        assert len(found) == 4
        assert all(path.is_symlink() for path in found)


def test_a_forgotten_user_is_gone(tmp_path: Path) -> None:
    """Name, sessions and entries; a user of that name starts anew."""
    with PersistentMemory(tmp_path) as memory:
        ingest(
            memory.user("Rosalind"), context(Scripted()), session("codeword Zanzibar", id="visit")
        )
        write(memory, "Ben", entry("e", "dog"))
        memory.user("Rosalind").restore(state())
        assert memory.forget("Rosalind") == 1
        assert memory.users() == ["Ben"]
        assert memory.user("Rosalind").entries() == []
        for text in ("Zanzibar", "Rosalind", "visit"):
            assert anywhere(tmp_path, text) == []
        assert len([path for path in (tmp_path / CHROMA).iterdir() if path.is_dir()]) == 1
        ingest(memory.user("Rosalind"), context(Scripted()), session("hello again"))
    with PersistentMemory(tmp_path) as memory:
        assert texts_of(memory, "Rosalind") == ["hello again"]
        assert memory.sessions("Rosalind") == ["s1"]


def test_forgetting_holds_in_a_restored_memory_too(tmp_path: Path) -> None:
    """An entry goes from the disk and from what was restored beside it; the rest of that is
    still not written."""
    with PersistentMemory(tmp_path) as memory:
        write(memory, "Rosa", entry("a", "one"), entry("b", "two"))
        memory.user("Rosa").restore(state(entry("a", "one"), entry("c", "three")))
        assert memory.forget("Rosa", ["a", "x"]) == 1
        assert texts_of(memory, "Rosa") == ["three"]
    with PersistentMemory(tmp_path) as memory:
        assert texts_of(memory, "Rosa") == ["two"]


def test_what_is_written_often_does_not_pile_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Chroma keeps every version; a collection of many is copied when it is next opened."""
    monkeypatch.setattr("memory_backends.retrieval.chroma_directory._FEW", 10)

    def queued() -> int:
        with sqlite3.connect(tmp_path / CHROMA / "chroma.sqlite3") as connection:
            return int(connection.execute("SELECT COUNT(*) FROM embeddings_queue").fetchone()[0])

    with PersistentMemory(tmp_path, embedder=Hashed()) as memory:
        for number in range(20):
            write(memory, "Rosa", entry("a", f"dog {number}"), entry("b", "cat"))
    assert queued() == 21
    with PersistentMemory(tmp_path, embedder=Hashed()) as memory:
        assert texts_of(memory, "Rosa") == ["dog 19", "cat"]
        assert queued() == 2
        assert ask(memory.user("Rosa"), context(Scripted()), "dog")[0] == "dog 19"
    with PersistentMemory(tmp_path, embedder=Hashed()) as memory:
        assert texts_of(memory, "Rosa") == ["dog 19", "cat"]


# refusals ---------------------------------------------------------------------------


def one_line(error: pytest.ExceptionInfo[BaseException]) -> str:
    text = str(error.value)
    assert "\n" not in text
    assert len(text) < 600
    return text


def test_a_directory_is_one_process_s(tmp_path: Path) -> None:
    """A second opening is refused, here and in another process, and harms nothing."""
    script = f"from memory_backends.persistent import *; PersistentMemory({str(tmp_path)!r})"
    with PersistentMemory(tmp_path) as memory:
        write(memory, "Rosa", entry("a", "one"))
        with pytest.raises(LockedError, match="another process") as error:
            PersistentMemory(tmp_path)
        assert str(tmp_path) in one_line(error)
        other = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
        assert "LockedError" in other.stderr
        write(memory, "Rosa", entry("a", "one"), entry("b", "two"))
    with PersistentMemory(tmp_path) as memory:
        assert texts_of(memory, "Rosa") == ["one", "two"]


def test_a_closed_memory_says_so(tmp_path: Path) -> None:
    """Closing twice is no error; using it afterwards is."""
    memory = PersistentMemory(tmp_path)
    user = memory.user("Rosa")
    write(memory, "Rosa", entry("a", "one"))
    memory.close()
    memory.close()
    for use in (memory.users, lambda: memory.sessions("Rosa"), lambda: memory.forget("Rosa")):
        with pytest.raises(StoreError, match="closed"):
            use()
    with pytest.raises(StoreError, match="closed"):
        ingest(user, context(Scripted()), CHAT[0])
    for name in ("Rosa", "Ben"):
        with pytest.raises(StoreError, match="closed"):
            memory.user(name).entries()


@pytest.mark.parametrize(
    ("first", "second", "says"),
    [
        ({"backend": "rag"}, {}, "'rag', not of 'fact_store'"),
        ({}, {"config": {"top_k": 3}}, "top_k was 10, now 3"),
        ({"embedder": Hashed()}, {}, "embedder was 'hashed-1', now None"),
        ({"embedder": Hashed()}, {"embedder": Clusters()}, "now 'clusters-1'"),
    ],
)
def test_another_configuration_is_refused(
    first: dict[str, Any], second: dict[str, Any], says: str, tmp_path: Path
) -> None:
    """What differs is named, the memory stays as it was, and the old one still opens it."""
    with PersistentMemory(tmp_path, **first) as memory:
        write(memory, "Rosa", entry("a", "one"))
    with pytest.raises(IdentityError) as error:
        PersistentMemory(tmp_path, **second)
    assert says in one_line(error)
    assert "choose another directory" in str(error.value)
    with PersistentMemory(tmp_path, **first) as memory:
        assert texts_of(memory, "Rosa") == ["one"]


def test_spelled_out_defaults_are_the_same_configuration(tmp_path: Path) -> None:
    """Nothing differs, so nothing is refused."""
    PersistentMemory(tmp_path).close()
    PersistentMemory(tmp_path, config={"top_k": 10}).close()


@pytest.mark.parametrize(
    ("before", "after"), [(None, Hashed()), (Hashed(), Clusters()), (Hashed(), None)]
)
def test_another_embedder_can_be_adopted(before: Any, after: Any, tmp_path: Path) -> None:
    """Every user is embedded again, when they are next used; then ranking is the new one's,
    and the old embedder is refused."""
    texts = ["red car", "blue dog", "chess on Sunday", "a dog", "cars"]
    with PersistentMemory(tmp_path, embedder=before) as memory:
        for user in ("Rosa", "Ben"):
            write(memory, user, *(entry(str(n), text) for n, text in enumerate(texts)))
    for user in ("Rosa", "Ben"):
        with PersistentMemory(tmp_path, embedder=after, adopt=True) as memory:
            plain = create_backend("fact_store", None, after)
            plain.restore(state(*(entry(str(n), t) for n, t in enumerate(texts))))  # type: ignore[attr-defined]
            for question in ("dog", "Sunday car"):
                assert ask(memory.user(user), context(Scripted()), question) == ask(
                    plain, context(Scripted()), question
                )
            assert texts_of(memory, user) == texts
    with pytest.raises(IdentityError):
        PersistentMemory(tmp_path, embedder=before)


def test_a_directory_with_other_things_is_left_alone(tmp_path: Path) -> None:
    """Nothing is written beside files that are not a memory's."""
    (tmp_path / "thesis.txt").write_text("my life")
    with pytest.raises(StoreError, match="is not a memtune memory") as error:
        PersistentMemory(tmp_path)
    assert "thesis.txt" in one_line(error)
    assert list(files_of(tmp_path)) == ["thesis.txt"]
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    with sqlite3.connect(foreign / JOURNAL) as connection:
        connection.execute("CREATE TABLE notes (text TEXT)")
    with pytest.raises(StoreError, match="is not a memtune memory"):
        PersistentMemory(foreign)
    with pytest.raises(StoreError, match="choose another directory"):
        PersistentMemory(tmp_path / "thesis.txt")


def test_an_unknown_backend_or_option_is_refused_before_anything_is_written(
    tmp_path: Path,
) -> None:
    """The registry's error, and no directory."""
    for backend, config in (("mem", None), ("fact_store", {"topk": 3})):
        with pytest.raises(SettingsError):
            PersistentMemory(tmp_path / "new", backend, config)
    assert not (tmp_path / "new").exists()


def damage(name: str, directory: Path) -> None:
    chroma = directory / CHROMA / "chroma.sqlite3"
    if name == "journal is not SQLite":
        (directory / JOURNAL).write_bytes(b"garbage" * 1000)
    elif name == "journal is gone":
        (directory / JOURNAL).unlink()
    elif name == "journal is of a newer version":
        with sqlite3.connect(directory / JOURNAL) as connection:
            connection.execute("PRAGMA user_version = 99")
    elif name == "Chroma is not SQLite":
        chroma.write_bytes(b"garbage" * 1000)
    elif name == "Chroma is cut off":
        chroma.write_bytes(chroma.read_bytes()[: chroma.stat().st_size // 2])
    elif name == "Chroma is gone":
        shutil.rmtree(directory / CHROMA)
    elif name == "Chroma is older than the journal":
        shutil.rmtree(directory / CHROMA)
        shutil.copytree(directory.parent / "older" / CHROMA, directory / CHROMA)
    elif name == "a record was changed":
        with sqlite3.connect(chroma) as connection:
            connection.execute(
                "UPDATE embedding_metadata SET string_value = replace(string_value, 'dog', 'cat') "
                "WHERE key = 'entry'"
            )
    elif name == "a record is of somebody else":
        with sqlite3.connect(chroma) as connection:
            connection.execute("UPDATE embedding_metadata SET key = 'note' WHERE key = 'entry'")
    elif name == "a value is not JSON":
        with sqlite3.connect(directory / JOURNAL) as connection:
            connection.execute("UPDATE users SET id = 'Rosa'")


@pytest.mark.parametrize(
    "how",
    [
        "journal is not SQLite", "journal is gone", "journal is of a newer version",
        "Chroma is not SQLite", "Chroma is cut off", "Chroma is gone",
        "Chroma is older than the journal", "a record was changed",
        "a record is of somebody else", "a value is not JSON",
    ],
)  # fmt: skip
def test_a_damaged_memory_is_an_error_with_a_way_out(how: str, tmp_path: Path) -> None:
    """One line that names the directory and says what to do; never a wrong memory."""
    directory = tmp_path / "memory"
    with PersistentMemory(directory) as memory:
        write(memory, "Rosa", *(entry(f"{number}", f"dog {number}") for number in range(30)))
    shutil.copytree(directory, tmp_path / "older")
    with PersistentMemory(directory) as memory:
        write(memory, "Rosa", *(entry(f"{number}", f"dog {number}") for number in range(31)))
    damage(how, directory)
    with pytest.raises(StoreError) as error, PersistentMemory(directory) as memory:
        memory.user("Rosa").entries()
    text = one_line(error)
    assert str(directory) in text
    assert any(way in text for way in ("backup", "another directory", "upgrade memtune"))


def test_a_directory_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    """A read-only database is an error of one line, and what is there stays."""
    with PersistentMemory(tmp_path) as memory:
        write(memory, "Rosa", entry("a", "one"))
        with sqlite3.connect(tmp_path / JOURNAL, timeout=0) as other:
            other.execute("BEGIN IMMEDIATE")
            memory.directory._journal._connection.execute("PRAGMA busy_timeout = 0")
            with pytest.raises(StoreError, match="cannot be used now") as error:
                write(memory, "Rosa", entry("a", "two"))
            other.rollback()
        assert JOURNAL in one_line(error)
        assert texts_of(memory, "Rosa") == ["one"]


# nothing elsewhere ------------------------------------------------------------------

ALONE = """
import ctypes, json, os, platform, struct, sys
from pathlib import Path

# Linux ends this process at its first attempt to connect or to send (seccomp).
NUMBERS = {"x86_64": (0xC000003E, (42, 44, 46)), "aarch64": (0xC00000B7, (203, 206, 211))}
def refuse_network():
    arch, calls = NUMBERS[platform.machine()]
    code = [(0x20, 0, 0, 4), (0x15, 1, 0, arch), (0x06, 0, 0, 0x7FFF0000), (0x20, 0, 0, 0)]
    for left, number in enumerate(calls):
        code.append((0x15, len(calls) - left, 0, number))
    code += [(0x06, 0, 0, 0x7FFF0000), (0x06, 0, 0, 0x80000000)]
    filter = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *one) for one in code))
    program = struct.pack("HxxxxxxP", len(code), ctypes.addressof(filter))
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.prctl(38, 1, 0, 0, 0) == 0
    assert libc.prctl(22, 2, program, 0, 0) == 0, os.strerror(ctypes.get_errno())

refuse_network()
if sys.argv[2] == "plant":
    import socket
    socket.socket().connect_ex(("127.0.0.1", 9))
from memory_backends.persistent import PersistentMemory
from tests.persistent_fixture import Hashed, entry, texts_of, write
for embedder in (None, Hashed()):
    directory = Path(sys.argv[1]) / str(embedder is None)
    for number in range(2):
        with PersistentMemory(directory, embedder=embedder) as memory:
            write(memory, "Rosa", entry("a", "dog"), entry("b", f"cat {number}"))
            index = memory.user("Rosa")._load()[0]._state.index
            assert index.search(["dog"], 2)[0][0] == "a"
    with PersistentMemory(directory, embedder=embedder) as memory:
        memory.forget("Rosa", ["a"])
        assert texts_of(memory, "Rosa") == ["cat 1"]
print("done")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="seccomp is Linux's")
@pytest.mark.parametrize("plant", ["", "plant"])
def test_nothing_is_fetched_or_written_elsewhere(plant: str, tmp_path: Path) -> None:
    """No connection is even tried, by Python or by Chroma's own code; home, temporary and
    working directory stay empty. (Planted: a connection does end the process.)"""
    places = {name: tmp_path / name for name in ("home", "tmp", "work")}
    for place in places.values():
        place.mkdir()
    root = Path(__file__).parent.parent
    done = subprocess.run(
        [sys.executable, "-c", ALONE, str(tmp_path / "memory"), plant],
        env={
            "HOME": str(places["home"]), "TMPDIR": str(places["tmp"]),
            "SQLITE_TMPDIR": str(places["tmp"]), "PYTHONPATH": str(root),
            "PYTHONDONTWRITEBYTECODE": "1", "ANONYMIZED_TELEMETRY": "True",
        },
        cwd=places["work"], capture_output=True, text=True,
    )  # fmt: skip
    assert (done.stdout, done.returncode) == (("", -31) if plant else ("done\n", 0)), done.stderr
    for place in places.values():
        assert list(place.rglob("*")) == []


def test_opening_is_not_paid_for_by_those_who_do_not(tmp_path: Path) -> None:
    """Chroma is imported when a directory is opened, not with the package."""
    script = (
        "import sys; import memory_backends.persistent, memory_backends.registry; "
        "sys.exit(any(m in sys.modules for m in ('chromadb', 'dspy', 'openai')))"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_the_journal_is_readable(tmp_path: Path) -> None:
    """Anybody can see who is in a memory, with SQLite alone."""
    with PersistentMemory(tmp_path) as memory:
        write(memory, "Rosa", entry("a", "one"))
    with sqlite3.connect(tmp_path / JOURNAL) as connection:
        rows = connection.execute("SELECT id, written FROM users").fetchall()
        pending = connection.execute("SELECT COUNT(*) FROM pending").fetchall()
    assert [(json.loads(id), written) for id, written in rows] == [("Rosa", 1)]
    assert pending == [(0,)]
