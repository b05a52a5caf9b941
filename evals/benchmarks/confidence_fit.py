"""Fits the confidence of replay attribution on failures with known causes.

Penalised logistic regression: the outcome is whether the named operations were a smallest set
to blame, the features are what the method recorded in its certificate.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from evals.benchmarks.calibration import Bin, brier, calibration_error, reliability
from evals.benchmarks.intervals import Figure
from traces.attribution.replay.confidence import Confidence, Feature
from traces.errors import DataError
from traces.hashing import text_hash

FOLDS = 10
PENALTIES = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
LEAST = 50  # attributions; with fewer, nothing can be said of tails
_STEPS = 50


@dataclass(frozen=True, slots=True)
class Sample:
    """One attribution that named something: its features, whether it was right, and `case`,
    what it shares with others that must be left out together (a conversation's)."""

    case: str
    features: Mapping[str, float]
    right: bool


@dataclass(frozen=True)
class Fit:
    """A fitted model, and how it does on cases that it was not fitted on."""

    model: Confidence
    samples: int
    right: int
    brier: Figure
    constant_brier: float
    calibration_error: Figure
    reliability: list[Bin]


def fit(samples: Sequence[Sample], made_on: Mapping[str, Any]) -> Fit:
    """Return the model with the penalty that predicts left-out cases best.

    `made_on` is written into the model beside what was found. Raises DataError with too few
    samples, or when all of them were right or wrong.
    """
    outcomes = np.array([s.right for s in samples], float)
    if len(samples) < LEAST or not 0 < outcomes.sum() < len(samples):
        raise DataError(
            f"{len(samples)} attributions with features, {int(outcomes.sum())} of them right: "
            f"to fit a confidence takes at least {LEAST}, some right and some wrong; measure more "
            "failures"
        )
    names = sorted({name for s in samples for name in s.features})
    values = np.array([[s.features.get(name, 0.0) for name in names] for s in samples], float)
    varied = values.std(axis=0) > 0
    names = [name for name, kept in zip(names, varied, strict=True) if kept]
    values = values[:, varied]
    folds = folds_of([s.case for s in samples])
    tried = {penalty: _left_out(values, outcomes, folds, penalty) for penalty in PENALTIES}
    penalty = min(tried, key=lambda p: _log_loss(tried[p], outcomes))
    chances, right = tried[penalty].tolist(), [s.right for s in samples]
    score, error = brier(chances, right), calibration_error(chances, right)
    rate = float(outcomes.mean())
    fitted = {
        **made_on,
        "attributions": len(samples),
        "right": int(outcomes.sum()),
        "penalty": penalty,
        "cross_validated": {
            "folds": len(set(folds.tolist())),
            "brier": _rounded(score.value),
            "calibration_error": _rounded(error.value),
            "brier_of_a_constant": _rounded(rate * (1 - rate)),
        },
    }
    return Fit(
        _model(names, values, outcomes, penalty, fitted), len(samples), int(outcomes.sum()),
        score, rate * (1 - rate), error, reliability(chances, right),
    )  # fmt: skip


def folds_of(cases: Sequence[str]) -> np.ndarray:
    """Return each sample's fold, shape (n,): samples of one case share one, folds are of
    about the same number of cases, and the order of samples does not matter."""
    ranked = sorted(set(cases), key=text_hash)
    place = {case: i % FOLDS for i, case in enumerate(ranked)}
    return np.array([place[case] for case in cases])


def logistic(values: np.ndarray, outcomes: np.ndarray, penalty: float) -> np.ndarray:
    """Return intercept and weights, shape (1 + p,), that minimise the negative log-likelihood
    plus penalty / 2 times the squared weights (the intercept is free).

    Iteratively reweighted least squares with halved steps where a full one overshoots
    (Hastie, Tibshirani, Friedman, The Elements of Statistical Learning, 4.4.1; ridge: le
    Cessie and van Houwelingen, 1992). `values` has shape (n, p), `outcomes` (n,) of 0 and 1.
    """
    design = np.column_stack([np.ones(len(values)), values])
    ridge = np.full(design.shape[1], penalty)
    ridge[0] = 1e-9  # keeps the system solvable where the outcomes are all alike
    weights = np.zeros(design.shape[1])
    loss = _penalised(design, outcomes, weights, ridge)
    for _ in range(_STEPS):
        chances = _sigmoid(design @ weights)
        gradient = design.T @ (outcomes - chances) - ridge * weights
        curvature = design.T @ (design * (chances * (1 - chances))[:, None]) + np.diag(ridge)
        step = np.linalg.solve(curvature, gradient)
        size = 1.0
        while size > 1e-6:
            after = _penalised(design, outcomes, weights + size * step, ridge)
            if after <= loss:
                break
            size /= 2
        gained, loss = loss - after, min(after, loss)
        if size <= 1e-6:
            break
        weights = weights + size * step
        if gained < 1e-10:
            break
    return weights


def _model(
    names: Sequence[str],
    values: np.ndarray,
    outcomes: np.ndarray,
    penalty: float,
    fitted: Mapping[str, Any],
) -> Confidence:
    means, scales = values.mean(axis=0), values.std(axis=0)
    weights = logistic((values - means) / scales, outcomes, penalty)
    features = {
        name: Feature(_rounded(weight), _rounded(mean), _rounded(scale))
        for name, weight, mean, scale in zip(names, weights[1:], means, scales, strict=True)
    }
    return Confidence(features, _rounded(weights[0]), fitted)


def _left_out(
    values: np.ndarray, outcomes: np.ndarray, folds: np.ndarray, penalty: float
) -> np.ndarray:
    """Return each sample's probability by a model that has not seen its fold."""
    chances = np.empty(len(values))
    for fold in np.unique(folds):
        out = folds == fold
        means, scales = values[~out].mean(axis=0), values[~out].std(axis=0)
        # A feature that the other folds do not vary says nothing.
        scales[scales == 0] = np.inf
        weights = logistic((values[~out] - means) / scales, outcomes[~out], penalty)
        chances[out] = _sigmoid(weights[0] + ((values[out] - means) / scales) @ weights[1:])
    return chances


def _sigmoid(logits: np.ndarray) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-np.clip(logits, -500, 500))))


def _penalised(
    design: np.ndarray, outcomes: np.ndarray, weights: np.ndarray, ridge: np.ndarray
) -> float:
    logits = design @ weights
    loss = np.logaddexp(0, logits) - outcomes * logits
    return float(loss.sum() + (ridge * weights**2).sum() / 2)


def _log_loss(chances: np.ndarray, outcomes: np.ndarray) -> float:
    kept = np.clip(chances, 1e-9, 1 - 1e-9)
    return float(-np.mean(outcomes * np.log(kept) + (1 - outcomes) * np.log(1 - kept)))


def _rounded(value: float | None) -> float:
    """Return six significant digits: the same file from the same data on any machine."""
    return float(f"{value or 0.0:.6g}")
