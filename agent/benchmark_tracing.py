"""What tracing a backend costs in a run whose model calls take a while: traced and not, in turn."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agent.models.budget import Budget, Limits
from agent.models.gateway import ROLES, Gateway
from agent.models.providers import Messages, SimulatedProvider
from agent.response import respond, response_slot
from evals.loaders import load_dataset
from memory_backends.registry import open_backend
from traces.database import Database
from traces.domain import Conversation, OperationKind, PromptSet
from traces.ledger import Completion, Ledger
from traces.operation import BoundOperation, OperationContext
from traces.schema import Inputs, Outputs, Variable
from traces.store import Store

TARGET = 0.02
_SEED = 400


@dataclass(frozen=True, slots=True)
class Tracing:
    """Seconds of all passes. `own` is what `perform` took besides the work that it was given,
    and the commit of the passes; `calls` counts model calls of the traced passes."""

    traced: float
    untraced: float
    own: float
    operations: int
    calls: int

    @property
    def share(self) -> float:
        """Tracing's own time as a share of the rest of the traced passes; target: TARGET."""
        return self.own / (self.traced - self.own)

    @property
    def difference(self) -> float:
        """How much longer the traced passes took: the same, with all of the machine's noise."""
        return self.traced / self.untraced - 1


class _Delayed:
    """A provider whose calls take at least so many seconds."""

    def __init__(self, inner: SimulatedProvider, seconds: float) -> None:
        self._inner, self._seconds = inner, seconds
        self.simulated = True
        self.calls = 0

    def identity(self, role: str) -> Mapping[str, Any]:
        return self._inner.identity(role)

    def accepts_schema(self, role: str) -> bool:
        return False

    def complete(
        self,
        role: str,
        messages: Messages,
        sample_index: int,
        schema: Mapping[str, Any] | None = None,
    ) -> Completion:
        until = time.perf_counter() + self._seconds
        completion = self._inner.complete(role, messages, sample_index)
        time.sleep(max(0.0, until - time.perf_counter()))
        self.calls += 1
        return completion

    def close(self) -> None:
        self._inner.close()


@dataclass
class _Clock:
    own: float = 0.0


@dataclass(frozen=True)
class _Timed(OperationContext):
    """A context that measures itself: all of `perform` but the work."""

    clock: _Clock = field(default_factory=_Clock)

    def perform(
        self,
        kind: OperationKind,
        *,
        name: str,
        identity: Sequence[str],
        inputs: Inputs,
        call: Callable[[BoundOperation], Outputs],
        slot: str | None = None,
    ) -> dict[str, list[Variable]]:
        """Perform, and note the time."""
        work = 0.0

        def timed(operation: BoundOperation) -> Outputs:
            nonlocal work
            begin = time.perf_counter()
            try:
                return call(operation)
            finally:
                work += time.perf_counter() - begin

        begin = time.perf_counter()
        try:
            return super().perform(
                kind, name=name, identity=identity, inputs=inputs, call=timed, slot=slot
            )
        finally:
            self.clock.own += time.perf_counter() - begin - work


@dataclass(frozen=True)
class _Untraced(OperationContext):
    """A context that only lets the operation work: no hashes, no check, no record."""

    def perform(
        self,
        kind: OperationKind,
        *,
        name: str,
        identity: Sequence[str],
        inputs: Inputs,
        call: Callable[[BoundOperation], Outputs],
        slot: str | None = None,
    ) -> dict[str, list[Variable]]:
        """Call, and hand back."""
        instruction = self.prompts.instructions.get(slot, "") if slot else ""
        id = "/".join([self.scope, name, *identity])
        bound = BoundOperation(
            id, name, slot, self.now, instruction, self.sample_index, self.deadline, self.bind
        )
        return {role: list(variables) for role, variables in call(bound).items()}


def measure(
    directory: Path, backend: str = "fact_store", conversations: int = 2, delay: float = 0.05
) -> Tracing:
    """Run synthetic conversations in turn untraced and traced; model calls take `delay` s.

    Traced passes are committed to a real SQLite file in `directory`. Raises SettingsError for
    an unknown backend.
    """
    with open_backend(backend) as looked_at:
        slots = (*looked_at.slots, response_slot())
    prompts = PromptSet({slot.name: slot.seed for slot in slots})
    made = load_dataset("synthetic", None, conversations=max(5, conversations), seed=_SEED)
    data = made.conversations[:conversations]
    provider, clock = _Delayed(SimulatedProvider(_SEED, 0.0), delay), _Clock()
    spent = {"untraced": 0.0, "traced": 0.0}
    operations = calls = 0
    # The first pass would pay for imports.
    _run(_Untraced, backend, _beginning(data[0]), prompts, provider)
    with closing(Database(directory / "tracing.db")) as database:
        store = Store(database)
        for conversation in data:
            begin = time.perf_counter()
            _run(_Untraced, backend, conversation, prompts, provider)
            spent["untraced"] += time.perf_counter() - begin
            before, begin = provider.calls, time.perf_counter()
            context = _run(_Timed, backend, conversation, prompts, provider, clock=clock)
            saving = time.perf_counter()
            store.save_pass(conversation.id, prompts.hash, "bench", context.recorder)
            ended = time.perf_counter()
            clock.own += ended - saving
            spent["traced"] += ended - begin
            operations += len(context.recorder.operations)
            calls += provider.calls - before
    return Tracing(spent["traced"], spent["untraced"], clock.own, operations, calls)


def _run(
    kind: type[OperationContext], backend: str, conversation: Conversation, prompts: PromptSet,
    provider: _Delayed, **more: Any,
) -> OperationContext:  # fmt: skip
    from agent.models.language_model import dspy_scope

    # A ledger of its own: no call is saved by an earlier pass.
    gateway = Gateway(
        dict.fromkeys(ROLES, provider), Ledger(Database(":memory:")), Budget(Limits())
    )
    context = kind(
        conversation.id, "", conversation.sessions[0].date, prompts, gateway.bind, **more
    )
    last = conversation.sessions[-1]
    with dspy_scope(), open_backend(backend) as memory:
        for session in conversation.sessions:
            memory.ingest(session, context.child(session.id, session.date))
        for question in conversation.questions:
            asked = context.child(question.id, last.date)
            respond(question, list(memory.retrieve(question, last.date, asked)), asked)
    return context


def _beginning(conversation: Conversation) -> Conversation:
    return Conversation(conversation.id, conversation.sessions[:1], conversation.questions[:1])
