"""The closed loop as a LangGraph state machine; nodes and edges only.

    evaluate ─> attribute ─> optimize ─> gate ─┬─> evaluate ...
        └──────────┴────────────────────────────┴─> finish

`finish` is reached on rounds, patience, target, nothing to tune or no failures; a
budget, a deadline or a stop file ends the process instead, and `resume` goes on.
"""

from __future__ import annotations

from typing import Any

from langgraph.graph import END, START, StateGraph

from agent.loop.nodes.attribute import attribute
from agent.loop.nodes.evaluate import evaluate
from agent.loop.nodes.finish import finish
from agent.loop.nodes.gate import gate
from agent.loop.nodes.optimize import optimize
from agent.loop.services import Services
from agent.loop.state import LoopState


def _unless_stopped(following: str) -> Any:
    return lambda state: "finish" if state.get("stop") else following


def build_loop(services: Services, checkpointer: Any) -> Any:
    """Compile the loop over its services; the checkpointer makes it resumable."""
    graph = StateGraph(LoopState)
    graph.add_node("evaluate", lambda state: evaluate(state, services))
    graph.add_node("attribute", lambda state: attribute(state, services))
    graph.add_node("optimize", lambda state: optimize(state, services))
    graph.add_node("gate", lambda state: gate(state, services))
    graph.add_node("finish", lambda state: finish(state, services))
    graph.add_edge(START, "evaluate")
    graph.add_edge("evaluate", "attribute")
    graph.add_conditional_edges("attribute", _unless_stopped("optimize"), ["optimize", "finish"])
    graph.add_edge("optimize", "gate")
    graph.add_conditional_edges("gate", _unless_stopped("evaluate"), ["evaluate", "finish"])
    graph.add_edge("finish", END)
    return graph.compile(checkpointer=checkpointer)
