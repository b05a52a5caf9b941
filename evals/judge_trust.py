"""Whether a judge can be relied on: stated criteria over what `judge_check` measured.

A criterion on a share holds where its whole 95% interval lies on the good side, fails where
it lies on the bad one, and is open otherwise: the labels are too few to tell. Any that fails
speaks against the judge, all that hold speak for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from evals.gate import MISSING_SHARE
from evals.judge_check import share

FEWEST_LABELS = 30
# With errors on both sides alike, agreement a leaves a share 2a - 1 of a real gain to be
# seen: 0.8 hides two fifths of it.
LEAST_AGREEMENT = 0.8
LEAST_KAPPA = 0.6  # 'substantial' (Landis and Koch 1977)
MOST_STRAYING = 0.05  # share of draws that leave the verdict that the item mostly gets
FEWEST_OF_A_KIND = 5  # labels right, and labels wrong: with fewer kappa says little
LEAST_P = 0.05


def most_changed(draws: int) -> float:
    """Return the share of items that change within `draws` draws when each draw strays from
    the item's usual verdict with chance MOST_STRAYING."""
    stray: float = MOST_STRAYING
    return 1 - (1 - stray) ** draws - stray**draws


def _held(low: float | None, high: float | None, least: float) -> str:
    """Compare an interval with the least that is asked for."""
    if low is None or high is None:
        return "open"
    return "holds" if low >= least else "fails" if high < least else "open"


def criteria(found: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return the stated criteria with what was asked, what was measured, and `holds`,
    `fails` or `open` (the labels cannot tell)."""
    labels, flips, errors = found["labels"], found["flips"], found["errors"]
    missing = len(found["no_verdict"])
    low, high = found["agreement"]["interval"] or (None, None)
    beyond = found["kappa"]
    kinds = min(sum(row.values()) for row in found["table"].values())
    tells = labels >= FEWEST_LABELS and kinds >= FEWEST_OF_A_KIND
    limit = most_changed(flips["draws"])
    steady = flips["changed"]["interval"] if flips["draws"] > 1 else None
    rows = [
        ("labels", f"at least {FEWEST_LABELS}", str(labels),
         "holds" if labels >= FEWEST_LABELS else "open"),
        ("verdicts", f"missing for at most {MISSING_SHARE:.0%}", f"{missing} of {labels} missing",
         "holds" if missing <= MISSING_SHARE * labels else "fails"),
        ("agreement", f"at least {LEAST_AGREEMENT:.0%}", _shown(found["agreement"]),
         _held(low, high, LEAST_AGREEMENT)),
        ("kappa", f"at least {LEAST_KAPPA}, from {FEWEST_OF_A_KIND} labels of each kind",
         "-" if beyond is None else f"{beyond:.2f}",
         "open" if beyond is None or not tells else "holds" if beyond >= LEAST_KAPPA else "fails"),
        ("errors", f"on neither side more (p >= {LEAST_P})",
         f"{errors['lenient']} too lenient, {errors['strict']} too strict, "
         f"p {errors['p_value']:.2g}",
         "holds" if errors["p_value"] >= LEAST_P else "fails"),
        ("steadiness", f"at most {limit:.1%} change in {flips['draws']} draws"
         if flips["draws"] > 1 else "needs at least 2 draws", _shown(flips["changed"]),
         _held(1 - steady[1], 1 - steady[0], 1 - limit) if steady else "open"),
    ]  # fmt: skip
    return [dict(zip(("name", "asked", "measured", "state"), row, strict=True)) for row in rows]


def _shown(found: Mapping[str, Any]) -> str:
    if found["share"] is None:
        return "-"
    low, high = found["interval"]
    return f"{found['share']:.1%} ({low:.1%} to {high:.1%}), {found['hits']} of {found['n']}"


def recommendation(found: Mapping[str, Any], checks: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Return `verdict` (trust, do_not_trust or not_shown) and a line of advice."""
    failed = [c["name"] for c in checks if c["state"] == "fails"]
    unclear = [c["name"] for c in checks if c["state"] == "open"]
    if failed:
        return {
            "verdict": "do_not_trust",
            "advice": f"Do not rely on it for answers like these ({', '.join(failed)}): read the "
            "disagreements, then change the judge's model, its prompt or the scorer.",
        }
    if unclear:
        return {
            "verdict": "not_shown",
            "advice": f"Not shown either way ({', '.join(unclear)}): {_more(found)}.",
        }
    return {
        "verdict": "trust",
        "advice": "It can be relied on for answers like these: all criteria hold.",
    }


def _more(found: Mapping[str, Any]) -> str:
    """Say how many labels would do if what was measured stays as it is."""
    wanted = [float(FEWEST_LABELS)]
    agreement, flips = found["agreement"], found["flips"]
    if flips["draws"] < 2:
        return "ask for at least 2 draws"
    for given, least in (
        (agreement["share"], LEAST_AGREEMENT),
        (1 - (flips["changed"]["share"] or 0.0), 1 - most_changed(flips["draws"])),
    ):
        wanted.append(_enough(given, least))
    most = max(wanted)
    if most <= found["labels"]:
        return "label more answers, right and wrong ones"
    if most == float("inf"):
        return "label more answers; at what was measured no number of labels would show it"
    return f"label about {most - found['labels']:.0f} more; at what was measured they would show it"


def _enough(given: float | None, least: float) -> float:
    if given is None or given <= least:
        return float("inf")
    for n in range(FEWEST_LABELS, 3000, 10):
        if share(int(given * n), n)["interval"][0] >= least:
            return float(n)
    return float("inf")
