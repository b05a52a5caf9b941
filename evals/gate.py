"""The gate: may a candidate replace the incumbent?

Both answered the same questions of the selection split; the binary verdicts decide,
one-sided, with the conversation as the unit of inference where there are enough of
them. A run that declares R rounds tests each at 0.05 / R, so a run without any real
improvement promotes something in at most 5% of runs. Of a record, the optimizer is told
`accepted` and nothing else.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from evals.report.wording import CLAIMS
from evals.spending import ALPHA, Spending, conversations_needed
from evals.statistics import Mode, holm, mcnemar_p, sign_flip_p

MISSING_SHARE = 0.02
UNBALANCED_SHARE = 0.01
VETO_PAIRS = 20

# conversation id -> question id -> (verdict, None where a provider failed; category)
Verdicts = Mapping[str, Mapping[str, tuple[bool | None, str]]]
Decision = Literal["accepted", "rejected", "inconclusive"]


@dataclass(frozen=True, slots=True)
class GateRecord:
    """One decision and all that it rests on; JSON-native through `to_json`.

    `p_value` is the test that decides in this mode (sign-flip over conversations, or
    McNemar over questions), `p_other` the other one. `gain` is the difference in the
    share of right answers over the `n` paired questions. `missing` counts questions
    without a verdict on either side. p-values and gain are None when inconclusive
    before any test.
    """

    mode: Mode
    decision: Decision
    reason: str
    claim: str
    alpha: float
    minimum_gain: float
    p_value: float | None = None
    p_other: float | None = None
    gain: float | None = None
    n: int = 0
    conversations: int = 0
    better: int = 0
    worse: int = 0
    missing: int = 0
    vetoed: tuple[str, ...] = ()

    @property
    def accepted(self) -> bool:
        """The one bit that the optimizer may learn."""
        return self.decision == "accepted"

    def to_json(self) -> dict[str, Any]:
        """Return JSON-native values."""
        return {**asdict(self), "vetoed": list(self.vetoed)}

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> GateRecord:
        """Read what `to_json` wrote."""
        return cls(**{**record, "vetoed": tuple(record["vetoed"])})


def decide(
    incumbent: Verdicts,
    candidate: Verdicts,
    *,
    mode: Mode,
    spending: Spending,
    minimum_gain: float = 0.0,
) -> GateRecord:
    """Compare both on the questions that either answered, and return the decision.

    Accepted: p <= alpha_t, gain at least `minimum_gain` (a share) and above 0, no
    category that got worse. Inconclusive, and the incumbent stays: no questions, over 2%
    without a verdict, missing verdicts of the two sides that differ by more than 1% of
    the questions (and by more than one), or too few conversations for the mode. The
    caller counts the round as spent with the record, whatever it says.
    Raises SettingsError when no round is left.
    """
    spending.check(1)
    pairs, lost = _pair(incumbent, candidate)
    asked = sum(len(questions) for questions in pairs.values()) + len(lost)
    base = GateRecord(
        mode, "inconclusive", "", CLAIMS[mode], spending.alpha, minimum_gain, missing=len(lost)
    )
    doubt = _doubt(asked, lost, sum(map(bool, pairs.values())), mode, spending.alpha)
    if doubt is not None:
        return replace(base, reason=doubt)

    differences = [sum(new - old for old, new, _ in rows) for rows in pairs.values() if rows]
    rows = [row for listed in pairs.values() for row in listed]
    better, worse = _discordant(rows)
    sign_flip, mcnemar = sign_flip_p(differences), mcnemar_p(better, worse)
    p, other = (sign_flip, mcnemar) if mode == "population" else (mcnemar, sign_flip)
    gain = (better - worse) / len(rows)
    vetoed = _worse_categories(rows)
    decision: Decision = "rejected"
    if p > spending.alpha:
        reason = f"p = {p:.4g} is above alpha = {spending.alpha:.4g}"
    elif gain <= 0 or (gain < minimum_gain and not math.isclose(gain, minimum_gain)):
        reason = f"gain {gain:+.4f} is below the minimum of {minimum_gain:.4f}"
    elif vetoed:
        reason = f"got worse in category {', '.join(vetoed)}"
    else:
        decision, reason = "accepted", f"gain {gain:+.4f}, p = {p:.4g} <= {spending.alpha:.4g}"
    return replace(
        base,
        decision=decision,
        reason=reason,
        p_value=p,
        p_other=other,
        gain=gain,
        n=len(rows),
        conversations=len(differences),
        better=better,
        worse=worse,
        vetoed=vetoed,
    )


_Row = tuple[bool, bool, str]  # incumbent right, candidate right, category


def _pair(
    incumbent: Verdicts, candidate: Verdicts
) -> tuple[dict[str, list[_Row]], list[tuple[bool, bool]]]:
    """Return the paired verdicts by conversation, and which side lacks each other one."""
    pairs: dict[str, list[_Row]] = {}
    lost: list[tuple[bool, bool]] = []
    for conversation in sorted({*incumbent, *candidate}):
        before, after = incumbent.get(conversation, {}), candidate.get(conversation, {})
        rows = pairs.setdefault(conversation, [])
        for question in sorted({*before, *after}):
            old, category = before.get(question, (None, ""))
            new, _ = after.get(question, (None, ""))
            if old is None or new is None:
                lost.append((old is None, new is None))
            else:
                rows.append((old, new, category))
    return pairs, lost


def _doubt(
    asked: int, lost: list[tuple[bool, bool]], conversations: int, mode: Mode, alpha: float
) -> str | None:
    """Return why no test can be made, or None."""
    if asked == 0:
        return "no questions were answered"
    if len(lost) > MISSING_SHARE * asked:
        return f"{len(lost)} of {asked} questions lack a verdict, more than {MISSING_SHARE:.0%}"
    old, new = sum(o for o, _ in lost), sum(n for _, n in lost)
    if abs(old - new) > max(1, UNBALANCED_SHARE * asked):
        return f"missing verdicts are unbalanced: incumbent {old}, candidate {new} of {asked}"
    needed = conversations_needed(alpha)
    if mode == "population" and conversations < needed:
        return f"{conversations} conversations have verdicts, the test needs {needed}"
    return None


def _discordant(rows: list[_Row]) -> tuple[int, int]:
    better = sum(new and not old for old, new, _ in rows)
    worse = sum(old and not new for old, new, _ in rows)
    return better, worse


def _worse_categories(rows: list[_Row]) -> tuple[str, ...]:
    by_category: dict[str, list[_Row]] = defaultdict(list)
    for row in rows:
        by_category[row[2]].append(row)
    p_values = {}
    for category, listed in by_category.items():
        if len(listed) >= VETO_PAIRS:
            better, worse = _discordant(listed)
            p_values[category] = mcnemar_p(worse, better)
    return tuple(sorted(c for c, p in holm(p_values).items() if p <= ALPHA))
