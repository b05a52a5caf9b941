"""Whose a directory is: held by one process, and never one that holds other things."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

from filelock import FileLock, Timeout

from traces.errors import LockedError, StoreError

JOURNAL = "memory.db"
LOCK = ".lock"


def hold(path: Path) -> FileLock:
    """Lock a memory's directory, made where there is none. Nothing is written to a foreign one.

    Raises LockedError when another process has it, StoreError for one that is not a
    memory's or cannot be used.
    """
    try:
        journal = path / JOURNAL
        # SQLite takes an empty file for a new database: what Chroma holds would be lost.
        if path.exists() and not (journal.exists() and journal.stat().st_size):
            own = (LOCK, JOURNAL)
            others = sorted(entry.name for entry in path.iterdir() if entry.name not in own)
            if others:
                held = "an empty" if journal.exists() else "no"
                raise StoreError(
                    f"{path}: is not a memtune memory (it has {others[0]!r} and {held} {JOURNAL}); "
                    "choose another directory, or restore a damaged memory from a backup"
                )
        if not path.is_dir():
            path.mkdir(parents=True)
            # Memories are their owner's alone.
            path.chmod(0o700)
        lock = FileLock(path / LOCK, thread_local=False)
        lock.acquire(timeout=0.3)
    except Timeout as error:
        raise LockedError(
            f"{path}: another process uses this memory; end it, or choose another directory"
        ) from error
    except (OSError, ValueError) as error:
        raise StoreError(
            f"{str(path)!a}: cannot be used for a memory ({error}); choose another directory"
        ) from error
    return lock


def backend_of(path: Path) -> str | None:
    """Return the backend whose memories a directory holds; None where it holds none, or where
    that cannot be read: to open it says why. The directory is not held, and not changed."""
    journal = (path / JOURNAL).resolve()
    where = f"{journal.as_uri()}?mode=ro"
    # Without a log file nobody is writing, and none is to be made.
    if not journal.with_name(f"{JOURNAL}-wal").exists():
        where += "&immutable=1"
    try:
        with closing(sqlite3.connect(where, uri=True)) as database:
            found = database.execute("SELECT value FROM identity WHERE name = 'backend'").fetchone()
        return str(json.loads(found[0])) if found else None
    except (sqlite3.Error, ValueError):
        return None
