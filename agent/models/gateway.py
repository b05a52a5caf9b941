"""One way to every language model: ledger, budget, rates, breaker and retry in one place.

The roles are `agent` (extraction, update, retrieval, response), `judge` (verdicts and
evidence reading) and `reflection` (edits of prompts).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from agent.models.breaker import Breaker, BreakerSettings
from agent.models.budget import Budget
from agent.models.call import Call, Lane
from agent.models.pricing import Prices
from agent.models.providers import Messages, Provider
from agent.models.rate_limits import RateLimits
from agent.models.retrying import Backoff
from traces.hashing import content_hash
from traces.ledger import CallRequest, Completion, Ledger
from traces.operation import BoundOperation

ROLES = ("agent", "judge", "reflection")
# Tests make the pauses tiny.
BACKOFF = Backoff()
BREAKER = BreakerSettings()


@dataclass
class Meter:
    """Model calls answered while it was open, from the ledger or not, and their tokens.

    Calls whose ledger key is in `known` are not counted: they belong to what is examined.
    """

    calls: int = 0
    tokens: int = 0
    known: Collection[str] = ()


_meter: ContextVar[Meter | None] = ContextVar("memtune_meter", default=None)


@contextmanager
def metered(known: Collection[str] = ()) -> Iterator[Meter]:
    """Count what this thread asks of any gateway until the block ends."""
    meter = Meter(known=known)
    token = _meter.set(meter)
    try:
        yield meter
    finally:
        _meter.reset(token)


def spent() -> tuple[int, int]:
    """Return calls and tokens that this thread's meter has counted; zeros without one."""
    meter = _meter.get()
    return (0, 0) if meter is None else (meter.calls, meter.tokens)


@dataclass(frozen=True, slots=True)
class Rates:
    """Most requests and tokens a minute of one model at one endpoint; None: no limit."""

    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None


class Gateway:
    """Makes calls on behalf of roles. Thread-safe.

    Owns retry: a transport failure repeats the same request at the same sample index, with
    growing jittered pauses. Before each attempt stand, in this order, the breaker and the
    rates of its provider (roles that share a provider share them) and the budget; an attempt
    that is refused or stopped there was never made. `log` is told when a provider is down and
    back. Raises ProviderError, BudgetExceeded, DeadlineExceeded, StopRequested.
    """

    def __init__(
        self,
        providers: Mapping[str, Provider],
        ledger: Ledger,
        budget: Budget,
        concurrency: int = 4,
        *,
        rates: Rates | None = None,
        prices: Prices | None = None,
    ) -> None:
        self._providers = providers
        self.ledger = ledger
        self.budget = budget
        self.slots = threading.BoundedSemaphore(concurrency)
        self.prices = prices or Prices({})
        self.log: Callable[..., None] = lambda *_, **__: None
        self._rates = rates or Rates()
        self._lanes: dict[int, Lane] = {}
        self._lock = threading.Lock()

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
        call = Call(self, provider, self._lane(provider, role), role, request, BACKOFF)
        try:
            key, completion = self.ledger.call(request, role, call.make, call.admit)
        finally:
            call.leave()
        meter = _meter.get()
        if meter is not None and key not in meter.known:
            meter.calls += 1
            meter.tokens += completion.input_tokens + completion.output_tokens
        return key, completion

    def _lane(self, provider: Provider, role: str) -> Lane:
        with self._lock:
            lane = self._lanes.get(id(provider))
            if lane is None:
                name = f"model {provider.identity(role).get('model', role)}"
                rates, now = self._rates, self.budget.now
                lane = self._lanes[id(provider)] = Lane(
                    Breaker(name, BREAKER, now=now, log=lambda *a, **k: self.log(*a, **k)),
                    RateLimits(rates.requests_per_minute, rates.tokens_per_minute, now=now),
                )
            return lane

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
