"""Retrieval: a search that its own prompt words, and the scenes that it opens."""

from __future__ import annotations

from memory_backends.episodic.recollection import Recollection
from memory_backends.episodic.search import accepting, search
from memory_backends.fact_store.wanted import Wanted
from traces.operation import BoundOperation
from traces.schema import Outputs, Variable


def retrieve(asking: Recollection) -> dict[str, list[Variable]]:
    """Return the query and the entries that it found, best first.

    An empty memory is not searched, and no model is asked.
    """
    return asking.perform(
        "retrieve", "retrieval", lambda op: _found(asking, op), memory=[asking.state.variable()]
    )


def _found(asking: Recollection, op: BoundOperation) -> Outputs:
    state, options = asking.state, asking.options
    if not len(state):
        return {"query": [Wanted().as_variable()], "entries": []}
    wanted = Wanted.worded(op, asking.question, asking.asked_on, options.message_chars)
    accept = accepting(state, wanted, asking.asked_on.date())
    found = search(state, wanted.queries, accept, options)
    return {
        "query": [wanted.as_variable()],
        "entries": [entry.as_variable("retrieved") for entry in found],
    }
