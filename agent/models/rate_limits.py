"""Requests and tokens a minute of one model at one endpoint, over a moving window.

Like the breaker it never sleeps: `enter` says how long to wait.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

# What a call is expected to put out before any has been seen, in tokens.
FIRST_OUTPUT = 256
CHARACTERS_A_TOKEN = 4
_REQUESTS, _TOKENS = "requests", "tokens"


@dataclass(slots=True)
class _Entry:
    at: float
    amount: int
    counted: bool = True


class _Window(MemoryStorage):
    """The storage of `limits` with one entry a call, which can be corrected, on a clock of
    one's own. The library's holds an entry a token and goes by the wall clock, so a clock set
    back would block it."""

    def __init__(self, now: Callable[[], float]) -> None:
        super().__init__()
        self._now = now
        self._entries: defaultdict[str, deque[_Entry]] = defaultdict(deque)
        self._held: Counter[str] = Counter()

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Enter `amount` where the window has room for it."""
        _, held = self.get_moving_window(key, limit, expiry)
        if held + amount > limit:
            return False
        self._entries[key].append(_Entry(self._now(), amount))
        self._held[key] += amount
        return True

    def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:
        """Return when the oldest entry was made, and how much the window holds."""
        entries, now = self._entries[key], self._now()
        while entries and entries[0].at <= now - expiry:
            gone = entries.popleft()
            gone.counted = False
            self._held[key] -= gone.amount
        return (entries[0].at if entries else now), self._held[key]

    def latest(self, key: str) -> _Entry:
        """Return the entry made last."""
        return self._entries[key][-1]

    def correct(self, key: str, entry: _Entry, amount: int) -> None:
        """Change what an entry amounts to; one that has left the window stays gone."""
        if entry.counted:
            self._held[key] += amount - entry.amount
            entry.amount = amount


class RateLimits:
    """One a (model, endpoint) pair. Thread-safe. None means no limit.

    A call is entered with the tokens that it may come to and corrected when it is known what
    it used. One that alone needs more than the limit of tokens goes once the window is empty.
    `now` is a monotonic clock, in seconds.
    """

    def __init__(
        self,
        requests_per_minute: int | None = None,
        tokens_per_minute: int | None = None,
        *,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._storage = _Window(now)
        self._window = MovingWindowRateLimiter(self._storage)
        self._requests = requests_per_minute and RateLimitItemPerMinute(requests_per_minute)
        self._tokens = tokens_per_minute and RateLimitItemPerMinute(tokens_per_minute)
        self._entered: dict[str, _Entry] = {}
        self._outputs = 0
        self._output_tokens = 0

    def estimate(self, characters: int) -> int:
        """Return the tokens that a call with so many characters of prompt may come to."""
        with self._lock:
            output = self._output_tokens / self._outputs if self._outputs else FIRST_OUTPUT
        return ceil(characters / CHARACTERS_A_TOKEN + output)

    def enter(self, key: str, tokens: int) -> float:
        """Count a call of about so many tokens and return 0, or the seconds to wait.

        `key` names the request; no two calls with the same one are on their way at a time.
        """
        with self._lock:
            if self._requests and not self._window.test(self._requests, _REQUESTS):
                return self._until(self._requests, _REQUESTS)
            if self._tokens:
                cost = min(tokens, self._tokens.amount)
                if not self._window.hit(self._tokens, _TOKENS, cost=cost):
                    return self._until(self._tokens, _TOKENS)
                self._entered[key] = self._storage.latest(self._tokens.key_for(_TOKENS))
            if self._requests:
                self._window.hit(self._requests, _REQUESTS)
            return 0.0

    def settle(self, key: str, used: int, output: int) -> None:
        """Correct a call's estimate by the tokens it used; `output` is its part put out."""
        with self._lock:
            self._outputs += 1
            self._output_tokens += output
            entry = self._entered.pop(key, None)
            if entry is not None and self._tokens:
                self._storage.correct(self._tokens.key_for(_TOKENS), entry, used)

    def _until(self, item: RateLimitItemPerMinute, name: str) -> float:
        """Return the seconds until the oldest entry leaves the window."""
        reset = self._window.get_window_stats(item, name).reset_time
        return max(reset - self._now(), 0.01)
