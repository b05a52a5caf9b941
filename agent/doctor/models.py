"""Each model: who plays which role, its key, its price; `asking` asks it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from agent.doctor import asking
from agent.doctor.check import Check, guarded
from traces.hashing import content_hash

if TYPE_CHECKING:
    from agent.models.embeddings import LiteLLMEmbedder
    from agent.models.providers import Provider
    from agent.settings import Settings

# A check that hangs for as long as a run would wait is no use to whoever sits before it.
PATIENCE = {"connect_timeout": 10.0, "first_byte_timeout": 30.0, "total_timeout": 60.0}
_ALL = ("agent", "judge", "reflection")
_SIMULATED = "sim/rules-1"
_EMBEDDING = "embedding"


@dataclass(frozen=True, slots=True)
class Model:
    """A model at an endpoint, and the roles that it plays."""

    name: str
    api_base: str | None
    roles: tuple[str, ...]

    @property
    def simulated(self) -> bool:
        """Whether it is one of memtune's own simulated models."""
        from agent.models.choose import SIMULATED

        return self.name in SIMULATED

    @property
    def where(self) -> str:
        """Its endpoint, as it may be shown."""
        from agent.models.endpoints import without_credentials

        return without_credentials(self.api_base) or "the provider"


@dataclass
class Played:
    """What fixes a run by its models, as far as they could be made: their identities by role,
    and the embedder."""

    identities: dict[str, str] = field(default_factory=dict)
    embedder: LiteLLMEmbedder | None = None

    def whole(self, settings: Settings) -> bool:
        """Whether all the models of a run are there."""
        embedded = settings.embedding_model is None or self.embedder is not None
        return embedded and set(_ALL) <= set(self.identities)


def models(settings: Settings) -> list[Model]:
    """Return the distinct models of a run, in the order of their first roles."""
    from agent.models.gateway import ROLES

    roles: dict[tuple[str, str | None], list[str]] = {}
    for role in ROLES:
        roles.setdefault((settings.model_of(role), settings.api_base_of(role)), []).append(role)
    return [Model(name, base, tuple(played)) for (name, base), played in roles.items()]


def examine(settings: Settings, model: Model, played: Played, *, calls: bool) -> Iterator[Check]:
    """Check one model: key, price, and, with `calls`, one call of it.

    Enters into `played` what fixes a run by it.
    """
    # The role by which its provider is asked; a simulated model reads its task from the prompt.
    role = "agent" if model.simulated else model.roles[0]
    with _made(_alone(settings, model, role)) as providers:
        provider = providers[role]
        for one in model.roles:
            played.identities[one] = content_hash(dict(provider.identity(one)))
        yield Check(
            "model", "ok", _named(model, provider), details={"simulated": provider.simulated}
        )
        yield from _key(model)
        yield from guarded("price", lambda: _price(settings, model))
        if calls:
            yield from asking.chat(provider, role, model.name, model.where)
        else:
            yield _not_asked(model.name)


def examine_embedding(settings: Settings, played: Played, *, calls: bool) -> Iterator[Check]:
    """Check the embedding model, where there is one, as `examine` does the others."""
    from agent.loop.assemble import make_embedder

    name = settings.embedding_model
    if name is None:
        yield Check("embedding", "ok", "character n-grams, which need no model")
        return
    alone = _simulated_but(settings, {"embedding_model": name})
    with _made(alone) as providers:
        model = Model(name, settings.embedding_api_base or settings.api_base, (_EMBEDDING,))
        played.embedder = make_embedder(providers)
        yield Check("embedding", "ok", _named(model, providers[_EMBEDDING]))
        yield from _key(model)
        yield from guarded("price", lambda: _price(settings, model))
        if calls:
            yield from asking.embedding(providers[_EMBEDDING], name, model.where)
        else:
            yield _not_asked(name)


def _not_asked(name: str) -> Check:
    return Check("call", "skipped", f"{name}: not asked (--no-calls)")


@contextmanager
def _made(settings: Settings) -> Iterator[Mapping[str, Provider]]:
    from agent.models.choose import make_providers

    providers = make_providers(settings)
    try:
        yield providers
    finally:
        for one in {id(p): p for p in providers.values()}.values():
            one.close()


def _alone(settings: Settings, model: Model, role: str) -> Settings:
    """Return settings in which this model plays one role, and the simulated one the others:
    what is wrong with another model is another check's."""
    # Where it was given is named in messages: for one role, or for all.
    own = getattr(settings, f"{role}_model") is not None
    changes = {"model": model.name, "api_base": model.api_base, "embedding_model": None}
    return _simulated_but(settings, {**changes, f"{role}_model": model.name if own else None})


def _simulated_but(settings: Settings, changes: Mapping[str, Any]) -> Settings:
    simulated = {"model": _SIMULATED, **{f"{one}_model": _SIMULATED for one in _ALL}}
    nowhere = {f"{one}_api_base": None for one in _ALL}
    shorter = {name: min(getattr(settings, name), most) for name, most in PATIENCE.items()}
    return settings.model_copy(update={**simulated, **nowhere, **shorter, **changes})


def _named(model: Model, provider: Provider) -> str:
    label = " (simulated: machinery, not language quality)" if provider.simulated else ""
    where = f" at {model.where}" if model.api_base else ""
    few = model.roles not in (_ALL, (_EMBEDDING,))
    roles = f" as {' and '.join(model.roles)}" if few else ""
    return f"{model.name}{where}{roles}{label}"


def _key(model: Model) -> Iterator[Check]:
    """Say by name which keys are set. One that is missing was a SettingsError before."""
    from agent.settings import variable_is_set
    from agent.starter.keys import key_variables

    names = key_variables(model.name)
    held = [name for name in names if variable_is_set(name)]
    if held:
        yield Check("key", "ok", f"{', '.join(held)} set (not shown)", details={"set": held})
    elif names and model.api_base is None:
        told = f"{', '.join(names)} not set; the provider may know another way to sign in"
        yield Check("key", "warning", told, f"set {names[0]} if the call fails")
    else:
        why = "none was set; an endpoint of your own may need none" if names else "none needed"
        yield Check("key", "ok", why)


def _price(settings: Settings, model: Model) -> Iterator[Check]:
    from agent.models.pricing import price_of, prices_of

    prices_of(settings, {model.roles[0]: model.name})  # raises where a budget needs a price
    price = price_of(model.name, settings.prices)
    if price is None:
        yield Check(
            "price", "warning", f"{model.name}: not known, so no budget in dollars holds it",
            "add to memtune.toml, in USD a million tokens: "
            f'prices = {{ "{model.name}" = {{ input = ..., output = ... }} }}',
        )  # fmt: skip
    elif model.simulated:
        yield Check("price", "ok", "costs nothing")
    else:
        yield Check(
            "price", "ok", f"USD {price.input:g} in, {price.output:g} out a million tokens",
            details={"input": price.input, "output": price.output},
        )  # fmt: skip
