"""Progress displays: what they say, and that they never stop a run."""

from __future__ import annotations

import io
import json
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from agent.cli.progress import JsonProgress, Pace, PlainProgress, draw
from agent.loop.services import Progress
from agent.models.budget import Budget, Limits


@pytest.fixture
def services() -> Any:
    """What a display reads of the loop's services."""
    budget = Budget(Limits(max_calls=500, deadline=3600), calls=120, tokens=45_000)
    ledger = SimpleNamespace(saved=30)
    return SimpleNamespace(
        directory=Path("runs/night"),
        gateway=SimpleNamespace(budget=budget, ledger=ledger),
        store=SimpleNamespace(saved=4),
    )


def test_plain_progress_says_each_stage_once(
    services: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line a stage and round on stderr, nothing on stdout."""
    shown = PlainProgress()
    for done in range(3):
        shown(Progress(1, 5, "evaluate", done, 3), services)
    shown(Progress(2, 5, "evaluate", 0, 3), services)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert len(captured.err.splitlines()) == 2
    assert "round 1 of 5" in captured.err
    assert "120 calls made, 34 saved" in captured.err


def test_a_run_that_goes_on_says_so(services: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """Calls made before it opened are an earlier process's; one call is a call."""
    services.gateway.budget.calls = 1
    PlainProgress()(Progress(0, 5, "open"), services)
    assert capsys.readouterr().err == "night: continuing (1 call made, 34 saved)\n"
    services.gateway.budget.calls = 0
    PlainProgress()(Progress(0, 5, "open"), services)
    assert capsys.readouterr().err == "night: starting\n"


def test_json_progress_is_one_object_a_line(
    services: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """A burst is thinned out; a stage's first and last line always come."""
    shown = JsonProgress()
    for done in range(101):
        shown(Progress(1, 5, "gate", done, 100), services)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert (lines[0]["done"], lines[-1]["done"]) == (0, 100)
    assert len(lines) < 20
    assert lines[0]["calls"] == {"made": 120, "saved": 34}


def test_a_reader_that_left_does_not_stop_the_run(
    services: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`memtune run --json | head` goes on without an audience."""

    class Closed(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    monkeypatch.setattr("sys.stdout", Closed())
    monkeypatch.setattr("sys.stderr", Closed())
    JsonProgress()(Progress(1, 5, "gate", 1, 2), services)
    PlainProgress()(Progress(1, 5, "gate", 1, 2), services)


def test_the_live_display_fits_80_columns(services: Any) -> None:
    """Round, stage, how far, calls of the budget, tokens, and both times."""
    from rich.console import Console

    pace = Pace()
    now = time.monotonic()
    pace.saw(Progress(1, 5, "evaluate"), now - 60)
    pace.saw(Progress(2, 5, "evaluate"), now)
    stream = io.StringIO()
    Console(file=stream, width=80).print(draw(Progress(2, 5, "gate", 7, 12, 126), services, pace))
    shown = stream.getvalue()
    for fact in ("round 2 of 5", "selection", "7/12 episodes", "126 questions", "120 of 500 calls",
                 "34 saved", "45k tokens", "left", "deadline in"):  # fmt: skip
        assert fact in shown
    assert max(len(line) for line in shown.splitlines()) <= 80


def test_the_pace_is_known_after_one_round() -> None:
    """Rounds of 60 s, two of five done: about three minutes are left; resuming counts anew."""
    pace = Pace()
    pace.saw(Progress(0, 5, "open"), 0.0)
    pace.saw(Progress(1, 5, "evaluate"), 0.0)
    assert pace.left(Progress(1, 5, "gate"), 30.0) is None
    pace.saw(Progress(2, 5, "evaluate"), 60.0)
    pace.saw(Progress(3, 5, "evaluate"), 120.0)
    assert pace.left(Progress(3, 5, "evaluate"), 120.0) == pytest.approx(180.0)
    resumed = Pace()
    resumed.saw(Progress(4, 5, "evaluate"), 0.0)
    resumed.saw(Progress(5, 5, "evaluate"), 60.0)
    assert resumed.left(Progress(5, 5, "evaluate"), 60.0) == pytest.approx(60.0)
