"""Memories of several conversations that are not apart."""

from __future__ import annotations

from traces.errors import OperationError


class NotIsolated(OperationError):
    """What one conversation told is found in the memory of another."""

    code = "not_isolated"


def not_isolated(name: str) -> NotIsolated:
    """Return the error of a new memory that holds something."""
    return NotIsolated(
        f"memory backend '{name}' is not empty when it is new: instances share state (a class "
        "attribute, a module's variable, one database), so conversations leak into each other; "
        "keep everything in the instance"
    )
