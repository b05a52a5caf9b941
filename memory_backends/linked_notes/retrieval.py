"""Retrieval: one model call for queries and filters, then search, then the linked notes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime

from memory_backends.fact_store.filters import Filters
from memory_backends.linked_notes.note import Note
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
    beside: int,
    chars: int,
) -> dict[str, list[Variable]]:
    """Return the query and the retrieved notes: at most `top_k` found, best first, then at
    most `beside` that are linked to these.

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

        def accept(entry_id: str) -> bool:
            return filters.accept(state[entry_id])

        ranked = state.index.search(queries, top_k, accept if filters.active else None)
        found = [entry_id for entry_id, _ in ranked]
        linked = list(filter(accept, _linked(state, found)))
        return {
            "query": [query(queries, after=after, before=before, require=require)],
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
