"""Opens a run: what is checked before anything is paid for, then what its nodes work with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack

from agent.logs import EventLog
from agent.loop import assemble
from agent.loop.data_lock import describe, write_lock
from agent.loop.directory import EVENTS, RunDirectory, require_database
from agent.loop.file_errors import file_errors
from agent.loop.parts import make_evaluator, make_gateway, make_plan, make_replayer
from agent.loop.services import Progress, Services
from agent.models.gateway import ROLES, spent
from agent.models.pricing import cap
from agent.models.providers import Provider
from agent.prompt_files import learned_before
from agent.settings import Settings
from evals.spending import Spending, choose_mode
from optimizers.registry import make_optimizer
from traces.attribution.registry import Replaying
from traces.attribution.registry import create as create_attribution
from traces.database import Database
from traces.errors import IdentityError
from traces.hashing import content_hash
from traces.store import Store


def open_run(
    settings: Settings,
    stack: ExitStack,
    *,
    resume: bool = False,
    on_progress: Callable[[Progress, Services], None] | None = None,
    echo_logs: bool = False,
    stand_ins: Mapping[str, Provider] | None = None,
) -> tuple[Services, Database]:
    """Return what a run's nodes work with, and its database; `stack` closes it all.

    `stand_ins` play the models, by role, in a dry pass. Raises what is wrong before anything
    is paid for; see `agent.loop.runner.run`.
    """
    plan = make_plan(settings, stack, stand_ins)
    dataset, splits, prices = plan.dataset, plan.splits, plan.prices
    directory = RunDirectory(settings.out or assemble.default_directory(plan.identity))
    stack.callback(directory.close)
    stack.enter_context(file_errors(directory.path))
    require_database(directory.path)
    mode = choose_mode(
        None if settings.gate_mode == "auto" else settings.gate_mode,
        len(splits.selection),
        Spending(settings.rounds),
    )
    config = {
        "identity": plan.identity,
        "settings": settings.model_dump(mode="json"),
        "simulated": {
            "data": dataset.simulated,
            "model": any(provider.simulated for provider in plan.providers.values()),
            "roles": {role: plan.providers[role].simulated for role in ROLES},
        },
    }
    directory.fix_identity(config)
    directory.clear_stop()
    lock = describe(dataset, splits, learned_before(settings.prompts))
    write_lock(directory.path, lock)
    database = Database(directory.database)
    stack.callback(database.close)
    store = Store(database)
    # Another limit of rounds must not change what a run claims half-way through it.
    mode = (store.state("started") or {}).get("gate_mode", mode)
    log = EventLog(directory.path / EVENTS, echo=echo_logs)
    stack.callback(log.close)
    gateway = make_gateway(settings, plan, database, directory, log)
    evaluator = make_evaluator(settings, plan, gateway, store)
    services = Services(
        dataset=assemble.limited(dataset, settings.limit_questions),
        data_hash=dataset.hash,
        splits=splits,
        store=store,
        gateway=gateway,
        evaluator=evaluator,
        attribute=create_attribution(
            settings.attribution,
            gateway.ask("judge"),
            settings.seed,
            Replaying(make_replayer(evaluator, store, stack), evaluator.judge, spent),
        ),
        optimizer=make_optimizer(settings.optimizer),
        slots=plan.slots,
        seed_prompts=plan.prompts,
        seed=settings.seed,
        rounds=settings.rounds,
        declared_rounds=store.state("declared_rounds", settings.rounds),
        patience=settings.patience,
        target=settings.target,
        gate_mode=mode,
        min_gain=settings.min_gain,
        concurrency=settings.concurrency,
        seal=plan.seal,
        identity=content_hash(dict(plan.identity)),
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
    store.save_prompt_set(plan.prompts)
    if store.state("started") is None:
        store.set_state("started", {"gate_mode": mode})
        most_usd = cap(settings, prices)
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
    return services, database


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
