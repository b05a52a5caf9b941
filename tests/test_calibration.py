"""Is a confidence kept, and how sure is a figure? By hand, by the book, by what must hold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evals.benchmarks.calibration import brier, calibration_error, reliability, risk
from evals.benchmarks.intervals import bootstrap, mean, quantile, share

# confidence -----------------------------------------------------------------------------

CHANCES = st.lists(
    st.tuples(st.one_of(st.none(), st.floats(0, 1)), st.booleans()), min_size=1, max_size=40
)


@settings(max_examples=30, deadline=None)  # a bootstrap each
@given(st.lists(st.booleans(), min_size=1, max_size=30))
def test_perfect_confidence_has_neither_distance_nor_calibration_error(right: list[bool]) -> None:
    """1 where right and 0 where wrong; turned round, both are 1."""
    sure: list[float | None] = [float(r) for r in right]
    assert brier(sure, right).value == calibration_error(sure, right).value == 0
    upside: list[float | None] = [float(not r) for r in right]
    assert brier(upside, right).value == calibration_error(upside, right).value == 1


@settings(max_examples=30, deadline=None)
@given(CHANCES)
def test_calibration_figures_are_shares(cases: list[tuple[float | None, bool]]) -> None:
    """In 0..1 with their intervals round them; the error is at most the root of the score; at
    full coverage the risk is the share wrong."""
    confidences, right = [c for c, _ in cases], [r for _, r in cases]
    known = sum(c is not None for c in confidences)
    score, error = brier(confidences, right), calibration_error(confidences, right)
    assert score.n == error.n == known
    whole = risk(confidences, right, 1.0)
    if not known:
        assert score.value is error.value is whole.value is None
        return
    assert score.value is not None
    assert error.value is not None
    assert 0 <= error.value <= score.value**0.5 + 1e-9 <= 1 + 1e-9
    assert whole.value == pytest.approx(sum(not r for r in right) / len(right))
    assert sum(one.n for one in reliability(confidences, right)) == known


def test_calibration_error_by_hand() -> None:
    """Two bins of two: 0.9 said and half right, 0.2 said and none right: (0.4 + 0.2) / 2."""
    confidences, right = [0.9, 0.9, 0.2, 0.2], [True, False, False, False]
    assert calibration_error(confidences, right).value == pytest.approx(0.3)
    low, high = reliability(confidences, right)
    assert (low.low, low.n, low.right) == (0.2, 2, 0)
    assert high.confidence == pytest.approx(0.9)
    assert high.right == 0.5


def test_risk_falls_with_coverage_when_confidence_tells() -> None:
    """The surest half has no error; ties at the edge count by the share that is covered; what
    has no confidence comes last."""
    confidences = [0.9, 0.9, 0.5, 0.5, 0.5, 0.5, None, None]
    right = [True, True, True, True, False, False, False, False]
    assert risk(confidences, right, 0.25).value == 0
    assert risk(confidences, right, 0.5).value == pytest.approx((2 * 0.5) / 4)
    assert risk(confidences, right, 1.0).value == pytest.approx(0.5)
    assert risk([None] * 4, [True] * 4, 0.5).value is None


@given(CHANCES, st.randoms(use_true_random=False))
def test_risk_does_not_depend_on_the_order_of_the_cases(
    cases: list[tuple[float | None, bool]], random: Any
) -> None:
    """Ties included."""
    shuffled = list(cases)
    random.shuffle(shuffled)
    for coverage in (0.5, 0.8):
        one, other = (
            risk([c for c, _ in listed], [r for _, r in listed], coverage).value
            for listed in (cases, shuffled)
        )
        assert one == (None if other is None else pytest.approx(other))


# intervals ------------------------------------------------------------------------------


@given(st.lists(st.booleans(), min_size=1, max_size=60))
def test_wilson_holds_the_share_and_stays_a_share(flags: list[bool]) -> None:
    """Also where all cases are alike: ten of ten is no proof of certainty."""
    found = share(flags)
    assert found.low is not None
    assert found.high is not None
    assert found.value is not None
    assert 0 <= found.low <= found.value <= found.high <= 1
    assert found.high - found.low > 0


def test_wilson_by_the_book() -> None:
    """9 of 10: 0.596 to 0.982 (scipy's own Wilson); nothing measured has no interval."""
    from scipy.stats import binomtest

    book = binomtest(9, 10).proportion_ci(method="wilson")
    found = share([True] * 9 + [False])
    assert found.low == pytest.approx(book.low)
    assert found.high == pytest.approx(book.high)
    assert share([]).value is None
    assert share([]).bounds is None
    with pytest.raises(ValueError, match="outside"):
        share([0.5, 1.5])


def test_wilson_covers_about_as_often_as_it_says() -> None:
    """Of 2,000 samples of 40 with chance 0.9 at least 92% have it inside."""
    rng = np.random.default_rng(1)
    inside = 0
    for sample in rng.random((2000, 40)) < 0.9:
        found = share(sample.tolist())
        assert found.low is not None
        assert found.high is not None
        inside += found.low <= 0.9 <= found.high
    assert 0.92 <= inside / 2000 <= 0.99


def test_quantiles_are_values_that_occurred() -> None:
    """The median of four is the second; the 95th percentile of few has no upper bound."""
    assert quantile([4, 1, 3, 2], 0.5).value == 2
    few = quantile(list(range(1, 11)), 0.95)
    assert (few.value, few.high) == (10, None)
    many = quantile(list(range(1, 1001)), 0.5)
    assert many.value == 500
    assert many.low == pytest.approx(469, abs=2)
    assert many.high == pytest.approx(532, abs=2)
    assert quantile([], 0.5).value is None


@given(st.lists(st.integers(0, 50), min_size=1, max_size=50), st.sampled_from([0.5, 0.95]))
def test_a_quantile_lies_where_it_says(values: Sequence[int], level: float) -> None:
    """At least that share does not exceed it, and less lies below it; its bounds hold it."""
    found = quantile(values, level)
    assert found.value is not None
    assert found.value in values
    assert sum(v <= found.value for v in values) >= level * len(values) - 1e-9
    assert sum(v < found.value for v in values) < level * len(values) + 1e-9
    assert found.low is None or found.low <= found.value
    assert found.high is None or found.high >= found.value


def test_means_and_bootstraps_agree_on_a_mean() -> None:
    """Student's interval and the bootstrap's of the same mean are about as wide."""
    values = np.random.default_rng(0).normal(5, 2, 400)
    by_t, drawn = mean(values.tolist()), bootstrap(400, lambda at: float(values[at].mean()))
    assert by_t.value == pytest.approx(drawn.value)
    assert by_t.low is not None
    assert drawn.low is not None
    assert by_t.low == pytest.approx(drawn.low, abs=0.05)
