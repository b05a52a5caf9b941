"""Memories of several conversations that are not apart."""

from __future__ import annotations

from collections.abc import Sequence

from traces.errors import OperationError


class NotIsolated(OperationError):
    """What one conversation told is found in the memory of another."""

    code = "not_isolated"

    def __init__(self, message: str, found: Sequence[str] = (), asked: str = "") -> None:
        super().__init__(message)
        self.found = tuple(found)
        self.asked = asked


def not_isolated(name: str, found: Sequence[str] = (), asked: str = "") -> NotIsolated:
    """Return the error of a new memory that holds something, or finds it when it is asked."""
    shown = f" (it holds {found[0][:80]!r})" if found else ""
    return NotIsolated(
        f"memory backend '{name}' is not empty when it is new{shown}: instances share state (a "
        "class attribute, a module's variable, one database), so conversations leak into each "
        "other; keep everything in the instance, and return nothing where nothing was added",
        found, asked,
    )  # fmt: skip
