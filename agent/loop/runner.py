"""Starts, resumes and ends runs. A broken or stopped run can always be resumed."""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.loop.directory import (
    CONFIG,
    read_config,
    write_whole,
)
from agent.loop.opening import open_run
from agent.loop.services import Progress, Services
from agent.loop.state import LoopState
from agent.loop.summary import summarize
from agent.settings import Settings, read_settings
from traces.database import Database
from traces.errors import (
    BudgetExceeded,
    DeadlineExceeded,
    RunDirectoryError,
    SettingsError,
    StopRequested,
)
from traces.results import ErrorSignal

STOP_REASONS: dict[type[Exception], str] = {
    BudgetExceeded: "budget",
    DeadlineExceeded: "deadline",
    StopRequested: "stop_file",
}


TransformSignals = Callable[[Sequence[ErrorSignal]], Sequence[ErrorSignal]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The `done` event of a run and how this process should exit (0, or 101: resumable)."""

    done: dict[str, Any]
    exit_code: int


def run(
    settings: Settings,
    *,
    resume: bool = False,
    on_progress: Callable[[Progress, Services], None] | None = None,
    echo_logs: bool = False,
    transform_signals: TransformSignals | None = None,
) -> Outcome:
    """Run the loop to its end or to a stop. The same settings again continue a run.

    Raises what is wrong before anything is paid for: DataError, SettingsError,
    IdentityError, LockedError, RunDirectoryError; and ProviderError when a provider
    fails for good.
    """
    started = time.monotonic()
    with ExitStack() as stack:
        services, database = open_run(
            settings, stack, resume=resume, on_progress=on_progress, echo_logs=echo_logs
        )
        if transform_signals is not None:
            services.transform_signals = transform_signals
        status, reason = _drive(services, _checkpointer(database))
        done = summarize(
            services, run=services.directory.resolve().name, status=status, stop_reason=reason
        )
        spent = services.store.state("seconds", 0.0) + time.monotonic() - started
        done["seconds"] = round(spent, 3)
        if status == "done":
            # A finished run repeated says the same again.
            done = services.store.state("done", done)
            services.store.set_state("done", done)
        services.store.set_state("seconds", spent)
        services.store.set_state("status", {"status": status, "stop_reason": reason})
        saved = services.store.state("ledger_saved", 0) + services.gateway.ledger.saved
        services.store.set_state("ledger_saved", saved)
        write_whole(
            services.directory / "summary.json", json.dumps(done, indent=2, sort_keys=True) + "\n"
        )
        services.log("ended", status=status, stop_reason=reason)
        return Outcome(done, 0 if status == "done" else 101)


def _checkpointer(database: Database) -> Any:
    os.environ.setdefault("LANGGRAPH_STRICT_MSGPACK", "true")
    from langgraph.checkpoint.sqlite import SqliteSaver

    saver = SqliteSaver(database.connection)
    # One connection, one lock: a checkpoint never lands inside another transaction.
    saver.lock = database.lock  # type: ignore[assignment]
    return saver


def _drive(services: Services, checkpointer: Any) -> tuple[str, str]:
    """Invoke the graph; return (status, stop reason)."""
    from agent.loop.graph import build_loop

    loop = build_loop(services, checkpointer)
    config = {"configurable": {"thread_id": "loop"}, "recursion_limit": 1_000_000}
    try:
        snapshot = loop.get_state(config)
        if snapshot.values and not snapshot.next:
            return "done", str(snapshot.values["stop"])
        seed = services.seed_prompts.hash
        begin: LoopState | None = None
        if not snapshot.values:
            begin = {"round": 0, "incumbent": seed, "working": seed, "candidate": "", "gated": [],
                     "idle": 0, "stop": ""}  # fmt: skip
        final = loop.invoke(begin, config, durability="sync")
        return "done", str(final["stop"])
    except tuple(STOP_REASONS) as stopped:
        services.log("stopped", reason=str(stopped))
        return "stopped", STOP_REASONS[type(stopped)]
    except sqlite3.OperationalError as error:  # a checkpoint: LangGraph's own statements
        raise RunDirectoryError(
            f"{services.directory / 'memtune.db'}: cannot be used now ({error}); free what it "
            "needs (space, permissions, other programs), then resume the run"
        ) from error
    except sqlite3.DatabaseError as error:
        raise RunDirectoryError(
            f"{services.directory / 'memtune.db'}: damaged ({error}); restore it from a backup "
            "or start a new run"
        ) from error


def settings_of(directory: Path, **limits: Any) -> Settings:
    """Return the settings of a run for its resumption, with other limits where given.

    Raises RunDirectoryError for a damaged config.json, SettingsError for a wrong limit.
    """
    try:
        saved = read_settings(read_config(directory)["settings"])
    except SettingsError as error:
        raise RunDirectoryError(f"{directory / CONFIG}: is damaged ({error})") from error
    changed = {name: value for name, value in limits.items() if value is not None}
    return read_settings({**saved.model_dump(), "out": directory, **changed})
