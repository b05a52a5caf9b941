"""Which limits would stop a run before its end, and what else its owner should know first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from agent.settings import Settings
from evals.report import wording

_OF = {
    "max_calls": "calls",
    "max_tokens": "tokens",
    "max_usd": "usd",
    "deadline": "seconds",
}


def limits(
    settings: Settings, most_usd: float | None, found: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Return each limit with its verdict: `too_low` (below the low end: the run stops before
    its finish), `tight` (between the ends), `enough`, or `unknown` (no price)."""
    listed = []
    for name, figure in _OF.items():
        value = most_usd if name == "max_usd" else getattr(settings, name)
        if value is None:
            continue
        # Where a price is missing, what is known is the least that it can be.
        first, low, high = (
            row["usd_known"] if row[figure] is None else row[figure]
            for row in (found["baseline"], found["run"]["low"], found["run"]["high"])
        )
        verdict = "too_low" if value < low else "tight" if value < high else "enough"
        if verdict == "enough" and found["run"]["high"][figure] is None:
            verdict = "unknown"
        listed.append(
            {
                "limit": name,
                "value": value,
                "verdict": verdict,
                "below_baseline": value < first,
            }
        )
    return listed


def warnings(settings: Settings, found: Mapping[str, Any], broken: Sequence[str]) -> list[str]:
    """Return lines for people: limits too low, prices unknown, data that cannot show a gain."""
    lines = [line for one in found["limits"] for line in _limit(settings, one)]
    unknown = sorted({found["models"][r] for r, p in found["prices"].items() if p is None})
    if unknown:
        refused = "; a run with --max-usd is refused" if settings.max_usd is not None else ""
        lines.append(
            f"Dollars unknown: no price for {', '.join(unknown)}{refused}. Add it to memtune.toml "
            "under [prices], in USD a million tokens (0 where it is free): "
            f'"{unknown[0]}" = {{ input = 0.15, output = 0.60 }}'
        )
    if found["gate"]["smallest_gain"] is None:
        lines.append(
            "The selection split cannot show any gain: even a perfect candidate would not pass the "
            "gate. Add conversations or questions, or declare fewer rounds."
        )
    if broken:
        lines.append(
            f"{wording.plural(len(broken), 'sampled conversation')} broke with the stand-in, which "
            f"makes the estimate too low; the first: {wording.printable(broken[0])[:200]}"
        )
    return lines


def _limit(settings: Settings, one: Mapping[str, Any]) -> list[str]:
    flag = f"--{one['limit'].replace('_', '-')} {_shown(one)}"
    if one["limit"] == "max_usd" and settings.max_usd is None:
        flag = f"the default of {wording.dollars(one['value'])} (--max-usd)"
    if one["below_baseline"]:
        return [f"{flag}: is used up before the baseline is evaluated."]
    if one["verdict"] == "too_low":
        return [f"{flag}: would stop the run before its finish; the test split stays sealed."]
    if one["verdict"] == "tight":
        return [f"{flag}: may stop the run before its finish."]
    return []


def _shown(one: Mapping[str, Any]) -> str:
    if one["limit"] == "deadline":
        return wording.duration(one["value"])
    return f"{one['value']:g}" if one["limit"] == "max_usd" else str(one["value"])
