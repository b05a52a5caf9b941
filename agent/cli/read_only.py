"""A run's database, opened so that nothing can be written and no writer is disturbed."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path
from urllib.parse import quote

from traces.database import MIGRATIONS, Database
from traces.errors import StoreError


class ReadOnlyDatabase(Database):
    """A connection that cannot write. Raises StoreError where the file cannot be read."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)
        self.lock = threading.RLock()
        where = f"file:{quote(str(path.resolve()))}?mode=ro"
        # Without a log file nobody is writing. Then none is made: a reader could not
        # take it away again, and might not be allowed to write here at all.
        if not path.with_name(f"{path.name}-wal").exists():
            where += "&immutable=1"
        try:
            self.connection = self._connect(where)
        except sqlite3.Error as error:
            raise StoreError(
                f"{self.path}: cannot be read as a memtune database ({error}); restore it from a "
                "backup or start a new run"
            ) from error

    def _connect(self, where: str) -> sqlite3.Connection:
        connection = sqlite3.connect(where, uri=True, check_same_thread=False, timeout=10)
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version > len(MIGRATIONS):
            raise StoreError(f"{self.path}: written by a newer memtune; upgrade memtune")
        if version:
            connection.execute("SELECT COUNT(*) FROM run_state").fetchone()
        return connection
