"""Puts an estimate together from a dry pass: JSON-native, the one source of screen and JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from agent.estimate import duration
from agent.estimate.amounts import Usage, added, total, usage_json
from agent.estimate.cost_model import baseline, phases
from agent.estimate.dry_pass import SPLITS, DryPass
from agent.estimate.limits import limits, warnings
from agent.estimate.sample import messages
from agent.estimate.simulated import simulated_roles
from agent.estimate.stand_in import MODEL
from agent.models.gateway import ROLES
from agent.models.pricing import Prices, cap, models_of, prices_of
from agent.settings import Settings
from evals.report import wording
from evals.spending import Spending
from evals.statistics import smallest_gain
from traces.domain import Conversation

FORMAT = 1
POWER = 0.8
# How often incumbent and candidate are taken to differ on a question by chance and by gain.
DISCORDANCE = 0.2
COVERS = (
    "first evaluation of train and selection with the seed prompts (all sessions ingested, all "
    "questions answered and judged; no causes of failures)"
)


def build(settings: Settings, dry: DryPass, latency: float | None = None) -> dict[str, Any]:
    """Return the estimate of a run of these settings.

    `baseline` is one figure; `run` has the ends `low` (the run ends early: nothing is
    promoted) and `high` (every round is used to the full). Dollars are null where a price is
    unknown.
    """
    models = models_of(settings, ROLES)
    prices = prices_of(settings.model_copy(update={"max_usd": None}), models)
    parts = phases(dry, settings.rounds, settings.patience)
    plays = simulated_roles(settings)
    wait, source = duration.latency(settings, latency, parts, plays=plays)
    local = duration.local_seconds(plays, dry.local, dry.inside)
    first = baseline(dry)
    base_seconds, _ = duration.seconds(parts[:2], settings, wait, local)
    run_seconds = duration.seconds(parts, settings, wait, local)
    ends = {
        name: _figures(
            added(*(getattr(p, name) for p in parts)), prices, run_seconds[place], models
        )
        for place, name in enumerate(("low", "high"))
    }
    simulated = {
        "data": dry.dataset.simulated,
        "model": any(plays.values()),
    }
    most_usd = cap(settings, prices)
    found: dict[str, Any] = {
        "format": FORMAT,
        "simulated": any(simulated.values()),
        "banner": wording.banner(**simulated) if any(simulated.values()) else None,
        # For real models, too: the model that made the figures, not the run's.
        "dry_pass": {"model": MODEL},
        "data": _data(dry),
        "rounds": settings.rounds,
        "optimizer": dry.optimizer,
        "sample": _sample(dry),
        "models": models,
        "prices": prices.to_json(),
        "baseline": {"covers": COVERS, **_figures(first, prices, base_seconds, models)},
        "run": ends,
        "phases": [
            {"name": p.name, "low": total(p.low).to_json(), "high": total(p.high).to_json()}
            for p in parts
        ],
        "latency": {
            "seconds": round(wait, 3),
            "source": source,
            "concurrency": settings.concurrency,
        },
        "gate": _gate(settings, dry),
    }
    found["limits"] = limits(settings, most_usd, found)
    found["notes"] = _notes(settings, dry, plays)
    found["warnings"] = warnings(settings, found, dry.broken)
    return found


def _figures(usage: Usage, prices: Prices, seconds: float, roles: Iterable[str]) -> dict[str, Any]:
    whole = total(usage)
    costs = {role: prices.cost(role, round(a.input), round(a.output)) for role, a in usage.items()}
    known = [cost for cost in costs.values() if cost is not None]
    return {
        **whole.to_json(),
        "tokens": round(whole.tokens),
        "usd": round(sum(known), 4) if len(known) == len(costs) else None,
        "usd_known": round(sum(known), 4),
        "seconds": round(seconds, 1),
        "by_role": {
            role: {**amount, "usd": _cost(prices, role, amount)}
            for role, amount in usage_json(usage, roles).items()
        },
    }


def _cost(prices: Prices, role: str, amount: Mapping[str, int]) -> float | None:
    found = prices.cost(role, amount["input"], amount["output"])
    return None if found is None else round(found, 4)


def _counts(conversations: Sequence[Conversation]) -> dict[str, int]:
    return {
        "conversations": len(conversations),
        "sessions": sum(len(c.sessions) for c in conversations),
        "messages": sum(map(messages, conversations)),
        "questions": sum(len(c.questions) for c in conversations),
    }


def _data(dry: DryPass) -> dict[str, Any]:
    everything = [c for name in SPLITS for c in dry.splits[name]]
    return {
        "name": dry.dataset.name,
        "hash": dry.dataset.hash,
        **_counts(everything),
        "splits": {name: _counts(dry.splits[name]) for name in SPLITS},
        "problems": len(dry.dataset.problems),
    }


def _sample(dry: DryPass) -> dict[str, Any]:
    of = [c for name in ("train", "selection") for c in dry.splits[name]]
    return {
        **_counts(dry.scale.sample),
        "of": _counts(of),
        "failures": dry.failures,
        "judged": dry.questions,
        "broken": len(dry.broken),
    }


def _gate(settings: Settings, dry: DryPass) -> dict[str, Any]:
    """What the gate can see: the smallest gain found at 80% power."""
    asked = [len(c.questions) for c in dry.splits["selection"]]
    alpha = Spending(settings.rounds).alpha
    # The exact test over hundreds of conversations takes its time; fewer draws then.
    draws = 400 if sum(asked) <= 1500 else 100
    gain = smallest_gain(asked, alpha, dry.mode, DISCORDANCE, POWER, draws)
    return {
        "mode": dry.mode,
        "claim": wording.CLAIMS[dry.mode],
        "alpha": alpha,
        "power": POWER,
        "discordance": DISCORDANCE,
        "smallest_gain": gain,
        "conversations": len(asked),
        "questions": sum(asked),
    }


def _notes(settings: Settings, dry: DryPass, plays: Mapping[str, bool]) -> list[str]:
    """Return what the figures rest on, in lines for people."""
    share = wording.percent(dry.failures / dry.questions) if dry.questions else "-"
    lines = []
    if all(plays.values()):
        lines.append(
            "Rests on a dry pass with the simulated model on a seed of its own, not the run's."
        )
    else:
        lines.append(
            "Rests on a dry pass with a stand-in: a real model may extract more or fewer facts, "
            f"write longer answers, and fail on more or fewer questions (the stand-in: {share})."
        )
    if dry.optimizer not in ("attribution_guided", "noop") and dry.slots:
        lines.append(
            f"How much '{dry.optimizer}' tries in a round is taken from attribution_guided."
        )
    if settings.ledger is not None:
        lines.append(f"Calls that {settings.ledger} already holds are not subtracted.")
    return lines
