"""Behaviour of memory on disk: what is refused, and that nothing is done elsewhere."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from memory_backends.persistent import PersistentMemory
from memory_backends.registry import create_backend
from memory_backends.retrieval.chroma_directory import CHROMA
from memory_backends.retrieval.chroma_hold import JOURNAL
from tests.backend_fixture import Scripted, ask, context, ingest
from tests.persistent_fixture import (
    CHAT,
    Clusters,
    Hashed,
    entry,
    files_of,
    state,
    texts_of,
    write,
)
from traces.errors import IdentityError, LockedError, SettingsError, StoreError

pytestmark = pytest.mark.usefixtures("json_adapter")


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
