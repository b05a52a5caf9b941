"""Node: hand error signals to the optimizer and take its candidate."""

from __future__ import annotations

from agent.loop.nodes.attribute import train_cases
from agent.loop.services import Progress, Services
from agent.loop.state import LoopState
from optimizers.protocol import Assignment
from optimizers.signals import error_signals


def optimize(state: LoopState, services: Services) -> LoopState:
    """Propose. A candidate that is better on training data becomes the working set.

    Deterministic for a given state: repeated after a crash, it finds its own calls in the
    ledger and its episodes in the store, and so the same candidate.
    """
    round = state["round"]
    store = services.store
    working = store.prompt_set(state["working"])
    earlier = store.round(round - 1, "optimize") or {}
    signals = error_signals(train_cases(working, services, round))
    services.on_progress(Progress(round, services.rounds, "optimize"))
    proposal = services.optimizer.propose(
        Assignment(
            round=round,
            working=working,
            incumbent=store.prompt_set(state["incumbent"]),
            slots=services.slots,
            signals=tuple(services.transform_signals(signals.signals)),
            episodes=services.conversations("train"),
            ask=services.gateway.ask("reflection"),
            evaluate=lambda prompts, episodes: services.evaluate(
                prompts, episodes, round, "optimize"
            ),
            memory=earlier.get("memory", {}),
            seed=services.seed,
        )
    )
    candidate = proposal.candidate
    if candidate is not None:
        store.save_prompt_set(candidate)
    record = {
        "round": round,
        "working": working.hash,
        "candidate": candidate.hash if candidate is not None else None,
        "edits": list(proposal.edits),
        "race": list(proposal.race),
        "reason": proposal.reason,
        "signals": len(signals.signals),
        "uncounted": dict(signals.uncounted),
        "memory": dict(proposal.memory),
    }
    store.save_round(round, "optimize", record)
    services.log(
        "optimized",
        round=round,
        candidate=record["candidate"],
        raced=len(proposal.race),
        edits=len(proposal.edits),
        reason=proposal.reason,
    )
    if candidate is None:
        return {"candidate": ""}
    return {"candidate": candidate.hash, "working": candidate.hash}
