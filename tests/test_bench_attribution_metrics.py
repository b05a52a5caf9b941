"""How right an attribution is, by hand-counted examples and by what must hold of any."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evals.benchmarks.attribution import figures, hard_sub_types, matrix, summary
from evals.benchmarks.attribution_metrics import Outcome, best_f1, outcome, set_f1
from evals.benchmarks.calibration import brier, calibration_error, reliability, risk
from evals.benchmarks.intervals import bootstrap, mean, quantile, share
from tests.fault_case_fixture import MISSED, STALE, Abstains, Names, case, scored

# one attribution ------------------------------------------------------------------------


def test_the_planted_operation_named_with_its_type_is_right() -> None:
    """Operation and type right; another operation, another type, and more than the planted one
    are each wrong in what they are wrong in."""
    made = case(STALE)
    hit = scored(Names(("update",), "UpdateError"), made)
    assert (hit.right, hit.type_right, hit.f1, hit.cells) == (
        True, True, 1.0, ("update/UpdateError/stale",),
    )  # fmt: skip
    other = scored(Names(("retrieval",), "UpdateError"), made)
    assert (other.right, other.type_right, other.f1) == (False, True, 0.0)
    more = scored(Names(("update", "retrieval"), "RetrievalError"), made)
    assert (more.right, more.type_right) == (False, False)
    assert more.f1 == pytest.approx(2 / 3)


def test_an_abstention_is_wrong_and_counted_apart() -> None:
    """It names nothing, so that neither operation nor type is right."""
    found = scored(Abstains(), case(STALE))
    assert found.abstained
    assert (found.right, found.type_right, found.f1) == (False, False, 0.0)


def test_of_tied_truths_the_nearest_counts() -> None:
    """Where un-planting either of two faults restores the answer, naming one is exact."""
    made = case(STALE, MISSED, group="pair", truths=[("update",), ("retrieval",)])
    one = scored(Names(("retrieval",), "RetrievalError"), made)
    assert (one.right, one.f1, one.type_right) == (True, 1.0, True)
    both = scored(Names(("update", "retrieval"), "UpdateError"), made)
    assert both.right is False
    assert both.f1 == pytest.approx(2 / 3)


def test_the_type_of_a_pair_is_that_of_a_fault_that_is_named() -> None:
    """Naming the update with the other fault's type is no right type."""
    made = case(STALE, MISSED, group="pair")
    assert scored(Names(("update",), "UpdateError"), made).type_right
    assert not scored(Names(("update",), "RetrievalError"), made).type_right
    assert scored(Names(("extraction",), "RetrievalError"), made).type_right


@pytest.mark.parametrize(
    ("group", "error_type"), [("wrong_gold", "AnnotationError"), ("judge_flip", "JudgeError")]
)
def test_where_memory_is_not_to_blame_naming_an_operation_is_blame(
    group: Any, error_type: str
) -> None:
    """Saying whose fault it is is right, an abstention says nothing, an operation of the memory
    is blame; the response is no part of the memory, but named it is wrong, too."""
    made = case(group=group, harmless=STALE)
    told = scored(Names((), error_type), made)
    assert (told.right, told.type_right, told.memory) == (True, True, False)
    silent = scored(Abstains(), made)
    assert (silent.right, silent.type_right, silent.memory) == (False, False, False)
    blamed = scored(Names(("retrieval",), error_type), made)
    assert (blamed.right, blamed.memory, blamed.harmless) == (False, True, False)
    response = scored(Names(("response",), "ResponseError"), made)
    assert (response.right, response.memory, response.named) == (False, False, 1)


def test_an_operation_that_nobody_recorded_counts_as_blame_on_memory() -> None:
    """A method cannot name its way out of the measure."""
    made = case(group="wrong_gold")
    found = Names(("update",))(made.failure, made.graph)
    strange = outcome(
        made, type(found)(**{**found.to_json(), "operations": ("nowhere",)}), 0, 0, 0.0
    )
    assert strange.memory


def test_an_outcome_survives_json() -> None:
    """What a record holds is what was measured."""
    found = scored(Names(("update",), "UpdateError", 0.75), case(STALE))
    assert Outcome.from_json(found.to_json()) == found


SETS = st.sets(st.sampled_from("abcdef"))


@given(SETS, SETS)
def test_set_f1_is_a_share_and_1_for_equal_sets_only(named: set[str], truth: set[str]) -> None:
    """In 0..1, the same both ways, 1 exactly for equal sets, 0 exactly for disjoint ones."""
    found = set_f1(named, truth)
    assert 0 <= found <= 1
    assert found == set_f1(truth, named)
    assert (found == 1) == (named == truth)
    assert (found == 0) == (named != truth and not named & truth)


@given(SETS, st.lists(SETS, max_size=4))
def test_the_best_f1_is_that_of_one_of_the_truths(named: set[str], truths: list[set[str]]) -> None:
    """A truth more never makes it worse, and 1 means that one is hit."""
    found = best_f1(named, truths)
    assert found <= best_f1(named, [*truths, {"a"}])
    assert (found == 1) == (named in truths)


# many of them ---------------------------------------------------------------------------


def answers(right: int, of: int, **changes: Any) -> list[Outcome]:
    """`right` right and the rest wrong outcomes of single stale faults."""
    good = scored(Names(("update",), "UpdateError"), case(STALE))
    bad = scored(Names(("retrieval",), "RetrievalError"), case(STALE))
    listed = [good] * right + [bad] * (of - right)
    return [Outcome(**{**one.to_json(), **changes}) for one in listed]


def test_figures_count_each_group_by_itself() -> None:
    """Hand-counted: 3 of 4 singles, a pair half found, a harmless fault blamed, a wrong label
    put on memory, an abstention."""
    stale = case(STALE)
    pair = case(STALE, MISSED, group="pair")
    beside = case(STALE, group="harmless", harmless=MISSED)
    label = case(group="wrong_gold")
    update = Names(("update",), "UpdateError")
    outcomes = [
        *[scored(update, stale)] * 3,
        scored(Abstains(), stale),
        scored(update, pair),
        scored(Names(("update", "retrieval"), "UpdateError"), beside),
        scored(update, label),
        scored(Names((), "AnnotationError"), label),
    ]
    found = figures(outcomes)
    values = {name: figure.value for name, figure in found.items()}
    assert values["operation_accuracy"] == values["type_accuracy"] == 0.75
    assert values["operation_accuracy_when_named"] == 1
    assert (values["pairs_f1"], values["pairs_exact"]) == (pytest.approx(2 / 3), 0)
    assert (values["blame_on_harmless"], values["harmless_operation_accuracy"]) == (1, 0)
    assert (values["blame_on_memory"], values["blame_on_any_operation"]) == (0.5, 0.5)
    assert values["blameless_type_accuracy"] == 0.5
    assert values["abstained"] == pytest.approx(1 / 6)
    assert values["abstained_single"] == 0.25
    assert (found["abstained"].n, found["operation_accuracy"].n, found["seconds"].n) == (6, 4, 8)


def test_cost_is_median_95th_percentile_and_mean() -> None:
    """Of 20 failures one is dear: the median does not see it, the mean does."""
    dear = answers(1, 1, calls=100, tokens=9000)
    found = figures([*answers(19, 19), *dear])
    values = {name: figure.value for name, figure in found.items()}
    assert (values["calls_median"], values["calls_p95"]) == (3, 3)
    assert values["calls_mean"] == pytest.approx((19 * 3 + 100) / 20)
    assert (values["tokens_median"], values["tokens_mean"]) == (100, 545)


def test_the_hard_sub_types_and_the_matrix_are_of_single_faults() -> None:
    """A stale pair is no stale single; each cell has its own count."""
    pair = scored(Names(("update", "retrieval")), case(STALE, MISSED, group="pair"))
    missed = scored(Names(("retrieval",)), case(MISSED))
    outcomes = [*answers(1, 2), pair, missed]
    hard = hard_sub_types(outcomes)
    assert list(hard) == ["stale", "overwritten", "wrong_time", "hallucination"]
    stale = hard["stale"]
    assert (stale["operation_accuracy"].value, stale["operation_accuracy"].n) == (0.5, 2)
    assert stale["type_accuracy"].value == 0.5
    assert hard["wrong_time"]["operation_accuracy"].n == 0
    cells = {name: (figure.value, figure.n) for name, figure in matrix(outcomes).items()}
    assert cells == {
        "update/UpdateError/stale": (0.5, 2),
        "retrieval/RetrievalError/missed": (1, 1),
        "pair update + retrieval": (1, 1),
    }


def test_a_summary_has_the_promised_names_and_counts_what_broke() -> None:
    """The names that `--json` ends with; a method's own error is an abstention and is told."""
    broke = scored(Abstains("internal_error: KeyError: 'x'"), case(STALE))
    found = summary([*answers(1, 1), broke])
    promised = {"operation_accuracy", "type_accuracy", "pairs_f1", "abstained", "brier", "calls",
                "tokens"}  # fmt: skip
    assert promised | {"interval"} <= set(found)
    assert set(found["interval"]) == promised
    assert (found["broke"], found["without_confidence"], found["cases"]) == (1, 2, 2)
    assert found["brier"] is None
    assert found["pairs_f1"] is None


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
