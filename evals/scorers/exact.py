"""Exact match: the same words, in any order, after LoCoMo's normalisation."""

from __future__ import annotations

from evals.scorers.base import Score, gold_of
from evals.scorers.f1 import normalise_answer
from traces.abstention import abstains
from traces.domain import Question


def exact_match(question: Question, prediction: str) -> Score:
    """Return 1 for the gold answer's set of words, 0 for any other.

    As in snap-research/locomo (exact_match_score), order and repetition do not count.
    An unanswerable question is matched by any abstention. Raises DataError for an
    answerable question without a gold answer.
    """
    if question.unanswerable:
        hit = abstains(prediction)
        return Score(float(hit), hit, "abstains" if hit else "answers the unanswerable")
    gold = set(normalise_answer(gold_of(question)).split())
    hit = gold == set(normalise_answer(prediction).split())
    return Score(float(hit), hit, "same words" if hit else "other words")
