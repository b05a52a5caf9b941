"""JSON values from a file, a record at a time: one a line, or the items of a list.

A record that cannot be read is a finding, and the next one is tried. Never more than one
record of a list, or line of a file, is held as text.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from evals.loaders.findings import At, Findings
from evals.loaders.problems import shown
from traces.errors import DataError

CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Record:
    """One JSON value and the line (from 1) that it begins on.

    `text` is what it was written as, where that may take several lines; `index` is its place
    in a list, None where there is no list.
    """

    line: int
    value: Any
    text: str = ""
    index: int | None = None

    def at(self) -> At:
        """Return the record's place."""
        return At(() if self.index is None else (self.index,))


class RepeatedKey(Exception):
    """An object names a key twice; the message is the key."""


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        keys = [key for key, _ in pairs]
        raise RepeatedKey(shown(next(key for key in keys if keys.count(key) > 1)))
    return made


strict = json.JSONDecoder(object_pairs_hook=_unique)
lenient = json.JSONDecoder()
BROKEN = (ValueError, RepeatedKey, RecursionError)


def open_data(path: Path) -> IO[bytes]:
    """Open a data file. Raises DataError naming the path and the reason.

    What is no regular file is refused: loaders begin anew, and a pipe would have lost its
    beginning by then.
    """
    try:
        if not path.is_dir() and not path.is_file() and path.exists():
            raise DataError(f"{path}: is no regular file; write its content to one first")
        return path.open("rb")
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise DataError(f"{path}: cannot be read ({reason}); check path and permissions") from error
    except ValueError as error:  # a NUL in the path
        raise DataError(f"{shown(str(path))}: is not a usable path; check it") from error


def first_character(path: Path) -> str:
    """Return the first character that is no space, "" for an empty file. Raises DataError."""
    with open_data(path) as file:
        head = file.read(CHUNK).removeprefix(codecs.BOM_UTF8)
        while head and not head.strip():
            head = file.read(CHUNK)
    return head.lstrip()[:1].decode("latin-1")


def records(path: Path, findings: Findings) -> Iterator[Record]:
    """Return the items of a list, or the values on the lines of a file. Raises DataError."""
    from evals.loaders.json_items import items

    return items(path, findings) if first_character(path) == "[" else lines(path, findings)


def lines(path: Path, findings: Findings) -> Iterator[Record]:
    """Return the JSON values of a file that holds one a line; blank lines are skipped."""
    empty = True
    with open_data(path) as file:
        for number, raw in enumerate(file, 1):
            if number == 1:
                raw = raw.removeprefix(codecs.BOM_UTF8)
            if not raw.strip():
                continue
            empty = False
            text = _decoded(raw, number, findings)
            found = None if text is None else _value(text.strip(), number, findings)
            if found is not None:
                yield Record(number, found[0])
    if empty:
        refuse_empty(findings)


def whole(path: Path, findings: Findings) -> Record | None:
    """Return the one JSON value that is the file, or None with findings. Raises DataError."""
    with open_data(path) as file:
        raw = file.read().removeprefix(codecs.BOM_UTF8)
    if not raw.strip():
        refuse_empty(findings)
        return None
    text = _decoded(raw, 1, findings)
    found = None if text is None else _value(text, 1, findings)
    return None if text is None or found is None else Record(1, found[0], text)


def _decoded(raw: bytes, line: int, findings: Findings) -> str | None:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        refuse_bytes(findings, line + raw.count(b"\n", 0, error.start))
        return None


def _value(text: str, line: int, findings: Findings) -> tuple[Any] | None:
    """Return the JSON value of a whole text in a tuple, or None with a finding."""
    try:
        return (strict.decode(text),)
    except BROKEN as error:
        refuse(findings, error, text, 0, line, 1)
        # What else is wrong in the record can still be told.
        if not isinstance(error, RepeatedKey):
            return None
    try:
        return (lenient.decode(text),)
    except BROKEN as error:
        refuse(findings, error, text, 0, line, 1)
        return None


# why a text is no record ----------------------------------------------------------


def refuse_empty(findings: Findings) -> None:
    """Note that the file holds nothing."""
    findings.error("empty_file", At(), "is empty", "give a file with conversations")


def refuse_bytes(findings: Findings, line: int) -> None:
    """Note a line that is not UTF-8."""
    findings.error("not_utf8", At((), line), "is not UTF-8", "save the file as UTF-8")


def refuse(
    findings: Findings, error: Exception, text: str, start: int, line: int, column: int
) -> None:
    """Note why the JSON text from `start`, at this line and column, cannot be read."""
    at = At((), line)
    if isinstance(error, json.JSONDecodeError):
        refuse_json(findings, error.msg, *position(text, start, error.pos, line, column))
    elif isinstance(error, RepeatedKey):
        findings.error("repeated_key", at, f"key {error} occurs twice in one object", "keep one")
    elif isinstance(error, RecursionError):
        findings.error("too_deep", at, "is nested too deeply to read", "flatten it")
    else:
        findings.error("long_number", at, "holds a number too long to read", "shorten it")


def refuse_json(findings: Findings, message: str, line: int, column: int) -> None:
    """Note what is no JSON, and where."""
    findings.error(
        "not_json", At((), line), f"is not JSON ({message})",
        "write one JSON object on each line, or a list of them", place=f"column {column}",
    )  # fmt: skip


def position(text: str, start: int, end: int, line: int, column: int) -> tuple[int, int]:
    """Return line and column of `end`, given those of `start` before it."""
    newlines = text.count("\n", start, end)
    if not newlines:
        return line, column + end - start
    return line + newlines, end - text.rfind("\n", start, end)
