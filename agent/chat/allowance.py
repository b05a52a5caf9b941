"""What all turns of a memory directory may spend together."""

from __future__ import annotations

from agent.models.budget import Budget
from traces.errors import BudgetExceeded


class Allowance(Budget):
    """A budget whose refusal says which setting to raise."""

    def check(self) -> None:
        """Raise BudgetExceeded when a limit is reached."""
        try:
            super().check()
        except BudgetExceeded as error:
            raise BudgetExceeded(
                f"{error} by all turns ever made in this memory; raise {self._reached()}"
            ) from None

    def _reached(self) -> str:
        limits = self.limits
        if limits.max_calls is not None and self.calls >= limits.max_calls:
            return _setting("max_calls")
        if limits.max_tokens is not None and self.tokens >= limits.max_tokens:
            return _setting("max_tokens")
        return _setting("max_usd")


def _setting(name: str) -> str:
    return f"{name} in memtune.toml (or MEMTUNE__{name.upper()}, Settings({name}=...))"
