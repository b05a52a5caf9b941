"""LoCoMo's published answer score (snap-research/locomo, task_eval/evaluation.py).

Token F1 over Porter stems of normalised words. Multi-hop questions (category 1) hold
several answers separated by commas: each takes its best match, and the mean counts.
Inferential ones (3) count the gold answer before the first semicolon. Unanswerable ones
(5) count 1 when the prediction holds one of two phrases, else 0. The rules are followed
to the letter, oddities included, so that figures compare with published ones; whether
an answer abstains in other words is a matter for `abstention` and the judge.
"""

from __future__ import annotations

import string
from collections import Counter
from functools import lru_cache

import numpy as np
import regex  # type: ignore[import-untyped]

from evals.scorers.base import Score, gold_of
from traces.domain import Question
from traces.text import LONGEST_WORD, stem

CORRECT_FROM = 0.5
MULTI_HOP, INFERENTIAL = "1", "3"
ABSTENTION_PHRASES = ("no information available", "not mentioned")

_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)
# As published: `re` has other word boundaries beside accents, superscripts and joiners.
_ARTICLES = regex.compile(r"\b(?:a|an|the|and)\b")


def normalise_answer(text: str) -> str:
    """Return `text` lowercased, without ASCII punctuation, articles and 'and'."""
    bare = text.lower().translate(_NO_PUNCTUATION)
    without: str = _ARTICLES.sub(" ", bare)
    return " ".join(without.split())


@lru_cache(maxsize=256)
def _long_stem(word: str) -> str:
    from nltk.stem.porter import PorterStemmer

    try:
        stemmed: str = PorterStemmer().stem(word)
    except RecursionError:  # some versions of NLTK recurse over a run of y's
        return word
    return stemmed


def _stems(text: str) -> list[str]:
    words = normalise_answer(text).split()
    return [stem(word) if len(word) <= LONGEST_WORD else _long_stem(word) for word in words]


def token_f1(prediction: str, gold: str) -> float:
    """Return the F1 (0..1) of the two bags of stems; 0 when they share none."""
    predicted, wanted = _stems(prediction), _stems(gold)
    shared = (Counter(predicted) & Counter(wanted)).total()
    if shared == 0:
        return 0.0
    precision, recall = shared / len(predicted), shared / len(wanted)
    return 2 * precision * recall / (precision + recall)


def multi_answer_f1(prediction: str, gold: str) -> float:
    """Return the mean over comma-separated gold answers of the best F1 of any predicted one."""
    predicted = prediction.split(",")
    wanted = gold.split(",")
    # NumPy adds in an order of its own: with it the figures are the published ones to the bit.
    return float(np.mean([max(token_f1(p, w) for p in predicted) for w in wanted]))


def locomo_f1(question: Question, prediction: str) -> Score:
    """Return LoCoMo's score of one answer; correct from 0.5.

    Categories other than LoCoMo's are scored by plain token F1. Raises DataError for an
    answerable question without a gold answer.
    """
    if question.unanswerable:
        hit = any(phrase in prediction.lower() for phrase in ABSTENTION_PHRASES)
        reason = "says that there is no information" if hit else "answers the unanswerable"
        return Score(float(hit), hit, reason)
    gold = gold_of(question)
    if question.category == INFERENTIAL:
        gold = gold.split(";")[0]
    score = multi_answer_f1 if question.category == MULTI_HOP else token_f1
    value = score(prediction, gold)
    return Score(value, value >= CORRECT_FROM, f"F1 {value:.2f} with the gold answer")
