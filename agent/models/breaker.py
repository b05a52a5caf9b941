"""A circuit breaker: while a provider is down, calls wait and one at a time asks again.

It never sleeps. `enter` says how long to wait, the caller waits and asks again, so a stop
file or a deadline ends the wait, and tests count instead of sleeping.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import inf

from traces.errors import ProviderError


@dataclass(frozen=True, slots=True)
class BreakerSettings:
    """`failures` in a row open it; pauses grow from `first_pause` to `longest_pause`
    (seconds); open for longer than `outage` seconds, it gives up. `poll` is what a call
    waits that only waits for others; `ramp` calls at a time are full flow again."""

    failures: int = 5
    first_pause: float = 1.0
    longest_pause: float = 60.0
    outage: float = 600.0
    poll: float = 0.1
    ramp: int = 16


class Breaker:
    """One a provider. Thread-safe.

    Closed, every call goes. After some failures in a row, over all threads, it opens: calls
    wait, and after each of its growing pauses one goes through as a probe. A success closes
    it; then calls come back a few at a time, twice as many with each turn. When a probe
    fails after the outage is over, every `enter` raises ProviderError; but where one request
    alone has failed, that one is given up, since the fault may be its own.

    A call that was let in is ended by exactly one of `answered` (the provider is alive,
    whatever it said), `failed` and `left` (nothing was learned). `now` is a monotonic clock.
    `log` is told of its opening and closing, as an event with values.
    """

    def __init__(
        self,
        name: str = "the provider",
        settings: BreakerSettings | None = None,
        *,
        now: Callable[[], float] = time.monotonic,
        today: Callable[[], datetime] = datetime.now,
        log: Callable[..., None] = lambda *_, **__: None,
    ) -> None:
        self._name = name
        self._log = log
        self._settings = settings or BreakerSettings()
        self._now, self._today = now, today
        self._lock = threading.Lock()
        self._in_a_row = 0
        self._failing: set[str] = set()
        self._first_failure = 0.0
        self._last_error = ""
        self._opened: float | None = None
        self._pause = 0.0
        self._next_probe = 0.0
        self._probe: str | None = None
        self._given_up = False
        # The one request that failed alone until the outage was over; and whether the provider
        # then answered another: from then on a request that fails alone is soon given up.
        self._suspect: str | None = None
        self._requests_fail_alone = False
        self._flights = 0
        self._most_flights: int | None = None
        self.openings = 0

    def enter(self, key: str) -> float:
        """Let a call go (0) or return the seconds after which to ask again.

        `key` names the request; no two calls with the same one are on their way at a time.
        Raises ProviderError when the provider has been down for longer than the outage.
        """
        with self._lock:
            if self._given_up:
                raise ProviderError(self._obituary())
            if self._opened is not None:
                if self._probe is not None:
                    return self._settings.poll
                left = self._next_probe - self._now()
                if left > 0:
                    return left
                self._probe = key
            elif self._most_flights is not None and self._flights >= self._most_flights:
                return self._settings.poll
            self._flights += 1
            return 0.0

    def answered(self, key: str) -> None:
        """Note that the provider answered, be it with a refusal."""
        with self._lock:
            self._leave(key)
            self._in_a_row = 0
            self._failing.clear()
            if self._suspect is not None and self._suspect != key:
                self._requests_fail_alone, self._suspect = True, None
            if self._opened is not None:
                seconds = round(self._now() - self._first_failure, 1)
                self._opened, self._probe, self._most_flights = None, None, 1
                self._log("provider_back", provider=self._name, down_for=seconds)
            elif self._most_flights is not None:
                # Each of n calls adds one: the flow doubles from turn to turn.
                self._most_flights += 1
                if self._most_flights >= self._settings.ramp:
                    self._most_flights = None

    def failed(self, key: str, error: str = "", retry_after: float | None = None) -> None:
        """Note a failed attempt, and the seconds that the provider asked to wait."""
        with self._lock:
            probed = self._probe == key
            self._leave(key)
            now = self._now()
            if not self._failing:
                self._first_failure = now
            self._failing.add(key)
            self._last_error = error
            self._in_a_row += 1
            settings = self._settings
            if self._opened is None:
                if self._in_a_row < settings.failures:
                    return
                self._opened, self._pause = now, settings.first_pause
                self.openings += 1
                self._log("provider_down", provider=self._name, last=error)
            elif not probed:
                self._next_probe = max(self._next_probe, now + (retry_after or 0.0))
                return
            elif now - self._opened >= settings.outage:
                if self._failing == {key}:
                    self._suspect = key
                else:
                    self._given_up = True
                return
            else:
                self._pause = min(2 * self._pause, settings.longest_pause)
            # The last probe comes when the outage ends, not a pause later.
            ends = max(now, self._opened + settings.outage)
            self._next_probe = max(min(now + self._pause, ends), now + (retry_after or 0.0))

    def left(self, key: str) -> None:
        """Note that a call came back without having asked the provider."""
        with self._lock:
            self._leave(key)

    def strikes(self, key: str) -> float:
        """Return how many of its attempts a failure just now costs a call: 0 while it is open,
        1 while it is closed, all of them where the request was found to fail alone."""
        with self._lock:
            if self._suspect == key:
                return inf
            alone = self._failing == {key}
            return float(self._opened is None or (alone and self._requests_fail_alone))

    def _leave(self, key: str) -> None:
        self._flights -= 1
        if self._probe == key:
            self._probe = None

    def _obituary(self) -> str:
        since = self._today() - timedelta(seconds=self._now() - self._first_failure)
        last = f" (last: {self._last_error})" if self._last_error else ""
        return (
            f"{self._name}: has been down since {since:%Y-%m-%d %H:%M:%S}, longer than "
            f"{self._settings.outage:g} s{last}; resume the run when it is back"
        )
