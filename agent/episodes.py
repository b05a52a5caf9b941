"""Runs episodes: one conversation through the agent, its questions on snapshots."""

from __future__ import annotations

import contextvars
import sqlite3
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from agent.memory_agent import Turn, build_agent
from agent.models.gateway import Gateway
from evals.evaluate import BAD_SAMPLE, EpisodeRun
from memory_backends.protocol import Closable, MemoryBackend, Snapshottable
from traces.domain import Conversation, PromptSet, Question
from traces.errors import MemtuneError, OperationError
from traces.operation import OperationContext, Recorder, ReuseIndex

# What no backend is to blame for: it stops the run instead of breaking a sample.
_BROKEN_SYSTEM = (MemtuneError, OSError, sqlite3.Error)


class EpisodeRunner:
    """Runs a conversation with a prompt set and returns predictions and recorded operations.

    `make_backend` gives a fresh, empty backend. Questions of one episode are answered in
    `concurrency` threads. A failed question becomes a prediction of None with its error;
    a failed ingest breaks the episode and is raised (OperationError, ProviderError).
    """

    def __init__(
        self,
        make_backend: Callable[[], MemoryBackend],
        gateway: Gateway,
        reuse: ReuseIndex | None,
        parameters: str,
        concurrency: int = 1,
    ) -> None:
        self.make_backend = make_backend
        self._gateway = gateway
        self._reuse = reuse
        self._parameters = parameters
        self._concurrency = concurrency
        self._agent = build_agent()

    def context(self, conversation: Conversation, prompts: PromptSet) -> OperationContext:
        """Return a fresh pass over a conversation."""
        return OperationContext(
            episode=conversation.id,
            scope="",
            now=conversation.sessions[0].date,
            prompts=prompts,
            bind=self._gateway.bind,
            parameters=self._parameters,
            recorder=Recorder(),
            reuse=self._reuse,
            deadline=self._gateway.budget.deadline,
        )

    def __call__(self, conversation: Conversation, prompts: PromptSet) -> EpisodeRun:
        """Run one episode."""
        # A context of its own: inside a node of the loop, LangGraph would take the agent's
        # graph for a subgraph of the loop and resume it instead of running it.
        return contextvars.Context().run(self._isolated, conversation, prompts)

    def _isolated(self, conversation: Conversation, prompts: PromptSet) -> EpisodeRun:
        from agent.models.language_model import dspy_scope

        with dspy_scope():
            try:
                return self._run(conversation, self.context(conversation, prompts))
            except _BROKEN_SYSTEM:
                raise
            except Exception as error:
                # A backend that raises breaks its episode, not the run.
                raise _foreign(conversation.id, error) from error

    def _run(self, conversation: Conversation, ctx: OperationContext) -> EpisodeRun:
        backend = self.make_backend()
        try:
            return self._live(backend, conversation, ctx)
        finally:
            if isinstance(backend, Closable):
                backend.close()

    def _live(
        self, backend: MemoryBackend, conversation: Conversation, ctx: OperationContext
    ) -> EpisodeRun:
        predictions: dict[str, tuple[str | None, str | None]] = {}
        by_session: dict[str, list[Question]] = {}
        last = conversation.sessions[-1].id
        for question in conversation.questions:
            by_session.setdefault(question.asked_after or last, []).append(question)
        for session in conversation.sessions:
            turn = Turn(backend, ctx.child(session.id, session.date), session=session)
            self._agent.invoke({"session": session.id}, context=turn)
            asked = by_session.get(session.id, [])
            if asked:
                predictions.update(self._answer_all(backend, ctx, session, asked))
        return EpisodeRun(ctx.recorder, predictions)

    def _answer_all(
        self, backend: MemoryBackend, ctx: OperationContext, session: Any, asked: list[Question]
    ) -> Mapping[str, tuple[str | None, str | None]]:
        def answer(question: Question) -> tuple[str, tuple[str | None, str | None]]:
            asked_on = question.asked_on or session.date
            turn = Turn(backend, ctx.child(question.id, asked_on), question=question)
            try:
                self._agent.invoke({"question": question.id}, context=turn)
            except BAD_SAMPLE as error:
                return question.id, (None, f"{error.code}: {error}")
            except _BROKEN_SYSTEM:
                raise
            except Exception as error:
                return question.id, (None, str(_foreign(question.id, error)))
            assert turn.answer is not None
            return question.id, (str(turn.answer.value["text"]), None)

        # `retrieve` is read-only by contract, so questions after one session share the
        # memory as it stands; nothing is ingested until all of them are answered.
        if self._concurrency <= 1 or len(asked) == 1 or not isinstance(backend, Snapshottable):
            return dict(answer(question) for question in asked)
        with ThreadPoolExecutor(self._concurrency) as pool:
            futures = [
                pool.submit(contextvars.copy_context().run, answer, question) for question in asked
            ]
            return dict(future.result() for future in futures)


def _foreign(where: str, error: Exception) -> OperationError:
    return OperationError(f"{where}: {type(error).__name__}: {error}"[:500])
