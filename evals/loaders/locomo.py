"""LoCoMo (Maharana et al., ACL 2024) in its published JSON format.

A list of samples with `sample_id`, `conversation` (`session_<n>`, a list of turns, and
`session_<n>_date_time`) and `qa`. Sessions are taken by number, which the publishers
call chronological; dates that say otherwise are a problem, not an error. Message ids
are `dia_id`s, question ids `<sample_id>:q<index>`, session ids `session_<n>`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from evals.loaders.findings import At, Findings, Loaded
from evals.loaders.json_items import items
from evals.loaders.json_text import Record, first_character, whole
from evals.loaders.node import Node
from evals.loaders.problems import kind_of, shown
from traces.domain import Conversation, Dataset, Message, Question, Session

CATEGORIES = ("1", "2", "3", "4", "5")
UNANSWERABLE = "5"

_SESSION = re.compile(r"session_([0-9]{1,9})")
_TURN_ID = re.compile(r"D:?\s*([0-9]{1,9})\s*:\s*([0-9]{1,9})", re.IGNORECASE)
_SEPARATORS = re.compile(r"[\s,;|&()\[\]'\"]*")
_DATE_FORMATS = ("%I:%M %p on %d %B, %Y", "%I:%M %p on %d %b, %Y")


@dataclass(slots=True)
class _Sample:
    """One sample while it is read: its name and its message ids."""

    name: str
    findings: Findings
    ids: set[str] = field(default_factory=set)
    turns: dict[tuple[int, int], str] = field(default_factory=dict)

    def add_message_id(self, id: str, at: At) -> None:
        if id in self.ids:
            self.findings.error(
                "duplicate_message_id", at, f"dia_id {shown(id)} occurs twice in the conversation",
                "make dia_ids unique", self.name,
            )  # fmt: skip
        self.ids.add(id)
        parts = _TURN_ID.fullmatch(id)
        if parts is not None:
            self.turns.setdefault((int(parts[1]), int(parts[2])), id)

    def warn(self, kind: str, at: At, problem: str, fix: str, question: str | None = None) -> None:
        subject = self.name if question is None else f"{self.name}, question {question}"
        self.findings.warn(kind, at, problem, fix, subject)


def load_locomo(path: Path) -> Dataset:
    """Return the data set in `path`: `read_locomo`, refused where there is an error.

    Raises DataError, naming the file, the line and the field, when the file cannot be used.
    """
    return read_locomo(path).dataset()


def read_locomo(path: Path, fields: Mapping[str, str] | None = None) -> Loaded:
    """Read a file, a sample at a time.

    Evidence strings are resolved where they clearly name messages; what cannot be is
    a warning with conversation and question, as are questions left out for want of a gold
    answer and gold answers of unanswerable questions (category 5). Raises DataError for a
    file that cannot be opened.
    """
    findings = Findings(path)
    conversations: list[Conversation] = []
    places: dict[str, int] = {}
    for record in _samples(path, findings):
        index = record.index or 0
        with findings.record(record.line, record.text, index):
            node = Node(record.value, record.at(), findings)
            if node.mapping() is None:
                continue
            name = node.child("sample_id").text()
            if name is None:
                continue
            if name in places:
                node.child("sample_id").error(
                    "duplicate_conversation_id", f"repeats {shown(name)} of [{places[name]}]",
                    "make sample ids unique",
                )  # fmt: skip
                continue
            places[name] = index
            findings.name(index, name)
            conversation = _conversation(node, _Sample(name, findings))
            if conversation is not None:
                conversations.append(conversation)
    return Loaded.of("locomo", findings, conversations)


def _samples(path: Path, findings: Findings) -> Iterator[Record]:
    if first_character(path) in ("[", ""):
        yield from items(path, findings)
        return
    record = whole(path, findings)
    if record is not None:
        findings.error(
            "wrong_type", At((), 1), f"is {kind_of(record.value)}", "expected a list",
            place="top level",
        )  # fmt: skip


def _conversation(node: Node, sample: _Sample) -> Conversation | None:
    sessions = _sessions(node.child("conversation"), sample)
    questions = []
    for index, entry in enumerate(node.child("qa").sequence() or ()):
        question = _question(entry, f"{sample.name}:q{index}", sample)
        if question is not None:
            questions.append(question)
    if not questions:
        sample.warn(
            "conversation_without_questions", node.at.child("qa"), "has no usable question",
            "add some, or delete it",
        )  # fmt: skip
    return Conversation(sample.name, sessions, tuple(questions)) if sessions else None


def _sessions(node: Node, sample: _Sample) -> tuple[Session, ...]:
    raw = node.mapping()
    if raw is None:
        return ()
    sessions: list[Session] = []
    bad = False
    for key in _session_keys(node, raw):
        turns = node.child(key).sequence()
        if turns is None:
            bad = True
            continue
        if not turns:
            sample.warn(
                "empty_session", node.at.child(key), f"{key} has no messages and was left out",
                "add messages, or delete it",
            )  # fmt: skip
            continue
        date = _date(node.child(f"{key}_date_time"))
        messages = []
        for turn in turns:
            message = _message(turn)
            if message is not None:
                sample.add_message_id(message.id, turn.at)
                messages.append(message)
        if date is None or not messages:
            bad = True
            continue
        if sessions and date < sessions[-1].date:
            sample.warn(
                "session_order", node.at.child(f"{key}_date_time"),
                f"{key} ({date.isoformat()}) is dated before {sessions[-1].id} "
                f"({sessions[-1].date.isoformat()}); kept in the order of their numbers",
                "correct the date, or renumber the sessions",
            )  # fmt: skip
        sessions.append(Session(key, date, tuple(messages)))
    if not sessions and not bad:
        node.error(
            "empty_conversation", "holds no session with messages", "add session_1 and its date"
        )
    return tuple(sessions)


def _session_keys(node: Node, raw: Mapping[str, Any]) -> list[str]:
    """Return the names of the sessions by number."""
    numbers: dict[int, str] = {}
    for key in raw:
        match = _SESSION.fullmatch(key)
        if match is None:
            continue
        number = int(match[1])
        if number in numbers:
            node.child(key).error(
                "duplicate_session_id", f"repeats {numbers[number]}", "renumber it"
            )
            continue
        numbers[number] = key
    return [key for _, key in sorted(numbers.items())]


def _date(node: Node) -> datetime | None:
    text = node.text()
    if text is None:
        return None
    text = " ".join(text.split())
    for form in _DATE_FORMATS:
        try:
            return datetime.strptime(text, form)
        except ValueError:
            continue
    node.error("bad_date", f"{shown(text)} is not a date", "write '1:56 pm on 8 May, 2023'")
    return None


def _message(turn: Node) -> Message | None:
    if turn.mapping() is None:
        return None
    text = turn.child("text").text(empty=True)
    if turn.child("blip_caption").value is not None:
        caption = turn.child("blip_caption").text(empty=True) or ""
        if caption.strip():
            text = f"{text or ''} [photo: {' '.join(caption.split())}]".lstrip()
    id, speaker = turn.child("dia_id").text(), turn.child("speaker").text()
    return None if id is None else Message(id=id, speaker=speaker or "", text=text or "")


def _question(node: Node, id: str, sample: _Sample) -> Question | None:
    if node.mapping() is None:
        return None
    text = node.child("question").text()
    number = node.child("category").value
    category = str(number)
    if isinstance(number, bool) or category not in CATEGORIES:
        node.child("category").error(
            "bad_category", f"is {shown(number)}", "use a number from 1 to 5"
        )
    answer = _answer(node.child("answer"))
    evidence = _evidence(node.child("evidence"), id, sample)
    if text is None:
        return None
    if category == UNANSWERABLE:
        if answer is not None:
            sample.warn(
                "unanswerable_with_answer", node.at.child("answer"),
                f"is unanswerable; its answer {shown(answer)} is not used", "delete it", id,
            )  # fmt: skip
        return Question(id, text, None, category, evidence, unanswerable=True)
    if not node.child("evidence").value:
        sample.warn(
            "no_evidence", node.at, "names no evidence",
            "causes of wrong answers are then searched for by wording", id,
        )  # fmt: skip
    if answer is None:
        sample.warn("missing_answer", node.at, "has no gold answer and was left out", "add one", id)
        return None
    return Question(id, text, answer, category, evidence)


def _answer(node: Node) -> str | None:
    if isinstance(node.value, int | float) and not isinstance(node.value, bool):
        return str(node.value)
    if node.value is None:
        return None
    return (node.text(empty=True) or "").strip() or None


def _evidence(node: Node, id: str, sample: _Sample) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for item in [node] if isinstance(node.value, str) else node.listed():
        text = Node(item.value, node.at, node.findings).text(empty=True)
        if text is None:
            continue
        if text in sample.ids:
            found[text] = None
            continue
        matches = list(_TURN_ID.finditer(text))
        for match in matches:
            target = sample.turns.get((int(match[1]), int(match[2])))
            if target is None:
                sample.warn(
                    "unknown_evidence", item.at,
                    f"evidence {shown(match.group())} points to no message",
                    "name a message's dia_id", id,
                )  # fmt: skip
            else:
                found[target] = None
        if not matches or _SEPARATORS.fullmatch(_TURN_ID.sub("", text)) is None:
            sample.warn(
                "unreadable_evidence", item.at, f"evidence {shown(text)} cannot be read in full",
                "write dia_ids such as D1:3", id,
            )  # fmt: skip
    return tuple(found)
