"""Tables: a row is a message, or a question where the column `question` is filled.

    conversation,session,date,speaker,text,question,answer,evidence
    ada,s1,2024-05-01T18:30,Ada,I live in Lisbon.,,,
    ada,s1,2024-05-01T18:31,Bruno,Lovely!,,,
    ada,,,,,Where does Ada live?,Lisbon,s1:1

Columns for messages: conversation, date, speaker and text; session and message (its id) may be
left out. A session's date is that of its first row. Without `session`, a gap of more than six
hours between two messages begins another; sessions are put in the order of their dates.
Columns for questions: conversation and question; answer, category, evidence (ids with spaces,
commas or semicolons between them), asked_after, unanswerable (true) and question_id may be left
out; `date` is the day on which it is asked. All of it stands in one file, in any order of rows.

Commas, semicolons, tabs and bars are understood as delimiters: the one under which the first
row holds the most known columns. `fields` maps memtune's names to columns called otherwise.
"""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path

from evals.loaders.dates import Date
from evals.loaders.draft import DraftMessage, DraftQuestion
from evals.loaders.fields import Names
from evals.loaders.findings import At, Findings, Loaded
from evals.loaders.finish import Finisher
from evals.loaders.json_text import open_data, refuse_bytes, refuse_empty
from evals.loaders.log import Log
from evals.loaders.node import Node
from evals.loaders.problems import LONGEST_TEXT, shown

FIELDS: Mapping[str, str] = {
    name: name
    for name in (
        "conversation", "session", "date", "speaker", "text", "message", "question", "answer",
        "category", "evidence", "asked_after", "unanswerable", "question_id",
    )
}  # fmt: skip
DELIMITERS = ",;\t|"
_BETWEEN = re.compile(r"[\s;,|]+")
_UNDECODED = re.compile("[\udc80-\udcff]")


def read_csv(path: Path, fields: Mapping[str, str] | None = None) -> Loaded:
    """Read a file, a row at a time.

    Raises DataError for a file that cannot be opened, SettingsError for a wrong mapping.
    """
    names = Names(FIELDS, fields or {}, "csv")
    findings = Findings(path)
    log = Log(findings, "fill in the date of its first row")
    for line, cells in _rows(path, names, findings):
        _row(_Row(cells, At((), line), names, findings), names, log, findings)
    finisher = Finisher(findings)
    log.finish(finisher)
    return Loaded.of("csv", findings, finisher.conversations)


def delimiter_of(header: str, names: Names) -> tuple[str, int]:
    """Return the delimiter of a table's first row, and how many columns of it are known."""
    known = names.tops(*FIELDS)
    best = (DELIMITERS[0], 0)
    for delimiter in DELIMITERS:
        cells = next(csv.reader([header], delimiter=delimiter), [])
        count = len({cell.strip() for cell in cells} & known)
        if count > best[1]:
            best = (delimiter, count)
    return best


def _rows(path: Path, names: Names, findings: Findings) -> Iterator[tuple[int, dict[str, str]]]:
    """Return each row under its columns' names, with the line that it begins on."""
    # A limit of the whole process: it is put back.
    before = csv.field_size_limit(2 * LONGEST_TEXT)
    try:
        with open_data(path) as file:
            # Bytes that are no UTF-8 pass as surrogates, so that their row can be named.
            text = io.TextIOWrapper(file, "utf-8-sig", errors="surrogateescape", newline="")
            header = next((line for line in text if line.strip()), None)
            if header is None:
                refuse_empty(findings)
                return
            delimiter, _ = delimiter_of(header, names)
            yield from _read(itertools.chain([header], text), delimiter, names, findings)
    finally:
        csv.field_size_limit(before)


def _read(
    lines: Iterable[str], delimiter: str, names: Names, findings: Findings
) -> Iterator[tuple[int, dict[str, str]]]:
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    columns: list[str] | None = None
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            findings.error(
                "bad_quotes", At((), line), f"the row that begins here cannot be read ({error})",
                "put text that holds quotes into quotes and double those in it: \"a \"\"b\"\"\"",
            )  # fmt: skip
            continue
        if _UNDECODED.search("".join(cells)):
            refuse_bytes(findings, line)
        elif columns is None:
            columns = [cell.strip() for cell in cells]
            if not _check_columns(columns, At((), line), names, findings):
                return
        elif any(cell.strip() for cell in cells):
            if any(cell.strip() for cell in cells[len(columns) :]):
                findings.error(
                    "row_too_long", At((), line),
                    f"has {len(cells)} cells, the first row names {len(columns)} columns",
                    "put text that holds the delimiter into quotes",
                )  # fmt: skip
                continue
            yield line, {c: v for c, v in zip(columns, cells, strict=False) if c and v.strip()}


def _check_columns(columns: list[str], at: At, names: Names, findings: Findings) -> bool:
    """Note what is wrong with the columns' names; say whether the rows are worth reading."""
    known = names.tops(*FIELDS)
    for column in dict.fromkeys(columns):
        if column and columns.count(column) > 1:
            findings.error(
                "repeated_column", at, f"column {shown(column)} occurs twice", "keep one"
            )
        elif column and column not in known:
            near = get_close_matches(column.casefold(), sorted(known), 1, cutoff=0.75)
            fix = f"did you mean '{near[0]}'?" if near else "map it in fields, or leave it as it is"
            findings.warn("unknown_field", at, f"column {shown(column)} is not read", fix)
    missing = [names[n] for n in ("conversation", "speaker", "text") if names[n] not in columns]
    for column in missing:
        findings.error(
            "missing_column", at, f"there is no column {shown(column)}",
            "name it in the first row, or map it in fields", place="first row",
        )  # fmt: skip
    return not missing


class _Row:
    """The cells of a row, blank ones as ""."""

    def __init__(self, cells: dict[str, str], at: At, names: Names, findings: Findings) -> None:
        self._cells = cells
        self._names = names
        self._findings = findings
        self.at = at

    def __getitem__(self, name: str) -> Node:
        theirs = self._names[name]
        return Node(self._cells.get(theirs, ""), self.at.child(theirs), self._findings)

    def has(self, name: str) -> bool:
        return self._names[name] in self._cells

    def id(self, name: str) -> str | None:
        return self[name].id() if self.has(name) else None


def _row(row: _Row, names: Names, log: Log, findings: Findings) -> None:
    conversation = row.id("conversation")
    if conversation is None:
        if not row.has("conversation"):
            findings.error(
                "missing_conversation", row.at, "names no conversation",
                f"fill in column {shown(names['conversation'])}",
            )  # fmt: skip
        return
    date = row["date"].date() if row.has("date") else None
    if row.has("question"):
        if row.has("text"):
            findings.error(
                "message_and_question", row.at, "holds both a message and a question",
                "write them on rows of their own",
            )  # fmt: skip
        log.question(conversation, _question(row, date))
        return
    log.conversation(conversation, row.at)
    before = findings.errors
    speaker, text = row["speaker"].text() or "", row["text"].text() or ""
    message = DraftMessage(speaker, text.replace("\r\n", "\n"), row.at, row.id("message"))
    log.message(conversation, 0, row.id("session"), date, message)
    if findings.errors > before:
        log.lose(conversation)


def _question(row: _Row, date: Date | None) -> DraftQuestion:
    evidence = row["evidence"].optional_text() or ""
    answer = row["answer"].optional_text()
    return DraftQuestion(
        text=row["question"].text() or "",
        at=row.at,
        id=row.id("question_id"),
        answer=answer,
        answer_missing=answer is None,
        category=row["category"].optional_text() or "",
        evidence=[(id, row["evidence"].at) for id in _BETWEEN.split(evidence) if id],
        asked_after=row.id("asked_after"),
        asked_on=None if date is None else date.when,
        unanswerable=row["unanswerable"].truth(),
    )
