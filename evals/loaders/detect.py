"""Which data set a file is, from its name and the keys of its first records."""

from __future__ import annotations

import csv
import itertools
import json
import re
from collections.abc import Mapping
from pathlib import Path

from evals.loaders import chat, csv_file, jsonl
from evals.loaders.fields import Names
from evals.loaders.findings import Findings
from evals.loaders.json_items import items
from evals.loaders.json_text import first_character, open_data
from traces.errors import DataError

CHOICES = ("jsonl", "csv", "chat", "locomo", "longmemeval", "realmem")
_HEAD = 1 << 16
_LOOKED_AT = 20
_TABLES = (".csv", ".tsv", ".tab")
_FOREIGN = {
    b"\x1f\x8b": "is compressed (gzip); unpack it first",
    b"PK": "is an archive or a spreadsheet; unpack it, or save the sheet as CSV",
    b"\xff\xfe": "is not UTF-8 but UTF-16; save it as UTF-8",
    b"\xfe\xff": "is not UTF-8 but UTF-16; save it as UTF-8",
    b"SQLite format 3": "is a database; export its messages as CSV or JSON lines",
}
_KEY = re.compile(r'"((?:[^"\\]|\\.){1,80})"\s*:')


def detect(path: Path, fields: Mapping[str, str] | None = None) -> str:
    """Return the name of the data set that a file, or a directory, is in.

    `fields` are the user's names of fields, as far as a format has them. Raises DataError
    where the file cannot be read, is of a foreign kind, or says neither this nor that.
    """
    if path.is_dir():
        if any(path.glob("*.json")):
            return "realmem"
        raise DataError(f"{path}: is a directory; give one file")
    with open_data(path) as file:
        head = file.read(_HEAD)
    for magic, problem in _FOREIGN.items():
        if head.startswith(magic):
            raise DataError(f"{path}: {problem}")
    if not head.strip():
        raise DataError(f"{path}: is empty; give a file with conversations")
    if path.suffix.lower() in _TABLES:
        return "csv"
    given = fields or {}
    if first_character(path) in ("{", "["):
        found = _by_keys(_first_keys(path), given)
        # Where no record can be read: the names that its beginning holds, at any depth.
        found = found or _by_keys(set(_KEY.findall(head.decode("utf-8", "replace"))), given)[:1]
        if not found and path.suffix.lower() in (".jsonl", ".ndjson"):
            found = ["jsonl"]  # whatever is wrong with it
    else:
        found = ["csv"] if _is_table(head, given) else []
    if len(found) == 1:
        return found[0]
    named = f"could be {' or '.join(found)}" if found else "is in no format that is known"
    raise DataError(f"{path}: {named}; say which with --dataset {', '.join(CHOICES)}")


def _first_keys(path: Path) -> set[str]:
    """Return the keys of the first record that can be read, among a file's first ones."""
    if first_character(path) == "[":
        first = next(items(path, Findings(path)), None)
        return set(first.value) if first and isinstance(first.value, dict) else set()
    with open_data(path) as file:
        for line in itertools.islice(file, _LOOKED_AT):
            try:
                value = json.loads(line.decode("utf-8-sig"))
            except (ValueError, RecursionError):
                continue
            if isinstance(value, dict):
                return set(value)
    return set()


def _by_keys(keys: set[str], given: Mapping[str, str]) -> list[str]:
    if "haystack_sessions" in keys:
        return ["longmemeval"]
    if "dialogues" in keys:
        return ["realmem"]
    if "sample_id" in keys or ("qa" in keys and "conversation" in keys):
        return ["locomo"]
    found = []
    if _named(jsonl.FIELDS, given, "sessions") in keys:
        found.append("jsonl")
    if _named(chat.FIELDS, given, "messages") in keys:
        found.append("chat")
    # A log may begin with questions.
    return found or (["chat"] if {"question", "conversation"} <= keys else [])


def _named(defaults: Mapping[str, str], given: Mapping[str, str], name: str) -> str:
    return given.get(name, defaults[name]).split(".")[0]


def _is_table(head: bytes, given: Mapping[str, str]) -> bool:
    """Say whether the first row names columns that are known."""
    first = head.decode("utf-8-sig", "replace").lstrip().splitlines()[0]
    known = {name: theirs for name, theirs in given.items() if name in csv_file.FIELDS}
    try:
        return csv_file.delimiter_of(first, Names(csv_file.FIELDS, known, "csv"))[1] >= 2
    except csv.Error:
        return False
