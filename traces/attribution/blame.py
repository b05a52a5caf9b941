"""An operation under suspicion, and how what it did is put into words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from traces.attribution.index import GraphIndex
from traces.attribution.targets import Target
from traces.attribution.words import quote
from traces.schema import OperationRecord

_PROVIDER = ("ProviderError", "TransientProviderError", "ContentError", "BudgetExceeded",
             "DeadlineExceeded")  # fmt: skip
# Of the entries that an operation handled: how many are shown, and characters of each.
_SHOWN, _CUT = 3, 90


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


def describe_update(index: GraphIndex, operation: OperationRecord, message_id: str = "") -> str:
    """Return what an update put out, in one line: of many entries, as a whole session's are,
    those made of the message where it is known, else the first few."""
    actions = dict.fromkeys(
        c.value["action"] + (f" ({c.value['reason']})" if c.value["reason"] else "")
        for c in index.outputs(operation, "change")
    )
    entries = index.outputs(operation, "entry")
    if len(entries) > _SHOWN:
        mine = [e for e in entries if message_id in e.value["sources"]]
        entries = mine or entries
    texts = listed([e.value["text"] for e in entries])
    return ": ".join([*actions, *([texts] if texts else [])]) or "(nothing)"


def listed(texts: Sequence[str]) -> str:
    """Return the first few of several texts, each cut, and how many more there are."""
    if len(texts) <= 1:
        return "".join(texts)
    more = [f"and {len(texts) - _SHOWN} more"] if len(texts) > _SHOWN else []
    return " | ".join([*(quote(text, _CUT) for text in texts[:_SHOWN]), *more])
