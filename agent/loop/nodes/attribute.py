"""Node: find the operation behind each failure on the training conversations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from agent.loop.services import Progress, Services
from agent.loop.state import LoopState
from agent.models.gateway import metered
from traces.domain import Conversation, PromptSet, Question
from traces.graph import EvolutionGraph
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
    cases: list[Case] = []
    for result in results:
        wrong = {a.question: a for a in result.answers if a.correct is False}
        conversation = conversations[result.conversation]
        failed = [q for q in conversation.questions if q.id in wrong]
        known = services.store.attributions(result.pass_id, services.attribute.name)
        missing = [q for q in failed if q.id not in known]
        if missing:
            graph = EvolutionGraph.load(services.store, result.pass_id)
            known_calls = services.store.call_keys(result.pass_id)

            def one(
                question: Question,
                conversation: Conversation = conversation,
                wrong: dict[str, AnswerRecord] = wrong,
                graph: EvolutionGraph = graph,
                pass_id: int = result.pass_id,
                known_calls: frozenset[str] = known_calls,
            ) -> Attribution:
                prediction = wrong[question.id].prediction or ""
                failure = Failure(conversation, question, prediction, pass_id)
                with metered(known_calls) as meter:
                    found = services.attribute(failure, graph)
                found = replace(found, calls=meter.calls, tokens=meter.tokens)
                services.store.save_attribution(pass_id, found)
                return found

            if services.concurrency > 1:
                with ThreadPoolExecutor(services.concurrency) as pool:
                    made = list(pool.map(one, missing))
            else:
                made = [one(question) for question in missing]
            known.update({a.question: a for a in made})
        cases.extend((conversation, q, wrong[q.id], known[q.id]) for q in failed)
        services.on_progress(Progress(round, services.rounds, stage, len(cases), total))
    return cases


def count(cases: Sequence[Case]) -> dict[str, dict[str, int]]:
    """Return attributions by error type and sub-type, and abstentions by reason."""
    found = [attribution for _, _, _, attribution in cases]
    named = [a for a in found if a.verdict != "abstained"]
    return {
        "by_error_type": dict(sorted(Counter(str(a.error_type) for a in named).items())),
        "by_sub_type": dict(sorted(Counter(f"{a.error_type}/{a.sub_type}" for a in named).items())),
        "abstained": dict(
            sorted(Counter(a.reason for a in found if a.verdict == "abstained").items())
        ),
    }


def train_cases(prompts: PromptSet, services: Services, round: int) -> list[Case]:
    """Return the attributed training failures of a prompt set (all from the store)."""
    results = services.evaluate(prompts, services.conversations("train"), round, "optimize")
    return attribute_failures(results, services, round)
