"""Splits by conversation, and the count of test openings."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals import splits
from evals.splits import Splits, conversations_of, split, split_counts
from traces.domain import Conversation, Dataset, Message, Session
from traces.errors import DataError, LockedError, StoreError


def dataset(n: int, text: str = "hello") -> Dataset:
    return Dataset(
        "made",
        tuple(
            Conversation(
                f"c{i}", (Session("s", datetime(2020, 1, 1), (Message("m", "A", text),)),), ()
            )
            for i in range(n)
        ),
    )


@pytest.mark.parametrize(
    ("n", "counts"), [(3, (1, 1, 1)), (5, (1, 2, 2)), (10, (2, 4, 4)), (30, (6, 12, 12))]
)
def test_sizes_are_20_40_40(n: int, counts: tuple[int, int, int]) -> None:
    """The sizes that the documentation names."""
    assert split_counts(n) == counts


@given(st.integers(3, 60))
def test_splits_are_disjoint_and_complete(n: int) -> None:
    """Every conversation is in exactly one split, and no split is empty."""
    made = split(dataset(n))
    parts = [made.train, made.selection, made.test]
    assert all(parts)
    assert sorted(sum(parts, ())) == sorted(c.id for c in dataset(n).conversations)
    assert 0 <= len(made.selection) - len(made.test) <= 1


def test_splits_follow_the_content() -> None:
    """The same content gives the same splits; other content gives another order."""
    assert split(dataset(30)) == split(dataset(30))
    assert split(dataset(30)) != split(dataset(30, "other"))
    assert split(dataset(30)).train != ("c0", "c1", "c2", "c3", "c4", "c5")


def test_counts_may_be_given() -> None:
    """Given sizes are used as they are, and may leave conversations out."""
    made = split(dataset(10), (1, 5, 2))
    assert [len(made.train), len(made.selection), len(made.test)] == [1, 5, 2]


@pytest.mark.parametrize(
    ("n", "counts", "message"),
    [
        (2, None, "at least 3 together; add 1"),
        (5, (2, 2, 2), "need 6 conversations, made has 5"),
        (5, (0, 2, 2), "at least 1 each"),
    ],
)
def test_too_few_conversations_say_how_many_are_needed(
    n: int, counts: tuple[int, int, int] | None, message: str
) -> None:
    """The error names the number that would do."""
    with pytest.raises(DataError, match=message):
        split(dataset(n), counts)


def test_splits_survive_json_and_find_their_conversations() -> None:
    """A stored split names the same conversations, and a changed file is noticed."""
    made = split(dataset(5))
    assert Splits.from_json(made.to_json()) == made
    assert [c.id for c in conversations_of(dataset(5), made.test)] == list(made.test)
    with pytest.raises(DataError, match="no conversation c9"):
        conversations_of(dataset(5), ("c9",))


def test_openings_are_counted_by_data_set(tmp_path: Path) -> None:
    """Each opening counts once for its data set, also after a restart."""
    seal = splits.TestSeal(tmp_path / "state")
    assert seal.openings("data") == 0
    assert seal.open("data", "run-1") == 1
    assert splits.TestSeal(tmp_path / "state").open("data", "run-2") == 2
    assert seal.openings("data") == 2
    assert seal.openings("other") == 0


def test_a_repeated_opening_counts_once(tmp_path: Path) -> None:
    """A killed run that opens again what it had opened is not counted twice."""
    seal = splits.TestSeal(tmp_path)
    assert [seal.open("data", "run-1"), seal.open("data", "run-1")] == [1, 1]


def test_concurrent_openings_are_all_counted(tmp_path: Path) -> None:
    """Threads that open at once lose no count, and leave no temporary file."""
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda i: splits.TestSeal(tmp_path).open("data", f"run-{i}"), range(24)))
    assert splits.TestSeal(tmp_path).openings("data") == 24
    assert not list(tmp_path.glob(".test_openings-*"))


def test_openings_by_other_processes_are_all_counted(tmp_path: Path) -> None:
    """Processes that open at once lose no count either."""
    code = (
        "import sys; from pathlib import Path; from evals.splits import TestSeal\n"
        "for i in range(5): TestSeal(Path(sys.argv[1])).open('data', f'{sys.argv[2]}-{i}')"
    )
    root = Path(__file__).parent.parent
    running = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path), str(i)], cwd=root)
        for i in range(3)
    ]
    assert [process.wait() for process in running] == [0, 0, 0]
    assert splits.TestSeal(tmp_path).openings("data") == 15


def test_a_damaged_count_is_not_taken_for_zero(tmp_path: Path) -> None:
    """A file that cannot be read is an error that says what to do, and is left as it is."""
    file = tmp_path / "test_openings.json"
    for content in ("{", "[]", '{"data": 3}'):
        file.write_text(content)
        with pytest.raises(StoreError, match="restore it, or move it away"):
            splits.TestSeal(tmp_path).open("data", "run")
        assert file.read_text() == content


def test_a_held_lock_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that holds the lock too long is named as the cause."""
    from filelock import FileLock

    monkeypatch.setattr(splits.TestSeal, "WAIT_SECONDS", 0.05)
    with (
        FileLock(f"{tmp_path / 'test_openings.json'}.lock"),
        pytest.raises(LockedError, match="another process"),
    ):
        splits.TestSeal(tmp_path).open("data", "run")


def test_a_directory_that_cannot_be_made_is_reported(tmp_path: Path) -> None:
    """A file in the place of the directory is an error of one line."""
    (tmp_path / "state").write_text("")
    with pytest.raises(StoreError, match="cannot be written"):
        splits.TestSeal(tmp_path / "state").open("data", "run")
