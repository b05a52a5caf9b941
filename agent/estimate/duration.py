"""How long calls take: their latency, how many are under way at a time, and the limits a minute."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from agent.estimate.amounts import Amount, Usage, added, total
from agent.estimate.cost_model import Phase
from agent.estimate.sample import EMBEDDING
from agent.estimate.simulated import simulated_roles
from agent.estimate.stand_in import MODEL
from agent.loop.directory import read_config
from agent.models.gateway import ROLES
from agent.settings import Settings, read_settings
from traces.errors import MemtuneError

# Seconds a call where nothing is known of the model; a second or two is usual for short
# replies of hosted models.
ASSUMED = 2.0
# Where earlier runs lie; one with fewer calls says nothing about a model's speed.
RUNS = Path("runs")
FEWEST_CALLS = 200
# A call to the simulated model's own server on loopback, besides its thinking.
LOOPBACK_SECONDS = 0.005
# Work of the loop itself besides that of a dry pass (race, reuse, gate, report), as a factor
# of the local seconds a call: 1.0 to 1.7 in runs of the simulated world.
OWN_WORK = (1.0, 1.7)


def latency(
    settings: Settings,
    given: float | None,
    phases: Sequence[Phase],
    runs: Path = RUNS,
    *,
    plays: Mapping[str, bool] | None = None,
) -> tuple[float, str]:
    """Return the seconds that a call waits for its model, and where the figure comes from:
    `given`, `simulated`, `measured` (in the latest run with these models) or `assumed`.

    `plays` says by role whether the simulated model plays it, where that is known already.
    """
    if given is not None:
        return given, "given"
    if all((simulated_roles(settings) if plays is None else plays).values()):
        served = any(settings.model_of(role) != MODEL for role in ROLES)
        return (LOOPBACK_SECONDS if served else 0.0), "simulated"
    measured = _measured(settings, phases, runs)
    return (ASSUMED, "assumed") if measured is None else (measured, "measured")


def _measured(settings: Settings, phases: Sequence[Phase], runs: Path) -> float | None:
    """Return the latency that explains how long the latest run with these models took."""
    wanted = [(settings.model_of(role), settings.api_base_of(role)) for role in ROLES]
    found: list[tuple[float, float]] = []
    for path in runs.glob("*/summary.json"):
        try:
            done = json.loads(path.read_text("utf-8"))
            earlier = read_settings(read_config(path.parent)["settings"])
            calls, seconds = int(done["calls"]["made"]), float(done["seconds"])
            at = path.stat().st_mtime
        except (OSError, ValueError, KeyError, TypeError, RecursionError, MemtuneError):
            continue  # another's affair: a damaged run says nothing about a model's speed
        slowed = earlier.requests_per_minute or earlier.tokens_per_minute
        models = [(earlier.model_of(role), earlier.api_base_of(role)) for role in ROLES]
        if models == wanted and calls >= FEWEST_CALLS and not slowed:
            found.append((at, seconds / calls * _at_a_time(phases, earlier.concurrency)))
    return max(found)[1] if found else None


def _at_a_time(phases: Sequence[Phase], concurrency: int) -> float:
    """Return how many calls are under way at a time, over a whole run."""
    amounts = [(total(p.high).calls, max(1.0, min(concurrency, p.width))) for p in phases]
    spent = sum(calls / at_a_time for calls, at_a_time in amounts)
    return sum(calls for calls, _ in amounts) / spent if spent else 1.0


def seconds(
    phases: Sequence[Phase], settings: Settings, wait: float, local: float
) -> tuple[float, float]:
    """Return the seconds of these phases at both ends.

    `wait` is the latency a call; `local` what a call costs in time on this machine, one after
    another. No end is shorter than the limits a minute allow.
    """
    ends = []
    for end in (0, 1):
        whole = 0.0
        for phase in phases:
            calls = total(phase.high if end else phase.low).calls
            at_a_time = max(1.0, min(settings.concurrency, phase.width))
            whole += calls * (wait / at_a_time + local * OWN_WORK[end])
        usage = added(*((p.high if end else p.low) for p in phases))
        ends.append(max(whole, _limited(usage, settings)))
    return ends[0], ends[1]


def _limited(usage: Usage, settings: Settings) -> float:
    """Return the seconds that the limits a minute ask for: a model and endpoint has one each."""
    lanes: dict[tuple[str, str | None], Amount] = {}
    for role, amount in usage.items():
        lane = _lane(settings, role)
        lanes[lane] = lanes.get(lane, Amount()) + amount
    longest = 0.0
    for amount in lanes.values():
        if settings.requests_per_minute:
            longest = max(longest, 60 * amount.calls / settings.requests_per_minute)
        if settings.tokens_per_minute:
            longest = max(longest, 60 * amount.tokens / settings.tokens_per_minute)
    return longest


def _lane(settings: Settings, role: str) -> tuple[str, str | None]:
    if role == EMBEDDING:
        return str(settings.embedding_model), settings.embedding_api_base or settings.api_base
    return settings.model_of(role), settings.api_base_of(role)


def local_seconds(plays: Mapping[str, bool], outside: float, inside: float) -> float:
    """Return what a call takes of this machine's time: the model's own too where it runs here.

    `plays` says by role whether the simulated model plays it.
    """
    return outside + inside if any(plays.values()) else outside
