"""Runs episodes: one conversation through the agent, its questions on snapshots."""

from __future__ import annotations

import contextvars
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import replace

from agent.attended import BACKEND_SECONDS, Attended
from agent.models.gateway import Gateway
from agent.turn import Turn
from evals.evaluate import BAD_SAMPLE, EpisodeRun
from memory_backends.isolation import not_isolated
from memory_backends.places import is_ours, place
from memory_backends.protocol import Closable, Inspectable, MemoryBackend, Snapshottable
from traces.domain import Conversation, PromptSet, Question, Session
from traces.errors import MemtuneError, OperationError, SettingsError, of_machine
from traces.operation import OperationContext, Recorder, ReuseIndex


class EpisodeRunner:
    """Runs a conversation with a prompt set and returns predictions and recorded operations.

    `make_backend` gives a fresh, empty backend. Questions of one episode are answered in
    `concurrency` threads. A failed question becomes a prediction of None with its error;
    a failed ingest breaks the episode and is raised (OperationError, ProviderError), and so
    does a backend that is silent for `seconds` (`agent.attended`).
    """

    def __init__(
        self,
        make_backend: Callable[[], MemoryBackend],
        gateway: Gateway,
        reuse: ReuseIndex | None,
        parameters: str,
        concurrency: int = 1,
        seconds: float = BACKEND_SECONDS,
    ) -> None:
        self.make_backend = make_backend
        self._gateway = gateway
        self._reuse = reuse
        self._parameters = parameters
        self._concurrency = concurrency
        self.seconds = seconds
        # LangGraph takes seconds to import: a refusal before, or a look, does without.
        from agent.memory_agent import build_agent

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

        attended = Attended(self._gateway.bind, self.seconds)
        ctx = replace(self.context(conversation, prompts), bind=attended.bind)
        with dspy_scope():
            try:
                return attended.wait(
                    lambda: self._run(conversation, ctx, attended),
                    conversation.id, lambda: len(ctx.recorder.operations), ctx.deadline,
                )  # fmt: skip
            except Exception as error:
                if _stops_run(error):
                    raise
                # A backend that raises breaks its episode, not the run.
                raise _foreign(conversation.id, error) from error

    def _run(
        self, conversation: Conversation, ctx: OperationContext, attended: Attended
    ) -> EpisodeRun:
        try:
            backend = self.make_backend()
        except SettingsError as error:
            # It could be made when the run was opened.
            raise OperationError(f"{conversation.id}: {error}") from error
        try:
            if isinstance(backend, Inspectable) and backend.entries():
                raise not_isolated(backend.name)
            return self._live(backend, conversation, ctx, attended)
        finally:
            if isinstance(backend, Closable):
                backend.close()

    def _live(
        self,
        backend: MemoryBackend,
        conversation: Conversation,
        ctx: OperationContext,
        attended: Attended,
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
                predictions.update(self._answer_all(backend, ctx, session, asked, attended))
        return EpisodeRun(ctx.recorder, predictions)

    def _answer_all(
        self,
        backend: MemoryBackend,
        ctx: OperationContext,
        session: Session,
        asked: list[Question],
        attended: Attended,
    ) -> Mapping[str, tuple[str | None, str | None]]:
        def answer(question: Question) -> tuple[str, tuple[str | None, str | None]]:
            asked_on = question.asked_on or session.date
            turn = Turn(backend, ctx.child(question.id, asked_on), question=question)
            try:
                self._agent.invoke({"question": question.id}, context=turn)
            except BAD_SAMPLE as error:
                return question.id, (None, f"{error.code}: {error}")
            except BaseException as error:
                # The user's interruption comes to the main thread, never to this one.
                if _stops_run(error):
                    raise
                return question.id, (None, str(_foreign(question.id, error)))
            assert turn.answer is not None
            return question.id, (str(turn.answer.value["text"]), None)

        # `retrieve` is read-only by contract, so questions after one session share the
        # memory as it stands; nothing is ingested until all of them are answered.
        if self._concurrency <= 1 or len(asked) == 1 or not isinstance(backend, Snapshottable):
            return dict(answer(question) for question in asked)
        return dict(attended.each(answer, asked, self._concurrency))


def _stops_run(error: BaseException) -> bool:
    """Say whether no backend is to blame for an error: memtune's own, a full disk, a defect."""
    if isinstance(error, MemtuneError) or of_machine(error):
        return True
    return isinstance(error, OSError | sqlite3.Error) and is_ours(error)


def _foreign(where: str, error: BaseException) -> OperationError:
    return OperationError(f"{where}: {type(error).__name__}: {error} ({place(error)})"[:500])
