"""How right an attribution is, by hand-counted examples and by what must hold of any."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.benchmarks.attribution import figures, hard_sub_types, matrix, summary
from evals.benchmarks.attribution_metrics import Outcome, best_f1, outcome, set_f1
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
    assert values["pairs_f1"] == pytest.approx(2 / 3)
    assert values["pairs_exact"] == 0
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
    assert (values["tokens_median"], values["tokens_mean"]) == (1000, 1400)


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
