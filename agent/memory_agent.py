"""The memory-augmented agent: a LangGraph graph that ingests a session or answers a question.

    session ──> ingest ──> END
    question ─> retrieve ─> respond ─> END

State holds handles; memory contents stay in the run's backend and context.
"""

from __future__ import annotations

from typing import Any, TypedDict

from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime

from agent.response import respond
from agent.turn import Turn


class AgentState(TypedDict, total=False):
    """Handles: the session to ingest or the question to answer, entry ids, answer id."""

    session: str
    question: str
    retrieved: list[str]
    answer: str


def _ingest(state: AgentState, runtime: Runtime[Turn]) -> AgentState:
    turn = runtime.context
    assert turn.session is not None
    turn.backend.ingest(turn.session, turn.ctx)
    return {"session": turn.session.id}


def _retrieve(state: AgentState, runtime: Runtime[Turn]) -> AgentState:
    turn = runtime.context
    assert turn.question is not None
    turn.entries = list(turn.backend.retrieve(turn.question, turn.ctx.now, turn.ctx))
    return {"retrieved": [entry.id for entry in turn.entries]}


def _respond(state: AgentState, runtime: Runtime[Turn]) -> AgentState:
    turn = runtime.context
    assert turn.question is not None
    turn.answer = respond(turn.question, turn.entries, turn.ctx)
    return {"answer": turn.answer.id}


def build_agent() -> Any:
    """Compile the agent's graph; invoke it with an AgentState and `context=Turn(...)`."""
    graph = StateGraph(AgentState, context_schema=Turn)
    graph.add_node("ingest", _ingest)
    graph.add_node("retrieve", _retrieve)
    graph.add_node("respond", _respond)
    graph.add_conditional_edges(
        START, lambda state: "ingest" if "session" in state else "retrieve", ["ingest", "retrieve"]
    )
    graph.add_edge("ingest", END)
    graph.add_edge("retrieve", "respond")
    graph.add_edge("respond", END)
    return graph.compile()
