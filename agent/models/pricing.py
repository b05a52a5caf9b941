"""What calls cost, in US dollars: LiteLLM's price list, and the user's own prices over it.

A price that nobody knows is None, never 0: what it would come to is not said.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agent.models.providers import is_simulated_name
from agent.settings import Price, Settings
from traces.errors import SettingsError
from traces.ledger import Spending
from traces.plugins import is_plugin

# The cap of a run whose models have prices and that was given none, in dollars.
DEFAULT_MAX_USD = 10.0
FREE = Price(input=0, output=0)
# Whoever runs one of these pays for the machine, and no list knows how much.
_LOCAL = frozenset(
    ["ollama", "ollama_chat", "hosted_vllm", "vllm", "lm_studio", "llamafile", "oobabooga",
     "xinference", "triton", "docker_model_runner", "lemonade", "ramalama"]
)  # fmt: skip


class Prices:
    """Prices by role; None where nobody knows one."""

    def __init__(self, by_role: Mapping[str, Price | None]) -> None:
        self._by_role = dict(by_role)

    def to_json(self) -> dict[str, Any]:
        """Return JSON-native values."""
        return {r: None if p is None else p.model_dump() for r, p in self._by_role.items()}

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Prices:
        """Read what `to_json` wrote."""
        return cls({r: None if p is None else Price(**p) for r, p in record.items()})

    @property
    def any_cost(self) -> bool:
        """Whether a call of some role costs something that is known."""
        return any(p is not None and p != FREE for p in self._by_role.values())

    def cost(self, role: str, input_tokens: int, output_tokens: int) -> float | None:
        """Return what so many tokens cost, or None where no price is known."""
        price = self._by_role.get(role)
        if price is None:
            return None
        return (input_tokens * price.input + output_tokens * price.output) / 1e6

    def known(self, spent: Mapping[str, Spending]) -> float:
        """Return what was spent by the roles whose price is known."""
        costs = (self.cost(role, s.input_tokens, s.output_tokens) for role, s in spent.items())
        return sum(cost for cost in costs if cost is not None)

    def summary(self, spent: Mapping[str, Spending]) -> dict[str, Any]:
        """Return {"total", "by_role"}; null where a price is unknown."""
        by_role = {
            role: self.cost(role, s.input_tokens, s.output_tokens) for role, s in spent.items()
        }
        costs = list(by_role.values())
        known = [round(cost, 6) for cost in costs if cost is not None]
        return {
            "total": round(sum(known), 6) if len(known) == len(costs) else None,
            "by_role": {r: None if c is None else round(c, 6) for r, c in by_role.items()},
        }


def models_of(settings: Settings, roles: tuple[str, ...]) -> dict[str, str]:
    """Return the model string of each role, that of the embeddings included."""
    models = {role: settings.model_of(role) for role in roles}
    if settings.embedding_model is not None:
        models["embedding"] = settings.embedding_model
    return models


def prices_of(settings: Settings, models: Mapping[str, str]) -> Prices:
    """Return the price of each role's model.

    Raises SettingsError when there is a budget in dollars and a model without a price.
    """
    found: dict[str, Price | None] = {}
    for role, model in models.items():
        found[role] = price_of(model, settings.prices)
        if found[role] is None and settings.max_usd is not None:
            raise SettingsError(
                f"--max-usd {settings.max_usd:g}: the price of {model} ({role}) is not known; "
                "add it to memtune.toml under [prices], in USD a million tokens (0 where it is "
                f'free): "{model}" = {{ input = 0.15, output = 0.60 }}'
            )
    return Prices(found)


def price_of(model: str, given: Mapping[str, Price]) -> Price | None:
    """Return a model's price: the user's own, 0 for the simulated one, else the list's."""
    if model in given:
        return given[model]
    if is_simulated_name(model) or model.startswith("sim-server/"):
        return FREE
    if is_plugin(model) or model.split("/")[0] in _LOCAL:
        return None
    return _listed(model)


def _listed(model: str) -> Price | None:
    from agent.models.litellm_module import litellm

    listed = litellm().model_cost
    entry = listed.get(model)
    if entry is None and "/" in model:
        # 'openai/gpt-4o-mini' is listed as 'gpt-4o-mini', of the provider 'openai'.
        provider, name = model.split("/", 1)
        entry = listed.get(name)
        if entry is not None and not str(entry.get("litellm_provider")).startswith(provider):
            return None
    if entry is None:
        return None
    input_, output = entry.get("input_cost_per_token"), entry.get("output_cost_per_token") or 0.0
    # The list has zeros where it knows nothing.
    if not input_ and not output:
        return None
    return Price(input=(input_ or 0.0) * 1e6, output=output * 1e6)


def cap(settings: Settings, prices: Prices) -> float | None:
    """Return the most that a run may cost: what was given, else 10 where there is a price."""
    if settings.max_usd is not None:
        return settings.max_usd
    return DEFAULT_MAX_USD if prices.any_cost else None
