"""The gate accepts what is proven, and nothing else."""

from __future__ import annotations

import json
import math
import random
from typing import Any

import pytest

from evals.gate import CLAIMS, GateRecord, Verdicts, decide
from evals.spending import Spending, choose_mode, conversations_needed
from evals.statistics import Mode, mcnemar_p, sign_flip_p
from traces.errors import SettingsError

Rows = dict[str, dict[str, tuple[bool | None, str]]]
ONE = Spending(1)


def both(
    conversations: int, better: int, worse: int, same: int, category: str = "1"
) -> tuple[Rows, Rows]:
    """Return verdicts in which each conversation has so many changes."""
    plan = [(False, True)] * better + [(True, False)] * worse + [(True, True)] * same
    before: Rows = {}
    after: Rows = {}
    for c in range(conversations):
        before[f"c{c}"] = {f"q{i}": (old, category) for i, (old, _) in enumerate(plan)}
        after[f"c{c}"] = {f"q{i}": (new, category) for i, (_, new) in enumerate(plan)}
    return before, after


def judged(before: Verdicts, after: Verdicts, mode: Mode = "population", **more: Any) -> GateRecord:
    return decide(before, after, **{"mode": mode, "spending": ONE, **more})


def test_a_clear_gain_in_enough_conversations_is_accepted() -> None:
    """Twelve conversations that all improve pass at the level of five rounds."""
    before, after = both(12, better=3, worse=1, same=14)
    record = judged(before, after, spending=Spending(5))
    assert record.accepted
    assert record.decision == "accepted"
    assert record.alpha == pytest.approx(0.01)
    assert record.p_value == sign_flip_p([2] * 12)
    assert record.p_other == mcnemar_p(36, 12)
    assert record.gain == pytest.approx(2 / 18)
    assert (record.n, record.conversations) == (216, 12)
    assert (record.better, record.worse) == (36, 12)


def test_population_decides_by_conversation_not_by_question() -> None:
    """One conversation that improves a lot is no proof, however many its questions."""
    before, after = both(12, better=0, worse=0, same=18)
    for i in range(18):
        before["c0"][f"q{i}"] = (False, "1")
    record = judged(before, after)
    assert record.decision == "rejected"
    assert record.p_value == 0.5
    assert record.p_other is not None
    assert record.p_other < 0.001


def test_few_conversations_decide_by_question_and_claim_nothing_beyond() -> None:
    """The other mode uses McNemar, and its claim says so."""
    before, after = both(2, better=20, worse=4, same=60)
    record = judged(before, after, "these_conversations")
    assert record.accepted
    assert record.p_value == mcnemar_p(40, 8)
    assert record.p_other == sign_flip_p([16, 16])
    assert record.claim == "no claim beyond these conversations"


def test_the_gain_must_reach_the_minimum() -> None:
    """A proven gain below the minimum is rejected; one exactly at it is accepted."""
    before, after = both(12, better=1, worse=0, same=9)
    assert not judged(before, after, minimum_gain=0.11).accepted
    assert "below the minimum" in judged(before, after, minimum_gain=0.11).reason
    assert judged(before, after, minimum_gain=0.1).accepted


def test_no_change_and_worse_are_rejected() -> None:
    """Equal and worse candidates never pass."""
    before, after = both(12, better=0, worse=0, same=10)
    assert judged(before, after).decision == "rejected"
    before, after = both(12, better=0, worse=3, same=10)
    assert judged(before, after).decision == "rejected"


def test_a_category_that_gets_worse_vetoes() -> None:
    """A large gain elsewhere does not buy a proven loss in one category."""
    before, after = both(12, better=8, worse=0, same=10)
    for c in range(12):
        before[f"c{c}"]["t"], after[f"c{c}"]["t"] = (True, "2"), (c > 7, "2")
        before[f"c{c}"]["u"], after[f"c{c}"]["u"] = (True, "2"), (True, "2")
    record = judged(before, after)
    assert record.vetoed == ("2",)
    assert record.decision == "rejected"
    assert "category 2" in record.reason


def test_a_small_category_does_not_veto() -> None:
    """Below 20 paired questions a category is not tested."""
    before, after = both(12, better=8, worse=0, same=10)
    for c in range(12):
        before[f"c{c}"]["t"], after[f"c{c}"]["t"] = (True, "2"), (c > 7, "2")
    assert judged(before, after).accepted


def test_the_veto_is_corrected_for_the_number_of_categories() -> None:
    """Five losses and no win pass at 0.05 alone, and not beside a second category."""
    assert mcnemar_p(5, 0) <= 0.05 < 2 * mcnemar_p(5, 0)
    before, after = both(12, better=0, worse=0, same=2, category="2")
    for c in range(5):
        after[f"c{c}"]["q0"] = (False, "2")
    assert judged(before, after).vetoed == ("2",)
    for c in range(12):
        for i in range(2, 10):
            before[f"c{c}"][f"q{i}"], after[f"c{c}"][f"q{i}"] = (False, "1"), (True, "1")
    assert judged(before, after).accepted


def test_missing_verdicts_make_it_inconclusive() -> None:
    """Over 2% without a verdict, however they fell, decides nothing."""
    before, after = both(12, better=3, worse=0, same=15)
    for c in range(5):
        after[f"c{c}"]["q0"] = (None, "1")
        before[f"c{c}"]["q1"] = (None, "1")
    record = judged(before, after)
    assert record.decision == "inconclusive"
    assert not record.accepted
    assert record.missing == 10
    assert record.p_value is None


def test_few_balanced_missing_verdicts_are_left_out() -> None:
    """Within 2%, a pair that lacks a verdict is dropped, never counted as wrong."""
    before, after = both(12, better=3, worse=0, same=15)
    after["c0"]["q0"] = (None, "1")
    before["c1"]["q17"] = (None, "1")
    record = judged(before, after)
    assert record.accepted
    assert (record.n, record.missing, record.worse) == (214, 2, 0)


def test_unbalanced_missing_verdicts_make_it_inconclusive() -> None:
    """Verdicts that only the candidate lacks could hide its failures."""
    before, after = both(12, better=3, worse=0, same=15)
    for c in range(4):
        after[f"c{c}"].pop("q17")
    record = judged(before, after)
    assert record.decision == "inconclusive"
    assert "unbalanced" in record.reason


def test_a_missing_conversation_makes_it_inconclusive() -> None:
    """An episode that broke on one side is missing, not wrong."""
    before, after = both(12, better=3, worse=0, same=15)
    del after["c3"]
    assert judged(before, after).decision == "inconclusive"


def test_no_questions_are_inconclusive() -> None:
    """Nothing asked decides nothing."""
    assert judged({}, {}).decision == "inconclusive"
    assert judged({"c0": {}}, {"c0": {}}).decision == "inconclusive"


def test_population_with_too_few_conversations_is_refused_saying_how_many() -> None:
    """Asked for at the start, it names the number needed; unasked, the other mode is taken."""
    assert conversations_needed(0.05) == 8
    assert conversations_needed(0.05 / 20) == 9
    assert choose_mode(None, 12, Spending(5)) == "population"
    assert choose_mode(None, 7, Spending(5)) == "these_conversations"
    assert choose_mode("these_conversations", 12, Spending(5)) == "these_conversations"
    with pytest.raises(SettingsError, match="needs at least 9 selection conversations") as caught:
        choose_mode("population", 8, Spending(20))
    assert caught.value.exit_code == 2


def test_population_over_too_few_conversations_decides_nothing() -> None:
    """Seven improving conversations are not taken for a population."""
    before, after = both(7, better=5, worse=0, same=5)
    assert judged(before, after).decision == "inconclusive"


def test_alpha_is_spent_by_rounds_and_cannot_be_extended() -> None:
    """Three of five spent leave two; a third more is refused, saying so."""
    spending = Spending(5)
    for _ in range(3):
        spending = spending.spend()
    assert spending.alpha == pytest.approx(0.01)
    assert spending.left == 2
    spending.check(2)
    with pytest.raises(SettingsError, match="at most 2 more"):
        spending.check(3)
    spent = spending.spend().spend()
    before, after = both(12, better=3, worse=1, same=14)
    with pytest.raises(SettingsError, match="5 have spent"):
        judged(before, after, spending=spent)
    with pytest.raises(SettingsError, match="at least 1 round"):
        Spending(0)


def test_records_survive_json() -> None:
    """A stored record reads back equal, and its claim is one of the two."""
    record = judged(*both(12, better=3, worse=1, same=14))
    assert GateRecord.from_json(json.loads(json.dumps(record.to_json()))) == record
    assert record.claim in CLAIMS.values()


@pytest.mark.parametrize(("mode", "spread"), [("population", 0.2), ("these_conversations", 0.0)])
def test_a_run_without_improvement_promotes_in_at_most_five_percent(
    mode: Mode, spread: float
) -> None:
    """Five rounds of candidates that are no better: the whole run errs in at most 5%.

    In mode population conversations sway (their questions change together), in the other
    one questions are independent, as its test assumes.
    """
    rng = random.Random(3)
    runs, promoted = 300, 0
    for _ in range(runs):
        spending = Spending(5)
        while spending.left:
            before: Rows = {}
            after: Rows = {}
            for c in range(12):
                lean = min(max(rng.gauss(0.5, spread), 0.0), 1.0)
                up = [rng.random() < lean for _ in range(8)]
                before[f"c{c}"] = {f"q{i}": (not u, "1") for i, u in enumerate(up)}
                after[f"c{c}"] = {f"q{i}": (u, "1") for i, u in enumerate(up)}
            record = decide(before, after, mode=mode, spending=spending)
            spending = spending.spend()
            if record.accepted:
                promoted += 1
                break
    assert promoted / runs <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / runs)
