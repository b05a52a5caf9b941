"""Node: does the challenger replace the incumbent? Only the selection split decides."""

from __future__ import annotations

from typing import Any

from agent.loop.services import Services, digest, verdicts_of
from agent.loop.state import LoopState
from agent.loop.stopping import reason_to_stop
from evals.gate import GateRecord, decide
from evals.spending import Spending


def gate(state: LoopState, services: Services) -> LoopState:
    """Test the working prompt set against the incumbent, where it is new."""
    round = state["round"]
    working, incumbent = state["working"], state["incumbent"]
    pair = [incumbent, working]
    update: LoopState = {}
    if working == incumbent or pair == state.get("gated"):
        services.log("gate_not_reached", round=round)
        update["idle"] = state.get("idle", 0) + 1
    else:
        record = services.store.round(round, "gate") or _test(round, incumbent, working, services)
        decision = GateRecord.from_json(record["gate"])
        accepted = decision.accepted
        if decision.decision != "inconclusive":
            update["gated"] = pair
        if accepted:
            update["incumbent"] = working
        # A new challenger is progress even when it is not proven yet.
        update["idle"] = 0 if accepted or state.get("candidate") else state.get("idle", 0) + 1
    update["stop"] = reason_to_stop({**state, **update}, services)
    return update


def _test(round: int, incumbent: str, candidate: str, services: Services) -> dict[str, Any]:
    selection = services.conversations("selection")
    before = services.evaluate(services.store.prompt_set(incumbent), selection, round, "gate")
    after = services.evaluate(services.store.prompt_set(candidate), selection, round, "gate")
    decision = decide(
        verdicts_of(before),
        verdicts_of(after),
        mode=services.gate_mode,
        spending=spending(services),
        minimum_gain=services.min_gain,
    )
    record = {
        "round": round,
        "incumbent": incumbent,
        "candidate": candidate,
        "gate": decision.to_json(),
        "incumbent_selection": digest(before),
        "candidate_selection": digest(after),
    }
    services.store.save_round(round, "gate", record)
    services.log(
        "gated",
        round=round,
        decision=decision.decision,
        reason=decision.reason,
        gain=decision.gain,
        p_value=decision.p_value,
    )
    return record


def spending(services: Services) -> Spending:
    """Return how much of the error rate the rounds that reached the gate have spent."""
    return Spending(services.declared_rounds, len(services.store.rounds("gate")))
