"""Drafts become conversations: ids are given, and what must fit together is checked."""

from __future__ import annotations

from datetime import datetime

from evals.loaders.draft import Draft, DraftSession
from evals.loaders.findings import At, Findings
from evals.loaders.finish_questions import History, finish_questions
from evals.loaders.problems import shown
from traces.domain import Conversation, Message, Session
from traces.hashing import content_hash

_UNIQUE = "make them unique, or leave all of them out"


class Finisher:
    """Finishes the drafts of one file; knows the conversations that it has seen.

    `explained`: the answer of an unanswerable question says why there is none, and is kept.
    """

    def __init__(self, findings: Findings, *, explained: bool = False) -> None:
        self._findings = findings
        self._explained = explained
        self._ids: dict[str, At] = {}
        self._histories: dict[str, str] = {}
        self.conversations: list[Conversation] = []

    def add(self, draft: Draft) -> None:
        """Finish a draft; what is wrong with it is noted, and what is left of it is kept."""
        history = History(complete=draft.complete())
        # The id of one that has none of its own is not known before its sessions are.
        subject = draft.id or ""
        sessions = _sessions(draft, history, subject, self._findings)
        if not sessions:
            if history.complete:
                self._findings.error(
                    "empty_conversation", draft.at, "holds no session with messages",
                    "add messages, or delete it", subject,
                )  # fmt: skip
            return
        digest = content_hash([[s.date.isoformat(), *map(_said, s.messages)] for s in sessions])
        id = draft.id or f"c-{digest[:8]}"
        at = self._place(draft)
        self._check_new(draft, id, digest if history.complete else id, at)
        questions = finish_questions(draft, history, id, self._findings, explained=self._explained)
        if not draft.questions:
            self._findings.warn(
                "conversation_without_questions", at, "has no question",
                "add some, or delete it: a run would read it and ask nothing", id,
            )  # fmt: skip
        self.conversations.append(
            Conversation(id, tuple(sessions), tuple(questions), draft.gold_facts)
        )

    def _place(self, draft: Draft) -> At:
        return At(draft.at.path, self._findings.line_of(draft.at))

    def _check_new(self, draft: Draft, id: str, digest: str, at: At) -> None:
        if id in self._ids:
            first = self._findings.spot(self._ids[id])
            if draft.id is None:
                self._findings.error(
                    "repeated_conversation", at, f"has the same messages as {first}", "keep one"
                )
            else:
                self._findings.error(
                    "duplicate_conversation_id", at, f"id {shown(id)} is that of {first} too",
                    _UNIQUE, id,
                )  # fmt: skip
            return
        self._ids[id] = at
        other = self._histories.setdefault(digest, id)
        if other != id:
            self._findings.warn(
                "repeated_history", at, f"has the same messages as conversation {other}",
                "put their questions into one: two may fall on both sides of a split", id,
            )  # fmt: skip


def _said(message: Message) -> list[str]:
    return [message.speaker, message.text]


def _sessions(draft: Draft, history: History, subject: str, findings: Findings) -> list[Session]:
    made: list[Session] = []
    zones: dict[str, At] = {}
    last: tuple[str, datetime] | None = None
    for number, session in enumerate(draft.sessions, 1):
        id = session.id or f"s{number}"
        if id in history.sessions:
            findings.error(
                "duplicate_session_id", session.at, f"session id {shown(id)} occurs twice",
                _UNIQUE, subject,
            )  # fmt: skip
        # One without a usable date is no session, but what refers to it is no further mistake.
        index = len(made) if session.date is not None else max(0, len(made) - 1)
        history.sessions[id] = index if session.messages else -1
        if not session.messages:
            if not session.lost:
                findings.warn(
                    "empty_session", session.at, f"session {id} has no messages and is left out",
                    "add messages, or delete it", subject,
                )  # fmt: skip
            continue
        messages = _messages(session, id, index, history, subject, findings)
        if session.date is None:
            continue
        when = session.date.when
        if session.date.zone is not None:
            zones.setdefault(session.date.zone, session.at)
        if last is not None and when < last[1]:
            findings.warn(
                "session_order", session.at,
                f"session {id} ({when.isoformat()}) is dated before {last[0]} "
                f"({last[1].isoformat()}), which it follows; kept in this order",
                "correct the date, or move the session", subject,
            )  # fmt: skip
        last = (id, when)
        history.dates.append(when)
        history.ids.append(id)
        made.append(Session(id, when, tuple(messages)))
    if len(zones) > 1:
        at = list(zones.values())[1]
        named = ", ".join(zone or "none" for zone in zones)
        findings.warn(
            "mixed_time_zones", at, f"dates have different time zones ({named}); each is kept as "
            "written, without its offset", "write all dates in the speakers' own time", subject,
        )  # fmt: skip
    return made


def _messages(
    session: DraftSession, id: str, index: int, history: History, subject: str, findings: Findings
) -> list[Message]:
    made = []
    for number, message in enumerate(session.messages, 1):
        name = message.id or f"{id}:{number}"
        if name in history.messages:
            first = findings.spot(history.places[name])
            findings.error(
                "duplicate_message_id", message.at,
                f"message id {shown(name)} occurs twice in the conversation, first at {first}",
                _UNIQUE, subject,
            )  # fmt: skip
        else:
            history.messages[name] = index
            history.places[name] = message.at
        made.append(Message(name, message.speaker, message.text))
    return made
