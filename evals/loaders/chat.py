"""Chat logs in the form of OpenAI's messages: one record a line, or a JSON list of records.

    {"id": "thread-1", "user": "ada",
     "messages": [{"role": "user", "content": "I live in Lisbon.", "timestamp": 1714588200},
                  {"role": "assistant", "content": "Noted!", "timestamp": 1714588204}],
     "questions": [{"question": "Where does the user live?", "answer": "Lisbon"}]}

A record is a conversation, unless records share what `fields` maps `conversation` to
({conversation: "user"}): then they are one, each record at least a session of its own. Within
a record a message's `session` field, where there is one, divides sessions; else a gap of more
than six hours does. Dates come from each message's `timestamp`, or from the record's
`timestamp`, `created_at` or `date` (`evals.loaders.dates` says in which forms). Sessions are put
in the order of their dates. Speakers are `name`, else `role`; messages of the roles system,
developer, tool and function are left out, and so are those without text.

Message ids have to be unique in a conversation; `fields` {message: "-"} does without theirs.

Questions stand in a record's `questions`, in the fields of `evals.loaders.jsonl`; or are
records of their own, so that two files can be put together with `cat`:

    {"conversation": "ada", "question": "Where does the user live?", "answer": "Lisbon"}

A log without questions can be validated, not run.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from evals.loaders.dates import Date
from evals.loaders.draft import DraftMessage
from evals.loaders.fields import Names
from evals.loaders.findings import Findings, Loaded
from evals.loaders.finish import Finisher
from evals.loaders.json_fields import QUESTION_FIELDS, field, note_unknown, read_question
from evals.loaders.json_text import Record, records
from evals.loaders.log import Log
from evals.loaders.node import Node

LEFT_OUT = ("system", "developer", "tool", "function")
FIELDS: Mapping[str, str] = {
    "conversation": "id", "messages": "messages", "message": "id", "session": "session",
    "date": "timestamp", "speaker": "name", "role": "role", "text": "content",
    "questions": "questions", "question_id": "id",
    **{name: name for name in QUESTION_FIELDS if name != "question_id"},
}  # fmt: skip
RECORD_DATES = ("created_at", "date")
# A question that stands alone names its conversation by this, whatever a record calls it.
CONVERSATION = "conversation"


def read_chat(path: Path, fields: Mapping[str, str] | None = None) -> Loaded:
    """Read a file, a record at a time.

    Raises DataError for a file that cannot be opened, SettingsError for a wrong mapping.
    """
    names = Names(FIELDS, fields or {}, "chat")
    findings = Findings(path)
    log = Log(
        findings, "give its first message a timestamp, or the record one ('timestamp', "
        "'created_at', 'date'); or map 'date' in fields",
    )  # fmt: skip
    for block, record in enumerate(records(path, findings)):
        with findings.record(record.line, record.text, record.index):
            _record(record, block, names, log, findings)
    finisher = Finisher(findings)
    log.finish(finisher)
    return Loaded.of("chat", findings, finisher.conversations)


def _record(record: Record, block: int, names: Names, log: Log, findings: Findings) -> None:
    # With the line: these places are used when the record is gone.
    node = Node(record.value, record.at()._replace(line=record.line), findings)
    holder = node.mapping()
    if holder is None:
        return
    messages = field(node, names, "messages")
    if messages.value is None and names.get("question", holder) is not None:
        _lone_question(node, names, log)
        return
    note_unknown(
        node, names.tops("conversation", "messages", "date", "questions") | set(RECORD_DATES),
        all_of_them=False,
    )  # fmt: skip
    id = field(node, names, "conversation").id()
    key = id if id is not None else f"\n{block}"
    log.conversation(key, node.at, named=id is not None)
    dated = _record_date(node, names)
    items = messages.sequence()
    if items is None:
        log.lose(key)
    for item in items or ():
        before = findings.errors
        found = _message(item, names, findings) if item.mapping() is not None else None
        if found is not None:
            date = _date(item, names) or dated
            log.message(key, block, field(item, names, "session").id(), date, found)
        if findings.errors > before:
            log.lose(key)
    questions = field(node, names, "questions")
    if questions.value is not None:
        for item in questions.sequence() or ():
            question = read_question(item, names)
            if question is not None:
                note_unknown(item, names.tops(*QUESTION_FIELDS))
                log.question(key, question)


def _lone_question(node: Node, names: Names, log: Log) -> None:
    known = names.tops(*QUESTION_FIELDS, "conversation") | {CONVERSATION}
    note_unknown(node, known)
    about = node.child(CONVERSATION)
    if about.value is None:
        about = field(node, names, "conversation")
    id = about.id()
    question = read_question(node, names)
    if id is None:
        node.error(
            "missing_conversation", "names no conversation",
            f"add '{CONVERSATION}': the id of the conversation that is asked about",
        )  # fmt: skip
    elif question is not None:
        # Both may be called "id".
        if question.id == id and names["question_id"] == names["conversation"]:
            question.id = None
        log.question(id, question)


def _date(node: Node, names: Names) -> Date | None:
    found = field(node, names, "date")
    return None if found.value is None else found.date()


def _record_date(node: Node, names: Names) -> Date | None:
    found = _date(node, names)
    for key in RECORD_DATES:
        if found is None and node.child(key).value is not None:
            found = node.child(key).date()
    return found


def _message(node: Node, names: Names, findings: Findings) -> DraftMessage | None:
    """Return the message, or None where it is left out, which is noted once a kind."""
    role = field(node, names, "role").value
    if role in LEFT_OUT:
        findings.warn_once(
            "left_out_role", str(role), node.at, f"messages of role '{role}' are left out",
            "give them another role if they belong to the conversation",
        )  # fmt: skip
        return None
    text = _text(field(node, names, "text"), findings)
    if text is None:
        return None
    speaker = field(node, names, "speaker")
    if speaker.value is None and "speaker" not in names.given:
        speaker = field(node, names, "role")
    return DraftMessage(speaker.text() or "", text, node.at, field(node, names, "message").id())


def _text(node: Node, findings: Findings) -> str | None:
    value = node.value
    if isinstance(value, list):
        return _parts(node, findings)
    if value is None or (isinstance(value, str) and not value.strip()):
        findings.warn_once(
            "message_without_text", "", node.at, "messages without text are left out",
            "none is needed where they only call tools",
        )  # fmt: skip
        return None
    return node.text() or ""


def _parts(node: Node, findings: Findings) -> str | None:
    texts = []
    for part in node.children():
        text = part if isinstance(part.value, str) else part.child("text")
        if isinstance(text.value, str):
            texts.append(text.text(empty=True) or "")
            continue
        kind = str(part.child("type").value)
        findings.warn_once(
            "left_out_part", kind, part.at, f"parts of type '{kind}' are left out",
            "describe in words what a reader of the log has to know",
        )  # fmt: skip
    return "\n".join(text for text in texts if text) or None
