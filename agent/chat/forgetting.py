"""Forgetting: single entries, or a user for good with turns, operations and model calls."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence

from agent.chat.parts import Parts
from agent.chat.record import drop_passes
from memory_backends.protocol import Inspectable
from traces.database import Database
from traces.operation import OperationContext, Recorder
from traces.schema import MemoryEntry, change

FORGET = "forget"
# A call keeps its number of attempts and tokens: what was spent stays counted.
_BLANK = "UPDATE calls SET status = 'forgotten', request = '{}', response = NULL, error = NULL"


def forget_entries(parts: Parts, user: str, entry_ids: Sequence[str]) -> int:
    """Delete entries from a user's memory by an operation that is recorded first; return how
    many there were. Unknown ids are no error."""
    backend = parts.memory.user(user)
    known = {e.id: e for e in backend.entries()} if isinstance(backend, Inspectable) else {}
    wanted = [known[id] for id in dict.fromkeys(entry_ids) if id in known]
    if not wanted:
        return 0
    now = parts.now()
    recorder = Recorder()
    context = parts.context(user, f"{FORGET}-{now.isoformat()}", now, recorder)
    gone = drop(wanted, [entry.id for entry in wanted], context)
    parts.log.forgotten(user, parts.prompts.hash, parts.parameters, recorder)
    return parts.memory.forget(user, gone)


def drop(
    entries: Sequence[MemoryEntry], ids: Sequence[str], context: OperationContext
) -> list[str]:
    """Perform the operation by which a user has entries forgotten; return the ids of those
    that it deletes. `ids` name the work."""
    outputs = context.perform(
        "update",
        name=FORGET,
        identity=ids,
        inputs={"near": [entry.as_variable() for entry in entries]},
        call=lambda _: {
            "changes": [change("delete", e.id, "the user had it forgotten") for e in entries]
        },
    )
    return [str(v.value["target"]) for v in outputs["changes"]]


def erase_user(database: Database, user: str) -> None:
    """Erase all that the record holds of a user, also from the file's free pages.

    Texts that no other user's operation rests on go with it, those of calls that came to
    nothing too, and all vectors: those of others are made anew when they are needed. The
    caller sees to it that nobody is at work. Reads the whole record once.
    """
    database.write("PRAGMA secure_delete = ON")
    with database.transaction() as connection:
        ids = connection.execute("SELECT id FROM passes WHERE conversation = ?", (user,))
        drop_passes(database, [row[0] for row in ids.fetchall()])
        connection.execute("DELETE FROM turns WHERE conversation = ?", (user,))
        kept_calls = set(_calls(connection))
        for (key,) in connection.execute("SELECT key FROM calls").fetchall():
            if key not in kept_calls:
                connection.execute(f"{_BLANK} WHERE key = ?", (key,))
                connection.execute("DELETE FROM embeddings WHERE call = ?", (key,))
        kept = set(_values(connection))
        for (digest,) in connection.execute("SELECT hash FROM value_texts").fetchall():
            if digest not in kept:
                connection.execute("DELETE FROM value_texts WHERE hash = ?", (digest,))
    # The log still holds the old pages.
    database.rows("PRAGMA wal_checkpoint(TRUNCATE)")


def _calls(connection: sqlite3.Connection) -> Iterator[str]:
    for (text,) in connection.execute("SELECT calls FROM operations"):
        yield from json.loads(text)


def _values(connection: sqlite3.Connection) -> Iterator[str]:
    for texts in connection.execute("SELECT inputs, outputs FROM operations"):
        for text in texts:
            for refs in json.loads(text).values():
                yield from (digest for _, digest in refs)
    for (text,) in connection.execute("SELECT request FROM calls"):
        yield from (digest for _, digest in json.loads(text).get("messages", ()))
