"""Questions against the history that they are asked about."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from datetime import datetime

from evals.loaders.draft import Draft, DraftQuestion
from evals.loaders.findings import At, Findings
from evals.loaders.problems import shown
from traces.domain import Question


@dataclass(slots=True)
class History:
    """What questions may refer to.

    `sessions`: id -> place among those kept, -1 for one that was not. `messages`: id -> its
    session's place. `dates` and `ids` are those of the kept sessions, in order. Unless it is
    `complete`, a name that is not there may be one of those lost.
    """

    complete: bool = True
    sessions: dict[str, int] = field(default_factory=dict)
    messages: dict[str, int] = field(default_factory=dict)
    places: dict[str, At] = field(default_factory=dict)
    dates: list[datetime] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)


def finish_questions(
    draft: Draft, history: History, conversation: str, findings: Findings, *, explained: bool
) -> list[Question]:
    """Return the conversation's questions; what does not fit is noted.

    Without a session to be asked after, a dated question is asked after the last session that
    had begun by then, another after the last of all.
    """
    made: list[Question] = []
    ids: set[str] = set()
    texts: dict[tuple[str, str | None], str] = {}
    for number, question in enumerate(draft.questions, 1):
        id = question.id or f"{conversation}:q{number}"
        subject = f"{conversation}, question {id}"
        _check_id(id, ids, question.at, history, findings, subject)
        asked_after = _asked_after(question, history, findings, subject)
        key = (" ".join(question.text.casefold().split()), asked_after)
        if key in texts:
            findings.warn(
                "repeated_question", question.at, f"asks the same as question {texts[key]}",
                "keep one, or say what differs", subject,
            )  # fmt: skip
        texts.setdefault(key, id)
        made.append(
            Question(
                id,
                question.text,
                _answer(question, findings, subject, explained),
                question.category,
                _evidence(question, asked_after, history, findings, subject),
                asked_after,
                question.unanswerable,
                question.asked_on,
            )
        )
    return made


def _check_id(
    id: str, ids: set[str], at: At, history: History, findings: Findings, subject: str
) -> None:
    if id in ids:
        findings.error(
            "duplicate_question_id", at, f"question id {shown(id)} occurs twice",
            "make them unique, or leave all of them out", subject,
        )  # fmt: skip
    elif id in history.sessions:
        findings.error(
            "question_id_of_session", at, f"question id {shown(id)} is a session's id too",
            "give the question another", subject,
        )  # fmt: skip
    ids.add(id)


def _asked_after(
    question: DraftQuestion, history: History, findings: Findings, subject: str
) -> str | None:
    name = question.asked_after
    if name is not None:
        if history.sessions.get(name, -1) >= 0:
            return name
        if not history.complete:
            return None
        problem = "has no messages" if name in history.sessions else "is no session's id"
        findings.error(
            "unknown_session", question.at.child("asked_after"),
            f"{shown(name)} {problem}", _choices(history.ids), subject,
        )  # fmt: skip
        return None
    if question.asked_on is None or history.dates != sorted(history.dates):
        return None
    begun = bisect_right(history.dates, question.asked_on)
    if not begun:
        findings.warn(
            "asked_too_early", question.at,
            f"is asked on {question.asked_on.isoformat()}, before the first session; it is asked "
            "after the last", "correct the date, or name a session to ask it after", subject,
        )  # fmt: skip
        return None
    return None if begun == len(history.ids) else history.ids[begun - 1]


def _choices(ids: list[str]) -> str:
    some = ", ".join(shown(id) for id in ids[:5])
    return f"name one of {some}{' ...' if len(ids) > 5 else ''}, or leave it out to ask at the end"


def _answer(
    question: DraftQuestion, findings: Findings, subject: str, explained: bool
) -> str | None:
    if question.unanswerable:
        if question.answer is None or explained:
            return question.answer
        findings.warn(
            "unanswerable_with_answer", question.at,
            f"is unanswerable; its answer {shown(question.answer)} is not used",
            "delete the answer, or 'unanswerable'", subject,
        )  # fmt: skip
    elif question.answer_missing:
        findings.warn(
            "missing_answer", question.at, "has no gold answer and is not asked",
            "add one, set unanswerable to true, or write null to keep it for later", subject,
        )  # fmt: skip
    return None if question.unanswerable else question.answer


def _evidence(
    question: DraftQuestion,
    asked_after: str | None,
    history: History,
    findings: Findings,
    subject: str,
) -> tuple[str, ...]:
    found: dict[str, None] = {}
    end = len(history.ids) - 1 if asked_after is None else history.sessions[asked_after]
    for name, at in question.evidence:
        session = history.messages.get(name)
        if session is None and not history.complete:
            continue
        if session is None:
            findings.warn(
                "unknown_evidence", at, f"evidence {shown(name)} points to no message",
                "name the ids of messages: those in the file, or s2:3 for the third of session s2",
                subject,
            )  # fmt: skip
            continue
        if session > end:
            findings.warn(
                "evidence_too_late", at,
                f"evidence {shown(name)} is said after the question is asked",
                "correct the evidence, or the session that it is asked after", subject,
            )  # fmt: skip
        found[name] = None
    return tuple(found)
