"""Which operations a prompt has room for."""

from __future__ import annotations

from collections.abc import Iterable

from traces.attribution.model_judged.log import OperationLog
from traces.attribution.model_judged.wording import Wording, tokens_of
from traces.schema import OperationRecord


def fitting(
    log: OperationLog, operations: Iterable[OperationRecord], tokens: int, most: int | None = None
) -> list[OperationRecord]:
    """Return the operations nearest to answer and evidence that take about `tokens` tokens in
    words (and are at most `most`), in the order in which they happened; at least one of any."""
    # Each value is quoted once in a prompt, wherever it stands first: what a choice of
    # operations takes does not depend on their order.
    wording, told = Wording(log), dict[str, str]()
    chosen: list[OperationRecord] = []
    taken = 0
    for operation in log.nearest_first(operations)[:most]:
        taken += tokens_of(wording.operation(operation, len(log.operations), told)) + 1
        if chosen and taken > tokens:
            break
        chosen.append(operation)
    return sorted(chosen, key=lambda operation: log.position[operation.id])
