"""Where things are read from and written to: settings, state, the run's directory, disk."""

from __future__ import annotations

import json
import shlex
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.doctor.check import Check
from agent.loop.directory import CONFIG, DATABASE, read_config, running
from traces.errors import MemtuneError

if TYPE_CHECKING:
    from agent.settings import Settings

# A default run leaves 30 MB, five LoCoMo conversations 55 MB.
LITTLE_SPACE = 1_000_000_000
NO_SPACE = 100_000_000


def sources(flags: Mapping[str, Any]) -> Iterator[Check]:
    """Which files, variables and flags set something; names only."""
    from agent.settings import settings_in_force

    found = {"flags": sorted(n for n, v in flags.items() if v is not None), **settings_in_force()}
    told = [f"{source}: {', '.join(names)}" for source, names in found.items() if names]
    yield Check("settings", "ok", "; ".join(told) or "defaults only", details=found)


def state(settings: Settings) -> Iterator[Check]:
    """The directory that counts test openings can be written."""
    from evals.splits import TestSeal

    directory = settings.state_directory()
    TestSeal(directory).check()
    yield Check("state", "ok", f"{directory} can be written")


def shared_ledger(settings: Settings) -> Iterator[Check]:
    """The record of calls that runs share, where there is one, can be used."""
    path = settings.ledger
    if path is None:
        return
    if path.exists():
        from agent.models.shared_ledger import SharedLedger

        SharedLedger(path).close()
        yield Check("ledger", "ok", f"{path} can be used")
    elif path.absolute().parent.is_dir():
        yield Check("ledger", "ok", f"{path} will be made")
    else:
        yield Check(
            "ledger", "problem", f"{path}: there is no directory {path.parent}",
            "make it, or choose another --ledger",
        )  # fmt: skip


def run_directory(settings: Settings, identity: Mapping[str, Any] | None) -> Iterator[Check]:
    """The run's directory: free, writable, fit for SQLite, with space on its disk.

    `identity` is None where it could not be told; then a run without --out has no name yet.
    """
    from agent.loop.assemble import default_directory

    directory = settings.out
    if directory is None and identity is not None:
        directory = default_directory(identity)
    if directory is not None:
        yield from _held(directory, identity)
    there = _standing(directory or Path("runs"))
    if not there.is_dir():
        yield Check("disk", "problem", f"{there} is no directory", "choose another --out")
        return
    yield from _writable(there)
    yield from _space(there)


def _held(directory: Path, identity: Mapping[str, Any] | None) -> Iterator[Check]:
    if running(directory):
        stop = f"memtune stop {shlex.quote(str(directory))}"
        yield Check(
            "run", "problem", f"another process is running in {directory}",
            f"wait for it, stop it with '{stop}', or choose another --out",
        )  # fmt: skip
    elif not (directory / CONFIG).exists():
        yield Check("run", "ok", f"{directory} will be made")
    else:
        known = read_config(directory)["identity"]
        wanted = None if identity is None else json.loads(json.dumps(dict(identity)))
        if wanted is not None and known != wanted:
            names = sorted(n for n in {*known, *wanted} if known.get(n) != wanted.get(n))
            yield Check(
                "run", "problem", f"{directory} holds another run (other {', '.join(names)})",
                "choose another --out, or the settings of that run",
            )  # fmt: skip
        else:
            yield Check("run", "ok", f"{directory} is there: 'memtune run' goes on with it")


def _standing(path: Path) -> Path:
    """Return the path itself, or the nearest above it that exists."""
    at = path.absolute()
    while not at.exists() and at != at.parent:
        at = at.parent
    return at


def _writable(directory: Path) -> Iterator[Check]:
    from traces.database import Database

    try:
        with tempfile.TemporaryDirectory(dir=directory, prefix=".memtune-doctor-") as made:
            database = Database(Path(made) / DATABASE)
            try:
                mode = str((database.row("PRAGMA journal_mode") or ("",))[0])
            finally:
                database.close()
    except OSError as error:
        yield Check(
            "disk", "problem", f"{directory}: cannot be written ({error.strerror or error})",
            "change its permissions, or choose another --out",
        )  # fmt: skip
        return
    except MemtuneError as error:
        yield Check(
            "disk", "problem", f"{directory}: SQLite cannot be used there ({error})",
            "choose --out on another disk",
        )  # fmt: skip
        return
    if mode != "wal":
        yield Check(
            "disk", "warning", f"{directory}: no write-ahead log there (journal {mode})",
            "choose --out on a local disk: a run is slower here, and `status` may have to wait",
        )  # fmt: skip


def _space(directory: Path) -> Iterator[Check]:
    free = shutil.disk_usage(directory).free
    said = f"{free / 1e9:,.1f} GB free at {directory}"
    details = {"free_bytes": free}
    if free < NO_SPACE:
        yield Check("disk", "problem", said, "free some space, or choose another --out", details)
    elif free < LITTLE_SPACE:
        yield Check(
            "disk", "warning", said, "free some space: a large run takes hundreds of MB", details
        )
    else:
        yield Check("disk", "ok", said, details=details)
