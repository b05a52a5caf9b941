"""What text may be, and how a value is named in a message.

`Reader` raises at the first thing wrong; the loaders collect (`evals.loaders.findings`).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, NamedTuple

from traces.errors import DataError

LONGEST_TEXT = 1_000_000
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class Trouble(NamedTuple):
    """What is wrong with a value: a stable code, what it is, and what to do about it."""

    kind: str
    problem: str
    fix: str


def shown(value: object, limit: int = 60) -> str:
    """Return `value` for an error message: one line of ASCII, at most `limit` characters."""
    # The slice first: a message of 10 MB is not worth escaping whole.
    text = ascii(value[:limit] if isinstance(value, str) else value)
    return text if len(text) <= limit else text[: limit - 3] + "..."


def kind_of(value: object) -> str:
    """Return what a JSON value is, in words."""
    names = {dict: "an object", list: "a list", str: "a string", bool: "a truth value"}
    if value is None:
        return "missing or null"
    return names.get(type(value), "a number")


def text_trouble(value: object, *, empty: bool = False) -> Trouble | None:
    """Return why `value` is no storable text, or None; blank text counts only where `empty`."""
    if value is None:
        return Trouble("missing", "is missing or null", "expected a string")
    if not isinstance(value, str):
        return Trouble("wrong_type", f"is {kind_of(value)}", "expected a string")
    if not empty and not value.strip():
        return Trouble("empty", "is empty", "fill it in")
    if len(value) > LONGEST_TEXT:
        return Trouble(
            "too_long", f"has {len(value):,} characters", f"shorten it to at most {LONGEST_TEXT:,}"
        )
    bad = _UNSTORABLE.search(value)
    if bad is None:
        return None
    if bad.group() == "\x00":
        return Trouble("nul", f"has a NUL character at position {bad.start()}", "remove it")
    return Trouble("surrogate", f"has a lone surrogate at position {bad.start()}", "remove it")


class Reader:
    """Reads fields of one file; every DataError that it raises names file and field."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def fail(self, field: str, problem: str) -> DataError:
        """Return the error for a field; `problem` ends with what to do."""
        return DataError(f"{self.path}: {field}: {problem}")

    def mapping(self, value: object, field: str) -> dict[str, Any]:
        """Return `value`, which must be a JSON object."""
        if not isinstance(value, dict):
            raise self.fail(field, f"is {kind_of(value)}; expected an object")
        return value

    def sequence(self, value: object, field: str) -> list[Any]:
        """Return `value`, which must be a JSON array."""
        if not isinstance(value, list):
            raise self.fail(field, f"is {kind_of(value)}; expected a list")
        return value

    def text(self, value: object, field: str, *, empty: bool = False) -> str:
        """Return `value`, which must be storable text; blank text only where `empty`."""
        found = text_trouble(value, empty=empty)
        if found is not None:
            raise self.fail(field, f"{found.problem}; {found.fix}")
        assert isinstance(value, str)
        return value
