"""The confidence of an attribution: a small logistic model, how it is fitted and kept."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evals.benchmarks.confidence_fit import FOLDS, Sample, fit, folds_of, logistic
from traces.attribution.replay.confidence import Confidence, Feature, shipped_path
from traces.errors import DataError

MODEL = Confidence({"certified": Feature(2.0, 0.5, 0.5), "swept": Feature(-1.0, 0.0, 1.0)}, 0.5)


def test_without_a_model_there_is_no_confidence() -> None:
    """Null, whatever the evidence: not a half, not a rescue rate."""
    assert Confidence()({"certified": 1.0}) is None


def test_confidence_is_the_logistic_of_the_weighted_features() -> None:
    """By hand: 0.5 + 2 (1 - 0.5) / 0.5 - 1 = 1.5."""
    found = MODEL({"certified": 1.0, "swept": 1.0})
    assert found == pytest.approx(1 / (1 + np.exp(-1.5)))


def test_a_missing_feature_says_nothing_and_a_strange_one_is_ignored() -> None:
    """As if it had its mean."""
    assert MODEL({}) == MODEL({"certified": 0.5, "swept": 0.0, "unheard_of": 1e9})


@given(st.dictionaries(st.sampled_from(["certified", "swept"]), st.floats(-1e300, 1e300)))
def test_confidence_is_a_probability_for_any_numbers(evidence: dict[str, float]) -> None:
    """Also where the exponential would overflow."""
    found = MODEL(evidence)
    assert found is not None
    assert 0 <= found <= 1


def test_a_model_survives_json_and_a_strange_format_is_refused() -> None:
    """What is shipped is what was fitted."""
    assert Confidence.from_json(json.loads(json.dumps(MODEL.to_json()))) == MODEL
    with pytest.raises(ValueError, match="format 99"):
        Confidence.from_json({**MODEL.to_json(), "format": 99})


def test_the_shipped_model_is_the_file_beside_its_module() -> None:
    """Nothing else is read, and it says on what it was fitted."""
    if not shipped_path().is_file():
        assert Confidence.shipped() == Confidence()
        return
    model = Confidence.shipped()
    assert model.to_json() == json.loads(shipped_path().read_text("utf-8"))
    assert model.fitted["simulated"] is True
    assert all(420 <= seed <= 439 for seed in model.fitted["seeds"])


# fitting --------------------------------------------------------------------------------


def drawn(n: int, chance: Callable[[float, float], float], seed: int = 0) -> list[Sample]:
    """Samples with two features and outcomes drawn with a known chance."""
    rng = np.random.default_rng(seed)
    made = []
    for number in range(n):
        certified, noise = float(rng.random() < 0.5), float(rng.normal())
        right = bool(rng.random() < chance(certified, noise))
        features = {"certified": certified, "noise": noise, "always": 1.0}
        made.append(Sample(f"case-{number // 3}", features, right))
    return made


TELLING = drawn(900, lambda certified, _: 0.95 if certified else 0.3)


def test_a_fit_finds_the_chances_behind_the_outcomes() -> None:
    """0.95 where certified, 0.3 where not; the noise and the constant hardly count, and on
    cases left out it is better than a constant."""
    found = fit(TELLING, {"seeds": [420]})
    assert found.model({"certified": 1.0, "noise": 0.0}) == pytest.approx(0.95, abs=0.04)
    assert found.model({"certified": 0.0, "noise": 0.0}) == pytest.approx(0.3, abs=0.06)
    assert abs(found.model.features["noise"].weight) < 0.2
    assert "always" not in found.model.features
    assert found.brier.value is not None
    assert found.brier.value < found.constant_brier - 0.03
    assert found.calibration_error.value is not None
    assert found.calibration_error.value < 0.05
    assert sum(one.n for one in found.reliability) == found.samples == 900
    assert found.model.fitted["seeds"] == [420]
    assert found.model.fitted["cross_validated"]["brier"] == pytest.approx(
        found.brier.value, abs=1e-5
    )


def test_features_that_tell_nothing_do_not_beat_a_constant() -> None:
    """On left-out cases; the fit says so instead of praising itself."""
    found = fit(drawn(600, lambda *_: 0.7), {})
    assert found.brier.value == pytest.approx(found.constant_brier, abs=0.01)


def test_a_feature_that_knows_the_answer_in_one_case_alone_is_not_believed() -> None:
    """An id in disguise separates the samples that it was fitted on; left-out cases show that
    it says nothing: samples of one case are left out together."""
    rng = np.random.default_rng(3)
    samples = []
    for number in range(40):
        right = bool(rng.random() < 0.5)
        samples += [Sample(f"case-{number}", {f"id_{number}": 1.0}, right)] * 5
    found = fit(samples, {})
    assert found.brier.value is not None
    assert found.brier.value >= found.constant_brier - 0.005


def test_the_fit_does_not_depend_on_the_order_of_the_samples() -> None:
    """The same model, to the last digit that is written."""
    assert fit(TELLING[::-1], {}).model.to_json() == fit(TELLING, {}).model.to_json()


@pytest.mark.parametrize(
    "samples",
    [TELLING[:10], [Sample("c", {"x": 1.0}, True)] * 100, [Sample("c", {"x": 1.0}, False)] * 100],
    ids=["few", "all right", "all wrong"],
)
def test_too_little_to_fit_is_refused(samples: list[Sample]) -> None:
    """One line that says what it takes."""
    with pytest.raises(DataError, match="at least 50"):
        fit(samples, {})


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.1, 100))
def test_a_fit_is_where_the_gradient_vanishes(seed: int, penalty: float) -> None:
    """The minimum of the penalised loss, which is strictly convex; also where the outcomes
    could be separated without an error."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(40, 3))
    outcomes = (values[:, 0] > 0).astype(float)
    outcomes[:2] = 0, 1
    weights = logistic(values, outcomes, penalty)
    chances = 1 / (1 + np.exp(-(weights[0] + values @ weights[1:])))
    assert np.abs(values.T @ (outcomes - chances) - penalty * weights[1:]).max() < 1e-3
    assert abs((outcomes - chances).sum()) < 1e-3


@given(st.lists(st.text(max_size=3), min_size=1, max_size=60))
def test_folds_keep_cases_together_and_are_even(cases: list[str]) -> None:
    """Of as many cases each as can be, whatever the samples' order."""
    folds = folds_of(cases).tolist()
    by_case: dict[str, set[Any]] = {}
    for case, fold in zip(cases, folds, strict=True):
        by_case.setdefault(case, set()).add(fold)
    assert all(len(found) == 1 for found in by_case.values())
    sizes = [sum(f == {fold} for f in by_case.values()) for fold in range(FOLDS)]
    assert max(sizes) - min(sizes) <= 1
    assert folds_of(cases[::-1]).tolist() == folds[::-1]
