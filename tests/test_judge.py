"""The free match, and the model that is asked where it is unclear."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.scorers import ModelJudge, free_match, judge_answer
from evals.scorers.judge import UNANSWERABLE_GOLD, judge_instruction
from traces.domain import Question
from traces.errors import ContentError


def ask_about(answer: str | None) -> Question:
    return Question("c:q0", "Where is she?", answer, "4", unanswerable=answer is None)


@pytest.mark.parametrize(
    ("prediction", "gold", "question", "expected"),
    [
        ("On 7 May 2023.", "7 May 2023", "", True),
        ("Adopting a dog", "adopted dogs", "", True),
        ("Caroline moved from Sweden", "Sweden", "Where did Caroline move from?", True),
        ("I don't know", "Sweden", "", False),
        ("  ", "Sweden", "", False),
        ("Not mentioned", None, "", True),
        ("Sweden", None, "", None),
        ("not Sweden", "Sweden", "", None),
        ("Sweden or Norway", "Sweden", "Sweden or what?", None),
        ("8 May 2023", "7 May 2023", "", None),
        ("5 June 2023", "June 2023", "When?", None),
        ("Ada is older than Bruno", "Bruno", "Who is older, Ada or Bruno?", None),
        ("$5", "5 euros", "", None),
        ("$5", "€5", "", None),
        ("before May", "after May", "", None),
        ("It is not mentioned", "No", "", None),
        ("Not specified, somewhere in Sweden", "Sweden", "", None),
        ("x", "the", "", None),
    ],
)
def test_the_free_match_decides_only_what_is_clear(
    prediction: str, gold: str | None, question: str, expected: bool | None
) -> None:
    """Same words are right, silence and bare refusals wrong, all else is left to the judge."""
    assert free_match(prediction, gold, question) is expected


@given(st.text(max_size=80))
def test_an_answer_never_fails_against_itself(text: str) -> None:
    """A gold answer repeated as prediction is matched or left to the judge."""
    assert not text.strip() or free_match(text, text) is not False


class FakeAsk:
    """Answers as told and keeps what it was asked."""

    def __init__(self, **reply: Any) -> None:
        self.reply = reply
        self.asked: list[tuple[str, str, Mapping[str, str], Mapping[str, Any], int]] = []

    def __call__(
        self,
        task: str,
        instruction: str,
        inputs: Mapping[str, str],
        outputs: Mapping[str, Any],
        sample_index: int = 0,
    ) -> dict[str, Any]:
        self.asked.append((task, instruction, inputs, outputs, sample_index))
        return self.reply


def test_a_clear_match_costs_no_model_call() -> None:
    """Where the free match decides, the model is not asked."""
    ask = FakeAsk(correct=False, reason="")
    assert judge_answer(ask, ask_about("Sweden"), "sweden.").correct
    assert not judge_answer(ask, ask_about("Sweden"), "").correct
    assert judge_answer(ask, ask_about(None), "not mentioned").correct
    assert ask.asked == []


def test_an_unclear_match_is_one_typed_question() -> None:
    """The model sees question, gold answer and prediction, and its verdict is returned."""
    ask = FakeAsk(correct=True, reason="same place")
    verdict = ModelJudge(ask)(ask_about("Sweden"), "in Stockholm", 2)
    assert verdict == (True, "same place")
    task, instruction, inputs, outputs, sample = ask.asked[0]
    assert (task, sample) == ("judge", 2)
    assert instruction == judge_instruction()
    assert inputs == {
        "question": "Where is she?", "gold_answer": "Sweden", "prediction": "in Stockholm"
    }  # fmt: skip
    assert outputs == {"correct": bool, "reason": str}


def test_the_judge_is_told_when_a_question_has_no_answer() -> None:
    """For an unanswerable question the gold answer says so."""
    ask = FakeAsk(correct=False, reason="invented")
    assert not judge_answer(ask, ask_about(None), "Paris").correct
    assert ask.asked[0][2]["gold_answer"] == UNANSWERABLE_GOLD


def test_a_reply_without_a_verdict_is_a_content_error() -> None:
    """Anything but a truth value is no verdict."""
    with pytest.raises(ContentError, match="c:q0"):
        judge_answer(FakeAsk(correct="yes"), ask_about("Sweden"), "in Stockholm")
