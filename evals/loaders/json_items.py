"""The items of a JSON list, one at a time, from a file of any size."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from evals.loaders import json_text
from evals.loaders.findings import Findings
from evals.loaders.json_text import BROKEN, CHUNK, Record, RepeatedKey

_SPACE = re.compile(r"[ \t\n\r]*")
# How near its end a text that was cut off fails to parse: a literal, a number, an escape.
_NEAR = 32


class _Undecodable(Exception):
    pass


def items(path: Path, findings: Findings) -> Iterator[Record]:
    """Return the items of the list that a UTF-8 file holds.

    What is no JSON ends the list, with a finding. Raises DataError for an unreadable file.
    """
    with json_text.open_data(path) as file:
        try:
            yield from _items(_Text(file, findings), findings)
        except _Undecodable:
            return  # noted where it was met


class _Text:
    """The part of a file that was read and is not used up, and where in the file it begins."""

    def __init__(self, file: IO[bytes], findings: Findings) -> None:
        self._file = file
        self._findings = findings
        self._decode = codecs.getincrementaldecoder("utf-8-sig")().decode
        self._lines_read = 0
        self._ended = False
        self.text = ""
        self.at = 0
        self.line = 1
        self.column = 1

    def more(self) -> bool:
        """Read on, as much again as is held; False when nothing came."""
        if self._ended:
            return False
        raw = self._file.read(max(CHUNK, len(self.text) - self.at))
        self._ended = not raw
        try:
            decoded = self._decode(raw, final=self._ended)
        except UnicodeDecodeError as error:
            # Bytes left over from before are part of a character: no line ends among them.
            line = 1 + self._lines_read + raw.count(b"\n", 0, error.start)
            json_text.refuse_bytes(self._findings, line)
            raise _Undecodable from error
        if self._ended:
            return False
        self.text, self.at = self.text[self.at :] + decoded, 0
        self._lines_read += raw.count(b"\n")
        return True

    def use(self, end: int) -> str:
        """Return the text up to `end`, which is used up then."""
        used = self.text[self.at : end]
        self.line, self.column = json_text.position(self.text, self.at, end, self.line, self.column)
        self.at = end
        return used

    def peek(self) -> str:
        """Return the next character that is no space, "" at the end; spaces are used up."""
        while True:
            space = _SPACE.match(self.text, self.at)
            self.use(self.at if space is None else space.end())
            if self.at < len(self.text):
                return self.text[self.at]
            if not self.more():
                return ""


def _items(source: _Text, findings: Findings) -> Iterator[Record]:
    if not source.peek():
        json_text.refuse_empty(findings)
        return
    source.use(source.at + 1)
    index = 0
    separator = "" if source.peek() != "]" else "]"
    while separator != "]":
        source.peek()
        line = source.line
        found = _next(source, findings)
        if found is None:
            return
        yield Record(line, found[0], found[1], index)
        index += 1
        separator = source.peek()
        if separator not in (",", "]"):
            _fail(source, findings, "Expecting ',' delimiter" if separator else "it ends too early")
            return
        if separator == ",":
            source.use(source.at + 1)
    source.use(source.at + 1)
    if source.peek():
        _fail(source, findings, "Extra data")


def _next(source: _Text, findings: Findings) -> tuple[Any, str] | None:
    """Return the next item and its text; None, with a finding, where it is no JSON."""
    while True:
        try:
            value, end = json_text.strict.raw_decode(source.text, source.at)
            # A number may go on in the next piece.
            closed = source.text[end - 1] in '}]"' or end < len(source.text) - _NEAR
            if closed or not source.more():
                return value, source.use(end)
        except BROKEN as error:
            if isinstance(error, json.JSONDecodeError):
                unfinished = error.msg.startswith("Unterminated")
                if (unfinished or error.pos > len(source.text) - _NEAR) and source.more():
                    continue
            json_text.refuse(findings, error, source.text, source.at, source.line, source.column)
            if not isinstance(error, RepeatedKey):
                return None
            # A key twice in what was read, which may not be all of it yet.
            skipped = _skip(source)
            if skipped is None:
                return None
            return skipped


def _skip(source: _Text) -> tuple[Any, str] | None:
    while True:
        try:
            value, end = json_text.lenient.raw_decode(source.text, source.at)
            return value, source.use(end)
        except (ValueError, RecursionError):
            if not source.more():
                return None


def _fail(source: _Text, findings: Findings, message: str) -> None:
    json_text.refuse_json(findings, message, source.line, source.column)
