"""Retrieval: one model call for queries and filters, then deterministic hybrid search."""

from __future__ import annotations

from datetime import datetime

from memory_backends.fact_store.wanted import Wanted
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
    chars: int,
) -> dict[str, list[Variable]]:
    """Return the query and at most `top_k` retrieved entries, best first.

    An empty memory is not searched, and no model is asked.
    """

    def call(op: BoundOperation) -> Outputs:
        if not len(state):
            return {"query": [Wanted().as_variable()], "entries": []}
        wanted = Wanted.worded(op, question, asked_on, chars)
        found = state.index.search(wanted.queries, top_k, wanted.accepting(state))
        return {
            "query": [wanted.as_variable()],
            "entries": [state[entry_id].as_variable("retrieved") for entry_id, _ in found],
        }

    return ctx.perform(
        "retrieval",
        name="retrieve",
        slot="retrieval",
        identity=[question.id],
        inputs={"question": [question_variable(question, asked_on)], "memory": [state.variable()]},
        call=call,
    )
