"""Adds questions to a data set in memtune's own format: one conversation a line."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from traces.domain import Conversation, Question, Session
from traces.errors import DataError
from traces.hashing import text_hash

# Characters that a data set cannot hold.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_LONGEST_ID = 200


@dataclass(frozen=True, slots=True)
class Added:
    """Where a question stands now: `replaced` says whether it was there before; the counts
    are the file's, with it."""

    conversation: str
    question: str
    replaced: bool
    questions: int
    conversations: int


_LOCK_SECONDS = 10


def conversation_id(user: str) -> str:
    """Return the id of a user's conversation: the user's, where a data set can hold it."""
    usable = len(user) <= _LONGEST_ID and user.isprintable() and user == user.strip()
    return user if usable else f"user-{text_hash(user, 8)}"


def add_question(path: Path, conversation: Conversation) -> Added:
    """Add a conversation's one question to a file, which is made where there is none.

    A user's conversation is one line, with the longest history known; the same question
    again is replaced, other lines are left as they are. The file is written whole or not at
    all. Raises DataError for a file that is no such data set, that holds another conversation
    of this name, or that cannot be written.
    """
    from filelock import FileLock, Timeout

    from agent.loop.directory import write_whole

    if path.is_dir() or not path.name:
        raise DataError(f"{path}: is a directory; give a file with --out")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_name(f".{path.name}.lock"), timeout=_LOCK_SECONDS):
            lines = _lines(path)
            added = _merge(path, lines, conversation)
            texts = [line if isinstance(line, str) else _dump(line) for line in lines]
            write_whole(path, "".join(f"{text}\n" for text in texts))
    except Timeout as error:
        raise DataError(
            f"{path}: is held by another process, or cannot be locked; try again, or choose "
            "another --out"
        ) from error
    except OSError as error:
        raise DataError(
            f"{path}: cannot be written ({error.strerror or error}); choose another --out"
        ) from error
    return added


def _merge(path: Path, lines: list[Any], conversation: Conversation) -> Added:
    """Put the question into the line of its conversation; count what there is."""
    id = conversation_id(conversation.id)
    (question,) = conversation.questions
    records = [json.loads(line) for line in lines]
    place = next((i for i, record in enumerate(records) if record.get("id") == id), None)
    sessions = [_session(session) for session in conversation.sessions]
    replaced = False
    if place is None:
        lines.append({})
        records.append({"id": id, "sessions": sessions, "questions": [_question(question)]})
        place = len(records) - 1
    else:
        record = records[place]
        held = record["sessions"]
        shorter, longer = sorted((held, sessions), key=len)
        if longer[: len(shorter)] != shorter:
            raise DataError(
                f"{path}: holds another conversation of the name {id!r}, with other messages; "
                "choose another --out"
            )
        record["sessions"] = longer
        others = [q for q in record.get("questions") or [] if q.get("id") != question.id]
        replaced = len(others) < len(record.get("questions") or [])
        record["questions"] = sorted([*others, _question(question)], key=lambda q: str(q.get("id")))
    lines[place] = records[place]
    count = sum(len(record.get("questions") or []) for record in records)
    return Added(id, question.id, replaced, count, len(records))


def _lines(path: Path) -> list[Any]:
    """Return the file's lines; none of a file that is not there. Raises DataError."""
    if not path.exists() or not path.read_bytes().strip():
        return []
    from evals.loaders import read_dataset

    read_dataset("jsonl", path).dataset()  # raises for what is wrong with it
    lines = [line for line in path.read_text("utf-8-sig").split("\n") if line.strip()]
    for number, line in enumerate(lines, start=1):
        try:
            found = json.loads(line)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise DataError(
                f"{path}: line {number} is no conversation: one JSON object a line is wanted; "
                "choose another --out"
            )
    return lines


def _session(session: Session) -> dict[str, Any]:
    return {
        "id": session.id,
        "date": session.date.isoformat(),
        "messages": [
            {"id": m.id, "speaker": _storable(m.speaker), "text": _storable(m.text)}
            for m in session.messages
        ],
    }


def _question(question: Question) -> dict[str, Any]:
    found: dict[str, Any] = {"id": question.id, "question": _storable(question.text)}
    if question.unanswerable:
        found["unanswerable"] = True
    else:
        found["answer"] = _storable(question.answer or "")
    found["category"] = question.category
    if question.evidence:
        found["evidence"] = list(question.evidence)
    found["asked_after"] = question.asked_after
    if question.asked_on is not None:
        found["asked_on"] = question.asked_on.isoformat()
    return found


def _storable(text: str) -> str:
    return _UNSTORABLE.sub("\ufffd", text)


def _dump(record: Any) -> str:
    return json.dumps(record, ensure_ascii=False)
