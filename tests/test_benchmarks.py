"""The long proofs' own machinery: what is spoilt, what is summed up, what counts as reached."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from agent import benchmark_estimate
from agent.benchmark import emptied, run_job, shuffled_types
from agent.benchmark_estimate import Shape, ends
from agent.cli.main import main
from evals.benchmarks.loop import (
    EMPTY,
    HEADLINE,
    NOOP,
    NULL,
    RANDOM,
    SHUFFLED,
    Job,
    Plan,
    run_benchmark,
)
from evals.benchmarks.overhead import measure
from tests.optimizer_world import signal

SIGNALS = [
    signal(slot, f"c{i}", f"q{i}", error_type, text=f"text {i}", asked=f"question {i}")
    for i, (slot, error_type) in enumerate(
        [("e", "ExtractionError")] * 4 + [("u", "UpdateError")] * 3 + [("r", "RetrievalError")] * 5
    )
]


def test_shuffling_moves_causes_and_nothing_else() -> None:
    """Every cause is still there as often, on other failures; what the failures say stays."""
    shuffled = shuffled_types(SIGNALS)
    assert Counter((s.slot, s.error_type) for s in shuffled) == Counter(
        (s.slot, s.error_type) for s in SIGNALS
    )
    assert [s.evidence for s in shuffled] == [s.evidence for s in SIGNALS]
    assert [s.slot for s in shuffled] != [s.slot for s in SIGNALS]
    assert shuffled == shuffled_types(SIGNALS)


def test_emptied_signals_keep_the_slot_alone() -> None:
    """Nothing that could tell of a cause is left."""
    for before, after in zip(SIGNALS, emptied(SIGNALS), strict=True):
        assert after.slot == before.slot
        assert after.question == after.expected == after.error_type == ""
        assert after.evidence == ()


def done(gain: float, closed: float | None = 0.6, promoted: int = 1) -> dict[str, Any]:
    return {
        "baseline": {"test": {"score": 0.4}},
        "final": {"test": {"score": 0.4 + gain}},
        "gain": {"score": gain, "interval": None, "headroom_closed": closed},
        "promoted": [{}] * promoted,
        "rounds": 5,
        "calls": {"made": 10, "saved": 5},
        "seconds": 1.0,
    }


GOOD: dict[str, dict[str, Any]] = {
    HEADLINE: done(0.3),
    NOOP: done(0.0, 0.0, 0),
    RANDOM: done(0.1, 0.2),
    SHUFFLED: done(0.1, 0.2),
    EMPTY: done(0.0, 0.0, 0),
    NULL: done(0.0, None, 0),
}


def figures(outcomes: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    def run_all(jobs: Sequence[Job]) -> Iterator[tuple[Job, Mapping[str, Any]]]:
        for job in jobs:
            yield job, outcomes[job.condition]

    return run_benchmark(Plan(seeds=4, null_runs=20), run_all, lambda job, row: None)


def test_a_run_that_reaches_everything_holds_every_check() -> None:
    """Seven targets, all of them held."""
    checks = figures(GOOD)["checks"]
    assert len(checks) == 7
    assert all(check.holds for check in checks)


@pytest.mark.parametrize(
    ("condition", "outcome", "name"),
    [
        (HEADLINE, done(0.0), "gain positive"),
        (HEADLINE, done(0.3, 0.4), "median share of headroom closed"),
        (NOOP, done(0.01), "gain of the noop optimizer"),
        (RANDOM, done(0.2), "random_attribution: gain relative to headline"),
        (SHUFFLED, done(0.2), "shuffled_types: gain relative to headline"),
        (EMPTY, done(0.1, 0.2), "empty_signals: mean share of headroom closed"),
        (NULL, done(0.0, None, 1), "null world: runs that promote"),
    ],
)
def test_each_check_bites(condition: str, outcome: Mapping[str, Any], name: str) -> None:
    """One bad condition fails its own check."""
    failed = [c.name for c in figures({**GOOD, condition: outcome})["checks"] if not c.holds]
    assert name in failed


def test_a_job_runs_the_loop_of_its_condition() -> None:
    """A noop job over a tiny world gains exactly nothing."""
    outcome = run_job(Job(NOOP, 0), "sim/rules-1", conversations=5, rounds=1)
    assert outcome["gain"]["score"] == 0
    assert outcome["simulated"] is True


def test_estimates_are_compared_with_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The short form of `memtune bench estimate`, dollars too: what is printed follows from what
    was estimated and used, and nothing is left behind."""
    monkeypatch.chdir(tmp_path)
    shape = ["--seeds", "1", "--first-seed", "320", "--conversations", "5", "--rounds", "1"]
    prices = ["--processes", "1", "--usd-in", "1", "--usd-out", "4"]
    assert main(["bench", "estimate", *shape, *prices, "--json"]) == 0
    ran, done = map(json.loads, capsys.readouterr().out.splitlines())
    assert (ran["seed"], done["simulated"]) == (320, True)
    assert list(ran["figures"]) == list(done["summary"]) == ["calls", "tokens", "usd"]
    for one in ran["figures"].values():
        assert one["contained"] is (one["low"] <= one["used"] <= one["high"])
        assert one["width"] == pytest.approx(one["high"] / one["low"])
    tokens, dollars = ran["figures"]["tokens"]["used"], ran["figures"]["usd"]["used"]
    assert tokens / 1e6 < dollars < 4 * tokens / 1e6
    assert 0 < abs(ran["figures"]["calls"]["baseline_error"]) <= 15
    assert list(tmp_path.iterdir()) == []


def test_runs_outside_the_range_are_counted_and_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One of two runs used more than the high end: the totals say so, at 80 columns, and the
    command fails."""
    monkeypatch.setenv("COLUMNS", "80")

    def measured(seed: int, shape: Shape) -> dict[str, Any]:
        used = 2_900_001 if seed == 4 else 2_900_000
        return {"tokens": {"baseline_error": 3.0 - seed, **ends(1_000_000, used, 2_900_000)}}

    monkeypatch.setattr(benchmark_estimate, "measure", measured)
    command = ["bench", "estimate", "--seeds", "2", "--first-seed", "3", "--processes", "1"]
    assert main(command) == 1
    shown = capsys.readouterr().out
    assert "FAILS  tokens: 1 of 2 runs in range, width 2.90 to 2.90" in shown
    assert "baseline off by 0.5%, at worst 1.0%" in shown
    assert max(map(len, shown.splitlines())) <= 80


def test_overhead_is_measured_on_both_sides(tmp_path: Path) -> None:
    """The short form of `memtune bench overhead`: figures, no judgement of a noisy machine."""
    found = measure(tmp_path, rounds=1)
    assert found.perform > 0
    assert found.two_spans > 0
    assert found.ratio == found.perform / found.two_spans
