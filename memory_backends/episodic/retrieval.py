"""Retrieval: a search that its own prompt words, and the scenes that it opens."""

from __future__ import annotations

from memory_backends.episodic.recollection import Recollection
from memory_backends.episodic.search import accepting, search
from memory_backends.fact_store.filters import Filters
from memory_backends.prediction import predict
from traces.operation import BoundOperation
from traces.schema import Outputs, Variable, query


def retrieve(asking: Recollection) -> dict[str, list[Variable]]:
    """Return the query and the entries that it found, best first.

    An empty memory is not searched, and no model is asked.
    """
    return asking.perform(
        "retrieve", "retrieval", lambda op: _found(asking, op), memory=[asking.state.variable()]
    )


def filters_of(wanted: Variable) -> Filters:
    """Return the filters of a query; one without (a repair's) restricts nothing."""
    value = wanted.value
    return Filters(value.get("after", ""), value.get("before", ""), value.get("require", []))


def _found(asking: Recollection, op: BoundOperation) -> Outputs:
    if not len(asking.state):
        return {"query": [query([], after="", before="", require=[])], "entries": []}
    from memory_backends.fact_store.signatures import Retrieval

    reply = predict(op, Retrieval, **asking.asked())
    queries = [text for text in map(str.strip, reply["queries"]) if text]
    require = [text for text in map(str.strip, reply["require"]) if text]
    after, before = reply["after"].strip(), reply["before"].strip()
    wanted = query(queries, after=after, before=before, require=require)
    accept = accepting(asking.state, filters_of(wanted), asking.asked_on.date())
    found = search(asking.state, queries, accept, asking.options)
    return {"query": [wanted], "entries": [entry.as_variable("retrieved") for entry in found]}
