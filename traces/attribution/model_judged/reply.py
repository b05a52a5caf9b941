"""What the model may say, and what an attribution is made of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeVar, get_args

from traces.attribution.blame import Blame
from traces.attribution.model_judged.log import OperationLog
from traces.attribution.record import suspicion
from traces.attribution.words import quote
from traces.protocols import Ask
from traces.results import Attribution, SubType
from traces.schema import OperationRecord

# The output fields that name an error. Ask draws again where a reply has another value.
ErrorName = Literal[
    "ExtractionError", "UpdateError", "DeletionError", "RetrievalError", "ResponseError",
    "AnnotationError", "JudgeError",
]  # fmt: skip
SubTypeName = Literal[SubType, "none"]
# No operation is to blame for these.
FOREIGN = ("AnnotationError", "JudgeError")

Said = TypeVar("Said")


class ImpossibleReplyError(Exception):
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

    Ask itself draws again what it cannot parse. Raises ImpossibleReplyError for two of them, and
    what Ask raises.
    """
    try:
        return read(ask(task, instruction, inputs, outputs))
    except ImpossibleReplyError:
        return read(ask(task, instruction, inputs, outputs, 1))


def read_decision(reply: Mapping[str, Any], numbered: Sequence[OperationRecord]) -> Decision:
    """Return the decision in a reply; operations are numbered from 1.

    Raises ImpossibleReplyError for a number that no operation has and a type that there is not.
    """
    error_type, sub_type = str(reply.get("error_type")), str(reply.get("sub_type"))
    if error_type not in get_args(ErrorName) or sub_type not in get_args(SubTypeName):
        raise ImpossibleReplyError(f"there is no error {quote(f'{error_type}/{sub_type}', 60)}")
    operation = None if error_type in FOREIGN else operation_of(reply, numbered)
    named = None if sub_type == "none" or operation is None else sub_type
    return Decision(operation, error_type, named, str(reply.get("reason") or ""))


def operation_of(reply: Mapping[str, Any], numbered: Sequence[OperationRecord]) -> OperationRecord:
    """Return the operation that a reply names. Raises ImpossibleReplyError where it has no such."""
    number = reply.get("operation")
    if not isinstance(number, int) or isinstance(number, bool):
        raise ImpossibleReplyError(f"{quote(repr(number), 60)} is no operation's number")
    if not 1 <= number <= len(numbered):
        raise ImpossibleReplyError(f"there is no operation {number} of {len(numbered)}")
    return numbered[number - 1]


def recorded(
    log: OperationLog, method: str, decision: Decision, how: str, calls: int
) -> Attribution:
    """Return the attribution: suspected, since nothing was replayed. `how` says what the model
    had seen."""
    operation, evidence = decision.operation, log.failure.question.evidence
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
    made = suspicion(log.failure, method, blame, how, calls=calls)
    return replace(made, sub_type=decision.sub_type)
