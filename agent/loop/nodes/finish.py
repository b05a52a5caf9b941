"""Node: open the sealed test split once, and attribute what still fails, for the report."""

from __future__ import annotations

from collections.abc import Sequence

from agent.loop.mending import how_to_go_on
from agent.loop.nodes.attribute import attribute_failures, count
from agent.loop.services import Services, digest, score_of
from agent.loop.state import LoopState
from evals.gate import MISSING_SHARE
from traces.domain import PromptSet
from traces.errors import OperationError
from traces.results import EpisodeResult


def finish(state: LoopState, services: Services) -> LoopState:
    """Score seed prompts, finalist and, where known, the ceiling on the test split."""
    store = services.store
    round = state["round"]
    finalist = store.prompt_set(state["incumbent"])
    test = services.conversations("test")
    contenders = {"baseline": services.seed_prompts, "final": finalist}
    if services.dataset.ceiling is not None:
        contenders["ceiling"] = ceiling_prompts(services)
    _require_verdicts(finalist, services, round)
    openings = services.seal.open(services.data_hash, f"{services.identity}/{finalist.hash}")
    record: dict[str, object] = {
        "round": round,
        "stop": state["stop"],
        "prompts": {name: prompts.hash for name, prompts in contenders.items()},
        "test_openings": openings,
        "beyond_ceiling": services.dataset.beyond_ceiling,
        "test": {},
    }
    scores: dict[str, object] = {}
    for name, prompts in contenders.items():
        results = services.evaluate(prompts, test, round, "finish")
        scores[name] = digest(results)
        if name == "final":
            _require_score(results)
    record["test"] = scores
    # For the report only: no signal is made of these failures.
    for split in ("selection", "test"):
        results = services.evaluate(finalist, services.conversations(split), round, "finish")
        cases = attribute_failures(results, services, round, "finish")
        record[f"{split}_attributions"] = {"failures": len(cases), **count(cases)}
    if finalist.hash != services.seed_prompts.hash:
        results = services.evaluate(
            services.seed_prompts, services.conversations("selection"), round, "finish"
        )
    services.evaluate(finalist, services.conversations("train"), round, "finish")
    store.save_round(round, "finish", record)
    services.log("finished", stop=state["stop"], test=scores, test_openings=openings)
    return {}


def _require_verdicts(finalist: PromptSet, services: Services, round: int) -> None:
    """Raise OperationError where the provider leaves so many questions without a verdict
    that opening the sealed split would waste it."""
    selection = services.conversations("selection")
    results = services.evaluate(finalist, selection, round, "finish")
    found = digest(results)
    if found["missing"] > MISSING_SHARE * found["questions"]:
        said = next(a.reason for r in results for a in r.answers if a.correct is None)
        raise OperationError(
            f"{found['missing']} of {found['questions']} selection questions have no verdict: the "
            f"sealed test split stays closed; the first: {said}: mend what broke, "
            f"{how_to_go_on(said)}"
        )


def _require_score(results: Sequence[EpisodeResult]) -> None:
    """Raise OperationError where no test question was judged: without a final score the run is
    not done."""
    if score_of(results) is None:
        answers = [a for r in results for a in r.answers]
        said = answers[0].reason if answers else "there are no questions"
        raise OperationError(
            f"0 of {len(answers)} questions of the sealed test split, which was opened, have a "
            f"verdict: there is no final score; the first: {said}: mend what broke, "
            f"{how_to_go_on(said)}"
        )


def ceiling_prompts(services: Services) -> PromptSet:
    """Return the seed prompts with the ceiling's instructions in their slots."""
    ceiling = services.dataset.ceiling or {}
    known = services.seed_prompts.instructions
    return services.seed_prompts.with_changes({k: v for k, v in ceiling.items() if k in known})
