"""On which line of a JSON text a field stands: looked up only for what has a finding."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

Path = tuple[str | int, ...]
_SPACE = re.compile(r"[ \t\n\r]*")
_skip = json.JSONDecoder(strict=False).raw_decode


def lines_of(text: str, paths: Iterable[Path]) -> dict[Path, int]:
    """Return for each path its line in a JSON text that can be parsed, counted from 0.

    A path that leads to nothing gets the line of the last field on its way. One pass over
    the text, whatever the number of paths; values off the paths are skipped by the parser.
    """
    wanted = set(paths)
    tree: dict[str | int, dict] = {}  # type: ignore[type-arg]
    for path in wanted:
        branch = tree
        for key in path:
            branch = branch.setdefault(key, {})
    offsets: dict[Path, int] = {}
    _walk(text, _space(text, 0), tree, (), offsets)
    ordered = sorted({_known(path, offsets) for path in wanted})
    lines, counted, line = {}, 0, 0
    for offset in ordered:
        line += text.count("\n", counted, offset)
        counted = offset
        lines[offset] = line
    return {path: lines[_known(path, offsets)] for path in wanted}


def _known(path: Path, offsets: dict[Path, int]) -> int:
    while path not in offsets:
        path = path[:-1]
    return offsets[path]


def _space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return at if found is None else found.end()


def _walk(text: str, at: int, tree: dict, path: Path, offsets: dict[Path, int]) -> int:  # type: ignore[type-arg]
    """Note where values begin along the tree; return the offset after this value."""
    offsets[path] = at
    if not tree or text[at] not in "[{":
        end: int = _skip(text, at)[1]
        return end
    listed = text[at] == "["
    at, index = _space(text, at + 1), 0
    while text[at] not in "]}":
        key: str | int = index
        if not listed:
            key, at = _skip(text, at)
            at = _space(text, _space(text, at) + 1)  # the colon
        at = (
            _walk(text, at, tree[key], (*path, key), offsets) if key in tree else _skip(text, at)[1]
        )
        at = _space(text, at)
        if text[at] == ",":
            at = _space(text, at + 1)
        index += 1
    return at + 1
