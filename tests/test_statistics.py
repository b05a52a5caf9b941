"""Exact tests agree with brute force and keep their level; intervals and power behave."""

from __future__ import annotations

import itertools
import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.statistics import (
    holm,
    mcnemar_p,
    paired_interval,
    power,
    sign_flip_p,
    smallest_gain,
    t_interval,
)


def enumerated(differences: list[int]) -> float:
    observed = sum(differences)
    flips = list(itertools.product((1, -1), repeat=len(differences)))
    hits = sum(
        sum(s * d for s, d in zip(signs, differences, strict=True)) >= observed for signs in flips
    )
    return hits / len(flips)


@given(st.lists(st.integers(-9, 9), min_size=1, max_size=9))
def test_sign_flip_equals_enumeration(differences: list[int]) -> None:
    """Dynamic programming gives exactly what trying all signs gives."""
    assert sign_flip_p(differences) == enumerated(differences)


@given(st.lists(st.integers(-9, 9), max_size=9))
def test_sign_flip_does_not_depend_on_order(differences: list[int]) -> None:
    """Conversations are exchangeable: their order does not matter."""
    assert sign_flip_p(differences) == sign_flip_p(sorted(differences))


def test_sign_flip_is_exact_for_many_conversations() -> None:
    """Sixty conversations that all improve give exactly 2^-60."""
    assert sign_flip_p([200] * 60) == 2.0**-60
    assert sign_flip_p(list(range(1, 61))) == 2.0**-60


def test_sign_flip_of_nothing_is_one() -> None:
    """No conversation, or no difference, is no evidence."""
    assert sign_flip_p([]) == 1
    assert sign_flip_p([0, 0, 0]) == 1


@given(st.integers(0, 60), st.integers(0, 60))
def test_mcnemar_is_the_binomial_tail(better: int, worse: int) -> None:
    """The p-value is the upper tail of a fair binomial over the discordant pairs."""
    n = better + worse
    tail = sum(math.comb(n, k) for k in range(better, n + 1))
    assert mcnemar_p(better, worse) == tail / 2**n


def test_mcnemar_takes_large_counts_and_no_negative_ones() -> None:
    """Thousands of discordant pairs are exact too."""
    assert 0.49 < mcnemar_p(5000, 5000) < 0.51
    assert mcnemar_p(0, 0) == 1
    with pytest.raises(ValueError, match="negative"):
        mcnemar_p(-1, 2)


def test_sign_flip_keeps_its_level_where_questions_cluster() -> None:
    """Without a true gain it promotes in at most 5%, though conversations sway together.

    McNemar on the pooled questions, which ignores the clusters, does not: the planted
    violation that shows why the conversation is the unit.
    """
    rng = random.Random(1)
    runs, false_sign_flip, false_mcnemar = 1000, 0, 0
    for _ in range(runs):
        differences, better, worse = [], 0, 0
        for _ in range(10):
            lean = min(max(rng.gauss(0.5, 0.2), 0.0), 1.0)  # one mood for the conversation
            up = sum(rng.random() < lean for _ in range(20))
            differences.append(up - (20 - up))
            better, worse = better + up, worse + 20 - up
        false_sign_flip += sign_flip_p(differences) <= 0.05
        false_mcnemar += mcnemar_p(better, worse) <= 0.05
    noise = 3 * math.sqrt(0.05 * 0.95 / runs)
    assert false_sign_flip / runs <= 0.05 + noise
    assert false_mcnemar / runs > 0.10


def test_mcnemar_keeps_its_level_where_questions_are_independent() -> None:
    """Without a true gain and without clusters it promotes in at most 5%."""
    rng = random.Random(2)
    runs, false = 2000, 0
    for _ in range(runs):
        better = sum(rng.random() < 0.5 for _ in range(40))
        false += mcnemar_p(better, 40 - better) <= 0.05
    assert false / runs <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / runs)


def test_holm_follows_its_worked_example() -> None:
    """0.01, 0.04, 0.03, 0.005 adjust to 0.03, 0.06, 0.06, 0.02."""
    adjusted = holm({"a": 0.01, "b": 0.04, "c": 0.03, "d": 0.005})
    assert adjusted == pytest.approx({"a": 0.03, "b": 0.06, "c": 0.06, "d": 0.02})
    assert holm({}) == {}


@given(st.dictionaries(st.integers(), st.floats(0, 1), max_size=8))
def test_holm_never_lowers_a_p_value_and_keeps_their_order(p_values: dict[int, float]) -> None:
    """Adjusted values lie between p and min(1, m p), in the same order."""
    adjusted = holm(p_values)
    for key, p in p_values.items():
        assert p <= adjusted[key] <= min(1.0, len(p_values) * p)
    ranked = [adjusted[key] for key in sorted(p_values, key=p_values.__getitem__)]
    assert ranked == sorted(ranked)


def test_t_interval_of_a_known_sample() -> None:
    """1, 2, 3: mean 2, half-width t(0.975, 2) / sqrt(3) = 4.3027 / 1.7321."""
    interval = t_interval([1, 2, 3])
    assert (interval.mean, interval.n) == (2, 3)
    assert interval.high == pytest.approx(2 + 4.302653 / math.sqrt(3), abs=1e-5)
    assert interval.low == pytest.approx(2 - 4.302653 / math.sqrt(3), abs=1e-5)


def test_too_few_conversations_have_no_interval() -> None:
    """One value has a mean only, none has not even that."""
    one, none = t_interval([0.5]), t_interval([])
    assert (one.mean, one.low, one.high, one.n) == (0.5, None, None, 1)
    assert (none.mean, none.low, none.high, none.n) == (None, None, None, 0)


def test_paired_interval_is_over_shared_conversations() -> None:
    """Only conversations that both sides have enter, as differences."""
    interval = paired_interval({"a": 0.1, "b": 0.2, "x": 0.9}, {"a": 0.3, "b": 0.4, "y": 0.0})
    assert interval.n == 2
    assert interval.mean == pytest.approx(0.2)


def test_power_grows_with_gain_and_conversations() -> None:
    """A larger gain or more conversations is found more often; no gain at most at alpha."""
    few = power(0.1, [18] * 8, 0.01, "population")
    many = power(0.1, [18] * 24, 0.01, "population")
    assert few < many
    assert many < power(0.2, [18] * 24, 0.01, "population")
    assert power(0.0, [18] * 24, 0.05, "population") <= 0.05 + 0.03
    assert power(0.1, [], 0.05, "population") == 0
    with pytest.raises(ValueError, match="shares"):
        power(1.5, [18], 0.05, "population")


def test_the_smallest_gain_is_found_at_the_asked_power() -> None:
    """At the returned gain the power is reached, one step below it is not."""
    gain = smallest_gain([18] * 12, 0.01, "population")
    assert gain is not None
    assert power(gain, [18] * 12, 0.01, "population") >= 0.8
    assert power(gain - 0.005, [18] * 12, 0.01, "population") < 0.8


def test_no_gain_is_detectable_with_too_few_conversations() -> None:
    """Three conversations cannot reach 0.01 by sign flips, their questions can."""
    assert smallest_gain([200] * 3, 0.01, "population") is None
    assert smallest_gain([200] * 3, 0.01, "these_conversations") is not None
