"""Messages in the order of a log become conversations: shared by `chat` and `csv`.

A session is what carries the same session id; where there is none, it ends with the block it
stands in (a chat record) and with a gap of more than six hours between two messages. Its date
is that of its first message; sessions are put in the order of their dates.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from evals.loaders.dates import Date
from evals.loaders.draft import Draft, DraftMessage, DraftQuestion, DraftSession
from evals.loaders.findings import At, Findings
from evals.loaders.finish import Finisher
from evals.loaders.problems import shown

SESSION_GAP = timedelta(hours=6)


@dataclass(slots=True)
class _Open:
    """A conversation under way, and what its last message was."""

    draft: Draft
    session: DraftSession | None = None
    block: int | None = None
    when: datetime | None = None
    by_id: dict[str, DraftSession] = field(default_factory=dict)


class Log:
    """Collects messages and questions by conversation, then finishes them all.

    `dating` tells, where a session has no date, what to do about it.
    """

    def __init__(self, findings: Findings, dating: str) -> None:
        self._findings = findings
        self._dating = dating
        self._open: dict[str, _Open] = {}
        self._asked: list[tuple[str, DraftQuestion]] = []

    def conversation(self, key: str, at: At, *, named: bool = True) -> None:
        """Open a conversation, unless it is; unless `named`, its id is made from its messages."""
        if key not in self._open:
            self._open[key] = _Open(Draft(at, key if named else None))

    def message(
        self, key: str, block: int, session: str | None, date: Date | None, message: DraftMessage
    ) -> None:
        """Add a message to an open conversation."""
        to = self._open[key]
        into = self._session(to, block, session, date, message.at)
        if into.date is None:
            into.date = date
        into.messages.append(message)
        to.session, to.block = into, block
        if date is not None:
            to.when = date.when

    def lose(self, key: str) -> None:
        """Note that something of a conversation could not be read."""
        self._open[key].draft.lost = True

    def question(self, key: str, question: DraftQuestion) -> None:
        """Add a question; its conversation may come later."""
        self._asked.append((key, question))

    def finish(self, finisher: Finisher) -> None:
        """Finish all conversations, in the order in which they were opened."""
        for key, question in self._asked:
            if key in self._open:
                self._open[key].draft.questions.append(question)
            else:
                self._findings.error(
                    "unknown_conversation", question.at,
                    f"asks about conversation {shown(key)}, which has no messages",
                    "write the conversation's id as its messages have it",
                )  # fmt: skip
        for found in self._open.values():
            draft = found.draft
            for session in draft.sessions:
                if session.date is None:
                    self._findings.error(
                        "missing_date", session.at, "the session that begins here has no date",
                        self._dating, draft.id or "",
                    )  # fmt: skip
            draft.sessions.sort(key=lambda s: s.date.when if s.date else datetime.min)
            finisher.add(draft)

    def _session(
        self, to: _Open, block: int, id: str | None, date: Date | None, at: At
    ) -> DraftSession:
        if id is not None:
            if id not in to.by_id:
                to.by_id[id] = self._new(to, id, at)
            return to.by_id[id]
        current = to.session
        if current is None or current.id is not None or to.block != block:
            return self._new(to, None, at)
        if date is not None and to.when is not None:
            if date.when < to.when:
                self._findings.warn_once(
                    "message_order", to.draft.id or "", at,
                    f"is dated {date.when.isoformat()}, before the message that it follows "
                    f"({to.when.isoformat()}); kept in this order",
                    "correct the date, or put the messages in order",
                )  # fmt: skip
            if abs(date.when - to.when) > SESSION_GAP:
                return self._new(to, None, at)
        return current

    def _new(self, to: _Open, id: str | None, at: At) -> DraftSession:
        session = DraftSession(at, None, id)
        to.draft.sessions.append(session)
        return session
