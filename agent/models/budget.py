"""What a run may spend: calls, tokens, dollars, time, and a stop file; checked before a call."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from traces.errors import BudgetExceeded, DeadlineExceeded, StopRequested

# The longest that a wait goes on after a stop was asked for, in seconds.
SLICE = 0.25


@dataclass(frozen=True, slots=True)
class Limits:
    """None means no limit. `deadline` is in seconds from the start of this process's run."""

    max_calls: int | None = None
    max_tokens: int | None = None
    deadline: float | None = None
    max_usd: float | None = None


class Budget:
    """Counts what is spent and refuses the call that would go over.

    `calls`, `tokens` and `usd` start at what the ledger already holds, so that a resumed run
    goes on counting. Tokens and dollars are known only after a call, so concurrent calls
    can overshoot their limits by the calls in flight, never by more. `now` is
    `time.monotonic` but in tests, and the clock of whatever waits. Thread-safe.
    """

    def __init__(
        self,
        limits: Limits,
        calls: int = 0,
        tokens: int = 0,
        stop_requested: Callable[[], bool] | None = None,
        *,
        usd: float = 0.0,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.limits = limits
        self.calls = calls
        self.tokens = tokens
        self.usd = usd
        self.started = now()
        self._stop_requested = stop_requested
        self.now = now
        self._sleep = sleep
        self._lock = threading.Lock()

    @property
    def deadline(self) -> float | None:
        """The deadline on `time.monotonic`'s clock, or None."""
        return None if self.limits.deadline is None else self.started + self.limits.deadline

    def check(self) -> None:
        """Raise StopRequested, DeadlineExceeded or BudgetExceeded when one applies now."""
        if self._stop_requested is not None and self._stop_requested():
            raise StopRequested("a stop was asked for (stop file)")
        if self.deadline is not None and self.now() > self.deadline:
            raise DeadlineExceeded(f"the deadline of {self.limits.deadline:g} s has passed")
        limits = self.limits
        if limits.max_calls is not None and self.calls >= limits.max_calls:
            raise BudgetExceeded(f"the budget of {limits.max_calls:,} calls is used up")
        if limits.max_tokens is not None and self.tokens >= limits.max_tokens:
            raise BudgetExceeded(f"the budget of {limits.max_tokens:,} tokens is used up")
        if limits.max_usd is not None and self.usd >= limits.max_usd:
            raise BudgetExceeded(f"the budget of {limits.max_usd:,.2f} USD is used up")

    def reserve(self) -> None:
        """Take one call. Raises BudgetExceeded, DeadlineExceeded or StopRequested."""
        with self._lock:
            self.check()
            self.calls += 1

    def record(self, tokens: int, usd: float = 0.0) -> None:
        """Enter the tokens and dollars of a call that ended."""
        with self._lock:
            self.tokens += tokens
            self.usd += usd

    def wait(self, seconds: float) -> None:
        """Sleep; a stop, the deadline or a spent budget ends it at once, raising as `check`."""
        until = self.now() + seconds
        while True:
            self.check()
            left = until - self.now()
            if left <= 0:
                return
            if self.deadline is not None:
                left = min(left, max(0.001, self.deadline - self.now() + 0.001))
            self._sleep(min(left, SLICE))
