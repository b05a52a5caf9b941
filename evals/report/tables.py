"""Markdown's few forms: tables, and texts that cannot break out of their cell or fence."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from evals.report.wording import printable

# Underscores within words, and signs that open no tag, are text already.
_ACTIVE = re.compile(r"([\\`*\[\]|~#]|(?<!\w)_|_(?!\w)|<(?=[A-Za-z/!?]))")
_TICKS = re.compile(r"`+")


def plain(text: object) -> str:
    """Return foreign text as one line in which Markdown and HTML mean nothing."""
    return _ACTIVE.sub(r"\\\1", printable(text))


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], numbers: int = 0) -> list[str]:
    """Return a Markdown table; the last `numbers` columns are right-aligned.

    Cells are written as they are: foreign text goes through `plain` first.
    """
    left = len(heads) - numbers
    rule = ["---"] * left + ["---:"] * numbers
    lines = [_line(heads), _line(rule), *map(_line, rows)]
    return [*lines, ""]


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def fenced(lines: Sequence[str], language: str = "") -> list[str]:
    """Return lines in a fence longer than any run of backticks within."""
    longest = max((len(run) for line in lines for run in _TICKS.findall(line)), default=0)
    fence = "`" * max(3, longest + 1)
    return [fence + language, *(printable_keeping_indent(line) for line in lines), fence, ""]


def printable_keeping_indent(line: str) -> str:
    """Return a line without control characters, its leading spaces kept."""
    body = line.lstrip(" ")
    return " " * (len(line) - len(body)) + printable(body)
