"""Node: run the training conversations with the working prompt set."""

from __future__ import annotations

from agent.loop.mending import how_to_go_on
from agent.loop.services import Services, digest, score_of
from agent.loop.state import LoopState
from traces.errors import OperationError


def evaluate(state: LoopState, services: Services) -> LoopState:
    """Begin a round. Where training data have turned against the challenger, the
    incumbent is the working prompt set again. Raises OperationError where nothing could be
    judged: that is no run without failures."""
    round = state.get("round", 0) + 1
    incumbent = services.store.prompt_set(state["incumbent"])
    working = services.store.prompt_set(state["working"])
    train = services.conversations("train")
    results = services.evaluate(working, train, round, "evaluate")
    if working.hash != incumbent.hash:
        before = services.evaluate(incumbent, train, round, "evaluate")
        if (score_of(results) or 0.0) < (score_of(before) or 0.0):
            working, results = incumbent, before
    if score_of(results) is None:
        said = next((a.reason for r in results for a in r.answers), "there are no questions")
        raise OperationError(
            f"no training question has a verdict; the first: {said}: mend what broke, "
            f"{how_to_go_on(said)}"
        )
    record = {"round": round, "prompts": working.hash, **digest(results)}
    services.store.save_round(round, "evaluate", record)
    services.log("evaluated", **record)
    return {"round": round, "working": working.hash}
