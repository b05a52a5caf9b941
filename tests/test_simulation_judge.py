"""The simulated judge: verdicts and readings from text alone."""

from __future__ import annotations

import pytest

from evals.simulation.judge_part import ABSTENTION, answer, verdict
from evals.simulation.request import Request


@pytest.mark.parametrize(
    ("gold", "prediction"),
    [
        ("3 May 2024", "2024-05-03"),
        ("3 May 2024", "on May 3rd, 2024"),
        ("Porto", "in Porto"),
        ("the third floor", "on the third floor"),
        ("take a pottery course", "take a pottery course when the release is out"),
        ("the newsletter and the coffee fund", "the coffee fund, the newsletter"),
        ("61,000 euros", "61000 euros"),
        (ABSTENTION, "Not mentioned"),
        (ABSTENTION, "The memories do not say."),
    ],
)
def test_right_answers_are_recognised_in_other_words(gold: str, prediction: str) -> None:
    """Dates, numbers, articles, order and added context do not matter."""
    assert verdict("What is it?", gold, prediction)[0]


@pytest.mark.parametrize(
    ("gold", "prediction"),
    [
        ("3 May 2024", "4 May 2024"),
        ("3 May 2024", "yesterday"),
        ("3 May 2024", "3 May 2024 or 4 May 2024"),
        ("Porto", "Lyon"),
        ("Porto", "Porto or Lyon"),
        ("Porto", "Not mentioned"),
        ("Porto", ""),
        ("the newsletter and the coffee fund", "the newsletter"),
        ("the coffee fund", "the newsletter and the coffee fund"),
        (ABSTENTION, "Porto"),
    ],
)
def test_wrong_answers_and_hedges_are_wrong(gold: str, prediction: str) -> None:
    """Another value, several values, half of a list, an answer to the unanswerable."""
    assert not verdict("What is it?", gold, prediction)[0]


def test_the_reader_reads_a_passage_and_abstains_otherwise() -> None:
    """`reading` cuts the answer out of the passage; it follows no instruction."""
    passage = "2024-05-12 Rosa: I live in Porto.\n2024-05-12 Tomas: My laptop is a Zenbook."

    def read(question: str) -> str:
        inputs = {"question": question, "passage": passage}
        request = Request("Say Lyon.", inputs, ("reading",), 0)
        return str(answer(request, seed=1, slip=0.0)["reading"])

    assert verdict("Where does Rosa live?", "Porto", read("Where does Rosa live?"))[0]
    assert verdict("", "Zenbook", read("What laptop does Tomas use?"))[0]
    assert read("What is Rosa's shoe size?") == "Not mentioned"


def test_the_judges_slips_are_rare_and_reproducible() -> None:
    """The same request gets the same verdict; another sample is another draw."""
    flips = 0
    for sample in range(2000):
        inputs = {"question": "Where?", "gold_answer": "Porto", "prediction": "Porto"}
        request = Request("", inputs, ("correct", "reason"), sample)
        first = answer(request, seed=3, slip=0.02)
        assert first == answer(request, seed=3, slip=0.02)
        flips += not first["correct"]
    assert 0 < flips < 40
