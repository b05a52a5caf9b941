"""A run's directory: who holds it, what fixes the run, and files written whole."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from traces.errors import IdentityError, LockedError, RunDirectoryError

CONFIG = "config.json"
DATABASE = "memtune.db"
EVENTS = "events.jsonl"
STOP = "stop"
LOCK = ".lock"

_RESTORE = "restore it from a backup or start a new run"
# A fingerprint tells nobody what has changed.
BACKEND_CHANGED = (
    "the backend's source (or its options, or the version of a package that it rests on) has "
    "changed since"
)


def write_whole(path: Path, text: str) -> None:
    """Write a file whole or not at all (temporary file, then rename)."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


class RunDirectory:
    """Held by one process at a time; `close` lets it go.

    Raises RunDirectoryError when it cannot be made or written, LockedError when another
    process holds it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            str(path).encode("utf-8")
        except UnicodeEncodeError as error:
            # The name goes into logs and to SQLite, which take UTF-8 only.
            raise RunDirectoryError(
                f"{str(path)!a}: the name is not UTF-8; choose another --out"
            ) from error
        try:
            if not path.is_dir():
                path.mkdir(parents=True)
                # A run holds whole conversations: its owner's alone.
                path.chmod(0o700)
            self._lock = FileLock(path / LOCK)
            # `running` holds the lock for a moment to see whether it is free.
            self._lock.acquire(timeout=0.3)
        except Timeout as error:
            raise LockedError(
                f"{path}: another process is running in this directory; wait for it, stop it "
                f"with 'memtune stop {path}', or choose another --out"
            ) from error
        except OSError as error:
            raise RunDirectoryError(
                f"{path}: cannot be written ({error.strerror or error}); choose another --out"
            ) from error

    @property
    def database(self) -> Path:
        """Where store, ledger and checkpoints lie."""
        return self.path / DATABASE

    def stop_requested(self) -> bool:
        """Say whether somebody left a stop file."""
        return (self.path / STOP).exists()

    def clear_stop(self) -> None:
        """Remove the stop file of an earlier stop."""
        (self.path / STOP).unlink(missing_ok=True)

    def fix_identity(self, config: Mapping[str, Any]) -> None:
        """Write config.json where there is none, else check that it names the same run.

        `config` has `identity` (what fixes the run) and `settings`. Raises IdentityError
        showing what differs.
        """
        path = self.path / CONFIG
        if path.exists():
            differing = self.differing(config["identity"])
            if differing == [BACKEND_CHANGED]:
                raise IdentityError(
                    f"{self.path}: {BACKEND_CHANGED}: the same 'memtune run' command begins a new "
                    "run (with another --out, if it has one)"
                )
            if differing:
                raise IdentityError(
                    f"{self.path}: holds another run; {'; '.join(differing)}: "
                    "choose another --out or the old settings"
                )
        else:
            self.write_config(config)

    def differing(self, identity: Mapping[str, Any]) -> list[str]:
        """Return what differs between the run in this directory and another, in words."""
        known = read_config(self.path)["identity"]
        wanted = json.loads(json.dumps(identity))
        return [
            BACKEND_CHANGED
            if name == "backend_fingerprint"
            else f"{name} was {_short(known.get(name))}, now {_short(wanted.get(name))}"
            for name in sorted({*known, *wanted})
            if known.get(name) != wanted.get(name)
        ]

    def write_config(self, config: Mapping[str, Any]) -> None:
        """Write config.json: the settings of the latest start that was not refused."""
        write_whole(self.path / CONFIG, json.dumps(config, indent=2, sort_keys=True) + "\n")

    def close(self) -> None:
        """Let the directory go."""
        self._lock.release()


def read_config(path: Path) -> dict[str, Any]:
    """Return a run's config.json. Raises RunDirectoryError when there is no run."""
    try:
        found = json.loads((path / CONFIG).read_text("utf-8"))
    except FileNotFoundError:
        raise RunDirectoryError(
            f"{path}: no run there (no {CONFIG}); give a run's name or directory"
        ) from None
    except (OSError, ValueError, RecursionError) as error:
        raise RunDirectoryError(f"{path / CONFIG}: cannot be read ({error}); {_RESTORE}") from error
    if not isinstance(found, dict) or not all(
        isinstance(found.get(part), dict) for part in ("identity", "settings")
    ):
        raise RunDirectoryError(
            f"{path / CONFIG}: is not a memtune run's configuration; {_RESTORE}"
        )
    return found


def require_database(path: Path) -> None:
    """Raise RunDirectoryError when a run has begun in `path` and its database is gone.

    Going on would silently pay again for everything.
    """
    log, database = path / EVENTS, path / DATABASE
    if not (path / CONFIG).exists() or not log.is_file() or not log.stat().st_size:
        return
    if not database.exists() or (database.is_file() and not database.stat().st_size):
        raise RunDirectoryError(
            f"{database}: is missing or empty, although a run has begun here; restore it from "
            "a backup or choose another --out"
        )


def running(path: Path) -> bool:
    """Say whether a process holds a run's directory now."""
    if not (path / LOCK).exists():
        return False
    try:
        with FileLock(path / LOCK, timeout=0):
            return False
    except Timeout:
        return True
    except OSError:  # not ours to write: nobody can be told apart
        return False


def find_run(name: str, runs: Path = Path("runs")) -> Path:
    """Return the directory of a run given by path or by name under `runs`."""
    for path in (Path(name), runs / name):
        try:
            str(path).encode("utf-8")
            if (path / CONFIG).exists():
                return path
        except (OSError, ValueError):  # no name that a file can have
            continue
    known = sorted(p.parent.name for p in runs.glob(f"*/{CONFIG}")) if runs.is_dir() else []
    name = name if len(name) <= 200 else f"{name[:197]}..."
    hint = f"known runs: {', '.join(known[:8])}" if known else f"there are no runs in {runs}/"
    raise RunDirectoryError(f"{name}: no such run; {hint}")


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else text[:57] + "..."
