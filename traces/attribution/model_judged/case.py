"""What both forms say of a failure before they show any operation."""

from __future__ import annotations

from traces.attribution.model_judged.log import OperationLog
from traces.attribution.model_judged.wording import quoted

UNANSWERABLE = "(the question cannot be answered from the conversation)"
LONGEST = 1200  # characters of a question or an answer
MOST_EVIDENCE = 12


def described(log: OperationLog) -> dict[str, str]:
    """Return question, gold answer, prediction and evidence as input fields of a request."""
    question = log.failure.question
    gold = UNANSWERABLE if question.unanswerable else quoted(question.answer or "", LONGEST)
    return {
        "question": quoted(question.text, LONGEST),
        "gold_answer": gold,
        "prediction": quoted(log.failure.prediction, LONGEST),
        "evidence": _evidence(log),
    }


def _evidence(log: OperationLog) -> str:
    if not log.evidence:
        return "(not known)"
    lines = [
        f"({m.value['date'][:10]}, {quoted(m.value['speaker'], 60)}): {quoted(m.value['text'])}"
        for m in log.evidence[:MOST_EVIDENCE]
    ]
    left = len(log.evidence) - len(lines)
    if left:
        lines.append(f"and {left} more")
    if not log.known:
        lines.insert(0, "(not known; these messages are the nearest in wording, by a search)")
    return "\n".join(lines)
