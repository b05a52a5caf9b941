"""From model strings to providers."""

from __future__ import annotations

from agent.models.gateway import ROLES
from agent.models.providers import Provider, SimulatedProvider
from agent.settings import Settings
from traces.errors import SettingsError


def known_models() -> str:
    """Return the model strings that this version understands, for messages."""
    return "sim/rules-1 (in process), sim-server/rules-1 (over its loopback server)"


def check_model(model: str, option: str = "--model") -> None:
    """Raise SettingsError for a model string that no provider serves."""
    if model not in ("sim/rules-1", "sim-server/rules-1"):
        raise SettingsError(f"{option} {model}: unknown model; known: {known_models()}")


def make_providers(settings: Settings) -> dict[str, Provider]:
    """Return a provider by role; roles of the same model and endpoint share one."""
    from agent.models.sim_server import SimulatedServer

    for role in ROLES:
        given = getattr(settings, f"{role}_model")
        check_model(settings.model_of(role), f"--{role}-model" if given else "--model")
    made: dict[str, Provider] = {}
    providers: dict[str, Provider] = {}
    for role in ROLES:
        model = settings.model_of(role)
        if model not in made:
            kind = SimulatedServer if model.startswith("sim-server/") else SimulatedProvider
            made[model] = kind(settings.seed, settings.slip)
        providers[role] = made[model]
    return providers
