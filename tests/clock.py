"""A clock that stands still until somebody sleeps: tests count instead of sleeping."""

from __future__ import annotations

import threading
from typing import Any


class Clock:
    """`now` and `sleep` for `Budget`, breaker and rates. Sleeping takes no time; several
    threads that sleep move it on one after the other."""

    def __init__(self) -> None:
        self.time = 0.0
        self.slept: list[float] = []
        self._lock = threading.Lock()

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.time += seconds
            self.slept.append(seconds)

    @property
    def both(self) -> dict[str, Any]:
        """The keywords that `Budget` takes."""
        return {"now": self.now, "sleep": self.sleep}
