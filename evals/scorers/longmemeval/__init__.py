"""LongMemEval's verdicts: a rule for each type of question, and one judge that selects.

The rules are those of the published evaluation (Wu et al., ICLR 2025; repository
xiaowu0162/LongMemEval, src/evaluation/evaluate_qa.py), in words of our own, one Markdown
file a rule. The published judge answers yes or no; ours gives a reason too, and is asked
only where the free match of words leaves it open. Preferences have a rubric instead of a
gold answer, so that no match of words means anything there.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from evals.scorers.judge import UNANSWERABLE_GOLD, Verdict, judge_answer
from evals.scorers.judge_prompt import JudgePrompt, shipped_prompt
from traces.domain import Question
from traces.protocols import Ask

ABSTENTION, PREFERENCE = "abstention", "single-session-preference"
RULES = {
    "single-session-user": "facts",
    "single-session-assistant": "facts",
    "multi-session": "facts",
    "temporal-reasoning": "temporal-reasoning",
    "knowledge-update": "knowledge-update",
    PREFERENCE: PREFERENCE,
}


def rule_name(question: Question) -> str | None:
    """Return the name of the rule for a question, or None where its type has none.

    Unanswerable questions have a rule of their own, whatever their type.
    """
    if question.unanswerable:
        return ABSTENTION
    kind = "-".join(question.category.lower().replace("_", " ").split())
    return RULES.get(kind)


@cache
def rule(name: str | None) -> JudgePrompt:
    """Return the instruction of a rule; None is the default, judge.md."""
    if name is None:
        return shipped_prompt()
    texts = [
        Path(__file__).with_name(f"{part}.md").read_text(encoding="utf-8").strip()
        for part in (name, "closing")
    ]
    return JudgePrompt("\n\n".join(texts), free_match=name != PREFERENCE)


def without_rule(questions: Iterable[Question]) -> int:
    """Return how many questions are judged by the default for want of a rule."""
    return sum(rule_name(question) is None for question in questions)


@dataclass(frozen=True, slots=True)
class LongMemEvalJudge:
    """A `traces.protocols.Judge` that asks by the rule of the question's type."""

    ask: Ask

    def __call__(self, question: Question, prediction: str, sample_index: int = 0) -> Verdict:
        """Return (correct, reason); raises what `judge_answer` raises."""
        prompt = rule(rule_name(question))
        # The data explain, in the place of an answer, why there is none.
        no_answer = f"{UNANSWERABLE_GOLD} {question.answer or ''}".strip()
        return judge_answer(self.ask, question, prediction, sample_index, prompt, no_answer)
