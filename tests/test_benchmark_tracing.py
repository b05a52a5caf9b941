"""`memtune bench tracing`: measured for real on one small conversation, and what it refuses."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from agent import benchmark_tracing
from agent.benchmark_tracing import TARGET, measure
from agent.cli.main import main
from traces.store import Store

ONE = ["bench", "tracing", "--conversations", "1", "--delay", "5"]


def test_the_figures_follow_from_what_was_measured(capsys: pytest.CaptureFixture[str]) -> None:
    """Calls take what they were told to, tracing takes something, and the exit code is what the
    share says: on a machine that is busy it may well be above the target."""
    code = main([*ONE, "--json"])
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert (found["backend"], found["delay_ms"]) == ("fact_store", 5)
    # Every question is retrieved for and answered; what is extracted is updated, too.
    assert found["operations"] > found["calls"] > 2 * 18
    assert found["own"] > 0
    for took in (found["untraced"], found["traced"] - found["own"]):
        assert took > found["calls"] * 0.005
    assert found["share"] == found["own"] / (found["traced"] - found["own"])
    assert found["difference"] == found["traced"] / found["untraced"] - 1
    assert code == int(found["share"] > TARGET)


@pytest.mark.parametrize(("target", "code"), [(1000.0, 0), (0.0, 1)])
def test_it_fails_above_the_target_and_prints_what_it_found(
    target: float, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same measurement under a target that nothing exceeds, and one that all do."""
    monkeypatch.setattr(benchmark_tracing, "TARGET", target)
    assert main([*ONE, "--backend", "rag"]) == code
    shown = capsys.readouterr().out
    first, second, third = shown.splitlines()
    assert first.startswith("rag: ")
    assert first.endswith(" model calls of 5 ms")
    assert second.startswith("tracing took ")
    assert second.endswith(f"(target <= {target:.0%})")
    assert third.startswith("the same passes untraced took ")
    assert max(map(len, shown.splitlines())) <= 80


def test_what_tracing_takes_longer_is_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A commit that is slowed down by a fifth of a second is found in `own`, not in the work."""
    saved = Store.save_pass

    def slow(*arguments: Any, **named: Any) -> int:
        time.sleep(0.2)
        return saved(*arguments, **named)

    monkeypatch.setattr(Store, "save_pass", slow)
    found = measure(tmp_path, "rag", 1, 0.0)
    assert found.own > 0.2
    assert found.traced > found.own


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (["--conversations", "0"], 2, "'--conversations'"),
        (["--delay", "-1"], 2, "'--delay'"),
        (["--delay", "inf"], 2, "'--delay'"),
        (["--backend", "nonsense"], 2, "nonsense"),
        (["--seed", "1"], 2, "--seed"),
    ],
)
def test_what_it_cannot_do_is_refused(
    options: list[str], code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is printed on stdout; the line on stderr names what is wrong."""
    assert main(["bench", "tracing", *options]) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert said in captured.err
    assert "Traceback" not in captured.err
