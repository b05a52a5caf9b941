"""Conversations made by a program: held to what those from a file are held to."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from evals.loaders.dates import Date
from evals.loaders.draft import Draft, DraftMessage, DraftQuestion, DraftSession
from evals.loaders.findings import At, Findings
from evals.loaders.node import Node
from traces.domain import Conversation


def draft_of(conversation: Conversation, place: str, findings: Findings) -> Draft:
    """Return a conversation as a draft; values of wrong types and unusable text are noted.

    `place` names it in findings. A date with a time zone loses it, and keeps its time.
    """
    at = At((place,))
    draft = Draft(at, Node(conversation.id, at.child("id"), findings).id())
    draft.gold_facts = tuple(conversation.gold_facts)
    before = findings.errors
    for number, session in enumerate(_listed(conversation, "sessions", at, findings)):
        draft.sessions.append(_session(session, at.child("sessions", number), findings))
    draft.lost = findings.errors > before
    for number, question in enumerate(_listed(conversation, "questions", at, findings)):
        found = _question(question, at.child("questions", number), findings)
        if found is not None:
            draft.questions.append(found)
    return draft


def _listed(holder: Any, name: str, at: At, findings: Findings) -> list[Any]:
    value = getattr(holder, name, None)
    if isinstance(value, tuple | list):
        return list(value)
    findings.error(
        "wrong_type", at.child(name), f"is of type {type(value).__name__}", "give a tuple"
    )
    return []


def _session(session: Any, at: At, findings: Findings) -> DraftSession:
    date = getattr(session, "date", None)
    if not isinstance(date, datetime):
        findings.error(
            "missing_date" if date is None else "wrong_type", at.child("date"),
            f"is of type {type(date).__name__}", "give a datetime.datetime",
        )  # fmt: skip
    made = DraftSession(at, _date(date), _id(session, "id", at, findings))
    for number, message in enumerate(_listed(session, "messages", at, findings)):
        here = at.child("messages", number)
        speaker = _node(message, "speaker", here, findings).text() or ""
        text = _node(message, "text", here, findings).text(empty=True) or ""
        made.messages.append(DraftMessage(speaker, text, here, _id(message, "id", here, findings)))
    return made


def _question(question: Any, at: At, findings: Findings) -> DraftQuestion | None:
    text = _node(question, "text", at, findings).text()
    answer = getattr(question, "answer", None)
    if answer is not None:
        answer = _node(question, "answer", at, findings).text()
    asked_on = getattr(question, "asked_on", None)
    made = DraftQuestion(
        text=text or "",
        at=at,
        id=_id(question, "id", at, findings),
        answer=answer,
        category=str(getattr(question, "category", "")),
        asked_after=_id(question, "asked_after", at, findings),
        asked_on=None if not isinstance(asked_on, datetime) else asked_on.replace(tzinfo=None),
        unanswerable=bool(getattr(question, "unanswerable", False)),
    )
    for number, _ in enumerate(_listed(question, "evidence", at, findings)):
        here = at.child("evidence", number)
        id = Node(question.evidence[number], here, findings).id()
        if id is not None:
            made.evidence.append((id, here))
    return None if text is None else made


def _date(value: object) -> Date | None:
    if not isinstance(value, datetime):
        return None
    return Date(value.replace(tzinfo=None), "" if value.tzinfo is None else str(value.tzinfo))


def _node(holder: Any, name: str, at: At, findings: Findings) -> Node:
    return Node(getattr(holder, name, None), at.child(name), findings)


def _id(holder: Any, name: str, at: At, findings: Findings) -> str | None:
    return _node(holder, name, at, findings).id()
