"""What a run is put together from, made of its settings: shared by all that open one."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace

from agent.episodes import EpisodeRunner
from agent.logs import EventLog
from agent.loop import assemble
from agent.loop.directory import RunDirectory
from agent.models.budget import Budget, Limits
from agent.models.choose import log_to, make_providers
from agent.models.embeddings import LiteLLMEmbedder
from agent.models.gateway import ROLES, Gateway, Rates
from agent.models.pricing import Prices, cap, models_of, prices_of
from agent.models.providers import Provider
from agent.models.shared_ledger import SharedLedger
from agent.replayer import Replayer
from agent.scoring import Scoring, scoring_identity, scoring_of
from agent.settings import Settings
from evals.evaluate import Evaluator
from evals.splits import Splits, TestSeal, split
from memory_backends.registry import create_backend
from optimizers import registry as optimizers
from traces.attribution import registry as attribution
from traces.database import Database
from traces.domain import Dataset, PromptSet, PromptSlot
from traces.hashing import content_hash
from traces.ledger import Ledger
from traces.store import Store


@dataclass(frozen=True)
class Plan:
    """What the settings come to, before a run directory is touched.

    `models` are hashes of identities by role; `shared` is the ledger between runs, if any.
    """

    dataset: Dataset
    splits: Splits
    slots: tuple[PromptSlot, ...]
    prompts: PromptSet
    scoring: Scoring
    seal: TestSeal
    providers: Mapping[str, Provider]
    prices: Prices
    shared: SharedLedger | None
    models: Mapping[str, str]
    embedder: LiteLLMEmbedder | None
    identity: Mapping[str, object]


def make_plan(
    settings: Settings, stack: ExitStack, stand_ins: Mapping[str, Provider] | None = None
) -> Plan:
    """Return the plan; `stack` closes what it opens.

    Raises what is wrong with data, settings and models before anything is paid for.
    """
    dataset = assemble.load_data(settings)
    assemble.require_conversations(dataset)
    slots = assemble.tunable_slots(settings)
    prompts = assemble.seed_prompts(settings)
    splits = split(dataset)
    if settings.limit_episodes is not None:
        splits = splits.limited(dataset, settings.limit_episodes)
    optimizers.require_known(settings.optimizer)  # an unknown name must not fix a run
    attribution.require_known(settings.attribution)
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
    return Plan(
        dataset, splits, slots, prompts, scoring, seal, providers, prices, shared, models,
        embedder, identity,
    )  # fmt: skip


def make_gateway(
    settings: Settings,
    plan: Plan,
    database: Database,
    directory: RunDirectory,
    log: EventLog,
    *,
    count_earlier: bool = True,
) -> Gateway:
    """Return the way to the models. What the ledger says was spent so far is entered in its
    budget, unless the limits count from now on."""
    ledger = Ledger(database, plan.shared)
    spent = ledger.spending() if count_earlier else {}
    budget = Budget(
        Limits(
            settings.max_calls, settings.max_tokens, settings.deadline, cap(settings, plan.prices)
        ),
        calls=sum(s.calls for s in spent.values()),
        tokens=sum(s.tokens for s in spent.values()),
        stop_requested=directory.stop_requested,
        usd=plan.prices.known(spent),
    )
    rates = Rates(settings.requests_per_minute, settings.tokens_per_minute)
    gateway = Gateway(
        plan.providers, ledger, budget, settings.concurrency, rates=rates, prices=plan.prices
    )
    log_to(plan.providers, log)
    gateway.log = log
    if plan.embedder is not None:
        plan.embedder.connect(gateway, database)
    return gateway


def make_evaluator(settings: Settings, plan: Plan, gateway: Gateway, store: Store) -> Evaluator:
    """Return what runs and judges episodes, with what its results depend on."""
    parameters = content_hash([plan.identity["backend_fingerprint"], plan.models["agent"]])
    fixed = scoring_identity(settings).values()
    return Evaluator(
        EpisodeRunner(
            lambda: create_backend(settings.backend, settings.backend_config, plan.embedder),
            gateway,
            store,
            parameters,
            settings.concurrency,
            settings.backend_timeout,
        ),
        plan.scoring.judge(gateway.ask("judge")),
        store,
        content_hash(
            [
                parameters,
                plan.models["judge"],
                settings.limit_questions,
                *(["stratified"] if settings.limit_questions is not None else []),
                *fixed,
            ]
        ),
        settings.concurrency,
        scorer=plan.scoring.name,
    )


def make_replayer(evaluator: Evaluator, store: Store, stack: ExitStack) -> Replayer:
    """Return what replays questions of the evaluator's recorded passes; `stack` closes it."""
    runner = evaluator.run_episode
    assert isinstance(runner, EpisodeRunner)
    replayer = Replayer(
        runner.make_backend,
        lambda failure: runner.context(failure.conversation, store.prompts_of(failure.pass_id)),
        silence=runner.seconds,
    )
    stack.callback(replayer.close)
    return replayer
