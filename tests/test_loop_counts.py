"""Incremental re-evaluation makes exactly the calls that its lower bound allows."""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from agent.loop.runner import run
from agent.loop.services import Services
from agent.response import render_memories
from evals.scorers.judge import free_match
from tests.loop_fixture import count_calls, opened, small
from traces.graph import EvolutionGraph
from traces.results import EpisodeResult
from traces.schema import MemoryEntry

Requests = dict[str, set[Any]]


def requests(services: Services, results: list[EpisodeResult]) -> Requests:
    """What each model step was given, read from the graphs: one item a needed call."""
    found: Requests = {k: set() for k in ("extraction", "update", "retrieval", "response", "judge")}
    questions = {q.id: (c, q) for c in services.dataset.conversations for q in c.questions}
    for result in results:
        graph = EvolutionGraph.load(services.store, result.pass_id)
        for operation in graph.operations.values():
            inputs = graph.inputs(operation.id)
            if operation.kind == "extraction":
                found["extraction"].add(tuple(v.hash for v in inputs))
            elif operation.kind == "update":
                near = [v for v in inputs if v.kind == "entry"]
                fact = next(v for v in inputs if v.kind == "fact").value
                if near:  # without near entries a fact is added without a call
                    shown = tuple((v.value["text"], v.value["date"][:10]) for v in near)
                    found["update"].add((fact["text"], fact["speaker"], fact["date"], shown))
            elif operation.kind == "retrieval":
                question = questions[operation.scope][1]
                asked = next(v for v in inputs if v.kind == "question").value["date"][:10]
                if any(v.value.get("size") for v in inputs if v.kind == "memory"):
                    found["retrieval"].add((question.text, asked))
            else:
                entries = [MemoryEntry.from_variable(v) for v in inputs if v.kind == "retrieved"]
                question = questions[operation.scope][1]
                date = next(v for v in inputs if v.kind == "question").value["date"][:10]
                found["response"].add((question.text, date, render_memories(entries)))
        for answer in result.answers:
            question = questions[answer.question][1]
            gold = None if question.unanswerable else question.answer
            assert answer.prediction is not None
            if free_match(answer.prediction, gold, question.text) is None:
                found["judge"].add((question.text, gold, answer.prediction))
    return found


# Which steps see the new instruction itself; the others are called where their input changed.
@pytest.mark.parametrize("slot", ["extraction", "update", "retrieval", "response"])
def test_a_changed_slot_costs_its_lower_bound(tmp_path: Path, slot: str) -> None:
    """One slot changed: every request of that slot, and downstream only what changed."""
    with ExitStack() as stack:
        services = opened(small(tmp_path), stack)
        conversations = services.dataset.conversations[:3]
        before = requests(services, services.evaluate(services.seed_prompts, conversations, 1, "a"))
        changed = services.seed_prompts.with_changes(
            {slot: services.seed_prompts.instructions[slot] + "\nMind the names of months."}
        )
        tasks = count_calls(services)
        after = requests(services, services.evaluate(changed, conversations, 1, "b"))
        expected = Counter(
            {
                task: len(wanted if task == slot else wanted - before[task])
                for task, wanted in after.items()
            }
        )
        assert +tasks == +expected
        assert tasks[slot] > 0
        if slot == "retrieval":
            assert tasks["extraction"] == tasks["update"] == 0
        if slot == "response":
            assert tasks["extraction"] == tasks["update"] == tasks["retrieval"] == 0


def test_an_unchanged_prompt_set_costs_nothing(tmp_path: Path) -> None:
    """The same prompt set on the same conversations again makes no call at all."""
    with ExitStack() as stack:
        services = opened(small(tmp_path), stack)
        first = services.evaluate(services.seed_prompts, services.dataset.conversations, 1, "a")
        tasks = count_calls(services)
        again = services.evaluate(services.seed_prompts, services.dataset.conversations, 1, "b")
        assert again == first
        assert not tasks


def test_a_finished_run_repeated_makes_no_call(tmp_path: Path) -> None:
    """The same command after the end says the same again, for free."""
    settings = small(tmp_path, optimizer="noop")
    first = run(settings)
    second = run(settings)
    assert first.exit_code == second.exit_code == 0
    assert second.done == first.done
