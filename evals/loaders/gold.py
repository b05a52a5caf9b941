"""Questions without a gold answer: nobody could say whether an answer to them is right."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from traces.domain import Conversation, Dataset, Question


def askable(question: Question) -> bool:
    """Say whether a run can judge answers: there is a gold answer, or abstaining is right."""
    return question.answer is not None or question.unanswerable


def without_gold(conversations: Iterable[Conversation]) -> int:
    """Return how many questions have no gold answer where one is needed."""
    return sum(not askable(q) for c in conversations for q in c.questions)


def only_askable(dataset: Dataset) -> Dataset:
    """Return the data set without the questions that cannot be judged.

    They are left out of the run, not of the file, and a problem says how many they are.
    """
    left_out = without_gold(dataset.conversations)
    if not left_out:
        return dataset
    conversations = tuple(
        replace(c, questions=tuple(q for q in c.questions if askable(q)))
        for c in dataset.conversations
    )
    told = "question has" if left_out == 1 else "questions have"
    line = f"{left_out:,} {told} no gold answer and cannot be judged: not asked"
    return replace(dataset, conversations=conversations, problems=(*dataset.problems, line))
