"""What a run prints at its end where it gained nothing: the reasons, at 80 columns."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.cli.main import main

TINY = ["--conversations", "5", "--rounds", "1", "--attribution", "provenance", "--seed", "401"]


def ended(out: Path, capsys: pytest.CaptureFixture[str], *options: str) -> str:
    """Run, and return what stood on stdout."""
    assert main(["run", *TINY, *options, "--out", str(out)]) == 0
    shown = capsys.readouterr().out
    texts = [line for line in shown.splitlines() if str(out) not in line]
    assert max(map(len, texts)) <= 80
    return shown


@pytest.fixture(autouse=True)
def _narrow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.chdir(tmp_path)


def test_a_backend_without_prompts_says_that_nothing_can_be_tuned(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No ceiling, and at which operations how many failures lie, in training and in test."""
    shown = ended(tmp_path / "r", capsys, "--backend", "rag")
    assert "done: the backend has no prompt to tune" in shown
    assert "no ceiling: this backend has no prompt to tune" in shown
    told = [line for line in shown.splitlines() if "no prompt to tune: search" in line]
    assert [line.split()[-1] for line in told] == ["training", "test"]


def test_a_round_without_a_candidate_says_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Beside the gate's decisions; and what the ceiling of few prompts leaves out."""
    shown = ended(tmp_path / "r", capsys, "--backend", "mem0", "--optimizer", "noop")
    gate = shown.split("Gate, on the selection split")[1].split("Prompts")[0]
    assert gate.splitlines()[2].split()[:5] == ["1", "no", "candidate", "-", "-"]
    assert "noop" in gate
    rest = "3 of 4 house rules need a prompt for update and retrieval: none here"
    assert rest in " ".join(shown.split())
