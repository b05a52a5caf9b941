"""Tries a scorer on a data set's own questions before anything is paid for."""

from __future__ import annotations

from collections.abc import Iterable

from evals.scorers.adapt import ScorerError, ScorerJudge
from evals.scorers.f1 import ABSTENTION_PHRASES
from traces.domain import Question
from traces.errors import MemtuneError, SettingsError

# Few, since a scorer may be slow. One that fails on any of them would leave more verdicts
# out than the gate takes.
TRIED = 10
_WAY_OUT = "mend it, or choose judge, f1, exact or longmemeval"


def questions_to_try(questions: Iterable[Question], most: int = TRIED) -> list[Question]:
    """Return up to `most` questions that can be scored, of each category in turn."""
    waiting: dict[str, list[Question]] = {}
    for question in questions:
        if question.answer is not None or question.unanswerable:
            waiting.setdefault(question.category, []).append(question)
    chosen: list[Question] = []
    depth = 0
    while len(chosen) < most and any(len(found) > depth for found in waiting.values()):
        chosen += [found[depth] for found in waiting.values() if len(found) > depth]
        depth += 1
    return chosen[:most]


def try_scorer(judge: ScorerJudge, questions: Iterable[Question]) -> tuple[str, ...]:
    """Score gold answers and empty answers of some questions; return remarks, a line each.

    Raises SettingsError for a scorer that raises, returns what is no score, or calls
    an empty answer right wherever there is a gold answer.
    """
    tried = questions_to_try(questions)
    right_gold = right_empty = answerable = 0
    for question in tried:
        gold = _ideal(question)
        for text, what in ((gold, "its gold answer"), ("", "an empty answer")):
            try:
                correct = judge.grade(question, text).correct
            except MemtuneError as error:
                said = error.what if isinstance(error, ScorerError) else str(error)
                raise SettingsError(
                    f"--scorer {judge.name}: tried on question {question.id} with {what} before "
                    f"the run, it {said}; {_WAY_OUT}"
                ) from error
            if not question.unanswerable:
                right_empty += correct and not text
                right_gold += correct and bool(text)
        answerable += not question.unanswerable
    if answerable and right_empty == answerable:
        raise SettingsError(
            f"--scorer {judge.name}: calls the empty answer right on all {answerable} questions "
            f"tried, of which each has a gold answer: is it a distance, where 0 is best? {_WAY_OUT}"
        )
    if answerable and not right_gold:
        return (
            f"scorer {judge.name} calls the gold answers themselves wrong on all {answerable} "
            "questions tried: an answer that says the same cannot be right either",
        )
    return ()


def _ideal(question: Question) -> str:
    if question.unanswerable:
        return ABSTENTION_PHRASES[0].capitalize()
    return question.answer or ""
