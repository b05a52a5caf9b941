"""Measured figures with their 95% intervals: shares, means, quantiles. Pure functions.

All of them take the values as independent. Several faults planted in one conversation are
not quite, so that the intervals are rather too narrow.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from evals.statistics import t_interval

_Z = 1.959963984540054  # two-sided 95%


@dataclass(frozen=True, slots=True)
class Figure:
    """A value over `n` cases with its bounds. None: nothing to measure it on; a bound that
    the cases are too few for."""

    value: float | None
    low: float | None
    high: float | None
    n: int

    def to_json(self) -> dict[str, Any]:
        """Return JSON-native values."""
        return {"value": self.value, "interval": self.bounds, "n": self.n}

    @property
    def bounds(self) -> list[float | None] | None:
        """The interval, or None where there is none."""
        return None if self.low is None and self.high is None else [self.low, self.high]


NOTHING = Figure(None, None, None, 0)


def share(values: Iterable[float]) -> Figure:
    """Return the mean of values in 0..1 (flags among them) with Wilson's score interval.

    For flags it is Wilson (1927); other values in 0..1 vary at most as much as flags with the
    same mean, so for them it is rather too wide. It has a width where all values are equal.
    """
    listed = [float(value) for value in values]
    n = len(listed)
    if not n:
        return NOTHING
    if any(not 0 <= value <= 1 for value in listed):
        raise ValueError("values outside 0..1 have no share")
    mean = math.fsum(listed) / n
    middle = mean + _Z**2 / (2 * n)
    half = _Z * math.sqrt(mean * (1 - mean) / n + _Z**2 / (4 * n * n))
    scale = 1 + _Z**2 / n
    # The bounds hold the mean; at its ends arithmetic may miss it by a rounding.
    low, high = max(0.0, (middle - half) / scale), min(1.0, (middle + half) / scale)
    return Figure(mean, min(low, mean), max(high, mean), n)


def mean(values: Iterable[float]) -> Figure:
    """Return the mean of any values with Student's t interval."""
    found = t_interval(values)
    return Figure(found.mean, found.low, found.high, found.n)


def quantile(values: Sequence[float], level: float) -> Figure:
    """Return the smallest value that at least `level` (0..1) of the values do not exceed.

    The interval is that of order statistics, whatever the distribution (David and Nagaraja,
    Order Statistics, 7.1); a bound is None where so few values have none.
    """
    if not values:
        return NOTHING
    from scipy.stats import binom

    ranked, n = sorted(values), len(values)
    place = max(math.ceil(level * n - 1e-9), 1)
    least = int(binom.ppf(0.025, n, level))
    most = int(binom.ppf(0.975, n, level)) + 1
    return Figure(
        ranked[place - 1],
        ranked[least - 1] if least >= 1 else None,
        ranked[most - 1] if most <= n else None,
        n,
    )


def bootstrap(n: int, statistic: Callable[[np.ndarray], float], draws: int = 1000) -> Figure:
    """Return a statistic of `n` cases (it is given their places) with its percentile interval.

    Efron (1979); the draws are the same every time.
    """
    if not n:
        return NOTHING
    rng = np.random.default_rng(0)
    found = [statistic(rng.integers(0, n, n)) for _ in range(draws)]
    low, high = np.quantile(found, [0.025, 0.975])
    return Figure(float(statistic(np.arange(n))), float(low), float(high), n)
