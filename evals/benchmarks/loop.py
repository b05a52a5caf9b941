"""Does the loop gain, and does it gain because of what it is told? Many seeds, counted.

The loop itself is handed in (`RunLoop`); nothing here knows an optimizer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import Any

from evals.statistics import t_interval

# Names of what is done to a run; `RunLoop` knows how.
HEADLINE = "headline"
NOOP = "noop"
NULL = "null_world"
RANDOM = "random_attribution"
SHUFFLED = "shuffled_types"
EMPTY = "empty_signals"
CAUSALITY = (RANDOM, SHUFFLED, EMPTY)

NULL_SEED = 1000  # null worlds have seeds of their own


@dataclass(frozen=True, slots=True)
class Job:
    """One run of the loop: a condition and a seed."""

    condition: str
    seed: int


RunAll = Callable[[Sequence[Job]], Iterator[tuple[Job, Mapping[str, Any]]]]
"""Runs jobs, perhaps several at a time, and yields each with its `done` event."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How many runs of each kind."""

    seeds: int = 10
    null_runs: int = 20
    causality: bool = True
    first_seed: int = 10  # 0-8, 11-15 and some from 40 to 73 served development

    def jobs(self) -> list[Job]:
        """Return every run of the benchmark, the headline first."""
        conditions = (HEADLINE, NOOP, *(CAUSALITY if self.causality else ()))
        seeds = range(self.first_seed, self.first_seed + self.seeds)
        jobs = [Job(condition, seed) for condition in conditions for seed in seeds]
        return jobs + [Job(NULL, NULL_SEED + number) for number in range(self.null_runs)]


@dataclass(frozen=True, slots=True)
class Check:
    """One target: what was measured, what is asked, and whether it holds."""

    name: str
    measured: str
    asked: str
    holds: bool


def row(done: Mapping[str, Any]) -> dict[str, Any]:
    """Return the figures of one run (scores and gain in 0..1, calls counted)."""
    baseline, final = done["baseline"]["test"], (done["final"] or {}).get("test")
    return {
        "baseline": baseline["score"] if baseline else None,
        "final": final["score"] if final else None,
        "gain": done["gain"]["score"],
        "interval": done["gain"]["interval"],
        "headroom_closed": done["gain"]["headroom_closed"],
        "promoted": len(done["promoted"]),
        "rounds": done["rounds"],
        "calls": done["calls"]["made"],
        "saved": done["calls"]["saved"],
        "seconds": done["seconds"],
    }


def summary(rows: Mapping[str, Mapping[int, Mapping[str, Any]]]) -> dict[str, Any]:
    """Return per condition: runs, mean gain with t interval over seeds, headroom closed.

    `relative_gain` is the mean gain divided by the headline's on the same seeds.
    """
    out: dict[str, Any] = {}
    headline = rows.get(HEADLINE, {})
    for condition, by_seed in rows.items():
        gains = [r["gain"] for r in by_seed.values() if r["gain"] is not None]
        closed = [
            r["headroom_closed"] for r in by_seed.values() if r["headroom_closed"] is not None
        ]
        interval = t_interval(gains)
        reference = [headline[s]["gain"] for s in by_seed if s in headline]
        out[condition] = {
            "runs": len(by_seed),
            "positive": sum(g > 0 for g in gains),
            "gain": interval.mean,
            "interval": [interval.low, interval.high],
            "headroom_closed_median": median(closed) if closed else None,
            "headroom_closed_mean": fmean(closed) if closed else None,
            "promoting_runs": sum(r["promoted"] > 0 for r in by_seed.values()),
            "relative_gain": (
                fmean(gains) / fmean(reference)
                if gains and len(reference) == len(gains) and fmean(reference) > 0
                else None
            ),
            "calls_mean": fmean(r["calls"] for r in by_seed.values()) if by_seed else None,
        }
    return out


def checks(figures: Mapping[str, Any]) -> list[Check]:
    """Compare the summary with what the loop is meant to reach."""
    found: list[Check] = []
    if HEADLINE in figures:
        f = figures[HEADLINE]
        runs = f["runs"]
        wanted = runs - max(1, runs // 10) if runs > 1 else 1
        found.append(
            Check(
                "gain positive", f"{f['positive']} of {runs} seeds", f">= {wanted}",
                f["positive"] >= wanted,
            )
        )  # fmt: skip
        closed = f["headroom_closed_median"]
        found.append(
            Check(
                "median share of headroom closed", _number(closed), ">= 0.5",
                closed is not None and closed >= 0.5,
            )
        )  # fmt: skip
    if NOOP in figures:
        f = figures[NOOP]
        exact = f["gain"] == 0 and f["positive"] == 0
        found.append(Check("gain of the noop optimizer", _number(f["gain"]), "exactly 0", exact))
    if NULL in figures:
        f = figures[NULL]
        most = round(0.15 * f["runs"])
        found.append(
            Check(
                "null world: runs that promote", f"{f['promoting_runs']} of {f['runs']}",
                f"<= {most}", f["promoting_runs"] <= most,
            )
        )  # fmt: skip
    for condition in (RANDOM, SHUFFLED):
        if condition in figures:
            share = figures[condition]["relative_gain"]
            found.append(
                Check(
                    f"{condition}: gain relative to headline", _number(share), "<= 0.5",
                    share is not None and share <= 0.5,
                )
            )  # fmt: skip
    if EMPTY in figures:
        closed = figures[EMPTY]["headroom_closed_mean"]
        found.append(
            Check(
                f"{EMPTY}: mean share of headroom closed", _number(closed), "<= 0.1",
                closed is not None and closed <= 0.1,
            )
        )  # fmt: skip
    return found


def run_benchmark(
    plan: Plan, run_all: RunAll, on_row: Callable[[Job, Mapping[str, Any]], None]
) -> dict[str, Any]:
    """Run everything; return rows by condition and seed, their summary and the checks."""
    rows: dict[str, dict[int, Mapping[str, Any]]] = {}
    for job, done in run_all(plan.jobs()):
        found = row(done)
        rows.setdefault(job.condition, {})[job.seed] = found
        on_row(job, found)
    figures = summary(rows)
    return {
        "rows": {
            condition: [{"seed": s, **r} for s, r in sorted(by_seed.items())]
            for condition, by_seed in rows.items()
        },
        "summary": figures,
        "checks": checks(figures),
    }


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
