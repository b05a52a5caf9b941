"""Retrieval: one model call for queries and filters, then search, then the linked notes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime

from memory_backends.fact_store.wanted import Wanted
from memory_backends.linked_notes.note import Note
from memory_backends.state import MemoryState
from traces.domain import Question
from traces.operation import BoundOperation, OperationContext
from traces.schema import Outputs, Variable, question_variable


def retrieve(
    state: MemoryState,
    question: Question,
    asked_on: datetime,
    ctx: OperationContext,
    top_k: int,
    beside: int,
    chars: int,
) -> dict[str, list[Variable]]:
    """Return the query and the retrieved notes: at most `top_k` found, best first, then at
    most `beside` that are linked to these.

    An empty memory is not searched, and no model is asked.
    """

    def call(op: BoundOperation) -> Outputs:
        if not len(state):
            return {"query": [Wanted().as_variable()], "entries": []}
        wanted = Wanted.worded(op, question, asked_on, chars)
        accept = wanted.accepting(state)
        found = [entry_id for entry_id, _ in state.index.search(wanted.queries, top_k, accept)]
        linked = [id for id in _linked(state, found) if accept is None or accept(id)]
        return {
            "query": [wanted.as_variable()],
            "entries": [
                Note.of(state[id]).as_variable("retrieved") for id in (*found, *linked[:beside])
            ],
        }

    return ctx.perform(
        "retrieval",
        name="retrieve",
        slot="retrieval",
        identity=[question.id],
        inputs={"question": [question_variable(question, asked_on)], "memory": [state.variable()]},
        call=call,
    )


def _linked(state: MemoryState, found: Sequence[str]) -> Iterator[str]:
    """Yield the ids of other notes linked to those found, or from them; the best's first."""
    ties: dict[str, list[str]] = defaultdict(list)
    for entry in state.entries():
        for id in Note.of(entry).links or ():
            if id in state:
                ties[entry.id].append(id)
                ties[id].append(entry.id)
    seen = set(found)
    for id in found:
        for other in ties[id]:
            if other not in seen:
                seen.add(other)
                yield other
