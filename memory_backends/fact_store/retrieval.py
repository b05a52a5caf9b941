"""Retrieval: one model call for queries and filters, then deterministic hybrid search."""

from __future__ import annotations

from datetime import datetime

from memory_backends.fact_store.filters import Filters
from memory_backends.prediction import one_line, predict
from memory_backends.state import MemoryState
from traces.domain import Question
from traces.operation import BoundOperation, OperationContext
from traces.schema import Outputs, Variable, query, question_variable


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
            return {"query": [query([], after="", before="", require=[])], "entries": []}
        from memory_backends.fact_store.signatures import Retrieval

        reply = predict(
            op,
            Retrieval,
            question=one_line(question.text, chars),
            asked_on=asked_on.date().isoformat(),
        )
        queries = [text for text in map(str.strip, reply["queries"]) if text]
        require = [text for text in map(str.strip, reply["require"]) if text]
        after, before = reply["after"].strip(), reply["before"].strip()
        filters = Filters(after, before, require)
        found = state.index.search(
            queries, top_k, (lambda id: filters.accept(state[id])) if filters.active else None
        )
        return {
            "query": [query(queries, after=after, before=before, require=require)],
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
