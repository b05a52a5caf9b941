"""RealMem (Bian et al., ACL 2026 Findings; AvatarMemory/RealMemBench) in its published JSON.

One file a person, `<name>_dialogues_256k.json`: `_metadata.person_name` and `dialogues`, a list
of sessions with `session_identifier`, `session_uuid`, `current_time` ("2025-12-15 (Monday)"),
`dialogue_turns` (`speaker`, `content`, `is_query`, `query_id`, of queries also `topic`,
`category_name`, `session_type`; of answers `memory_used`) and `extracted_memory` (`content`,
`source_turn`). A directory of such files, one of them, or one person a line is read.

A person is a conversation. A turn with `is_query` is a question, asked on its session's day
after the session before, as in the published evaluation, which retrieves from earlier sessions
only; the gold answer is the turn that follows. Evidence is where the memory that this turn used
was taken from: `source_turn` counts from 1 (0 is read as 1, -1 is unknown). The category is
`category_name`. Message ids are `<session_uuid>-<turn>`, question ids `query_id`.

Questions in the midst of a session may refer to what was said just before, which is not in
memory yet. A query of the first session cannot be asked, and is left out.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import zip_longest
from pathlib import Path

from evals.loaders.draft import Draft, DraftMessage, DraftQuestion, DraftSession
from evals.loaders.findings import At, Findings, Loaded
from evals.loaders.finish import Finisher
from evals.loaders.json_text import Record, first_character, lines, open_data, records, whole
from evals.loaders.node import Node
from traces.errors import DataError

# (session_uuid, content of a memory) -> the message that it was taken from, None if unknown
_Sources = dict[tuple[str, str], str | None]


def read_realmem(path: Path, fields: Mapping[str, str] | None = None) -> Loaded:
    """Read a file, or the `.json` files of a directory, a person at a time.

    Raises DataError for what cannot be opened, and for a directory without such files.
    """
    findings = Findings(path)
    finisher = Finisher(findings)
    for file in _files(path):
        findings.file = file.name if file != path else ""
        for record in _persons(file, findings):
            with findings.record(record.line, record.text, record.index):
                node = Node(record.value, record.at(), findings)
                if node.mapping() is not None:
                    finisher.add(_person(node))
    findings.file = ""
    return Loaded.of("realmem", findings, finisher.conversations)


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    found = sorted(path.glob("*.json"))
    if not found:
        raise DataError(f"{path}: holds no .json file; give RealMem's directory of dialogues")
    return found


def _persons(path: Path, findings: Findings) -> Iterator[Record]:
    if first_character(path) == "[":
        yield from records(path, findings)
        return
    with open_data(path) as file:
        first = next((line for line in file if line.strip()), b"")
    try:
        json.loads(first.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        record = whole(path, findings)
        if record is not None:
            yield record
        return
    yield from lines(path, findings)


def _person(node: Node) -> Draft:
    draft = Draft(node.at, node.child("_metadata", "person_name").text())
    dialogues = node.child("dialogues").sequence()
    draft.lost = dialogues is None
    sources: _Sources = {}
    read: list[tuple[DraftSession, Node]] = []
    seen: Counter[str] = Counter()
    for item in dialogues or ():
        session = _session(item, seen, sources)
        draft.lost |= session is None
        if session is not None:
            draft.sessions.append(session)
            read.append((session, item))
    draft.sessions.sort(key=_when)
    read.sort(key=lambda pair: _when(pair[0]))
    before: DraftSession | None = None
    for session, item in read:
        draft.questions += _questions(item, session, before, sources, seen, draft.id or "")
        if session.messages and session.date is not None:
            before = session
    return draft


def _when(session: DraftSession) -> datetime:
    return session.date.when if session.date else datetime.min


def _unique(id: str, seen: Counter[str]) -> str:
    seen[id] += 1
    return id if seen[id] == 1 else f"{id}#{seen[id]}"


def _session(node: Node, seen: Counter[str], sources: _Sources) -> DraftSession | None:
    if node.mapping() is None:
        return None
    name, uuid = node.child("session_identifier").text(), node.child("session_uuid").text()
    date, turns = node.child("current_time").date(), node.child("dialogue_turns").sequence()
    if name is None or uuid is None:
        return None
    session = DraftSession(node.at, date, _unique(name, seen), lost=turns is None)
    # A uuid that occurs twice must not make message ids that do.
    stem = _unique(f"{uuid}-", seen)
    before = node.findings.errors
    for number, turn in enumerate(turns or (), 1):
        if turn.mapping() is None:
            continue
        speaker, text = turn.child("speaker").text(), turn.child("content").text(empty=True)
        session.messages.append(DraftMessage(speaker or "", text or "", turn.at, f"{stem}{number}"))
    session.lost |= node.findings.errors > before
    for memory in node.child("extracted_memory").listed():
        content, number = memory.child("content").value, memory.child("source_turn").value
        known = isinstance(number, int) and 0 <= number <= len(session.messages)
        sources.setdefault((uuid, str(content)), f"{stem}{max(number, 1)}" if known else None)
    return session


def _questions(
    node: Node,
    session: DraftSession,
    before: DraftSession | None,
    sources: _Sources,
    seen: Counter[str],
    person: str,
) -> Iterator[DraftQuestion]:
    held = node.child("dialogue_turns")
    turns = list(held.children()) if isinstance(held.value, list) else []
    for turn, answering in zip_longest(turns, turns[1:]):
        if not isinstance(turn.value, dict) or not turn.value.get("is_query"):
            continue
        id, text = turn.child("query_id").id(), turn.child("content").value
        if not isinstance(text, str) or not text.strip():
            continue  # noted as a message, or nothing to ask
        subject = f"{person}, question {id}"
        if before is None:
            turn.findings.warn(
                "nothing_before", turn.at, "is asked in the first session, before anything is in "
                "memory, and is left out", "nothing can be done about it", subject,
            )  # fmt: skip
            continue
        answer = answering.child("content").optional_text() if answering is not None else None
        used = answering.child("memory_used").listed() if answering is not None else []
        yield DraftQuestion(
            text=text,
            at=turn.at,
            id=None if id is None else _unique(id, seen),
            answer=answer,
            answer_missing=answer is None,
            category=turn.child("category_name").optional_text() or "",
            evidence=_evidence(used, sources, subject),
            asked_after=before.id,
            asked_on=session.date.when if session.date else None,
        )


def _evidence(used: list[Node], sources: _Sources, subject: str) -> list[tuple[str, At]]:
    found: list[tuple[str, At]] = []
    for memory in used:
        uuid, content = memory.child("session_uuid").value, memory.child("content").value
        source = sources.get((str(uuid), str(content)))
        if source is None:
            memory.findings.warn(
                "unknown_evidence", memory.at, "uses a memory whose source is not known",
                "its other evidence stands", subject,
            )  # fmt: skip
        else:
            found.append((source, memory.at))
    return found
