"""An operation under suspicion, and how what it did is put into words."""

from __future__ import annotations

from dataclasses import dataclass

from traces.attribution.index import GraphIndex
from traces.attribution.targets import Target
from traces.attribution.words import quote
from traces.schema import OperationRecord

_PROVIDER = ("ProviderError", "TransientProviderError", "ContentError", "BudgetExceeded",
             "DeadlineExceeded")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Blame:
    """An operation under suspicion: what it got wrong, in words and quotes."""

    operation: OperationRecord
    error_type: str
    sub_type: str
    lost: str
    given: str = ""
    produced: str = ""
    evidence: tuple[str, ...] = ()


def blame_for(
    target: Target,
    operation: OperationRecord,
    error_type: str,
    sub_type: str,
    what: str,
    *,
    given: str = "",
    produced: str = "",
) -> Blame:
    """Return a suspicion about the loss of a message; `given` is the message by default."""
    value = target.message.value
    said = f"{value['speaker']} ({value['date'][:10]}): {value['text']}"
    return Blame(
        operation, error_type, sub_type, f"{what}: {quote(said, 220)}", quote(given or said),
        quote(produced), (target.message_id,),
    )  # fmt: skip


def failed_by_provider(operation: OperationRecord) -> bool:
    """Say whether a failed operation failed for want of a model, not by its own doing."""
    return (operation.error or "").split(":", 1)[0] in _PROVIDER


def describe_update(index: GraphIndex, operation: OperationRecord) -> str:
    """Return what an update put out, in one line."""
    parts = []
    for change in index.outputs(operation, "change"):
        reason = f" ({change.value['reason']})" if change.value["reason"] else ""
        parts.append(f"{change.value['action']}{reason}")
    parts += [e.value["text"] for e in index.outputs(operation, "entry")]
    return ": ".join(parts) or "(nothing)"
