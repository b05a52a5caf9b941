"""Completions that runs share (`--ledger FILE`): what one has paid for, none pays again.

Several processes may use the file at once. SQLite before 3.51.3 can lose data when several
connections reset a write-ahead log, so this file has a rollback journal and transactions of
one statement.
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from traces.errors import SettingsError, StoreError
from traces.hashing import canonical_json
from traces.ledger import CallRequest, Completion

# In the file's header: tells it from other SQLite files ("mtsl").
APPLICATION = 0x6D74736C
# How long one process waits for another's transaction, in seconds.
BUSY = 60.0

# Append only: a migration that has run on somebody's file is never edited.
MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE completions (
        key TEXT PRIMARY KEY, model TEXT NOT NULL, response TEXT NOT NULL,
        input_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL) WITHOUT ROWID
    """,
)


class SharedLedger:
    """traces.ledger.SharedCalls in a SQLite file of its own. Thread-safe.

    Opening it makes the file where there is none (its owner's alone: it holds what models
    said of conversations) and reads it whole once. Raises SettingsError when it cannot be
    opened, is damaged, is something else, or was written by a newer version; StoreError
    when it fails later.
    """

    def __init__(self, path: Path, busy: float = BUSY) -> None:
        self.path = path
        self._lock = threading.Lock()
        try:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
            self._connection = sqlite3.connect(
                path, timeout=busy, check_same_thread=False, isolation_level=None
            )
        except (OSError, sqlite3.Error) as error:
            raise self._refused(getattr(error, "strerror", None) or str(error)) from error
        try:
            self._connection.execute("PRAGMA synchronous=FULL")
            self._migrate()
            # Like the default, DELETE, but without a directory entry to sync at each commit.
            self._connection.execute("PRAGMA journal_mode=TRUNCATE")
            (found,) = self._connection.execute("PRAGMA quick_check(1)").fetchone()
        except sqlite3.Error as error:
            self._connection.close()
            raise self._refused(str(error)) from error
        except SettingsError:
            self._connection.close()
            raise
        if found != "ok":
            self._connection.close()
            raise self._refused(f"damaged: {' '.join(str(found).split())}")

    def _refused(self, why: str) -> SettingsError:
        return SettingsError(
            f"--ledger {self.path}: cannot be used as a shared ledger ({why}); restore it from a "
            "backup, or name a new file in a directory that exists"
        )

    def _migrate(self) -> None:
        connection = self._connection
        if self._version() == len(MIGRATIONS):
            return
        # Another process may be making the file at this moment.
        connection.execute("BEGIN IMMEDIATE")
        try:
            for number, script in enumerate(MIGRATIONS[self._version() :], self._version() + 1):
                connection.execute(script)
                connection.execute(f"PRAGMA user_version = {number}")
            connection.execute(f"PRAGMA application_id = {APPLICATION}")
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    def _version(self) -> int:
        """Return the schema's version; 0 for an empty file. Raises SettingsError."""
        (application,) = self._connection.execute("PRAGMA application_id").fetchone()
        (version,) = self._connection.execute("PRAGMA user_version").fetchone()
        (tables,) = self._connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
        if application != APPLICATION and (application or version or tables):
            raise self._refused("it is another program's database")
        if version > len(MIGRATIONS):
            raise SettingsError(
                f"--ledger {self.path}: written by a newer memtune (schema {version}, this one "
                f"knows {len(MIGRATIONS)}); upgrade memtune"
            )
        return int(version)

    def find(self, key: str) -> Completion | None:
        """Return the completion that some run recorded under this key, or None."""
        with self._lock, self._failing():
            row = self._connection.execute(
                "SELECT response, input_tokens, output_tokens FROM completions WHERE key = ?",
                (key,),
            ).fetchone()
        if row is None:
            return None
        try:
            return Completion(str(json.loads(row[0])), row[1], row[2])
        except ValueError as error:
            raise StoreError(
                f"{self.path}: damaged (a completion is not JSON: {error}); restore it from a "
                "backup, or move it away and resume the run"
            ) from error

    def add(self, key: str, request: CallRequest, completion: Completion) -> None:
        """Keep a completion; one that another run recorded meanwhile stands."""
        row = (
            key,
            canonical_json(dict(request.model)),
            canonical_json(completion.text),
            completion.input_tokens,
            completion.output_tokens,
        )
        with self._lock, self._failing():
            self._connection.execute(
                "INSERT OR IGNORE INTO completions VALUES (?, ?, ?, ?, ?)", row
            )

    @contextmanager
    def _failing(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise StoreError(
                f"{self.path}: the shared ledger cannot be used now ({error}); free what it needs "
                "(space, permissions, other programs), then resume the run"
            ) from error

    def close(self) -> None:
        """Close the connection; a second call does nothing."""
        with self._lock:
            self._connection.close()
