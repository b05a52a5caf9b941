"""From a memory directory, prompts and settings to an agent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.models.providers import Provider
from agent.settings import Settings, load_settings
from traces.domain import PromptSet

if TYPE_CHECKING:
    from agent.chat.graph import MemoryAgent
    from agent.chat.turns import Turns

DATABASE = "memtune.db"


def create_memory_agent(
    model: str | None = None,
    *,
    prompts: PromptSet | Path | str | None = None,
    memory: Path | str = "memory",
    backend: str | None = None,
    checkpointer: Any = None,
    settings: Settings | None = None,
    clock: Callable[[], datetime] = datetime.now,
    remember_answers: bool = False,
    providers: Mapping[str, Provider] | None = None,
) -> MemoryAgent:
    """Return a compiled LangGraph graph that answers from each user's own memory.

        agent = create_memory_agent(memory="memory")
        config = {"configurable": {"user_id": "ana"}}
        agent.invoke({"messages": [HumanMessage("I live in Lisbon.")]}, config)

    A turn retrieves, responds and remembers what the user said; when it returns, memory and
    record are on disk. The last six messages of the thread go with the question; a thread is
    what `messages` holds, or what `checkpointer` (any LangGraph saver) keeps under
    `thread_id`. What the agent answered is remembered only with `remember_answers`: its
    mistakes would come back as evidence. Turns of one user run one after the other.

    `prompts`: a bundle's directory, a prompt set, or None for the shipped ones. `memory`: a
    directory, held by one process at a time; it keeps many users' memories. `settings`: as
    loaded from environment and memtune.toml, unless given; `model` and `backend` override
    them. Where none of these names a backend, it is the one whose memories `memory` holds. A
    budget holds for all turns ever made here; a deadline is not used. Where a model has a known
    price and `max_usd` is not given, all turns together may cost 10 USD. `clock`: local time; it
    dates what is said. `providers` stand in for the models, by role.

    Raises SettingsError, LockedError (another process has the directory), StoreError and
    IdentityError (another backend wrote it). Turns raise MemtuneErrors; what could not be
    remembered is no error but `problem` in the state. Close the agent, or use it in a `with`.
    """
    chosen = settings if settings is not None else load_settings(model=model, backend=backend)
    given: dict[str, Any] = {} if backend is None else {"backend": backend}
    if model is not None:
        given |= {"model": model, "agent_model": None}
    chosen = _of_directory(chosen.model_copy(update=given), Path(memory))
    with ExitStack() as stack:
        turns = _open(chosen, Path(memory), prompts, clock, remember_answers, providers, stack)
        from agent.chat.graph import build_graph

        made = build_graph(turns, checkpointer)
        turns.resources = stack.pop_all()
        return made


def _of_directory(settings: Settings, directory: Path) -> Settings:
    """Return settings with the backend that the directory holds, where none was chosen."""
    from memory_backends.registry import backend_names
    from memory_backends.retrieval.chroma_hold import backend_of

    found = None if "backend" in settings.model_fields_set else backend_of(directory)
    # No module is imported because a file names it.
    return settings.model_copy(update={"backend": found}) if found in backend_names() else settings


def _open(
    settings: Settings,
    directory: Path,
    prompts: PromptSet | Path | str | None,
    clock: Callable[[], datetime],
    remember_answers: bool,
    stand_ins: Mapping[str, Provider] | None,
    stack: ExitStack,
) -> Turns:
    from agent.chat.allowance import Allowance
    from agent.chat.parts import Parts
    from agent.chat.record import TurnLog
    from agent.chat.turns import Turns
    from agent.loop.assemble import make_embedder
    from agent.models.budget import Limits
    from agent.models.choose import make_providers
    from agent.models.gateway import Gateway, Rates
    from agent.models.pricing import Prices, cap, models_of, prices_of
    from agent.prompt_files import choose_prompts
    from agent.response import response_slot
    from memory_backends.persistent import PersistentMemory
    from memory_backends.registry import open_backend
    from traces.database import Database
    from traces.hashing import content_hash
    from traces.ledger import Ledger

    model = settings.model_of("agent")
    # The agent's model speaks for all roles: a key that only another one needs is not asked for.
    settings = settings.model_copy(
        update={
            "judge_model": model, "judge_api_base": settings.api_base_of("agent"),
            "reflection_model": model, "reflection_api_base": settings.api_base_of("agent"),
        }
    )  # fmt: skip
    # Which slots there are may depend on the backend's options.
    with open_backend(settings.backend, settings.backend_config) as memory:
        slots = (*memory.slots, response_slot())
    spoken = choose_prompts(prompts or settings.prompts, slots, settings.backend)
    prices = Prices({})
    if stand_ins is None:
        prices = prices_of(settings, models_of(settings, ("agent",)))
    providers = stand_ins or make_providers(settings)
    # What proves the cause of a flagged answer judges and reads too.
    providers = {"judge": providers["agent"], **providers}
    for provider in {id(p): p for p in providers.values()}.values():
        stack.callback(provider.close)
    embedder = make_embedder(providers)
    held = PersistentMemory(directory, settings.backend, settings.backend_config, embedder)
    stack.callback(held.close)
    database = Database(directory / DATABASE)
    stack.callback(database.close)
    ledger = Ledger(database)
    spent = ledger.spending()
    budget = Allowance(
        Limits(settings.max_calls, settings.max_tokens, None, cap(settings, prices)),
        calls=sum(s.calls for s in spent.values()),
        tokens=sum(s.tokens for s in spent.values()),
        usd=prices.known(spent),
    )
    rates = Rates(settings.requests_per_minute, settings.tokens_per_minute)
    gateway = Gateway(providers, ledger, budget, settings.concurrency, rates=rates, prices=prices)
    if embedder is not None:
        embedder.connect(gateway, database)
    log = TurnLog(database)
    log.store.save_prompt_set(spoken)
    provider = providers["agent"]
    identity = content_hash(dict(provider.identity("agent")))
    parameters = content_hash([held.fingerprint, identity])
    return Turns(
        Parts(held, log, gateway, spoken, parameters, clock),
        simulated=provider.simulated,
        model=model,
        resources=stack,
        remember_answers=remember_answers,
        embedder=embedder,
    )
