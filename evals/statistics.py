"""Exact paired tests, multiple testing, intervals and power. Pure functions.

All tests are one-sided: their null hypothesis is that the candidate is no better.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

import numpy as np

Mode = Literal["population", "these_conversations"]
Key = TypeVar("Key", bound=Hashable)


def sign_flip_p(differences: Sequence[int]) -> float:
    """Return P(sum of +-d >= observed sum) with all 2^K signs equally likely.

    `differences`, shape (K,), are the conversations' summed differences (candidate
    minus incumbent, in questions). Exact: the distribution of the sum is built by
    dynamic programming over integer sums in whole numbers, O(K * sum|d|), so K is not
    limited by 2^K. 1.0 when nothing differs. Fisher's randomisation test (1935).
    """
    sizes = [abs(int(d)) for d in differences if d]
    if not sizes:
        return 1.0
    reach = sum(sizes)
    # counts[t] = number of subsets of flipped-positive sizes whose sum is t; the signed
    # sum is 2 t - reach. Python integers: 2^60 does not fit a float.
    counts = np.zeros(reach + 1, dtype=object)
    counts[0] = 1
    for size in sizes:
        counts[size:] = counts[size:] + counts[:-size]
    least = -(-(reach + sum(int(d) for d in differences)) // 2)
    return int(counts[least:].sum()) / int(2 ** len(sizes))


def mcnemar_p(better: int, worse: int) -> float:
    """Return P(X >= better), X binomial over the discordant pairs with chance 1/2.

    `better` and `worse` count the questions that only the candidate, only the
    incumbent, got right. Exact; 1.0 when there are none. McNemar (1947), exact form.
    """
    if better < 0 or worse < 0:
        raise ValueError(f"counts must not be negative, got {better} and {worse}")
    pairs = better + worse
    term = tail = math.comb(pairs, better)
    for k in range(better, pairs):
        term = term * (pairs - k) // (k + 1)
        tail += term
    return int(tail) / int(2**pairs)


def holm(p_values: Mapping[Key, float]) -> dict[Key, float]:
    """Return Holm's (1979) adjusted p-values, in 0..1, by the same keys."""
    adjusted: dict[Key, float] = {}
    highest = 0.0
    ranked = sorted(p_values.items(), key=lambda item: item[1])
    for rank, (key, p) in enumerate(ranked):
        highest = max(highest, min(1.0, (len(ranked) - rank) * p))
        adjusted[key] = highest
    return adjusted


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean over `n` conversations and its confidence bounds.

    `mean` is None without values; `low` and `high` are None for fewer than two.
    """

    mean: float | None
    low: float | None
    high: float | None
    n: int


def t_interval(values: Iterable[float], confidence: float = 0.95) -> Interval:
    """Return Student's t interval for the mean of `values`, one a conversation."""
    listed = [float(value) for value in values]
    n = len(listed)
    if n < 2:
        return Interval(listed[0] if listed else None, None, None, n)
    from scipy.stats import t

    mean = math.fsum(listed) / n
    variance = math.fsum((value - mean) ** 2 for value in listed) / (n - 1)
    half = float(t.ppf((1 + confidence) / 2, n - 1)) * math.sqrt(variance / n)
    return Interval(mean, mean - half, mean + half, n)


def paired_interval(
    before: Mapping[str, float], after: Mapping[str, float], confidence: float = 0.95
) -> Interval:
    """Return the t interval of after - before over the conversations that both have."""
    shared = [key for key in before if key in after]
    return t_interval((after[key] - before[key] for key in shared), confidence)


def power(
    gain: float,
    questions: Sequence[int],
    alpha: float,
    mode: Mode,
    discordance: float = 0.2,
    draws: int = 400,
    seed: int = 0,
) -> float:
    """Return the estimated chance (0..1) that the gate's test finds a true gain.

    Simulated `draws` times: each of a conversation's `questions` turns from wrong to
    right with chance (d + gain) / 2 and from right to wrong with (d - gain) / 2, where
    d is `discordance` or `gain`, the larger. Questions are independent and the gain is
    the same in all conversations, so real power is rather lower. Deterministic for a
    seed; the standard error is at most 0.5 / sqrt(draws).
    """
    if not 0 <= gain <= 1 or not 0 <= discordance <= 1:
        raise ValueError(f"gain and discordance are shares in 0..1, got {gain}, {discordance}")
    moved = max(discordance, gain)
    chances = [(moved + gain) / 2, (moved - gain) / 2, 1 - moved]
    rng = np.random.default_rng(seed)
    # Shape (K, draws, 3): better, worse, same.
    outcomes = np.array([rng.multinomial(n, chances, size=draws) for n in questions])
    if not len(outcomes):
        return 0.0
    found = 0
    for draw in range(draws):
        better, worse = outcomes[:, draw, 0], outcomes[:, draw, 1]
        if mode == "population":
            p = sign_flip_p((better - worse).tolist())
        else:
            p = mcnemar_p(int(better.sum()), int(worse.sum()))
        found += p <= alpha
    return found / draws


def smallest_gain(
    questions: Sequence[int],
    alpha: float,
    mode: Mode,
    discordance: float = 0.2,
    target: float = 0.8,
    draws: int = 400,
    seed: int = 0,
) -> float | None:
    """Return the smallest true gain (a share, in steps of 0.005) found at `target` power.

    Bisection over `power`, whose arguments these are. None when even a gain of 1 is not
    found so often: the data cannot pass the gate.
    """
    low, high = 0, 200

    def enough(step: int) -> bool:
        return power(step / 200, questions, alpha, mode, discordance, draws, seed) >= target

    if not enough(high):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high / 200
