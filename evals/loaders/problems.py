"""What a loader does with bad input: fatal errors of one line, and a list of problems.

Fatal (DataError) is what makes the file unusable or its meaning a guess; a problem is
what costs one question or one reference. Nothing is dropped without either.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from traces.errors import DataError

LONGEST_TEXT = 1_000_000
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def shown(value: object, limit: int = 60) -> str:
    """Return `value` for an error message: one line of ASCII, at most `limit` characters."""
    # The slice first: a message of 10 MB is not worth escaping whole.
    text = ascii(value[:limit] if isinstance(value, str) else value)
    return text if len(text) <= limit else text[: limit - 3] + "..."


class Problems:
    """Collects what was lost on the way in, in the order in which it was found."""

    def __init__(self) -> None:
        self._lines: list[str] = []

    def add(self, conversation: str, problem: str, question: str | None = None) -> None:
        """Note a problem of a conversation or of one of its questions."""
        where = conversation if question is None else f"{conversation}, question {question}"
        self._lines.append(f"{where}: {problem}")

    @property
    def lines(self) -> tuple[str, ...]:
        return tuple(self._lines)


class _RepeatedKey(Exception):
    pass


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        keys = [key for key, _ in pairs]
        raise _RepeatedKey(shown(next(key for key in keys if keys.count(key) > 1)))
    return made


def read_json(path: Path) -> Any:
    """Return the JSON value in a UTF-8 file, with or without a byte order mark.

    Raises DataError naming file, line and column.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise DataError(f"{path}: cannot be read ({reason}); check path and permissions") from error
    except ValueError as error:  # a NUL in the path
        raise DataError(f"{shown(str(path))}: is not a usable path; check it") from error
    if not raw.strip():
        raise DataError(f"{path}: is empty; give a JSON file")
    try:
        return json.loads(raw.decode("utf-8-sig"), object_pairs_hook=_unique)
    except _RepeatedKey as error:
        raise DataError(f"{path}: key {error} occurs twice in one object; keep one") from error
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise DataError(f"{path}: line {line}: is not UTF-8; save the file as UTF-8") from error
    except json.JSONDecodeError as error:
        raise DataError(
            f"{path}: line {error.lineno}, column {error.colno}: is not JSON ({error.msg}); "
            "give a JSON file"
        ) from error
    except ValueError as error:
        raise DataError(f"{path}: holds a number too long to read; shorten it") from error
    except RecursionError as error:
        raise DataError(f"{path}: is nested too deeply to read; flatten it") from error


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
            raise self.fail(field, f"is {_kind(value)}; expected an object")
        return value

    def sequence(self, value: object, field: str) -> list[Any]:
        """Return `value`, which must be a JSON array."""
        if not isinstance(value, list):
            raise self.fail(field, f"is {_kind(value)}; expected a list")
        return value

    def text(self, value: object, field: str, *, empty: bool = False) -> str:
        """Return `value`, which must be storable text; blank text only where `empty`."""
        if not isinstance(value, str):
            raise self.fail(field, f"is {_kind(value)}; expected a string")
        if not empty and not value.strip():
            raise self.fail(field, "is empty; fill it in")
        if len(value) > LONGEST_TEXT:
            raise self.fail(
                field, f"has {len(value):,} characters; shorten it to at most {LONGEST_TEXT:,}"
            )
        bad = _UNSTORABLE.search(value)
        if bad is not None:
            name = "a NUL character" if bad.group() == "\x00" else "a lone surrogate"
            raise self.fail(field, f"has {name} at position {bad.start()}; remove it")
        return value


def _kind(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "a string", bool: "a truth value"}
    if value is None:
        return "missing or null"
    return names.get(type(value), "a number")
