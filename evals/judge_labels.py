"""A person's labels of answers, one JSON object a line: read, and made for filling in.

    {"question": ..., "answer": ..., "prediction": ..., "correct": true, "category": ...}

`answer` is the gold answer (`gold` or `gold_answer` will do); for a question that cannot
be answered it is null, with "unanswerable": true. `category` may be left out. Further
fields are not read. A row whose `correct` is null, "" or absent waits for its label.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evals.loaders.problems import Reader, shown
from traces.domain import Question
from traces.errors import DataError
from traces.hashing import content_hash, text_hash

GOLD = ("answer", "gold", "gold_answer")


@dataclass(frozen=True, slots=True)
class Label:
    """One answer with a person's verdict; `line` is where it stands in the file."""

    line: int
    question: Question
    prediction: str
    correct: bool

    @property
    def key(self) -> str:
        """Return the hash of what is judged, without the verdict."""
        q = self.question
        return content_hash([q.text, q.answer, q.category, q.unanswerable, self.prediction])


@dataclass(frozen=True, slots=True)
class Labels:
    """What a file holds: labels, how many rows wait for one, how many repeat another."""

    rows: tuple[Label, ...]
    waiting: int = 0
    repeated: int = 0

    @property
    def hash(self) -> str:
        """Return the hash of the labels (32 hex digits), whatever their order."""
        return content_hash(sorted([row.key, row.correct] for row in self.rows))


def read_labels(path: Path) -> Labels:
    """Return the labels in a UTF-8 file of JSON lines.

    Raises DataError naming file, line and field for a row that cannot be read, for two
    rows that label the same answer differently, and for a file without a label.
    """
    reader = Reader(path)
    rows: list[Label] = []
    seen: dict[str, Label] = {}
    waiting = repeated = 0
    for number, line in _lines(path):
        row = _row(line, number, reader)
        if row is None:
            waiting += 1
            continue
        known = seen.setdefault(row.key, row)
        if known is row:
            rows.append(row)
        elif known.correct != row.correct:
            raise reader.fail(
                f"line {number}",
                f"labels the answer of line {known.line} otherwise; decide for one of them",
            )
        else:
            repeated += 1
    if not rows:
        what = f"none of its {waiting} rows is labelled" if waiting else "holds no rows"
        raise DataError(f"{path}: {what}; write true or false as 'correct' of at least 30 rows")
    return Labels(tuple(rows), waiting, repeated)


def _lines(path: Path) -> list[tuple[int, str]]:
    try:
        raw = path.read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise DataError(f"{path}: cannot be read ({reason}); give a file of JSON lines") from error
    lines = []
    for number, line in enumerate(raw.split(b"\n"), 1):
        try:
            text = line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise DataError(
                f"{path}: line {number}: is not UTF-8; save the file as UTF-8"
            ) from error
        if text.strip():
            lines.append((number, text))
    return lines


def _row(line: str, number: int, reader: Reader) -> Label | None:
    where = f"line {number}"
    try:
        found = json.loads(line)
    except (ValueError, RecursionError) as error:
        said = getattr(error, "msg", "nested too deeply")
        raise reader.fail(where, f"is not JSON ({said}); write one JSON object a line") from error
    row = reader.mapping(found, where)
    unanswerable = row.get("unanswerable", False)
    if not isinstance(unanswerable, bool):
        raise reader.fail(
            f"{where}, unanswerable", f"is {shown(unanswerable)}; write true or false"
        )
    correct = row.get("correct")
    if correct in (None, ""):
        return None
    if not isinstance(correct, bool):
        raise reader.fail(f"{where}, correct", f"is {shown(correct)}; write true or false")
    question = Question(
        id=f"{where} of {reader.path.name}",
        text=reader.text(row.get("question"), f"{where}, question"),
        answer=_gold(row, where, reader, unanswerable),
        category=_category(row.get("category"), f"{where}, category", reader),
        unanswerable=unanswerable,
    )
    prediction = reader.text(row.get("prediction"), f"{where}, prediction", empty=True)
    return Label(number, question, prediction, correct)


def _gold(row: dict[str, Any], where: str, reader: Reader, unanswerable: bool) -> str | None:
    given = [name for name in GOLD if row.get(name) is not None]
    if len(given) > 1:
        raise reader.fail(f"{where}, {given[1]}", f"stands beside {given[0]}; keep one of them")
    if not given:
        if unanswerable:
            return None
        raise reader.fail(
            f"{where}, answer",
            'is missing; give the gold answer, or "unanswerable": true where there is none',
        )
    value = row[given[0]]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return reader.text(value, f"{where}, {given[0]}", empty=unanswerable).strip() or None


def _category(value: object, field: str, reader: Reader) -> str:
    if value is None:
        return ""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return reader.text(value, field, empty=True)


@dataclass(frozen=True, slots=True)
class Judged:
    """An answer of a run with its verdict; `id` is conversation/question."""

    id: str
    question: Question
    prediction: str
    correct: bool


def sample_to_label(answers: Sequence[Judged], size: int) -> list[dict[str, Any]]:
    """Return rows for a person to label: half of them judged right, half wrong, as far as
    there are, in an order that does not tell which.

    The same answers give the same rows; answers that several prompt sets gave count once.
    """
    by_content = {
        content_hash([a.question.text, a.question.answer, a.prediction, a.id]): a for a in answers
    }
    order = sorted(by_content, key=lambda key: text_hash(f"sample/{key}"))
    halves = {
        verdict: [key for key in order if by_content[key].correct is verdict]
        for verdict in (True, False)
    }
    least = min(halves, key=lambda verdict: len(halves[verdict]))
    few = halves[least][: size // 2]
    chosen = {*few, *halves[not least][: size - len(few)]}
    return [_blank(by_content[key]) for key in order if key in chosen]


def _blank(answer: Judged) -> dict[str, Any]:
    question = answer.question
    return {
        "question": question.text,
        "answer": question.answer,
        "prediction": answer.prediction,
        "correct": None,
        "category": question.category,
        "unanswerable": question.unanswerable,
        "id": answer.id,
    }


def verdict_counts(answers: Sequence[Judged], rows: Sequence[dict[str, Any]]) -> dict[bool, int]:
    """Return how many of the chosen rows were judged right, and wrong."""
    known = {(a.id, a.prediction): a.correct for a in answers}
    counted = Counter(known[row["id"], row["prediction"]] for row in rows)
    return {True: counted[True], False: counted[False]}
