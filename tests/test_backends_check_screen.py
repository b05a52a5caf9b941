"""What `memtune backends check` prints at its end: what was not run and why, and the verdict."""

from __future__ import annotations

import pytest

from agent.cli.backends_screen import print_check, print_end
from memory_backends.conformance.finding import Finding, Result, remark

NOTED = Result("works", "it works", "passed", (remark("not_seen", "no entries", "offer them"),))
FAILED = Result("ids", "ids", "failed", (Finding("ids", "twice 'x'", "m.py:3", "mend it"),) * 2)
LEFT = [Result(name, "", "not_run", why="mend 'ids' first") for name in ("reuse", "repair")]


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")


def ended(capsys: pytest.CaptureFixture[str], *results: Result) -> list[str]:
    """Return the lines that stand below the checks, without space at their ends."""
    print_end("mine", list(results), 12.0)
    return [line.rstrip() for line in capsys.readouterr().out.splitlines()]


def test_checks_that_were_not_run_share_a_row(capsys: pytest.CaptureFixture[str]) -> None:
    """One for each reason, with their number and names; none where all were run."""
    other = Result("threads", "", "not_run", why="it hangs")
    first, second, empty, _ = ended(capsys, NOTED, FAILED, *LEFT, other)
    assert first.split() == ["2", "more", "not", "run", "reuse,", "repair:", *LEFT[0].why.split()]
    assert second.split() == ["1", "more", "not", "run", "threads:", "it", "hangs"]
    assert empty == ""
    assert len(ended(capsys, NOTED)) == 2


def test_the_verdict_names_each_problem_once_and_what_is_noted(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A note alone does not make it unsound."""
    assert ended(capsys, NOTED, FAILED)[-1] == "mine is not sound: ids; 1 note: not_seen (12s)."
    assert ended(capsys, NOTED)[-1].startswith("mine is sound: no check found a fault")
    assert ended(capsys, NOTED)[-1].endswith("; 1 note: not_seen (12s).")
    assert "note" not in ended(capsys, FAILED)[-1]


def test_a_failed_check_says_what_where_and_how_to_mend_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A line each, below what the check looks at."""
    print_check(FAILED)
    told = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert told[0] == ["ids", "failed", "ids"]
    assert told[1:4] == [["ids:", "twice", "'x'"], ["at", "m.py:3"], ["mend", "it"]]
