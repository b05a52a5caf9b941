"""What a run may spend: calls, tokens, time, and a stop file; checked before a call."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from traces.errors import BudgetExceeded, DeadlineExceeded, StopRequested


@dataclass(frozen=True, slots=True)
class Limits:
    """None means no limit. `deadline` is in seconds from the start of this process's run."""

    max_calls: int | None = None
    max_tokens: int | None = None
    deadline: float | None = None


class Budget:
    """Counts what is spent and refuses the call that would go over.

    `calls` and `tokens` start at what the ledger already holds, so that a resumed run
    goes on counting. Tokens are known only after a call, so concurrent calls can
    overshoot `max_tokens` by the calls in flight, never by more. Thread-safe.
    """

    def __init__(
        self,
        limits: Limits,
        calls: int = 0,
        tokens: int = 0,
        stop_requested: Callable[[], bool] | None = None,
    ) -> None:
        self.limits = limits
        self.calls = calls
        self.tokens = tokens
        self.started = time.monotonic()
        self._stop_requested = stop_requested
        self._lock = threading.Lock()

    @property
    def deadline(self) -> float | None:
        """The deadline on `time.monotonic`'s clock, or None."""
        return None if self.limits.deadline is None else self.started + self.limits.deadline

    def check(self) -> None:
        """Raise StopRequested or DeadlineExceeded when one applies now."""
        if self._stop_requested is not None and self._stop_requested():
            raise StopRequested("a stop was asked for (stop file)")
        if self.deadline is not None and time.monotonic() > self.deadline:
            raise DeadlineExceeded(f"the deadline of {self.limits.deadline:g} s has passed")

    def reserve(self) -> None:
        """Take one call. Raises BudgetExceeded, DeadlineExceeded or StopRequested."""
        self.check()
        with self._lock:
            limits = self.limits
            if limits.max_calls is not None and self.calls >= limits.max_calls:
                raise BudgetExceeded(f"the budget of {limits.max_calls:,} calls is used up")
            if limits.max_tokens is not None and self.tokens >= limits.max_tokens:
                raise BudgetExceeded(f"the budget of {limits.max_tokens:,} tokens is used up")
            self.calls += 1

    def record(self, tokens: int) -> None:
        """Enter the tokens of a call that ended."""
        with self._lock:
            self.tokens += tokens
