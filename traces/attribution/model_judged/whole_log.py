"""The first form: the whole log of a question's operations in one prompt."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Any

from traces.attribution.model_judged.case import described
from traces.attribution.model_judged.log import OperationLog
from traces.attribution.model_judged.reply import (
    Decision,
    ErrorName,
    SubTypeName,
    asked_twice,
    read_decision,
)
from traces.attribution.model_judged.shown import fitting
from traces.attribution.model_judged.wording import Wording
from traces.protocols import Ask

TASK = "attribution"
OUTPUTS: dict[str, Any] = {
    "reason": str, "operation": int, "error_type": ErrorName, "sub_type": SubTypeName,
}  # fmt: skip


@cache
def instruction() -> str:
    """Return the text of whole_log.md."""
    return resources.files(__package__).joinpath("whole_log.md").read_text("utf-8").strip()


def judge_log(log: OperationLog, ask: Ask, tokens: int) -> tuple[Decision, str]:
    """Return what the model decides on the log, and what of it the model was shown.

    A log of more than about `tokens` tokens is cut: the operations fewest steps in the graph
    away from the answer and from those that used the evidence stay; among equals those whose
    values have more to do with question, gold answer and prediction. Raises
    ImpossibleReplyError and what `ask` raises.
    """
    shown = fitting(log, log.operations, tokens)
    wording, told = Wording(log), dict[str, str]()
    lines = [wording.operation(o, number, told) for number, o in enumerate(shown, start=1)]
    total = len(log.operations)
    if len(shown) < total:
        lines.insert(
            0,
            f"(the {len(shown)} of {total} operations nearest to the answer and the evidence, in "
            f"order; the other {total - len(shown)}, farther off in the graph, are left out)",
        )
    inputs = {**described(log), "operations": "\n".join(lines)}
    decision = asked_twice(
        ask, TASK, instruction(), inputs, OUTPUTS, lambda reply: read_decision(reply, shown)
    )
    return decision, f"a model read {len(shown)} of {total} operations"
