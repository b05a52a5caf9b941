"""Behaviour of memory on disk: what is forgotten is gone, and nothing piles up."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest

from memory_backends.persistent import PersistentMemory
from memory_backends.retrieval.chroma_directory import CHROMA
from tests.backend_fixture import Scripted, ask, context, ingest, session
from tests.persistent_fixture import (
    Hashed,
    entry,
    files_of,
    moving,
    state,
    texts_of,
    write,
)

pytestmark = pytest.mark.usefixtures("json_adapter")


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
