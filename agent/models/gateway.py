"""One way to every language model: ledger, budget, limits and retry in one place.

The roles are `agent` (extraction, update, retrieval, response), `judge` (verdicts and
evidence reading) and `reflection` (edits of prompts).
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from agent.models.budget import Budget
from agent.models.providers import Messages, Provider
from traces.errors import TransientProviderError
from traces.hashing import content_hash
from traces.ledger import CallRequest, Completion, Ledger
from traces.operation import BoundOperation

ROLES = ("agent", "judge", "reflection")
ATTEMPTS = 5


@dataclass
class Meter:
    """Model calls answered while it was open, from the ledger or not, and their tokens."""

    calls: int = 0
    tokens: int = 0


_meter: ContextVar[Meter | None] = ContextVar("memtune_meter", default=None)


@contextmanager
def metered() -> Iterator[Meter]:
    """Count what this thread asks of any gateway until the block ends."""
    meter = Meter()
    token = _meter.set(meter)
    try:
        yield meter
    finally:
        _meter.reset(token)


class Gateway:
    """Makes calls on behalf of roles. Thread-safe.

    Owns retry (a transport failure repeats the same request at the same sample index,
    with growing jittered pauses, up to ATTEMPTS or the deadline). Raises ProviderError,
    BudgetExceeded, DeadlineExceeded, StopRequested.
    """

    def __init__(
        self,
        providers: Mapping[str, Provider],
        ledger: Ledger,
        budget: Budget,
        concurrency: int = 4,
    ) -> None:
        self._providers = providers
        self.ledger = ledger
        self.budget = budget
        self._slots = threading.BoundedSemaphore(concurrency)

    @property
    def simulated(self) -> bool:
        """Whether any role is played by the simulated model."""
        return any(provider.simulated for provider in self._providers.values())

    def identity(self, role: str) -> str:
        """Return a hash of everything that a role's results depend on."""
        return content_hash(dict(self._providers[role].identity(role)))

    def complete(
        self,
        role: str,
        messages: Messages,
        sample_index: int,
        schema: Mapping[str, Any] | None = None,
    ) -> tuple[str, Completion]:
        """Return (ledger key, completion): recorded before, or called now.

        `schema`, the JSON schema of the reply, is sent where the provider accepts one.
        """
        provider = self._providers[role]
        request = CallRequest(
            provider.identity(role),
            tuple(messages),
            schema=schema if provider.accepts_schema(role) else None,
            sample_index=sample_index,
        )
        key, completion = self.ledger.call(
            request,
            role,
            lambda: self._make(request, provider, role, messages, sample_index),
            self.budget.reserve,
        )
        meter = _meter.get()
        if meter is not None:
            meter.calls += 1
            meter.tokens += completion.input_tokens + completion.output_tokens
        return key, completion

    def _make(
        self,
        request: CallRequest,
        provider: Provider,
        role: str,
        messages: Messages,
        sample_index: int,
    ) -> Completion:
        attempt = 0

        def once() -> Completion:
            nonlocal attempt
            attempt += 1
            if attempt > 1:
                self.budget.reserve()
                self.ledger.retried(request.key())
            with self._slots:
                return provider.complete(role, messages, sample_index, request.schema)

        try:
            completion = once()
        except TransientProviderError:
            completion = self._retry(once)
        self.budget.record(completion.input_tokens + completion.output_tokens)
        return completion

    def _retry(self, once: Any) -> Completion:
        import tenacity

        stop: Any = tenacity.stop_after_attempt(ATTEMPTS - 1)
        deadline = self.budget.deadline
        if deadline is not None:
            import time

            stop = stop | tenacity.stop_after_delay(max(0.0, deadline - time.monotonic()))
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(TransientProviderError),
            wait=tenacity.wait_random_exponential(multiplier=0.25, max=20),
            stop=stop,
            reraise=True,
        )
        completion: Completion = retrying(once)
        return completion

    def bind(self, operation: BoundOperation) -> Any:
        """Return the agent's model bound to one operation (traces.operation.BindModel)."""
        from agent.models.language_model import BoundModel

        return BoundModel(self, "agent", operation.sample_index, operation)

    def ask(self, role: str) -> Any:
        """Return the typed-question function of a role (traces.protocols.Ask)."""
        from agent.models.language_model import TypedAsk

        return TypedAsk(self, role)

    def close(self) -> None:
        """Close the providers (a provider that plays several roles, once)."""
        for provider in {id(p): p for p in self._providers.values()}.values():
            provider.close()
