"""What the model may say, and what an attribution is made of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from traces.attribution.blame import Blame
from traces.attribution.model_judged.log import OperationLog
from traces.attribution.record import suspicion
from traces.attribution.words import quote
from traces.protocols import Ask
from traces.results import Attribution
from traces.schema import OperationRecord

ErrorName = Literal[
    "ExtractionError", "UpdateError", "DeletionError", "RetrievalError", "ResponseError",
    "AnnotationError", "JudgeError",
]  # fmt: skip
SubTypeName = Literal[
    "omission", "distortion", "hallucination", "wrong_time", "wrong_speaker", "overwritten",
    "stale", "wrong_merge", "missed", "ranked_out", "distractor", "ignored_evidence",
    "wrong_abstention", "format", "none",
]  # fmt: skip
# No operation is to blame for these.
FOREIGN = ("AnnotationError", "JudgeError")

Said = TypeVar("Said")


class ImpossibleReply(Exception):
    """A reply that can be read and says what cannot be; the text says what, for the record."""


@dataclass(frozen=True, slots=True)
class Decision:
    """Which operation the model blames, and why; None: the label or the verdict is wrong."""

    operation: OperationRecord | None
    error_type: str
    sub_type: str | None
    reason: str


def asked_twice(
    ask: Ask,
    task: str,
    instruction: str,
    inputs: Mapping[str, str],
    outputs: Mapping[str, Any],
    read: Callable[[Mapping[str, Any]], Said],
) -> Said:
    """Return what `read` makes of the reply; an impossible one is drawn anew, once.

    Ask itself draws again what it cannot parse. Raises ImpossibleReply for two of them, and
    what Ask raises.
    """
    try:
        return read(ask(task, instruction, inputs, outputs))
    except ImpossibleReply:
        return read(ask(task, instruction, inputs, outputs, 1))


def read_decision(reply: Mapping[str, Any], numbered: Sequence[OperationRecord]) -> Decision:
    """Return the decision in a reply; operations are numbered from 1.

    Raises ImpossibleReply for a number that no operation has and a type that there is not.
    """
    error_type, sub_type = str(reply.get("error_type")), str(reply.get("sub_type"))
    if error_type not in ErrorName.__args__ or sub_type not in SubTypeName.__args__:
        raise ImpossibleReply(f"there is no error {quote(f'{error_type}/{sub_type}', 60)}")
    operation = None if error_type in FOREIGN else operation_of(reply, numbered)
    named = None if sub_type == "none" or operation is None else sub_type
    return Decision(operation, error_type, named, str(reply.get("reason") or ""))


def operation_of(
    reply: Mapping[str, Any], numbered: Sequence[OperationRecord]
) -> OperationRecord:
    """Return the operation that a reply names. Raises ImpossibleReply where it has no such."""
    number = reply.get("operation")
    if not isinstance(number, int) or isinstance(number, bool):
        raise ImpossibleReply(f"{quote(repr(number), 60)} is no operation's number")
    if not 1 <= number <= len(numbered):
        raise ImpossibleReply(f"there is no operation {number} of {len(numbered)}")
    return numbered[number - 1]


def recorded(
    log: OperationLog, method: str, decision: Decision, how: str, calls: int
) -> Attribution:
    """Return the attribution: suspected, since nothing was replayed. `how` says what the model
    had seen."""
    evidence = tuple(message.value["id"] for message in log.evidence)
    operation = decision.operation
    if operation is None:
        return Attribution(
            log.failure.conversation.id, log.failure.question.id, method, "suspected",
            decision.error_type, reason=how, evidence=evidence, lost=quote(decision.reason),
            produced=quote(log.failure.prediction), calls=calls,
        )  # fmt: skip
    given, produced = (
        quote(" | ".join(str(v.value.get("text") or "") for _, vs in roles for v in vs))
        for roles in (log.used(operation), log.made(operation))
    )
    blame = Blame(
        operation, decision.error_type, decision.sub_type or "", quote(decision.reason), given,
        produced, evidence,
    )  # fmt: skip
    return suspicion(log.failure, method, blame, how, calls=calls)
