"""What a run came to, read from its store: the `done` event and the report's data."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

from agent.loop.services import Services, conversation_scores
from evals.stages import mean_stages
from evals.statistics import Interval, paired_interval, t_interval
from traces.domain import PromptSet
from traces.results import EpisodeResult

SPLITS = ("train", "selection", "test")


def summarize(services: Services, *, run: str, status: str, stop_reason: str) -> dict[str, Any]:
    """Return the `done` event. Scores of what was never evaluated are null."""
    store = services.store
    finish = store.rounds("finish")
    ended = finish[-1] if finish else None
    gates = store.rounds("gate")
    final = services.seed_prompts
    for record in gates:
        if record["gate"]["decision"] == "accepted":
            final = store.prompt_set(record["candidate"])
    baseline = {s: _split_score(services, services.seed_prompts, s) for s in SPLITS}
    finals: dict[str, Any] | None = None
    gain: dict[str, Any] = {"score": None, "interval": None, "headroom_closed": None}
    if ended is not None:
        finals = {s: _split_score(services, final, s) for s in SPLITS}
        ceiling = ended["prompts"].get("ceiling")
        gain = _gain(services, final, ceiling)
    return {
        "event": "done",
        "run": run,
        "status": status,
        "stop_reason": stop_reason,
        "rounds": len(store.rounds("evaluate")),
        "baseline": baseline,
        "final": finals,
        "gain": gain,
        "promoted": [_gated(r) for r in gates if r["gate"]["decision"] == "accepted"],
        "rejected": [_gated(r) for r in gates if r["gate"]["decision"] != "accepted"],
        "gate_mode": services.gate_mode,
        "scorer": services.evaluator.scorer,
        "attributions": _attributions(services),
        "calls": calls(services),
        "tokens": {
            "input": sum(s.input_tokens for s in services.gateway.ledger.spending().values()),
            "output": sum(s.output_tokens for s in services.gateway.ledger.spending().values()),
        },
        "usd": usd(services),
        "prompts": {"seed": services.seed_prompts.hash, "final": final.hash},
        "test_openings": ended["test_openings"] if ended else 0,
        "simulated": services.dataset.simulated or services.gateway.simulated,
        "out": str(services.directory),
    }


def calls(services: Services) -> dict[str, Any]:
    """Return calls made (failed and lost ones too), saved, and made by role.

    Saved are the calls behind reused operations, and those that the ledgers answered; work
    that a restart did again is not counted as saved.
    """
    by_role = {role: s.calls for role, s in services.gateway.ledger.spending().items()}
    answered = services.store.state("ledger_saved", 0) + services.gateway.ledger.saved
    saved = services.store.reused_calls() + answered
    return {"made": sum(by_role.values()), "saved": saved, "by_role": by_role}


def usd(services: Services) -> dict[str, Any]:
    """Return what the calls cost, null where a price is unknown, and the limit in force."""
    gateway = services.gateway
    limit = gateway.budget.limits.max_usd
    return {**gateway.prices.summary(gateway.ledger.spending()), "limit": limit}


def results_of(services: Services, prompts: PromptSet, split: str) -> list[EpisodeResult] | None:
    """Return the stored results of a prompt set on a split, or None if any is missing."""
    found = [
        services.store.find_pass(c.id, prompts.hash, services.evaluator.parameters)
        for c in services.conversations(split)
    ]
    complete = [result for result in found if result is not None]
    return complete if len(complete) == len(found) else None


def _interval(interval: Interval | None, least: float, most: float) -> list[float] | None:
    """Return the bounds, cut to what the figure can be."""
    if interval is None or interval.low is None or interval.high is None:
        return None
    return [round(max(least, interval.low), 6), round(min(most, interval.high), 6)]


def _split_score(services: Services, prompts: PromptSet, split: str) -> dict[str, Any] | None:
    results = results_of(services, prompts, split)
    if results is None:
        return None
    scores = conversation_scores(results)
    if not scores:
        return None
    by_category: dict[str, list[bool]] = defaultdict(list)
    f1: list[float] = []
    values: list[float] = []
    scorer = services.evaluator.scorer
    for result in results:
        for a in result.answers:
            if a.correct is not None:
                by_category[a.category].append(a.correct)
                f1.extend([a.scores["f1"]] if "f1" in a.scores else [])
                values.extend([a.scores[scorer]] if scorer in a.scores else [])
    interval = t_interval(scores.values())
    assert interval.mean is not None  # there are scores
    population = services.gate_mode == "population"
    return {
        "score": round(interval.mean, 6),
        "n": sum(len(v) for v in by_category.values()),
        "conversations": len(scores),
        "interval": _interval(interval, 0.0, 1.0) if population else None,
        "by_category": {
            name: {"score": round(sum(v) / len(v), 6), "n": len(v)}
            for name, v in sorted(by_category.items())
        },
        "f1": round(sum(f1) / len(f1), 6) if f1 else None,
        "value": round(sum(values) / len(values), 6) if values else None,
        "stages": mean_stages(result.stages for result in results),
    }


def _gain(services: Services, final: PromptSet, ceiling: str | None) -> dict[str, Any]:
    before = results_of(services, services.seed_prompts, "test")
    after = results_of(services, final, "test")
    if before is None or after is None:
        return {"score": None, "interval": None, "headroom_closed": None}
    old, new = conversation_scores(before), conversation_scores(after)
    shared = sorted(set(old) & set(new))
    interval = paired_interval(old, new)
    closed = None
    if interval.mean is None:
        return {"score": None, "interval": None, "headroom_closed": None}
    if ceiling is not None:
        best = results_of(services, services.store.prompt_set(ceiling), "test")
        top = conversation_scores(best) if best is not None else {}
        # Gain and headroom over the same conversations, those that all three have.
        known = [c for c in shared if c in top]
        headroom = sum(top[c] - old[c] for c in known)
        gained = sum(new[c] - old[c] for c in known)
        closed = round(gained / headroom, 6) if headroom > 0 else None
    return {
        "score": round(interval.mean, 6),
        "interval": _interval(interval, -1.0, 1.0) if services.gate_mode == "population" else None,
        "headroom_closed": closed,
    }


def _gated(record: dict[str, Any]) -> dict[str, Any]:
    gate = record["gate"]
    return {
        "round": record["round"],
        "prompts": record["candidate"],
        "gain": gate["gain"],
        "p_value": gate["p_value"],
        "reason": gate["reason"],
    }


def _attributions(services: Services) -> dict[str, Any]:
    """Counts over the training failures of every prompt set that was worked on; a set that
    stayed the working one for several rounds counts once."""
    found: dict[str, Counter[str]] = {
        name: Counter() for name in ("by_verdict", "by_error_type", "abstained")
    }
    for record in {r["prompts"]: r for r in services.store.rounds("attribute")}.values():
        for name, counter in found.items():
            counter.update(record.get(name, {}))  # earlier versions counted no verdicts
    return {name: dict(counter) for name, counter in found.items()}
