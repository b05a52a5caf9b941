"""Which roles of a run the simulated model plays, as far as that is known without asking anyone."""

from __future__ import annotations

from agent.models.gateway import ROLES
from agent.models.providers import plays_simulated
from agent.settings import Settings
from traces.errors import MemtuneError
from traces.plugins import is_plugin


def simulated_roles(settings: Settings) -> dict[str, bool]:
    """Say for each role whether its model is the simulated one, whatever serves it.

    A LangChain model is made and says so itself; one that cannot be made here (no key, no such
    module) counts as a real one.
    """
    models = {role: settings.model_of(role) for role in ROLES}
    known = {model: _is_simulated(model) for model in set(models.values())}
    return {role: known[model] for role, model in models.items()}


def _is_simulated(model: str) -> bool:
    if not is_plugin(model):
        return plays_simulated(model)
    from agent.models.langchain_provider import LangChainProvider, load_model

    try:
        return LangChainProvider(model, load_model(model)).simulated
    except MemtuneError:
        return False  # the run says what is wrong with it
