"""What every scorer returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from traces.domain import Question
from traces.errors import DataError


@dataclass(frozen=True, slots=True)
class Score:
    """`value` is in 0..1; `correct` is the binary verdict that failures are counted by."""

    value: float
    correct: bool
    reason: str


class Scorer(Protocol):
    """A pure function of question and prediction; raises DataError without a gold answer."""

    def __call__(self, question: Question, prediction: str) -> Score: ...


@runtime_checkable
class Grader(Protocol):
    """What a `traces.protocols.Judge` may offer besides its verdict: a value.

    `name` is what the value is recorded under. Raises what the judge raises.
    """

    @property
    def name(self) -> str: ...

    def grade(self, question: Question, prediction: str, sample_index: int = 0) -> Score: ...


def gold_of(question: Question) -> str:
    """Return the gold answer of an answerable question, or raise DataError."""
    if question.answer is None:
        raise DataError(f"question {question.id} has no gold answer; leave it out or add one")
    return question.answer
