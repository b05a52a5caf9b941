"""Rerank: which of the entries found are returned, the best first; at most one model call."""

from __future__ import annotations

from collections.abc import Sequence

from memory_backends.episodic.recollection import Recollection
from memory_backends.prediction import predict
from traces.operation import BoundOperation
from traces.schema import Outputs, Variable


def choose(asking: Recollection, found: Sequence[Variable]) -> dict[str, list[Variable]]:
    """Return at most `top_k` of the entries. As many or fewer stay in the order in which they
    were found, and no model is asked."""
    return asking.perform(
        "rerank", "rerank", lambda op: _chosen(asking, found, op), found=list(found)
    )


def _chosen(asking: Recollection, found: Sequence[Variable], op: BoundOperation) -> Outputs:
    most = asking.options.top_k
    if len(found) <= most:
        return {"entries": list(found)}
    from memory_backends.episodic.signatures import Rerank

    reply = predict(op, Rerank, **asking.asked(), memories=asking.shown(found))
    numbers = [n for n in reply["ranking"] if 1 <= n <= len(found)]
    # What the reply leaves out follows in the order in which it was found.
    order = dict.fromkeys([*numbers, *range(1, len(found) + 1)])
    return {"entries": [found[number - 1] for number in order][:most]}
