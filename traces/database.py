"""One SQLite file a run: one connection a process, numbered migrations.

SQLite before 3.51.3 can lose data when several connections reset the write-ahead
log, so store, ledger and checkpoints share this connection and its lock.
"""

from __future__ import annotations

import json
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
    """
    CREATE TABLE embeddings (
        model TEXT NOT NULL, text_hash TEXT NOT NULL, call TEXT NOT NULL, row INTEGER NOT NULL,
        PRIMARY KEY (model, text_hash)) WITHOUT ROWID;
    """,
    """
    CREATE TABLE turns (
        conversation TEXT NOT NULL, number INTEGER NOT NULL, key TEXT NOT NULL,
        record TEXT NOT NULL, answer_pass INTEGER NOT NULL REFERENCES passes(id),
        memory_pass INTEGER REFERENCES passes(id), status TEXT NOT NULL,
        attempts INTEGER NOT NULL DEFAULT 0, error TEXT,
        PRIMARY KEY (conversation, number)) WITHOUT ROWID;
    CREATE INDEX turns_by_key ON turns (conversation, key);
    CREATE INDEX turns_pending ON turns (conversation, number) WHERE status = 'pending';
    """,
)


class Database:
    """A connection that threads share under one lock.

    Raises StoreError when the file cannot be opened, is not a database, was written by
    a newer version, or later cannot be read or written (damaged, a full disk).
    """

    def __init__(self, path: Path | str) -> None:
        self.path = str(path)
        self.lock = threading.RLock()
        try:
            self.connection = sqlite3.connect(
                self.path, check_same_thread=False, isolation_level=None
            )
            self.connection.execute("PRAGMA journal_mode=WAL")
            # FULL: what was paid for survives a power cut.
            self.connection.execute("PRAGMA synchronous=FULL")
            # Checkpoint less often than every 4 MB: a pass writes more than that.
            self.connection.execute("PRAGMA wal_autocheckpoint=8000")
            self._migrate()
        except sqlite3.Error as error:
            if "disk" in str(error) and isinstance(error, sqlite3.OperationalError):
                # A full disk, say: the file may be whole, and must not be moved away.
                raise self._failed(error) from error
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

    def _failed(self, error: sqlite3.Error) -> StoreError:
        """Return what to raise for SQLite's error; a defect of ours is raised as it is."""
        # SQLITE_ERROR is a table or column that is not there: the file, not its surroundings.
        if (
            isinstance(error, sqlite3.OperationalError)
            and error.sqlite_errorcode != sqlite3.SQLITE_ERROR
        ):
            return StoreError(
                f"{self.path}: cannot be used now ({error}); free what it needs (space, "
                "permissions, other programs), then resume the run"
            )
        if isinstance(error, sqlite3.ProgrammingError | sqlite3.IntegrityError):
            raise error
        return StoreError(
            f"{self.path}: damaged ({error}); restore it from a backup or start a new run"
        )

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Hold the lock and commit at the end, or roll back when the body raises.

        A block inside another one is part of it.
        """
        with self.lock:
            inside: bool = self.connection.in_transaction
            if inside:
                yield self.connection
                return
            try:
                self.connection.execute("BEGIN IMMEDIATE")
                try:
                    yield self.connection
                    self.connection.execute("COMMIT")
                except BaseException:
                    # A full disk rolls back by itself; that must not hide the error.
                    if self.connection.in_transaction:
                        self.connection.execute("ROLLBACK")
                    raise
            except sqlite3.Error as error:
                raise self._failed(error) from error

    def write(self, statement: str, parameters: tuple[Any, ...] = ()) -> None:
        """Run one statement and commit it."""
        with self.lock:
            try:
                self.connection.execute(statement, parameters)
            except sqlite3.Error as error:
                raise self._failed(error) from error

    def rows(self, statement: str, parameters: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """Return all rows of a query."""
        with self.lock:
            try:
                return self.connection.execute(statement, parameters).fetchall()
            except sqlite3.Error as error:
                raise self._failed(error) from error

    def row(self, statement: str, parameters: tuple[Any, ...] = ()) -> tuple[Any, ...] | None:
        """Return the first row of a query, or None."""
        with self.lock:
            try:
                found: tuple[Any, ...] | None = self.connection.execute(
                    statement, parameters
                ).fetchone()
            except sqlite3.Error as error:
                raise self._failed(error) from error
        return found

    def value(self, text: str) -> Any:
        """Return the JSON value of a stored text. Raises StoreError for one that is damaged."""
        try:
            return json.loads(text)
        except ValueError as error:
            raise StoreError(
                f"{self.path}: damaged (a stored value is not JSON: {error}); restore it from a "
                "backup or start a new run"
            ) from error

    def close(self) -> None:
        """Close the connection; a second call does nothing."""
        with self.lock:
            self.connection.close()
