"""Sufficiency: is what was found enough, and if not, what else is looked for; one model call."""

from __future__ import annotations

from collections.abc import Sequence

from memory_backends.episodic.recollection import Recollection
from memory_backends.episodic.search import accepting, search
from memory_backends.fact_store.wanted import Wanted, texts
from memory_backends.prediction import predict
from traces.operation import BoundOperation
from traces.schema import Outputs, Variable, query


def complete(asking: Recollection, found: Sequence[Variable]) -> dict[str, list[Variable]]:
    """Return what was found and, where that is not enough, what a second round finds besides.

    The first round's filters do not hold for the second, which may look for somebody else, or
    for what these filters left out; it requires what its own prompt asks for.
    """
    return asking.perform(
        "sufficiency",
        "sufficiency",
        lambda op: _completed(asking, found, op),
        memory=[asking.state.variable()],
        found=list(found),
    )


def _completed(asking: Recollection, found: Sequence[Variable], op: BoundOperation) -> Outputs:
    from memory_backends.episodic.signatures import Sufficiency

    reply = predict(op, Sufficiency, **asking.asked(), memories=asking.shown(found))
    wanted = Wanted(texts(reply["queries"]), require=texts(reply["require"]))
    if reply["sufficient"] or not wanted.queries:
        return {"query": [query([])], "entries": list(found)}
    accept = accepting(asking.state, wanted, asking.asked_on.date())
    known = {v.value["entry_id"] for v in found}
    more = [
        entry.as_variable("retrieved")
        for entry in search(asking.state, wanted.queries, accept, asking.options)
        if entry.id not in known
    ]
    looked_for = query(
        wanted.queries, require=list(wanted.require), missing=reply["missing"].strip()
    )
    return {"query": [looked_for], "entries": [*found, *more]}
