"""LongMemEval (Wu et al., ICLR 2025) in its published JSON: longmemeval_s, _m and _oracle.

A list of items with `question_id`, `question_type`, `question`, `answer`, `question_date`,
`haystack_session_ids`, `haystack_dates` ("2023/05/20 (Sat) 02:21"), `haystack_sessions` (lists
of turns: `role`, `content`, sometimes `has_answer`) and `answer_session_ids`.

An item is a conversation with one question, asked after the last session on `question_date`;
both have its `question_id`. Sessions are sorted by date. Evidence is the turns with
`has_answer`; where there are none, all turns of the answer sessions. Ids that end in `_abs` are
unanswerable; their answer says why. The category is the question's type. Empty sessions, which
the published files hold, are left out; a session that occurs twice gets `#2` behind its id.

The file is read an item at a time (longmemeval_m has 2.7 GB), and a text that recurs is held
once: the published histories draw on the same sessions over and over.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from evals.loaders.draft import Draft, DraftMessage, DraftQuestion, DraftSession
from evals.loaders.findings import At, Findings, Loaded
from evals.loaders.finish import Finisher
from evals.loaders.json_text import records
from evals.loaders.node import Node

UNANSWERABLE = "_abs"


def read_longmemeval(path: Path, fields: Mapping[str, str] | None = None) -> Loaded:
    """Read a file, an item at a time. Raises DataError for one that cannot be opened."""
    findings = Findings(path)
    finisher = Finisher(findings, explained=True)
    texts: dict[str, str] = {}
    for record in records(path, findings):
        with findings.record(record.line, record.text, record.index):
            node = Node(record.value, record.at(), findings)
            if node.mapping() is None:
                continue
            findings.name(record.index, record.value.get("question_id"))
            finisher.add(_item(node, texts))
    return Loaded.of("longmemeval", findings, finisher.conversations)


def _item(node: Node, texts: dict[str, str]) -> Draft:
    name = node.child("question_id").text()
    draft = Draft(node.at, None if name is None else node.child("question_id").id())
    marked, answering = _sessions(node, draft, texts)
    draft.sessions.sort(key=lambda s: s.date.when if s.date else datetime.min)
    question = node.child("question").text()
    category = node.child("question_type").text() or ""
    unanswerable = name is not None and name.endswith(UNANSWERABLE)
    answer = node.child("answer").optional_text()
    evidence = marked or answering
    if not evidence and not unanswerable:
        node.findings.warn(
            "no_evidence", node.at.child("answer_session_ids"), "names no evidence",
            "causes of wrong answers are then searched for by wording", draft.id or "",
        )  # fmt: skip
    last = next((s for s in reversed(draft.sessions) if s.messages and s.date), None)
    ended = last.date.when if last is not None and last.date is not None else datetime.min
    asked_on = node.child("question_date").optional_date()
    if asked_on is not None and asked_on < ended:
        node.findings.warn(
            "asked_too_early", node.at.child("question_date"),
            f"is asked on {asked_on.isoformat()}, before the session of {ended.isoformat()}; it "
            "is asked after the last session", "correct the date", draft.id or "",
        )  # fmt: skip
    if question is not None:
        draft.questions.append(
            DraftQuestion(
                text=question,
                at=node.at,
                id=draft.id,
                answer=answer,
                answer_missing=answer is None,
                category=category,
                evidence=evidence,
                asked_after=None if last is None else last.id,
                asked_on=asked_on,
                unanswerable=unanswerable,
            )
        )
    return draft


def _sessions(
    node: Node, draft: Draft, texts: dict[str, str]
) -> tuple[list[tuple[str, At]], list[tuple[str, At]]]:
    """Add the sessions; return as evidence the marked turns, and all of the answer sessions."""
    ids = node.child("haystack_session_ids").sequence() or []
    dates = node.child("haystack_dates").sequence() or []
    sessions = node.child("haystack_sessions").sequence()
    draft.lost = sessions is None
    if sessions is not None and not len(ids) == len(dates) == len(sessions):
        draft.lost = True
        node.child("haystack_sessions").error(
            "uneven_sessions",
            f"holds {len(sessions)} sessions for {len(ids)} ids and {len(dates)} dates",
            "give one id and one date a session",
        )
    answers = {item.id() for item in node.child("answer_session_ids").listed()}
    seen: Counter[str] = Counter()
    marked, answering = [], []
    for id_, date, turns in zip(ids, dates, sessions or (), strict=False):
        name = id_.text()
        if name is None:
            draft.lost = True
            continue
        seen[name] += 1
        id = name if seen[name] == 1 else f"{name}#{seen[name]}"
        session = DraftSession(turns.at, date.date(), texts.setdefault(id, id))
        draft.sessions.append(session)
        before = node.findings.errors
        for number, turn in enumerate(turns.sequence() or (), 1):
            message = _turn(turn, f"{id}:{number}", texts)
            if message is None:
                continue
            session.messages.append(message)
            if turn.value.get("has_answer"):
                marked.append((message.id or "", turn.at))
            if name in answers:
                answering.append((message.id or "", turn.at))
        session.lost = node.findings.errors > before
    return marked, answering


def _turn(node: Node, id: str, texts: dict[str, str]) -> DraftMessage | None:
    if node.mapping() is None:
        return None
    role = node.child("role").text() or ""
    text = node.child("content").text(empty=True) or ""
    shared = (texts.setdefault(t, t) for t in (role, text, id))
    speaker, content, name = shared
    return DraftMessage(speaker, content, node.at, name)
