"""memtune's own format: one conversation a line, as JSON; or a JSON list of conversations.

    {"id": "ada",
     "sessions": [{"id": "s1", "date": "2024-05-01T18:30",
                   "messages": [{"id": "m1", "speaker": "Ada", "text": "I live in Lisbon."}]}],
     "questions": [{"question": "Where does Ada live?", "answer": "Lisbon",
                    "category": "single-hop", "evidence": ["m1"]}]}

(on one line). Needed are `sessions` with `date` and `messages`, of these `speaker` and
`text`, and of questions `question`. Questions may be

    single-hop     "answer": "Lisbon", "evidence": ["m1"]
    multi-hop      "answer": "Lisbon and Porto", "evidence": ["m1", "m7"]
    temporal       "answer": "7 May 2024", "evidence": ["m4"]; a `text` such as "last Tuesday"
                   counts from the session's date
    update         "answer": what holds now, "evidence": the message that says so; "asked_after":
                   "s1" asks before the update (None: after the last session)
    yes-no         "answer": true
    unanswerable   "unanswerable": true, and no answer: the right behaviour is to abstain
    no evidence    leave `evidence` out: it is searched for
    no gold answer "answer": null: kept for later, not asked

Ids that are left out are made: of a conversation from its messages, of sessions s1, s2 ...,
of messages s1:1, s1:2 ... (which evidence may name), of questions from their place.
`category` is any name that reports are to tell apart. `asked_on` is the date of a question
that is not asked on the day of a session. Dates: see `evals.loaders.dates`.

`fields` maps these names to those of a file that calls them otherwise: conversation, session,
message and question_id are the ids; a dotted name looks inside ("meta.when").
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from evals.loaders.draft import Draft, DraftMessage, DraftSession
from evals.loaders.example import EXAMPLE, write_example
from evals.loaders.fields import Names
from evals.loaders.findings import Findings, Loaded
from evals.loaders.finish import Finisher
from evals.loaders.json_fields import QUESTION_FIELDS, field, note_unknown, read_question
from evals.loaders.json_text import records
from evals.loaders.node import Node

__all__ = ["EXAMPLE", "FIELDS", "read_jsonl", "write_example"]

FIELDS: Mapping[str, str] = {
    "conversation": "id", "sessions": "sessions", "session": "id", "date": "date",
    "messages": "messages", "message": "id", "speaker": "speaker", "text": "text",
    "questions": "questions", "question_id": "id",
    **{name: name for name in QUESTION_FIELDS if name != "question_id"},
}  # fmt: skip


def read_jsonl(path: Path, fields: Mapping[str, str] | None = None) -> Loaded:
    """Read a file, a conversation at a time.

    Raises DataError for a file that cannot be opened, SettingsError for a wrong mapping.
    """
    names = Names(FIELDS, fields or {}, "jsonl")
    findings = Findings(path)
    finisher = Finisher(findings)
    for record in records(path, findings):
        with findings.record(record.line, record.text, record.index):
            node = Node(record.value, record.at(), findings)
            if node.mapping() is not None:
                findings.name(record.index, names.get("conversation", record.value))
                finisher.add(_conversation(node, names))
    return Loaded.of("jsonl", findings, finisher.conversations)


def _conversation(node: Node, names: Names) -> Draft:
    note_unknown(node, names.tops("conversation", "sessions", "questions"))
    draft = Draft(node.at, field(node, names, "conversation").id())
    sessions = field(node, names, "sessions").sequence()
    draft.lost = sessions is None
    for item in sessions or ():
        session = _session(item, names)
        draft.lost |= session is None
        if session is not None:
            draft.sessions.append(session)
    questions = field(node, names, "questions")
    if questions.value is not None:
        for item in questions.sequence() or ():
            question = read_question(item, names)
            if item.mapping_or_none() is not None:
                note_unknown(item, names.tops(*QUESTION_FIELDS))
            if question is not None:
                draft.questions.append(question)
    return draft


def _session(node: Node, names: Names) -> DraftSession | None:
    if node.mapping() is None:
        return None
    note_unknown(node, names.tops("session", "date", "messages"))
    session = DraftSession(
        node.at, field(node, names, "date").date(), field(node, names, "session").id()
    )
    messages = field(node, names, "messages").sequence()
    session.lost = messages is None
    for item in messages or ():
        before = item.findings.errors
        message = _message(item, names)
        session.lost |= item.findings.errors > before
        if message is not None:
            session.messages.append(message)
    return session


def _message(node: Node, names: Names) -> DraftMessage | None:
    if node.mapping() is None:
        return None
    note_unknown(node, names.tops("message", "speaker", "text"))
    id = field(node, names, "message").id()
    speaker = field(node, names, "speaker").text()
    text = field(node, names, "text").text()
    # Kept when only its text is bad: evidence that names it is no further mistake.
    if speaker is None and text is None and id is None:
        return None
    return DraftMessage(speaker or "", text or "", node.at, id)
