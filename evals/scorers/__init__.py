"""Scores of answers and of the stages before them.

A scorer is pure: question and prediction in, `Score` out. The model judge, which
asks, is in `judge`; the scores of single stages, from plain data, in `stages`.
"""

from __future__ import annotations

from evals.scorers.base import Grader, Score, Scorer
from evals.scorers.exact import exact_match
from evals.scorers.f1 import locomo_f1
from evals.scorers.judge import ModelJudge, Verdict, free_match, judge_answer
from traces.abstention import abstains

SCORERS: dict[str, Scorer] = {"f1": locomo_f1, "exact": exact_match}

__all__ = [
    "SCORERS",
    "Grader",
    "ModelJudge",
    "Score",
    "Scorer",
    "Verdict",
    "abstains",
    "exact_match",
    "free_match",
    "judge_answer",
    "locomo_f1",
]
