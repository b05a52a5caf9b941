"""One SQLite file a run: one connection a process, numbered migrations.

SQLite before 3.51.3 can lose data when several connections reset the write-ahead
log, so store, ledger and checkpoints share this connection and its lock.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from traces.errors import StoreError

# Append only: a migration that has run on somebody's file is never edited.
MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE run_state (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE prompt_sets (
        hash TEXT PRIMARY KEY, parent TEXT, instructions TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE value_texts (hash TEXT PRIMARY KEY, kind TEXT NOT NULL, json TEXT NOT NULL);
    CREATE TABLE passes (
        id INTEGER PRIMARY KEY, conversation TEXT NOT NULL, prompt_set TEXT NOT NULL,
        parameters TEXT NOT NULL, purpose TEXT NOT NULL, error TEXT,
        stages TEXT NOT NULL DEFAULT '{}',
        UNIQUE (conversation, prompt_set, parameters, purpose));
    CREATE TABLE operations (
        pass INTEGER NOT NULL REFERENCES passes(id), position INTEGER NOT NULL,
        id TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, slot TEXT,
        scope TEXT NOT NULL, status TEXT NOT NULL, reuse_key TEXT NOT NULL,
        inputs TEXT NOT NULL, outputs TEXT NOT NULL, error TEXT,
        calls TEXT NOT NULL, attempts INTEGER NOT NULL,
        PRIMARY KEY (pass, position)) WITHOUT ROWID;
    CREATE INDEX operations_by_reuse ON operations (reuse_key) WHERE status = 'executed';
    CREATE TABLE answers (
        pass INTEGER NOT NULL REFERENCES passes(id), question TEXT NOT NULL,
        record TEXT NOT NULL, PRIMARY KEY (pass, question)) WITHOUT ROWID;
    CREATE TABLE attributions (
        pass INTEGER NOT NULL REFERENCES passes(id), question TEXT NOT NULL,
        method TEXT NOT NULL, record TEXT NOT NULL,
        PRIMARY KEY (pass, question, method)) WITHOUT ROWID;
    CREATE TABLE rounds (
        round INTEGER NOT NULL, stage TEXT NOT NULL, record TEXT NOT NULL,
        PRIMARY KEY (round, stage)) WITHOUT ROWID;
    CREATE TABLE calls (
        key TEXT PRIMARY KEY, role TEXT NOT NULL, status TEXT NOT NULL,
        request TEXT NOT NULL, response TEXT, input_tokens INTEGER NOT NULL DEFAULT 0,
        output_tokens INTEGER NOT NULL DEFAULT 0, attempts INTEGER NOT NULL DEFAULT 1,
        error TEXT) WITHOUT ROWID;
    """,
)


class Database:
    """A connection that threads share under one lock.

    Raises StoreError when the file cannot be opened, is not a database, or was
    written by a newer version.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = str(path)
        self.lock = threading.RLock()
        try:
            self.connection = sqlite3.connect(
                self.path, check_same_thread=False, isolation_level=None
            )
            self.connection.execute("PRAGMA journal_mode=WAL")
            # FULL: what was paid for survives a power cut; about 0.2 ms a commit.
            self.connection.execute("PRAGMA synchronous=FULL")
            # Checkpoint less often than every 4 MB: a pass writes more than that.
            self.connection.execute("PRAGMA wal_autocheckpoint=8000")
            self._migrate()
        except sqlite3.Error as error:
            raise StoreError(
                f"{self.path}: cannot be used as a memtune database ({error}); "
                "move the file away or choose another run directory"
            ) from error

    def _migrate(self) -> None:
        (version,) = self.connection.execute("PRAGMA user_version").fetchone()
        if version > len(MIGRATIONS):
            raise StoreError(
                f"{self.path}: written by a newer memtune (schema {version}, this one knows "
                f"{len(MIGRATIONS)}); upgrade memtune"
            )
        for number, script in enumerate(MIGRATIONS[version:], start=version + 1):
            self.connection.executescript(
                f"BEGIN IMMEDIATE; {script} PRAGMA user_version = {number}; COMMIT;"
            )

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Hold the lock and commit at the end, or roll back when the body raises."""
        with self.lock:
            self.connection.execute("BEGIN IMMEDIATE")
            try:
                yield self.connection
            except BaseException:
                self.connection.execute("ROLLBACK")
                raise
            self.connection.execute("COMMIT")

    def write(self, statement: str, parameters: tuple[Any, ...] = ()) -> None:
        """Run one statement and commit it."""
        with self.lock:
            self.connection.execute(statement, parameters)

    def rows(self, statement: str, parameters: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """Return all rows of a query."""
        with self.lock:
            return self.connection.execute(statement, parameters).fetchall()

    def row(self, statement: str, parameters: tuple[Any, ...] = ()) -> tuple[Any, ...] | None:
        """Return the first row of a query, or None."""
        with self.lock:
            found: tuple[Any, ...] | None = self.connection.execute(
                statement, parameters
            ).fetchone()
        return found

    def close(self) -> None:
        """Close the connection; a second call does nothing."""
        with self.lock:
            self.connection.close()
