"""A file in memtune's own format in which every line but the first has one thing wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

Conversation = dict[str, Any]
Edit = Callable[[Conversation], Any]


def conversation(number: int) -> Conversation:
    """Return a conversation in which nothing is wrong, unlike any with another number."""
    return {
        "id": f"c{number}",
        "sessions": [
            {
                "id": "s1",
                "date": "2024-05-01T18:30",
                "messages": [
                    {"id": "m1", "speaker": "Ada", "text": f"My locker has number {number}."},
                    {"id": "m2", "speaker": "Bruno", "text": "I have none."},
                ],
            },
            {
                "id": "s2",
                "date": "2024-06-01",
                "messages": [{"id": "m3", "speaker": "Ada", "text": "I gave my locker back."}],
            },
        ],
        "questions": [
            {
                "id": "q1",
                "question": "Which locker had Ada?",
                "answer": str(number),
                "evidence": ["m1"],
            },
            {"id": "q2", "question": "Has Ada a locker?", "answer": False, "evidence": ["m3"]},
        ],
    }


def _session(c: Conversation, number: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = c["sessions"][number]
    return found


def _message(c: Conversation) -> dict[str, Any]:
    found: dict[str, Any] = _session(c)["messages"][0]
    return found


def _question(c: Conversation, number: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = c["questions"][number]
    return found


# kind of the finding -> what is done to a good conversation to plant it
EDITS: dict[str, Edit] = {
    "missing_sessions": lambda c: c.pop("sessions"),
    "wrong_type": lambda c: _session(c).update(messages={"m1": "Hello."}),
    "missing_text": lambda c: _message(c).pop("text"),
    "empty_text": lambda c: _message(c).update(text="  "),
    "missing_speaker": lambda c: _message(c).pop("speaker"),
    "too_long": lambda c: _message(c).update(text="x" * 1_000_001),
    "nul": lambda c: _message(c).update(text="a\0b"),
    "surrogate": lambda c: _message(c).update(text="a\ud800b"),
    "missing_date": lambda c: _session(c).pop("date"),
    "bad_date": lambda c: _session(c).update(date="01/05/2024"),
    "session_order": lambda c: _session(c, 1).update(date="2023-01-01"),
    "mixed_time_zones": lambda c: _session(c, 1).update(date="2024-06-01T08:00+02:00"),
    "empty_session": lambda c: c["sessions"].append({"date": "2024-07-01", "messages": []}),
    "empty_conversation": lambda c: c.update(sessions=[], questions=[]),
    "duplicate_conversation_id": lambda c: c.update(id="c1"),
    "repeated_history": lambda c: c.update(sessions=conversation(1)["sessions"]),
    "duplicate_session_id": lambda c: _session(c, 1).update(id="s1"),
    "duplicate_message_id": lambda c: _session(c)["messages"][1].update(id="m1"),
    "duplicate_question_id": lambda c: _question(c, 1).update(id="q1"),
    "question_id_of_session": lambda c: _question(c).update(id="s1"),
    "bad_id": lambda c: _question(c).update(id="a\nb"),
    "unknown_field": lambda c: _question(c).update(categroy="update"),
    "missing_question": lambda c: _question(c).pop("question"),
    "missing_answer": lambda c: _question(c).pop("answer"),
    "unanswerable_with_answer": lambda c: _question(c).update(unanswerable=True),
    "unknown_evidence": lambda c: _question(c).update(evidence=["m9"]),
    "evidence_too_late": lambda c: _question(c, 1).update(asked_after="s1"),
    "unknown_session": lambda c: _question(c).update(asked_after="s7"),
    "repeated_question": lambda c: _question(c).update(question=" has Ada a LOCKER?"),
    "asked_too_early": lambda c: _question(c).update(asked_on="2020-01-01"),
    "conversation_without_questions": lambda c: c.update(questions=[]),
}
LINES: dict[str, bytes] = {
    "not_json": b'{"id": "broken", "sessions": [',
    "not_utf8": '{"id": "Zoë"}'.encode("latin-1"),
    "repeated_key": json.dumps(conversation(900)).replace('"id": "q1"', '"id": "q0", "id": "q1"')
    .encode(),
    "too_deep": b"[" * 100_000,
    "long_number": b'{"id": ' + b"1" * 5000 + b"}",
}  # fmt: skip


def planted() -> tuple[bytes, dict[int, str]]:
    """Return the file, and by line the kind of what is wrong there."""
    lines = [json.dumps(conversation(1)).encode()]
    expected: dict[int, str] = {}
    for kind, line in LINES.items():
        lines.append(line)
        expected[len(lines)] = kind
    for kind, edit in EDITS.items():
        changed = conversation(len(lines) + 1)
        edit(changed)
        lines.append(json.dumps(changed).encode())
        expected[len(lines)] = kind
    return b"\n".join(lines) + b"\n", expected
