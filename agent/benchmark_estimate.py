"""Does an estimate hold? For each seed the estimate first, then the run, in process."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from agent.benchmark import IN_PROCESS, in_processes
from agent.settings import Price, Settings, load_settings

FIGURES = ("calls", "tokens", "usd")
# A price must not stop the run: what it would have cost is what is asked.
NO_CAP = 1e9


@dataclass(frozen=True, slots=True)
class Shape:
    """What the runs are alike in; `price` is that of every role's tokens, None for no dollars."""

    conversations: int = 30
    rounds: int = 5
    price: Price | None = None


def measure_all(
    seeds: Sequence[int], shape: Shape, processes: int
) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Yield each seed with its row (see `measure`) as it ends, `processes` at a time."""
    yield from in_processes(seeds, partial(measure, shape=shape), processes)


def measure(seed: int, shape: Shape) -> dict[str, Any]:
    """Estimate a run of this seed, run it, and return both by figure.

    A figure (calls, tokens, with a price usd) has `baseline_error` (percent of what the first
    evaluation used; usd none), `low`, `used`, `high`, `width` (high / low) and `contained`.
    """
    from agent.estimate.build import build
    from agent.estimate.dry_pass import dry_pass
    from agent.loop.runner import run

    with tempfile.TemporaryDirectory(prefix="memtune-bench-") as directory:
        settings = _settings(seed, shape, Path(directory))
        found = build(settings, dry_pass(settings))
        first = _baseline(settings.model_copy(update={"out": Path(directory) / "baseline"}))
        done = run(settings).done
    used = {"calls": done["calls"]["made"], "tokens": sum(done["tokens"].values())}
    if shape.price is not None:
        used["usd"] = done["usd"]["total"]
    return {
        name: {
            "baseline_error": _error(found["baseline"][name], first[name])
            if name in first
            else None,
            **ends(found["run"]["low"][name], used[name], found["run"]["high"][name]),
        }
        for name in used
    }


def ends(low: float, used: float, high: float) -> dict[str, Any]:
    """Return a figure's range, and whether what was used lies in it."""
    return {
        "low": low,
        "used": used,
        "high": high,
        "width": high / low if low else None,
        "contained": low <= used <= high,
    }


def summary(rows: Mapping[int, Mapping[str, Any]]) -> dict[str, Any]:
    """Return by figure: runs, how many lay in the range, the range's widths, and the
    baseline's error in percent without its sign (median and worst)."""
    out: dict[str, Any] = {}
    for name in FIGURES:
        found = [row[name] for row in rows.values() if name in row]
        if not found:
            continue
        widths = [one["width"] for one in found if one["width"] is not None]
        errors = [abs(e) for one in found if (e := one["baseline_error"]) is not None]
        out[name] = {
            "runs": len(found),
            "contained": sum(one["contained"] for one in found),
            "width_least": min(widths, default=None),
            "width_most": max(widths, default=None),
            "baseline_error_median": median(errors) if errors else None,
            "baseline_error_worst": max(errors, default=None),
        }
    return out


def _settings(seed: int, shape: Shape, directory: Path) -> Settings:
    priced: dict[str, Any] = {}
    if shape.price is not None:
        priced = {"prices": {IN_PROCESS: shape.price}, "max_usd": NO_CAP}
    settings = load_settings(
        dataset="synthetic",
        conversations=shape.conversations,
        rounds=shape.rounds,
        seed=seed,
        model=IN_PROCESS,
        concurrency=1,
        out=directory / "run",
        state_dir=directory / "state",
        **priced,
    )
    # A ledger of the user's own would answer the run with what the baseline had asked.
    return settings.model_copy(update={"ledger": None})


def _baseline(settings: Settings) -> dict[str, float]:
    """Return what the first evaluation of train and selection uses, on an empty ledger."""
    from agent.loop.opening import open_run

    with ExitStack() as stack:
        services, _ = open_run(settings, stack)
        for split in ("train", "selection"):
            services.evaluate(services.seed_prompts, services.conversations(split), 1, "evaluate")
        spent = services.gateway.ledger.spending().values()
        return {"calls": sum(s.calls for s in spent), "tokens": sum(s.tokens for s in spent)}


def _error(expected: float, used: float) -> float | None:
    return 100 * (expected / used - 1) if used else None
