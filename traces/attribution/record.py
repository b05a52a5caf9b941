"""Step 5: from suspicions to the record."""

from __future__ import annotations

from collections.abc import Sequence

from traces.attribution.blame import Blame
from traces.attribution.words import quote
from traces.results import Attribution, Failure


def abstention(failure: Failure, method: str, reason: str, *, calls: int = 0,
               error_type: str | None = None) -> Attribution:  # fmt: skip
    """Return an abstention; `reason` is a code, with a remark after a colon where it helps."""
    return Attribution(
        failure.conversation.id, failure.question.id, method, "abstained", error_type,
        reason=reason, evidence=failure.question.evidence, calls=calls,
    )  # fmt: skip


def judge_doubt(failure: Failure, method: str) -> Attribution:
    """Return the suspicion that nothing failed but the verdict; no operation is named."""
    return Attribution(
        failure.conversation.id, failure.question.id, method, "suspected", "JudgeError",
        reason="the prediction says the same as the gold answer",
        evidence=failure.question.evidence,
        lost=quote(f"gold: {failure.question.answer or '(abstain)'}"),
        produced=quote(failure.prediction),
    )  # fmt: skip


def suspicion(
    failure: Failure,
    method: str,
    blame: Blame,
    reason: str,
    *,
    alternatives: Sequence[Blame] = (),
    evidence: Sequence[str] = (),
    calls: int = 0,
) -> Attribution:
    """Return an attribution to one operation that no replay has confirmed."""
    operation = blame.operation
    others = dict.fromkeys(a.operation.id for a in alternatives)
    others.pop(operation.id, None)
    return Attribution(
        failure.conversation.id,
        failure.question.id,
        method,
        "suspected",
        blame.error_type,
        blame.sub_type,
        (operation.id,),
        (operation.name,),
        operation.kind,
        operation.slot,
        reason,
        tuple(dict.fromkeys((*blame.evidence, *evidence))),
        quote(blame.lost),
        quote(blame.given),
        quote(blame.produced),
        alternatives=tuple((id,) for id in others),
        calls=calls,
    )
