"""Starts, resumes and ends runs. A broken or stopped run can always be resumed."""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from agent.episodes import EpisodeRunner
from agent.logs import EventLog
from agent.loop import assemble
from agent.loop.data_lock import describe, learned_before, write_lock
from agent.loop.directory import (
    CONFIG,
    EVENTS,
    RunDirectory,
    read_config,
    require_database,
    write_whole,
)
from agent.loop.file_errors import file_errors
from agent.loop.services import Progress, Services
from agent.loop.state import LoopState
from agent.loop.summary import summarize
from agent.models.budget import Budget, Limits
from agent.models.choose import log_to, make_providers
from agent.models.gateway import ROLES, Gateway, Rates
from agent.models.pricing import Prices, cap, models_of, prices_of
from agent.models.providers import Provider
from agent.models.shared_ledger import SharedLedger
from agent.scoring import scoring_identity, scoring_of
from agent.settings import Settings, read_settings
from evals.evaluate import Evaluator
from evals.spending import Spending, choose_mode
from evals.splits import TestSeal, split
from memory_backends.registry import create_backend
from optimizers.registry import make_optimizer
from traces.attribution.registry import create as create_attribution
from traces.database import Database
from traces.errors import (
    BudgetExceeded,
    DeadlineExceeded,
    IdentityError,
    RunDirectoryError,
    SettingsError,
    StopRequested,
)
from traces.hashing import content_hash
from traces.ledger import Ledger
from traces.results import ErrorSignal
from traces.store import Store

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
        services, checkpoints = _open(settings, stack, resume, on_progress, echo_logs)
        if transform_signals is not None:
            services.transform_signals = transform_signals
        status, reason = _drive(services, checkpoints)
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


def open_dry(settings: Settings, stack: ExitStack, stand_ins: Mapping[str, Provider]) -> Services:
    """Open a run whose models are played by stand-ins, by role; nothing drives its loop.

    `settings` name the directories that it writes to. Raises what `run` does.
    """
    services, _ = _open(settings, stack, False, None, False, stand_ins)
    return services


def _open(
    settings: Settings,
    stack: ExitStack,
    resume: bool,
    on_progress: Callable[[Progress, Services], None] | None,
    echo_logs: bool,
    stand_ins: Mapping[str, Provider] | None = None,
) -> tuple[Services, Any]:
    dataset = assemble.load_data(settings)
    assemble.require_conversations(dataset)
    slots = assemble.tunable_slots(settings)
    prompts = assemble.seed_prompts(settings)
    splits = split(dataset)
    if settings.limit_episodes is not None:
        splits = splits.limited(dataset, settings.limit_episodes)
    make_optimizer(settings.optimizer)  # an unknown name must not fix a run
    create_attribution(settings.attribution, None, settings.seed)
    scoring = scoring_of(settings)
    remarks = scoring.tried([q for c in dataset.conversations for q in c.questions])
    dataset = replace(dataset, problems=(*dataset.problems, *remarks))
    seal = TestSeal(settings.state_directory())
    seal.check()
    providers = stand_ins or make_providers(settings)
    for provider in {id(p): p for p in providers.values()}.values():
        stack.callback(provider.close)
    prices, shared = Prices({}), None
    if stand_ins is None:
        prices = prices_of(settings, models_of(settings, ROLES))
        if settings.ledger is not None:
            shared = SharedLedger(settings.ledger)
            stack.callback(shared.close)
    models = {role: content_hash(dict(providers[role].identity(role))) for role in ROLES}
    embedder = assemble.make_embedder(providers)
    identity = assemble.identity_of(settings, dataset, prompts, models, embedder)
    directory = RunDirectory(settings.out or assemble.default_directory(identity))
    stack.callback(directory.close)
    stack.enter_context(file_errors(directory.path))
    require_database(directory.path)
    declared = Spending(settings.rounds)
    mode = choose_mode(
        None if settings.gate_mode == "auto" else settings.gate_mode,
        len(splits.selection),
        declared,
    )
    config = {
        "identity": identity,
        "settings": settings.model_dump(mode="json"),
        "simulated": {
            "data": dataset.simulated,
            "model": any(provider.simulated for provider in providers.values()),
        },
    }
    directory.fix_identity(config)
    directory.clear_stop()
    lock = describe(dataset, splits, learned_before(settings.prompts))
    write_lock(directory.path, lock)
    database = Database(directory.database)
    stack.callback(database.close)
    store, ledger = Store(database), Ledger(database, shared)
    # Another limit of rounds must not change what a run claims half-way through it.
    mode = (store.state("started") or {}).get("gate_mode", mode)
    spent = ledger.spending()
    most_usd = cap(settings, prices)
    budget = Budget(
        Limits(settings.max_calls, settings.max_tokens, settings.deadline, most_usd),
        calls=sum(s.calls for s in spent.values()),
        tokens=sum(s.tokens for s in spent.values()),
        stop_requested=directory.stop_requested,
        usd=prices.known(spent),
    )
    rates = Rates(settings.requests_per_minute, settings.tokens_per_minute)
    gateway = Gateway(providers, ledger, budget, settings.concurrency, rates=rates, prices=prices)
    log = EventLog(directory.path / EVENTS, echo=echo_logs)
    stack.callback(log.close)
    log_to(providers, log)
    gateway.log = log
    if embedder is not None:
        embedder.connect(gateway, database)
    parameters = content_hash([identity["backend_fingerprint"], models["agent"]])
    fixed = scoring_identity(settings)
    ask_judge = gateway.ask("judge")
    services = Services(
        dataset=assemble.limited(dataset, settings.limit_questions),
        data_hash=dataset.hash,
        splits=splits,
        store=store,
        gateway=gateway,
        evaluator=Evaluator(
            EpisodeRunner(
                lambda: create_backend(settings.backend, settings.backend_config, embedder),
                gateway,
                store,
                parameters,
                settings.concurrency,
            ),
            scoring.judge(ask_judge),
            store,
            content_hash([parameters, models["judge"], settings.limit_questions, *fixed.values()]),
            settings.concurrency,
            scorer=scoring.name,
        ),
        attribute=create_attribution(settings.attribution, ask_judge, settings.seed),
        optimizer=make_optimizer(settings.optimizer),
        slots=slots,
        seed_prompts=prompts,
        seed=settings.seed,
        rounds=settings.rounds,
        declared_rounds=store.state("declared_rounds", settings.rounds),
        patience=settings.patience,
        target=settings.target,
        gate_mode=mode,
        min_gain=settings.min_gain,
        concurrency=settings.concurrency,
        seal=seal,
        identity=content_hash(identity),
        directory=directory.path,
        log=log,
        transform_signals=lambda signals: signals,
        on_progress=lambda _: None,
    )
    if on_progress is not None:
        services.on_progress = lambda progress: on_progress(progress, services)
    _check_rounds(services)
    directory.write_config(config)  # a refused limit must not become the run's
    # The run's row is there before the graph starts: a crash before the first checkpoint
    # must not lose the run.
    store.set_state("declared_rounds", services.declared_rounds)
    store.set_state("status", {"status": "running", "stop_reason": ""})
    store.set_state("prices", prices.to_json())
    store.save_prompt_set(prompts)
    if store.state("started") is None:
        store.set_state("started", {"gate_mode": mode})
        if most_usd is not None and settings.max_usd is None:
            log("default_budget", max_usd=most_usd, change="--max-usd")
    elif resume is False:
        log("continued")
    for problem in dataset.problems:
        log("data_problem", problem=problem)
    if lock["warning"] is not None:
        log("prompts_met_data", warning=lock["warning"])
    log("opened", run=directory.path.name, gate_mode=mode, conversations=splits.to_json())
    services.on_progress(Progress(0, services.rounds, "open"))
    return services, _checkpointer(database)


def _check_rounds(services: Services) -> None:
    """Refuse more rounds than the error rate was divided by, as far as it is spent."""
    begun = [record["round"] for record in services.store.rounds("evaluate")]
    gated = [record["round"] for record in services.store.rounds("gate")]
    # The round under way may still reach its gate.
    ended = len(begun) if begun[-1:] == gated[-1:] else len(begun) - 1
    if services.rounds > services.declared_rounds:
        if services.store.rounds("finish"):
            raise IdentityError(
                f"{services.directory}: the run is finished and its test split was opened; "
                "start a new run for more rounds"
            )
        Spending(services.declared_rounds, len(gated)).check(services.rounds - ended)


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
