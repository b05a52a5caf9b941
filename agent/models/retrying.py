"""When a failed attempt is repeated, and after how long."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import tenacity

from traces.errors import ProviderError, TransientProviderError
from traces.ledger import Completion


@dataclass(frozen=True, slots=True)
class Backoff:
    """Pauses are drawn between 0 and a bound that doubles from `first` to `longest` seconds.

    `attempts` of one call may fail, those aside that fail while the provider is down. A
    provider that asks to wait longer than `longest_asked` seconds ends the run.
    """

    attempts: int = 8
    first: float = 0.5
    longest: float = 30.0
    longest_asked: float = 300.0


def with_retries(
    once: Callable[[], Completion],
    backoff: Backoff,
    wait: Callable[[float], None],
    strikes: Callable[[], float],
) -> Completion:
    """Return what `once` returns, called again after each TransientProviderError.

    `wait` sleeps for so many seconds or raises; `strikes` says how many attempts the failure
    just now costs this call. Raises TransientProviderError after the last attempt,
    ProviderError where the provider asks to wait too long, and what `once` and `wait` raise.
    """
    counted = 0.0
    jittered = tenacity.wait_random_exponential(multiplier=backoff.first, max=backoff.longest)

    def pause(state: tenacity.RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        asked = error.retry_after if isinstance(error, TransientProviderError) else None
        if asked is None:
            return jittered(state)
        if asked > backoff.longest_asked:
            raise ProviderError(
                f"{error}: the provider asks to wait {asked:g} s, more than "
                f"{backoff.longest_asked:g} s; resume the run then"
            ) from error
        # Calls that were refused together must not come back together.
        return asked + jittered(state)

    def stop(state: tenacity.RetryCallState) -> bool:
        nonlocal counted
        counted += strikes()
        return counted >= backoff.attempts

    def give_up(state: tenacity.RetryCallState) -> Completion:
        error = state.outcome.exception() if state.outcome else None
        raise TransientProviderError(f"{error} (after {state.attempt_number} attempts)") from error

    retrying = tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(TransientProviderError),
        wait=pause,
        stop=stop,
        sleep=wait,
        retry_error_callback=give_up,
    )
    completion: Completion = retrying(once)
    return completion
