"""Opens a recorded run again to look for causes in it: what the run decided stays as it is."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from agent.logs import EventLog
from agent.loop.directory import EVENTS, RunDirectory, require_database
from agent.loop.file_errors import file_errors
from agent.loop.parts import make_evaluator, make_gateway, make_plan, make_replayer
from agent.models.gateway import Gateway, spent
from agent.settings import Settings
from memory_backends.registry import find_backend
from traces.attribution.registry import Replaying
from traces.attribution.registry import create as create_attribution
from traces.database import Database
from traces.errors import IdentityError, LockedError, SettingsError
from traces.protocols import Attribute
from traces.store import Store


@dataclass(frozen=True)
class Reopened:
    """A recorded run whose models can be asked again. Calls are entered in its own ledger;
    `gateway`'s budget counts from now on."""

    store: Store
    gateway: Gateway
    log: EventLog
    seed: int
    replaying: Replaying

    def method(self, name: str) -> Attribute:
        """Return an attribution method by name. Raises SettingsError."""
        return create_attribution(name, self.gateway.ask("judge"), self.seed, self.replaying)


def reopen(settings: Settings, stack: ExitStack) -> Reopened:
    """Open the run in `settings.out`; `stack` closes it.

    `settings` are the run's own, with the limits of what is to be done now. Raises
    LockedError while another process holds the run, IdentityError where this memtune would
    run it otherwise than it was run (its replays would prove nothing), and what opening a run
    raises before anything is paid for.
    """
    path = settings.out
    assert path is not None
    directory = _hold(path, stack)
    stack.enter_context(file_errors(path))
    require_database(path)
    _require_backend(settings.backend)
    plan = make_plan(settings, stack)
    differing = directory.differing(plan.identity)
    if differing:
        raise IdentityError(
            f"{path}: would not run now as it was run ({'; '.join(differing)}), so a replay would "
            "prove nothing; use the memtune, files and model addresses that made it"
        )
    directory.clear_stop()
    database = Database(directory.database)
    stack.callback(database.close)
    store = Store(database)
    log = EventLog(path / EVENTS)
    stack.callback(log.close)
    gateway = make_gateway(settings, plan, database, directory, log, count_earlier=False)
    evaluator = make_evaluator(settings, plan, gateway, store)
    replaying = Replaying(make_replayer(evaluator, store, stack), evaluator.judge, spent)
    return Reopened(store, gateway, log, settings.seed, replaying)


def _require_backend(name: str) -> None:
    try:
        find_backend(name).load()
    except SettingsError as error:
        raise SettingsError(
            "causes are looked for with the run's memory backend, which is not there any more: "
            f"{error}; 'memtune trace' shows what is recorded"
        ) from error


def _hold(path: Path, stack: ExitStack) -> RunDirectory:
    try:
        directory = RunDirectory(path)
    except LockedError as error:
        raise LockedError(
            f"{path}: another process is at work in this run (see 'memtune status {path}'); wait "
            f"for it, or stop it with 'memtune stop {path}': the run can be resumed afterwards"
        ) from error
    stack.callback(directory.close)
    return directory
