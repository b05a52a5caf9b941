"""One model call on its way: what stands before it, its attempts, and what they cost."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil
from typing import TYPE_CHECKING

from agent.models.breaker import Breaker
from agent.models.providers import Provider
from agent.models.rate_limits import CHARACTERS_A_TOKEN, RateLimits
from agent.models.retrying import Backoff, with_retries
from traces.errors import ContentError, ProviderError, TransientProviderError
from traces.ledger import CallRequest, Completion

if TYPE_CHECKING:
    from agent.models.gateway import Gateway


@dataclass(frozen=True, slots=True)
class Lane:
    """What stands before one provider."""

    breaker: Breaker
    limits: RateLimits


class Call:
    """One request on its way: past what stands before its provider, and again if it fails."""

    def __init__(
        self,
        gateway: Gateway,
        provider: Provider,
        lane: Lane,
        role: str,
        request: CallRequest,
        backoff: Backoff,
    ) -> None:
        self._gateway, self._provider, self._lane, self._backoff = gateway, provider, lane, backoff
        self._role, self._request, self._key = role, request, request.key()
        self._characters = sum(len(text) for _, text in request.messages)
        self._slot = self._entered = False

    def admit(self) -> None:
        """Wait until an attempt may go; take a slot and a call of the budget for it."""
        budget, lane = self._gateway.budget, self._lane
        while True:
            budget.check()
            # A slot is held by attempts only, never by what waits for a rate or a provider.
            self._gateway.slots.acquire()
            self._slot = True
            wait = lane.breaker.enter(self._key)
            self._entered = not wait
            if self._entered:
                wait = lane.limits.enter(self._key, lane.limits.estimate(self._characters))
            if not wait:
                budget.reserve()
                return
            self.leave()
            budget.wait(wait)

    def leave(self) -> None:
        """Give back what is still held."""
        if self._entered:
            self._entered = False
            self._lane.breaker.left(self._key)
        if self._slot:
            self._slot = False
            self._gateway.slots.release()

    def make(self) -> Completion:
        """Make the call that was admitted, and repeat it where it failed in transport."""
        breaker = self._lane.breaker
        return with_retries(
            self._attempt,
            self._backoff,
            self._gateway.budget.wait,
            lambda: breaker.strikes(self._key),
        )

    def _attempt(self) -> Completion:
        if not self._slot:
            self.admit()
            self._gateway.ledger.retried(self._key)
        try:
            # What it took is entered before the slot is given back: no more than the calls
            # in flight are ever unknown to the budget.
            try:
                completion = self._ask()
            except ContentError as error:
                self._enter(error.input_tokens, error.output_tokens)
                raise
            self._enter(completion.input_tokens, completion.output_tokens)
            return completion
        finally:
            self.leave()

    def _enter(self, input_tokens: int, output_tokens: int) -> None:
        gateway, used = self._gateway, input_tokens + output_tokens
        usd = gateway.prices.cost(self._role, input_tokens, output_tokens)
        self._lane.limits.settle(self._key, used, output_tokens)
        gateway.budget.record(used, usd or 0.0)

    def _ask(self) -> Completion:
        request, breaker = self._request, self._lane.breaker
        try:
            completion = self._provider.complete(
                self._role, request.messages, request.sample_index, request.schema
            )
        except TransientProviderError as error:
            self._entered = False
            breaker.failed(self._key, str(error), error.retry_after)
            raise
        except ProviderError:
            self._answered()
            raise
        self._answered()
        return self._counted(completion)

    def _answered(self) -> None:
        self._entered = False
        self._lane.breaker.answered(self._key)

    def _counted(self, completion: Completion) -> Completion:
        """Return the completion; where no tokens were reported, with an estimate of them: a
        budget must hold for an endpoint that counts nothing."""
        if completion.input_tokens or completion.output_tokens:
            return completion
        return replace(
            completion,
            input_tokens=ceil(self._characters / CHARACTERS_A_TOKEN),
            output_tokens=ceil(len(completion.text) / CHARACTERS_A_TOKEN),
        )
