"""The ledger that runs share: what one has paid for, none pays again."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from agent.loop.runner import run
from agent.models.shared_ledger import APPLICATION, SharedLedger
from tests.loop_fixture import small
from tests.test_ledger import request
from traces.database import Database
from traces.errors import ContentError, SettingsError, StoreError
from traces.ledger import Completion, Ledger, Spending

YES = Completion("yes", 30, 4)


@pytest.fixture
def shared(tmp_path: Path) -> Iterator[SharedLedger]:
    made = SharedLedger(tmp_path / "shared.db")
    yield made
    made.close()


def never() -> Completion:
    raise AssertionError("called")


def test_another_runs_call_costs_nothing(tmp_path: Path, shared: SharedLedger) -> None:
    """It is copied into the run's own ledger, with its tokens but as no attempt and no
    spending, counts as saved, and is there without the shared file afterwards."""
    Ledger(Database(tmp_path / "one.db"), shared).call(request(), "agent", lambda: YES)
    database = Database(tmp_path / "two.db")
    two = Ledger(database, shared)
    assert two.call(request(), "agent", never, never)[1] == YES
    assert two.saved == 1
    assert two.spending() == {"agent": Spending(0, 0, 0)}
    assert two.in_flight() == 0
    assert Ledger(database).call(request(), "agent", never)[1] == YES


def test_what_failed_is_not_shared(tmp_path: Path, shared: SharedLedger) -> None:
    """Neither a failure nor a reply that was cut off reaches another run; a later success
    there is this run's attempts plus nothing."""

    def fail(error: Exception) -> Completion:
        raise error

    one = Ledger(Database(tmp_path / "one.db"), shared)
    for text, error in (("a", ConnectionError("reset")), ("b", ContentError("cut off", 9, 9))):
        with pytest.raises(type(error)):
            one.call(request(text), "agent", lambda error=error: fail(error))  # type: ignore[misc]
        assert shared.find(request(text).key()) is None
    Ledger(Database(tmp_path / "two.db"), shared).call(request("a"), "agent", lambda: YES)
    assert one.call(request("a"), "agent", never)[1] == YES
    assert one.spending() == {"agent": Spending(2, 9, 9)}


def test_a_call_of_its_own_is_looked_up_there_first(tmp_path: Path, shared: SharedLedger) -> None:
    """A run's own record stands, whatever the shared file says."""
    shared.add(request().key(), request(), Completion("theirs"))
    database = Database(tmp_path / "one.db")
    Ledger(database).call(request(), "agent", lambda: YES)
    assert Ledger(database, shared).call(request(), "agent", never)[1] == YES


_WRITER = """
import sys
from pathlib import Path
from agent.models.shared_ledger import SharedLedger
from traces.ledger import CallRequest, Completion
shared = SharedLedger(Path(sys.argv[1]))
for number in range(60):
    request = CallRequest({"model": "m"}, (("user", str(number)),))
    if shared.find(request.key()) is None:
        shared.add(request.key(), request, Completion(f"{sys.argv[2]} {number}", number, 1))
shared.close()
"""


def test_processes_write_at_the_same_time(tmp_path: Path) -> None:
    """Four processes that open, make and fill one file lose nothing and overwrite nothing."""
    path = tmp_path / "shared.db"
    processes = [
        subprocess.Popen([sys.executable, "-c", _WRITER, str(path), f"process {number}"])
        for number in range(4)
    ]
    assert [process.wait(60) for process in processes] == [0] * 4
    shared = SharedLedger(path)
    found = [shared.find(request(str(number)).key()) for number in range(60)]
    assert all(one is not None and one.input_tokens == n for n, one in enumerate(found))
    assert len(shared._connection.execute("SELECT key FROM completions").fetchall()) == 60
    mode = shared._connection.execute("PRAGMA journal_mode").fetchone()
    assert mode == ("truncate",)


def test_threads_of_one_process_share_the_connection(tmp_path: Path, shared: SharedLedger) -> None:
    """Eight threads that look up and add through two runs' ledgers get every answer once."""
    ledgers = [Ledger(Database(tmp_path / f"{n}.db"), shared) for n in range(2)]

    def ask(number: int) -> str:
        made = Completion(str(number // 2), 1, 1)
        return ledgers[number % 2].call(request(str(number // 2)), "agent", lambda: made)[1].text

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask, range(100))) == [str(number // 2) for number in range(100)]


def _foreign(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE mine (x)")


def _newer(path: Path) -> None:
    SharedLedger(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")


def _damaged(path: Path) -> None:
    made = SharedLedger(path)
    for number in range(300):
        made.add(request(str(number)).key(), request(str(number)), Completion("x" * 500))
    made.close()
    raw = bytearray(path.read_bytes())
    raw[8192 : len(raw) - 4096] = b"\x07" * (len(raw) - 4096 - 8192)
    path.write_bytes(raw)


def _directory(path: Path) -> None:
    path.mkdir()


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda path: path.write_bytes(b"not a database" * 500), "not a database"),
        (_foreign, "another program's database"),
        (lambda path: Database(path).close(), "another program's database"),
        (_newer, "newer memtune"),
        (_damaged, "shared ledger"),
        (_directory, "shared ledger"),
    ],
    ids=["text", "foreign", "a run's own database", "newer", "damaged", "directory"],
)
def test_what_is_no_shared_ledger_is_refused_before_anything(
    tmp_path: Path, spoil: Any, says: str
) -> None:
    """One line names option and file, before the run makes its directory; the file stays as
    it was."""
    path = tmp_path / "shared.db"
    spoil(path)
    before = path.read_bytes() if path.is_file() else None
    with pytest.raises(SettingsError, match=f"--ledger {path}.*{says}"):
        run(small(tmp_path, ledger=path))
    assert not (tmp_path / "run").exists()
    assert before is None or path.read_bytes() == before


def test_what_breaks_later_is_named(tmp_path: Path, shared: SharedLedger) -> None:
    """A damaged completion, and a file that another program keeps locked, are one line each."""
    shared.add(request().key(), request(), YES)
    shared._connection.execute("UPDATE completions SET response = '{'")
    with pytest.raises(StoreError, match=r"shared\.db: damaged"):
        shared.find(request().key())
    impatient = SharedLedger(tmp_path / "shared.db", busy=0.05)
    other = sqlite3.connect(tmp_path / "shared.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StoreError, match=r"cannot be used now .*locked"):
        impatient.add("k", request("k"), YES)
    other.close()
    impatient.close()


def test_it_is_its_owners_alone_and_says_what_it_is(tmp_path: Path, shared: SharedLedger) -> None:
    """It holds what models said of conversations; its header tells it from other files."""
    assert shared.path.stat().st_mode & 0o077 == 0
    assert int.from_bytes(shared.path.read_bytes()[68:72]) == APPLICATION


def test_a_second_run_makes_no_call(tmp_path: Path) -> None:
    """The same settings in another directory with the same ledger: 0 calls, the same decisions;
    its own ledger then suffices."""
    tiny: dict[str, Any] = {"conversations": 3, "limit_questions": 8, "seed": 6}
    ledger = tmp_path / "shared.db"
    first = run(small(tmp_path / "a", ledger=ledger, **tiny)).done
    second = run(small(tmp_path / "b", ledger=ledger, **tiny)).done
    assert first["calls"]["made"] > 100
    assert second["calls"]["made"] == 0
    assert set(second["calls"]["by_role"].values()) == {0}
    assert second["tokens"] == {"input": 0, "output": 0}
    everything = first["calls"]["made"] + first["calls"]["saved"]
    assert second["calls"]["saved"] == everything
    for name in ("baseline", "final", "gain", "promoted", "rejected", "prompts", "attributions"):
        assert second[name] == first[name]
