"""Sufficiency: is what was found enough, and if not, what else is looked for; one model call."""

from __future__ import annotations

from collections.abc import Sequence

from memory_backends.episodic.recollection import Recollection
from memory_backends.episodic.search import accepting, search
from memory_backends.fact_store.wanted import Wanted
from memory_backends.prediction import predict
from traces.operation import BoundOperation
from traces.schema import Outputs, Variable, query


def complete(
    asking: Recollection, wanted: Variable, found: Sequence[Variable]
) -> dict[str, list[Variable]]:
    """Return what was found and, where that is not enough, what a second round finds besides.

    `wanted` is the first round's query: its period and required words hold for the second.
    """
    return asking.perform(
        "sufficiency",
        "sufficiency",
        lambda op: _completed(asking, wanted, found, op),
        memory=[asking.state.variable()],
        query=[wanted],
        found=list(found),
    )


def _completed(
    asking: Recollection, wanted: Variable, found: Sequence[Variable], op: BoundOperation
) -> Outputs:
    from memory_backends.episodic.signatures import Sufficiency

    reply = predict(op, Sufficiency, **asking.asked(), memories=asking.shown(found))
    queries = [text for text in map(str.strip, reply["queries"]) if text]
    if reply["sufficient"] or not queries:
        return {"query": [query([])], "entries": list(found)}
    accept = accepting(asking.state, Wanted.of(wanted), asking.asked_on.date())
    known = {v.value["entry_id"] for v in found}
    more = [
        entry.as_variable("retrieved")
        for entry in search(asking.state, queries, accept, asking.options)
        if entry.id not in known
    ]
    return {"query": [query(queries, missing=reply["missing"].strip())], "entries": [*found, *more]}
