"""What is committed, in SQLite beside Chroma: users, turns, and changes under way.

A change is committed here in one transaction before Chroma is touched, and struck off
once Chroma has it. Doing it again changes nothing, so whatever is found here when the
directory is opened is done (again).
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from traces.errors import StoreError
from traces.hashing import canonical_json

# "memt": tells our files from other SQLite files.
_APPLICATION = 0x6D656D74
# Append only: a migration that has run on somebody's file is never edited.
_MIGRATIONS = (
    """
    CREATE TABLE identity (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE users (
        key TEXT PRIMARY KEY, id TEXT NOT NULL, collection TEXT NOT NULL,
        generation INTEGER NOT NULL, embedder TEXT NOT NULL, digest TEXT NOT NULL,
        written INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE sessions (
        number INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL, id TEXT NOT NULL);
    CREATE INDEX sessions_by_user ON sessions (key);
    CREATE TABLE pending (
        number INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL, action TEXT NOT NULL,
        collection TEXT NOT NULL, change TEXT NOT NULL);
    """,
    """ALTER TABLE users ADD COLUMN beside TEXT NOT NULL DEFAULT '""';""",
)

Action = Literal["write", "drop", "erase"]


@dataclass(frozen=True, slots=True)
class UserRow:
    """What is committed of a user. `digest` is that of all records, `written` how many
    records went into the collection, `embedder` which model its vectors are of, `beside` what
    is kept beside the entries."""

    key: str
    id: str
    collection: str
    generation: int
    embedder: str | None
    digest: str
    written: int
    beside: str


@dataclass(frozen=True, slots=True)
class Pending:
    """A committed change that Chroma may not have yet."""

    number: int
    key: str
    action: Action
    collection: str
    change: dict[str, Any]


class Journal:
    """One SQLite file; threads may share it. Raises StoreError when it is damaged, of a
    newer version, not ours, or cannot be read or written."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.RLock()
        with self._translated():
            self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        try:
            with self._translated():
                self._open()
        except BaseException:
            self._connection.close()
            raise

    def _open(self) -> None:
        execute = self._connection.execute
        (application,) = execute("PRAGMA application_id").fetchone()
        (version,) = execute("PRAGMA user_version").fetchone()
        (tables,) = execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
        if application != _APPLICATION and (application or version or tables):
            raise StoreError(
                f"{self._path}: is not a memtune memory; choose another directory for the memory"
            )
        if version > len(_MIGRATIONS):
            raise StoreError(
                f"{self._path}: written by a newer memtune (schema {version}, this one knows "
                f"{len(_MIGRATIONS)}); upgrade memtune"
            )
        execute("PRAGMA journal_mode = WAL")
        # FULL: a committed turn survives a power cut. Secure: what is forgotten is gone.
        execute("PRAGMA synchronous = FULL")
        execute("PRAGMA secure_delete = ON")
        for number, script in enumerate(_MIGRATIONS[version:], start=version + 1):
            self._connection.executescript(
                f"BEGIN IMMEDIATE; {script} PRAGMA application_id = {_APPLICATION}; "
                f"PRAGMA user_version = {number}; COMMIT;"
            )

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            raise StoreError(
                f"{self._path}: cannot be used now ({error}); free what it needs (space, "
                "permissions, other programs)"
            ) from error
        except sqlite3.ProgrammingError as error:
            raise StoreError(f"{self._path}: the memory is closed; open it again") from error
        except sqlite3.Error as error:
            raise StoreError(
                f"{self._path}: damaged ({error}); restore the memory's directory from a backup, "
                "or use another"
            ) from error

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit what the body writes, all of it or nothing."""
        with self._lock, self._translated():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def identity(self) -> dict[str, Any]:
        """Return what fixes the memory; empty for a new one."""
        rows = self._rows("SELECT name, value FROM identity")
        return {name: self._value(value) for name, value in rows}

    def set_identity(self, identity: Mapping[str, Any]) -> None:
        """Write what fixes the memory."""
        for name, value in identity.items():
            self._write("INSERT OR REPLACE INTO identity VALUES (?, ?)", name, json.dumps(value))

    def user(self, key: str) -> UserRow | None:
        """Return what is committed of a user, or None."""
        found = self._users("SELECT * FROM users WHERE key = ?", key)
        return found[0] if found else None

    def users(self) -> list[UserRow]:
        """Return all users."""
        return self._users("SELECT * FROM users")

    def set_user(self, user: UserRow) -> None:
        """Write what is committed of a user."""
        self._write(
            "INSERT OR REPLACE INTO users VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            user.key, canonical_json(user.id), user.collection, user.generation,
            json.dumps(user.embedder), user.digest, user.written, canonical_json(user.beside),
        )  # fmt: skip

    def remove_user(self, key: str) -> None:
        """Remove what is known of a user: row, sessions and texts that Chroma was to get."""
        self._write("DELETE FROM users WHERE key = ?", key)
        self._write("DELETE FROM sessions WHERE key = ?", key)
        self._write("DELETE FROM pending WHERE key = ? AND action = 'write'", key)

    def sessions(self, key: str) -> list[str]:
        """Return the ids of a user's ingested sessions, oldest first, with repeats."""
        rows = self._rows("SELECT id FROM sessions WHERE key = ? ORDER BY number", key)
        return [self._value(id) for (id,) in rows]

    def add_session(self, key: str, session_id: str) -> None:
        """Note that a session was ingested."""
        self._write("INSERT INTO sessions (key, id) VALUES (?, ?)", key, canonical_json(session_id))

    def add(self, key: str, action: Action, collection: str, change: Mapping[str, Any]) -> Pending:
        """Note a change that Chroma is to get."""
        cursor = self._write(
            "INSERT INTO pending (key, action, collection, change) VALUES (?, ?, ?, ?)",
            key,
            action,
            collection,
            json.dumps(change),
        )
        return Pending(int(cursor.lastrowid or 0), key, action, collection, dict(change))

    def pending(self, key: str | None = None) -> list[Pending]:
        """Return the changes of a user (or of all) that Chroma may lack, oldest first."""
        where, given = ("", ()) if key is None else ("WHERE key = ?", (key,))
        rows = self._rows(
            f"SELECT number, key, action, collection, change FROM pending {where} ORDER BY number",
            *given,
        )
        return [
            Pending(number, of, action, collection, self._value(change))
            for number, of, action, collection, change in rows
        ]

    def strike(self, pending: Sequence[Pending]) -> None:
        """Note that Chroma has these changes."""
        for one in pending:
            self._write("DELETE FROM pending WHERE number = ?", one.number)

    def erase(self) -> None:
        """Overwrite what has been deleted."""
        with self._lock, self._translated():
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        with self._lock, self._translated():
            self._connection.close()

    def _rows(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        with self._lock, self._translated():
            return self._connection.execute(statement, values).fetchall()

    def _write(self, statement: str, *values: Any) -> sqlite3.Cursor:
        with self._lock, self._translated():
            return self._connection.execute(statement, values)

    def _users(self, statement: str, *values: Any) -> list[UserRow]:
        return [
            UserRow(key, self._value(id), collection, generation, self._value(embedder),
                    digest, written, self._value(beside))
            for key, id, collection, generation, embedder, digest, written, beside
            in self._rows(statement, *values)
        ]  # fmt: skip

    def _value(self, text: str) -> Any:
        try:
            return json.loads(text)
        except ValueError as error:
            raise StoreError(
                f"{self._path}: damaged (a value is not JSON: {error}); restore the memory's "
                "directory from a backup, or use another"
            ) from error
