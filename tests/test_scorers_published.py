"""LoCoMo's F1 as published: the figures of its own code, kept as data."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from evals.scorers import locomo_f1
from evals.scorers.f1 import multi_answer_f1, normalise_answer, token_f1
from traces.domain import Question

DATA = Path(__file__).parent / "data" / "locomo_f1_pairs.json"
UNANSWERABLE = 5


@pytest.fixture(scope="module")
def pairs() -> list[list[Any]]:
    found: list[list[Any]] = json.loads(DATA.read_text("utf-8"))["pairs"]
    return found


def ours(category: int, gold: str, prediction: str) -> float:
    unanswerable = category == UNANSWERABLE
    answer = None if unanswerable else gold
    question = Question("c:q0", "?", answer, str(category), unanswerable=unanswerable)
    return locomo_f1(question, prediction).value


def test_the_published_figures_are_reproduced_to_the_bit(pairs: list[list[Any]]) -> None:
    """500 generated pairs of all categories: no figure differs, in no bit."""
    differing = [(*pair, ours(*pair[:3])) for pair in pairs if ours(*pair[:3]) != pair[3]]
    assert not differing


def test_the_pairs_are_worth_the_name(pairs: list[list[Any]]) -> None:
    """A hundred a category, figures of many sizes, and the awkward cases among them."""
    assert Counter(pair[0] for pair in pairs) == dict.fromkeys(range(1, 6), 100)
    assert len({pair[3] for pair in pairs}) > 80
    assert sum(0 < pair[3] < 1 for pair in pairs) > 150
    golds = [pair[1] for pair in pairs]
    assert any(not gold.strip() for gold in golds)
    assert any(not gold.isascii() for gold in golds)
    assert any(";" in gold for gold in golds)
    assert any(len(word) > 60 for gold in golds for word in gold.split())
    assert max(gold.count(",") for gold in golds) >= 8


def test_word_boundaries_are_those_of_the_published_code() -> None:
    """An article beside a combining accent is no article; beside a superscript it is one."""
    assert normalise_answer("a\u0301 la carte") == "a\u0301 la carte"
    assert normalise_answer("the½ mile") == "½ mile"


def test_words_of_any_length_are_stemmed() -> None:
    """What is longer than any English word loses its ending too, as published."""
    assert token_f1("lantern" * 10 + "s", "lantern" * 10) == 1


def test_many_parts_are_averaged_as_published() -> None:
    """Floating-point sums depend on their order; ours is NumPy's."""
    import numpy as np

    gold = [f"w{i} " * (i % 3 + 1) + "x" for i in range(11)]
    best = [max(token_f1(p, g) for p in ("w1 x", "w7")) for g in gold]
    assert multi_answer_f1("w1 x, w7", ",".join(gold)) == float(np.mean(best))
