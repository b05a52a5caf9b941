"""The second form: the model walks the graph from the wrong answer and the evidence."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any, Literal

from traces.attribution.model_judged.case import described
from traces.attribution.model_judged.log import OperationLog
from traces.attribution.model_judged.reply import (
    Decision,
    ErrorName,
    ImpossibleReplyError,
    SubTypeName,
    asked_twice,
    operation_of,
    read_decision,
)
from traces.attribution.model_judged.shown import fitting
from traces.attribution.model_judged.wording import Wording, quoted, tokens_of
from traces.protocols import Ask
from traces.schema import OperationRecord

TASK = "attribution step"
MOST = 12  # operations of one frontier
FORM = 500  # tokens of a request's form and its reply

Direction = Literal["predecessors", "successors"]
OUTPUTS: dict[str, Any] = {
    "reason": str, "action": Literal[Direction, "decide"], "operation": int,
    "error_type": Literal[ErrorName, "none"], "sub_type": SubTypeName,
}  # fmt: skip
LAST: dict[str, Any] = {**OUTPUTS, "action": Literal["decide"], "error_type": ErrorName}

Move = tuple[Direction, OperationRecord]


@cache
def instruction() -> str:
    """Return the text of step.md."""
    return resources.files(__package__).joinpath("step.md").read_text("utf-8").strip()


class Walk:
    """One walk: the frontier, what was shown before, and what the model said of it.

    Operations are numbered in the order in which they are first shown. `tokens` is about what
    all requests may take together.
    """

    def __init__(self, log: OperationLog, steps: int, tokens: int) -> None:
        self._log = log
        self._wording = Wording(log)
        self._steps = steps
        self._tokens = tokens
        self._spent = 0
        self._trail: list[str] = []
        self._numbered: list[OperationRecord] = []
        self._numbers: dict[str, int] = {}
        self._frontier: list[OperationRecord] = []
        left = self._show(log.starts)
        self._remark = f"{left} more that used the evidence are left out." if left else ""

    def decide(self, ask: Ask) -> tuple[Decision, str]:
        """Return what the model decides, and after how many steps and operations.

        Raises ImpossibleReplyError, also where the model does not decide at the last step,
        and what `ask` raises.
        """
        for step in range(1, self._steps + 1):
            inputs = self._inputs(step)
            size = FORM + tokens_of("".join((instruction(), *inputs.values())))
            self._spent += size
            # What the next request may take: this one's, with a frontier as large as can be.
            most = size - tokens_of(inputs["operations"]) + FORM + self._tokens // self._steps
            last = step == self._steps or self._spent + most > self._tokens
            if last:
                inputs["steps_left"] = "none: this is the last step, so decide now"
            outputs, read = (LAST, self._read_last) if last else (OUTPUTS, self._read)
            said = asked_twice(ask, TASK, instruction(), inputs, outputs, read)
            if isinstance(said, Decision):
                return said, (
                    f"a model walked {step} step{'s' if step > 1 else ''} and saw "
                    f"{len(self._numbered)} of {len(self._log.operations)} operations"
                )
            self._go(step, *said)
        raise AssertionError("the last step decides")

    def _read(self, reply: Mapping[str, Any]) -> Decision | tuple[Move, str]:
        action = reply.get("action")
        if action == "predecessors" or action == "successors":
            operation = operation_of(reply, self._numbered)
            return (action, operation), str(reply.get("reason") or "")
        return self._read_last(reply)

    def _read_last(self, reply: Mapping[str, Any]) -> Decision:
        if reply.get("action") != "decide":
            raise ImpossibleReplyError(f"no decision, but {quoted(str(reply.get('action')), 60)}")
        return read_decision(reply, self._numbered)

    def _go(self, step: int, move: Move, reason: str) -> None:
        direction, operation = move
        number = self._numbers[operation.id]
        self._trail.append(f"step {step}: {direction} of [{number}]; you said {quoted(reason)}")
        found = self._neighbours(operation, direction)
        fresh = [other for other in found if other.id not in self._numbers]
        left = self._show(fresh or found) if found else 0
        if not found:
            self._remark = f"[{number}] has no {direction}."
        elif not fresh:
            self._remark = f"All {direction} of [{number}] were shown before."
        else:
            self._remark = f"{left} more {direction} of [{number}] are left out." if left else ""

    def _neighbours(self, operation: OperationRecord, direction: str) -> list[OperationRecord]:
        if direction == "predecessors":
            return self._log.predecessors(operation)
        return self._log.successors(operation)

    def _show(self, operations: list[OperationRecord]) -> int:
        """Put operations into the frontier; return how many there is no room for."""
        self._frontier = fitting(self._log, operations, self._tokens // self._steps, MOST)
        for operation in self._frontier:
            if operation.id not in self._numbers:
                self._numbered.append(operation)
                self._numbers[operation.id] = len(self._numbered)
        return len(operations) - len(self._frontier)

    def _inputs(self, step: int) -> dict[str, str]:
        told: dict[str, str] = {}
        shown = [self._full(operation, told) for operation in self._frontier]
        seen = [
            self._wording.brief(o, number)
            for number, o in enumerate(self._numbered, start=1)
            if o not in self._frontier
        ]
        return {
            **described(self._log),
            "seen_before": "\n".join([*seen, *self._trail]) or "(nothing: this is the first step)",
            "operations": "\n".join([*shown, *([self._remark] if self._remark else [])]),
            "steps_left": str(self._steps - step),
        }

    def _full(self, operation: OperationRecord, told: dict[str, str]) -> str:
        number = self._numbers[operation.id]
        lines = [self._wording.operation(operation, number, told)]
        for direction in ("predecessors", "successors"):
            lines.append(f"  {direction}: {self._counted(self._neighbours(operation, direction))}")
        return "\n".join(lines)

    def _counted(self, operations: list[OperationRecord]) -> str:
        known = [f"[{self._numbers[o.id]}]" for o in operations if o.id in self._numbers]
        hidden = len(operations) - len(known)
        parts = [*known, *([f"{hidden} not shown yet"] if hidden else [])]
        return ", ".join(parts) or "none"
