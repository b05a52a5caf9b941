"""One recorded pass of a real backend with the simulated model, ready to be replayed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from agent.episodes import EpisodeRunner
from agent.loop.services import Services
from agent.models.gateway import metered
from agent.recorded_pass import QuestionReplay
from agent.replayer import Replayer
from memory_backends.protocol import MemoryBackend
from tests.loop_fixture import opened, small
from traces.domain import Conversation, Question
from traces.graph import EvolutionGraph
from traces.operation import Intervention
from traces.replay import Replayed
from traces.results import Failure
from traces.schema import OperationRecord, Variable, fact

SEED = 405


@dataclass
class Pass:
    """A conversation evaluated with the seed prompts; `predictions` by question id."""

    services: Services
    conversation: Conversation
    pass_id: int
    graph: EvolutionGraph
    predictions: dict[str, str]

    @property
    def runner(self) -> EpisodeRunner:
        """What ran the episode."""
        found = self.services.evaluator.run_episode
        assert isinstance(found, EpisodeRunner)
        return found

    def question(self, number: int = 0) -> Question:
        """Return a question by its place."""
        return self.conversation.questions[number]

    def replayer(
        self, make_backend: Callable[[], MemoryBackend] | None = None, **options: Any
    ) -> Replayer:
        """Return a replayer over this pass; `make_backend` may make another backend."""
        return Replayer(
            make_backend or self.runner.make_backend,
            lambda failure: self.runner.context(
                failure.conversation, self.services.store.prompts_of(failure.pass_id)
            ),
            **options,
        )

    def replay(self, question: Question, by: Replayer | None = None) -> QuestionReplay:
        """Return the replay of one question."""
        failure = Failure(
            self.conversation, question, self.predictions.get(question.id, ""), self.pass_id
        )
        return (by or self.replayer())(failure, self.graph)

    def operation(self, kind: str, number: int = 0, scope: str | None = None) -> OperationRecord:
        """Return a recorded operation of a kind by its place, of one scope or any."""
        found = [o for o in self.graph.operations.values()
                 if o.kind == kind and scope in (None, o.scope)]  # fmt: skip
        return found[number]

    def asked(self, question: Question, kind: str) -> OperationRecord:
        """Return a question's own operation of a kind."""
        return self.operation(kind, scope=question.id)

    def with_fact(self, extraction: OperationRecord, text: str, source: str) -> list[Variable]:
        """Return an extraction's facts with another one before them."""
        message = next(m for m in self.graph.inputs(extraction.id) if m.value["id"] == source)
        made = fact(text, message.value["speaker"], message.value["date"][:10], [source])
        return [made, *self.graph.outputs(extraction.id, "fact")]


@contextmanager
def recorded(
    directory: Path,
    backend: str = "fact_store",
    make_backend: Callable[[], MemoryBackend] | None = None,
    change: Callable[[Conversation], Conversation] = lambda one: one,
    **settings: Any,
) -> Iterator[Pass]:
    """Evaluate one conversation and yield its pass.

    `make_backend` puts another backend in the place of `backend`.
    """
    with ExitStack() as stack:
        services = opened(small(directory, seed=SEED, backend=backend, **settings), stack)
        if make_backend is not None:
            runner = services.evaluator.run_episode
            assert isinstance(runner, EpisodeRunner)
            runner.make_backend = make_backend
        conversation = change(services.dataset.conversations[0])
        (result,) = services.evaluator(services.seed_prompts, [conversation])
        assert result.error is None
        yield Pass(
            services,
            conversation,
            result.pass_id,
            EvolutionGraph.load(services.store, result.pass_id),
            {a.question: a.prediction or "" for a in result.answers},
        )


def asked_early(conversation: Conversation) -> Conversation:
    """Ask every question after the second session."""
    early = conversation.sessions[1].id
    questions = tuple(replace(q, asked_after=early) for q in conversation.questions)
    return replace(conversation, questions=questions)


def calls_of(replayed: Callable[[], Replayed]) -> tuple[Replayed, int]:
    """Return what a replay came to, and the model calls that it needed (also those that the
    ledger answered)."""
    with metered() as meter:
        found = replayed()
    return found, meter.calls


def putting_out(operation: OperationRecord, **outputs: list[Variable]) -> Intervention:
    """Return a repair that puts out these variables."""
    from traces.operation import substitute

    return substitute(operation.id, outputs)
