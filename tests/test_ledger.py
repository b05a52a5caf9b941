"""The ledger: look up, reserve, record; spending is exact."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from traces.database import Database
from traces.errors import ContentError, StoreError
from traces.ledger import CallRequest, Completion, Ledger, Spending


def request(text: str = "hi", **changes: object) -> CallRequest:
    return CallRequest({"model": "m"}, (("user", text),), **changes)  # type: ignore[arg-type]


def test_a_call_is_made_once_and_survives_the_process(tmp_path: Path) -> None:
    """A recorded call is answered from the file by another process's ledger. The first time
    that is work done again, not a call saved; each further time it is."""
    first = Database(tmp_path / "l.db")
    Ledger(first).call(request(), "agent", lambda: Completion("yes", 3, 1))
    first.close()
    ledger = Ledger(Database(tmp_path / "l.db"))
    _, completion = ledger.call(request(), "agent", lambda: pytest.fail("called again"))
    assert completion == Completion("yes", 3, 1)
    assert ledger.saved == 0
    ledger.call(request(), "agent", lambda: pytest.fail("called again"))
    assert ledger.saved == 1
    assert ledger.spending()["agent"].calls == 1


def test_the_key_holds_everything() -> None:
    """Model, parameters, messages, schema and sample index each make another call."""
    keys = {
        request().key(),
        request("ho").key(),
        request(sample_index=1).key(),
        request(parameters={"temperature": 1}).key(),
        request(schema={"type": "object"}).key(),
        CallRequest({"model": "n"}, (("user", "hi"),)).key(),
        CallRequest({"model": "m"}, (("system", "hi"),)).key(),
    }
    assert len(keys) == 7


def test_identical_concurrent_requests_are_made_once(database: Database) -> None:
    """Eight threads that ask the same get one call's answer."""
    ledger = Ledger(database)
    gate = threading.Event()
    made: list[int] = []

    def make() -> Completion:
        made.append(1)
        gate.wait(5)
        return Completion("once")

    with ThreadPoolExecutor(8) as pool:
        futures = [pool.submit(ledger.call, request(), "agent", make) for _ in range(8)]
        while not made:
            pass
        gate.set()
        texts = {future.result()[1].text for future in futures}
    assert texts == {"once"}
    assert len(made) == 1


def test_failures_and_losses_are_spending(database: Database) -> None:
    """A call that failed and one that never came back both count as made."""
    ledger = Ledger(database)

    def fail() -> Completion:
        raise ConnectionError("reset")

    with pytest.raises(ConnectionError):
        ledger.call(request(), "agent", fail)
    ledger._reserve(request("lost").key(), request("lost"), "judge")
    assert ledger.spending()["agent"].calls == 1
    assert ledger.in_flight() == 1
    ledger.call(request(), "agent", lambda: Completion("now", 2, 2))
    assert ledger.spending()["agent"].calls == 2
    assert ledger.spending()["agent"].tokens == 4


def test_an_unusable_response_is_paid_for_once(tmp_path: Path) -> None:
    """What a provider cut off or refused is remembered with its tokens: asked again, also by
    another process, the same error comes without a call."""

    def cut_off() -> Completion:
        raise ContentError("cut off at 10 tokens", 30, 10)

    for _ in range(2):
        database = Database(tmp_path / "l.db")
        ledger = Ledger(database)
        with pytest.raises(ContentError, match="cut off at 10 tokens"):
            ledger.call(request(), "agent", cut_off)
        assert ledger.spending() == {"agent": Spending(1, 30, 10)}
        database.close()


def test_waiting_threads_see_the_failure(database: Database) -> None:
    """Threads that wait for another's call get its exception, not a hang."""
    ledger = Ledger(database)
    gate = threading.Event()

    def fail() -> Completion:
        gate.wait(5)
        raise ConnectionError("reset")

    with ThreadPoolExecutor(4) as pool:
        futures = [pool.submit(ledger.call, request(), "agent", fail) for _ in range(4)]
        gate.set()
        assert all(isinstance(f.exception(), ConnectionError) for f in futures)


@given(st.text(max_size=40))
def test_any_response_text_is_kept(text: str) -> None:
    """Responses come back exactly, NUL and emoji included."""
    ledger = Ledger(Database(":memory:"))
    ledger.call(request(), "agent", lambda: Completion(text))
    assert ledger.call(request(), "agent", lambda: Completion("other"))[1].text == text


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    """A damaged or foreign file gives one line with its path and a way out."""
    path = tmp_path / "memtune.db"
    path.write_bytes(b"not a database at all" * 100)
    with pytest.raises(StoreError, match="move the file away"):
        Database(path)


def test_a_full_disk_is_one_clear_error_and_leaves_no_transaction(tmp_path: Path) -> None:
    """What SQLite cannot write is named with a way out; the next write finds a clean state."""
    made = Database(tmp_path / "l.db")
    pages = made.row("PRAGMA page_count")
    assert pages is not None
    made.write(f"PRAGMA max_page_count = {pages[0]}")
    big = "x" * 1_000_000
    with pytest.raises(StoreError, match=r"l\.db: cannot be used now .*full"):
        made.write("INSERT INTO run_state VALUES ('a', ?)", (big,))
    with (
        pytest.raises(StoreError, match="cannot be used now"),
        made.transaction() as connection,
    ):
        connection.execute("INSERT INTO run_state VALUES ('b', ?)", (big,))
    made.write("PRAGMA max_page_count = 100000")
    with made.transaction() as connection:
        connection.execute("INSERT INTO run_state VALUES ('c', ?)", (big,))
    assert made.rows("SELECT key FROM run_state") == [("c",)]


def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    """A file of a later version is left alone."""
    made = Database(tmp_path / "l.db")
    made.write("PRAGMA user_version = 999")
    made.close()
    with pytest.raises(StoreError, match="newer memtune"):
        Database(tmp_path / "l.db")
