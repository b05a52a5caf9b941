"""When the loop ends by itself. Budget, deadline and stop file end it from outside."""

from __future__ import annotations

from agent.loop.services import Services
from agent.loop.state import LoopState


def reason_to_stop(state: LoopState, services: Services) -> str:
    """Return `rounds`, `patience`, `target` or "" (go on), judged after a gate."""
    if services.target is not None:
        tested = services.store.rounds("gate")
        if tested:
            last = tested[-1]
            side = "candidate" if last["gate"]["decision"] == "accepted" else "incumbent"
            score = last[f"{side}_selection"]["score"]
            if score is not None and score >= services.target:
                return "target"
    if state["round"] >= services.rounds:
        return "rounds"
    if state.get("idle", 0) >= services.patience:
        return "patience"
    return ""
