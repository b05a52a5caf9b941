"""Does a confidence of 0.9 mean right nine times in ten? Pure functions.

Everywhere `confidences` (0..1, or None where a method gave none) and `right` (whether it was)
have one value a case.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evals.benchmarks.intervals import NOTHING, Figure, bootstrap, share

BINS = 10
COVERAGES = (0.5, 0.8, 0.9, 1.0)


@dataclass(frozen=True, slots=True)
class Bin:
    """Cases with a confidence in [low, high): how many, their mean confidence, share right."""

    low: float
    high: float
    n: int
    confidence: float
    right: float


def given(
    confidences: Sequence[float | None], right: Sequence[bool]
) -> tuple[np.ndarray, np.ndarray]:
    """Return confidences and outcomes (0 or 1), each of shape (n,), where there is one."""
    pairs = [(c, r) for c, r in zip(confidences, right, strict=True) if c is not None]
    return np.array([c for c, _ in pairs], float), np.array([r for _, r in pairs], float)


def brier(confidences: Sequence[float | None], right: Sequence[bool]) -> Figure:
    """Return the mean squared distance of confidence and outcome, 0 to 1 (Brier, 1950)."""
    chances, outcomes = given(confidences, right)
    return share(((chances - outcomes) ** 2).tolist())


def calibration_error(confidences: Sequence[float | None], right: Sequence[bool]) -> Figure:
    """Return the expected calibration error, 0 to 1: the distance of mean confidence and share
    right in ten equal bins, weighted by their cases (Naeini, Cooper, Hauskrecht, 2015).

    Chance alone keeps it above 0 with few cases. The interval is a bootstrap's.
    """
    chances, outcomes = given(confidences, right)
    if not len(chances):
        return NOTHING
    places = _bins(chances)
    gaps = chances - outcomes

    def error(cases: np.ndarray) -> float:
        sums = np.bincount(places[cases], weights=gaps[cases], minlength=BINS)
        return float(np.abs(sums).sum() / len(cases))

    return bootstrap(len(chances), error)


def reliability(confidences: Sequence[float | None], right: Sequence[bool]) -> list[Bin]:
    """Return the bins that hold a case, from the least confidence up."""
    chances, outcomes = given(confidences, right)
    places = _bins(chances)
    return [
        Bin(
            place / BINS, (place + 1) / BINS, int((places == place).sum()),
            float(chances[places == place].mean()), float(outcomes[places == place].mean()),
        )
        for place in range(BINS) if (places == place).any()
    ]  # fmt: skip


def risk(confidences: Sequence[float | None], right: Sequence[bool], coverage: float) -> Figure:
    """Return the share wrong among the `coverage` (0..1) most confident cases.

    Cases without a confidence come last. Of cases that tie at the edge, each counts by the
    share of them that is covered. Nothing where no case has a confidence.
    """
    if all(c is None for c in confidences):
        return NOTHING
    ranked = sorted(
        (-1.0 if c is None else c, not r) for c, r in zip(confidences, right, strict=True)
    )
    chances = np.array([c for c, _ in ranked])
    wrong = np.array([w for _, w in ranked], float)
    covered = max(math.ceil(coverage * len(ranked) - 1e-9), 1)
    edge = chances[len(ranked) - covered]
    above, tied = chances > edge, chances == edge
    errors = wrong[above].sum() + (covered - above.sum()) * wrong[tied].mean()
    found = min(float(errors) / covered, 1.0)
    return share([found] * covered)


def _bins(chances: np.ndarray) -> np.ndarray:
    places: np.ndarray = np.minimum((chances * BINS).astype(int), BINS - 1)
    return places
