"""Node: find the operation behind each failure on the training conversations."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from agent.attributing import attribute_pass, counts
from agent.loop.services import Progress, Services
from agent.loop.state import LoopState
from traces.domain import Conversation, PromptSet, Question
from traces.results import AnswerRecord, Attribution, EpisodeResult, Failure

Case = tuple[Conversation, Question, AnswerRecord, Attribution]


def attribute(state: LoopState, services: Services) -> LoopState:
    """Attribute the working prompt set's failures; stop where there is nothing to do."""
    round = state["round"]
    working = services.store.prompt_set(state["working"])
    results = services.evaluate(working, services.conversations("train"), round, "attribute")
    cases = attribute_failures(results, services, round)
    record = {"round": round, "prompts": working.hash, "failures": len(cases), **count(cases)}
    services.store.save_round(round, "attribute", record)
    services.log("attributed", **record)
    if not services.slots:
        return {"stop": "nothing_to_tune"}
    if not cases and state["working"] == state["incumbent"]:
        return {"stop": "no_failures"}
    return {}


def attribute_failures(
    results: Sequence[EpisodeResult], services: Services, round: int, stage: str = "attribute"
) -> list[Case]:
    """Return every failure with its attribution, made now or found in the store."""
    conversations = {c.id: c for c in services.dataset.conversations}
    total = sum(a.correct is False for r in results for a in r.answers)
    # Counted from several threads: what `next` returns is never given twice.
    ended = itertools.count(1)

    def on_made(_: Attribution) -> None:
        services.on_progress(Progress(round, services.rounds, stage, next(ended), total))

    cases: list[Case] = []
    for result in results:
        wrong = {a.question: a for a in result.answers if a.correct is False}
        failures = list(_failures(conversations[result.conversation], wrong, result.pass_id))
        found = attribute_pass(
            failures, services.store, services.attribute, services.concurrency, on_made=on_made
        )
        cases.extend(
            (f.conversation, f.question, wrong[f.question.id], found[f.question.id])
            for f in failures
        )
        ended = itertools.count(len(cases) + 1)
        services.on_progress(Progress(round, services.rounds, stage, len(cases), total))
    return cases


def _failures(
    conversation: Conversation, wrong: dict[str, AnswerRecord], pass_id: int
) -> Iterator[Failure]:
    for question in conversation.questions:
        if question.id in wrong:
            yield Failure(conversation, question, wrong[question.id].prediction or "", pass_id)


def count(cases: Sequence[Case]) -> dict[str, dict[str, int]]:
    """Return how often there was which cause; see `agent.attributing.counts`."""
    return counts([attribution for _, _, _, attribution in cases])


def train_cases(prompts: PromptSet, services: Services, round: int) -> list[Case]:
    """Return the attributed training failures of a prompt set (all from the store)."""
    results = services.evaluate(prompts, services.conversations("train"), round, "optimize")
    return attribute_failures(results, services, round)
