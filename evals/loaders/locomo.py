"""LoCoMo (Maharana et al., ACL 2024) in its published JSON format.

A list of samples with `sample_id`, `conversation` (`session_<n>`, a list of turns, and
`session_<n>_date_time`) and `qa`. Sessions are taken by number, which the publishers
call chronological; dates that say otherwise are a problem, not an error. Message ids
are `dia_id`s, question ids `<sample_id>:q<index>`, session ids `session_<n>`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from evals.loaders.problems import Problems, Reader, read_json, shown
from traces.domain import Conversation, Dataset, Message, Question, Session

CATEGORIES = ("1", "2", "3", "4", "5")
UNANSWERABLE = "5"

_SESSION = re.compile(r"session_([0-9]{1,9})")
_TURN_ID = re.compile(r"D:?\s*([0-9]{1,9})\s*:\s*([0-9]{1,9})", re.IGNORECASE)
_SEPARATORS = re.compile(r"[\s,;|&()\[\]'\"]*")
_DATE_FORMATS = ("%I:%M %p on %d %B, %Y", "%I:%M %p on %d %b, %Y")


@dataclass(slots=True)
class _Sample:
    """One sample while it is read: its name, its place in the file, its message ids."""

    name: str
    place: str
    reader: Reader
    problems: Problems
    ids: set[str] = field(default_factory=set)
    turns: dict[tuple[int, int], str] = field(default_factory=dict)

    def add_message_id(self, id: str, place: str) -> None:
        if id in self.ids:
            raise self.reader.fail(
                place, f"dia_id {shown(id)} occurs twice in the conversation; make dia_ids unique"
            )
        self.ids.add(id)
        parts = _TURN_ID.fullmatch(id)
        if parts is not None:
            self.turns.setdefault((int(parts[1]), int(parts[2])), id)


def load_locomo(path: Path) -> Dataset:
    """Return the data set in `path`.

    Evidence strings are resolved where they clearly name messages; what cannot be is
    listed in `problems` with conversation and question, as are questions left out for
    want of a gold answer and gold answers of unanswerable questions (category 5).
    Raises DataError, naming the file and the field, when the file cannot be used.
    """
    reader = Reader(path)
    problems = Problems()
    samples = reader.sequence(read_json(path), "top level")
    if not samples:
        raise reader.fail("top level", "holds no conversations; add at least one")
    conversations: list[Conversation] = []
    places: dict[str, str] = {}
    for index, value in enumerate(samples):
        place = f"[{index}]"
        raw = reader.mapping(value, place)
        name = reader.text(raw.get("sample_id"), f"{place}.sample_id")
        if name in places:
            raise reader.fail(
                f"{place}.sample_id",
                f"repeats {shown(name)} of {places[name]}; make sample ids unique",
            )
        places[name] = place
        sample = _Sample(name, f"{place} ({shown(name)})", reader, problems)
        conversations.append(_conversation(raw, sample))
    if not any(conversation.questions for conversation in conversations):
        raise reader.fail("[*].qa", "no conversation has a usable question; add some")
    return Dataset("locomo", tuple(conversations), problems.lines)


def _conversation(raw: Mapping[str, Any], sample: _Sample) -> Conversation:
    reader = sample.reader
    place = f"{sample.place}.conversation"
    sessions = _sessions(reader.mapping(raw.get("conversation"), place), place, sample)
    questions = []
    place = f"{sample.place}.qa"
    for index, value in enumerate(reader.sequence(raw.get("qa"), place)):
        here = f"{place}[{index}]"
        entry = reader.mapping(value, here)
        question = _question(entry, f"{sample.name}:q{index}", here, sample)
        if question is not None:
            questions.append(question)
    if not questions:
        sample.problems.add(sample.name, "has no usable question")
    return Conversation(sample.name, sessions, tuple(questions))


def _sessions(raw: Mapping[str, Any], place: str, sample: _Sample) -> tuple[Session, ...]:
    reader = sample.reader
    numbers: dict[int, str] = {}
    for key in raw:
        match = _SESSION.fullmatch(key)
        if match is None:
            continue
        number = int(match[1])
        if number in numbers:
            raise reader.fail(f"{place}.{key}", f"repeats {numbers[number]}; renumber it")
        numbers[number] = key
    sessions: list[Session] = []
    for _, key in sorted(numbers.items()):
        turns = reader.sequence(raw[key], f"{place}.{key}")
        if not turns:
            sample.problems.add(sample.name, f"{key} has no messages and was left out")
            continue
        date = _date(raw.get(f"{key}_date_time"), f"{place}.{key}_date_time", reader)
        if sessions and date < sessions[-1].date:
            sample.problems.add(
                sample.name,
                f"{key} ({date.isoformat()}) is dated before {sessions[-1].id} "
                f"({sessions[-1].date.isoformat()}); kept in the order of their numbers",
            )
        messages = []
        for index, turn in enumerate(turns):
            message = _message(turn, f"{place}.{key}[{index}]", reader)
            sample.add_message_id(message.id, f"{place}.{key}[{index}]")
            messages.append(message)
        sessions.append(Session(key, date, tuple(messages)))
    if not sessions:
        raise reader.fail(place, "holds no session with messages; add session_1 and its date")
    return tuple(sessions)


def _date(value: object, place: str, reader: Reader) -> datetime:
    text = " ".join(reader.text(value, place).split())
    for form in _DATE_FORMATS:
        try:
            return datetime.strptime(text, form)
        except ValueError:
            continue
    raise reader.fail(place, f"{shown(text)} is not a date; write '1:56 pm on 8 May, 2023'")


def _message(value: object, place: str, reader: Reader) -> Message:
    turn = reader.mapping(value, place)
    text = reader.text(turn.get("text"), f"{place}.text", empty=True)
    if turn.get("blip_caption") is not None:
        caption = reader.text(turn["blip_caption"], f"{place}.blip_caption", empty=True)
        if caption.strip():
            text = f"{text} [photo: {' '.join(caption.split())}]".lstrip()
    return Message(
        id=reader.text(turn.get("dia_id"), f"{place}.dia_id"),
        speaker=reader.text(turn.get("speaker"), f"{place}.speaker"),
        text=text,
    )


def _question(raw: Mapping[str, Any], id: str, place: str, sample: _Sample) -> Question | None:
    reader, problems = sample.reader, sample.problems
    text = reader.text(raw.get("question"), f"{place}.question")
    number = raw.get("category")
    category = str(number)
    if isinstance(number, bool) or category not in CATEGORIES:
        raise reader.fail(f"{place}.category", f"is {shown(number)}; use a number from 1 to 5")
    answer = raw.get("answer")
    if isinstance(answer, int | float) and not isinstance(answer, bool):
        answer = str(answer)
    if answer is not None:
        answer = reader.text(answer, f"{place}.answer", empty=True).strip() or None
    evidence = _evidence(raw.get("evidence"), f"{place}.evidence", id, sample)
    if category == UNANSWERABLE:
        if answer is not None:
            problems.add(
                sample.name, f"is unanswerable; its answer {shown(answer)} is not used", id
            )
        return Question(id, text, None, category, evidence, unanswerable=True)
    if not raw.get("evidence"):
        problems.add(sample.name, "names no evidence", id)
    if answer is None:
        problems.add(sample.name, "has no gold answer and was left out", id)
        return None
    return Question(id, text, answer, category, evidence)


def _evidence(value: object, place: str, id: str, sample: _Sample) -> tuple[str, ...]:
    if value is None:
        return ()
    found: dict[str, None] = {}
    items = [value] if isinstance(value, str) else sample.reader.sequence(value, place)
    for item in items:
        text = sample.reader.text(item, place, empty=True)
        if text in sample.ids:
            found[text] = None
            continue
        matches = list(_TURN_ID.finditer(text))
        for match in matches:
            target = sample.turns.get((int(match[1]), int(match[2])))
            if target is None:
                sample.problems.add(
                    sample.name, f"evidence {shown(match.group())} points to no message", id
                )
            else:
                found[target] = None
        if not matches or _SEPARATORS.fullmatch(_TURN_ID.sub("", text)) is None:
            sample.problems.add(sample.name, f"evidence {shown(text)} cannot be read in full", id)
    return tuple(found)
