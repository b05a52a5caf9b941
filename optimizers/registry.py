"""Optimizers by name; each is imported only when it is asked for (DSPy takes a second)."""

from __future__ import annotations

from importlib import import_module

from optimizers.protocol import Optimizer
from traces.errors import SettingsError

OPTIMIZERS = {
    "attribution_guided": ("optimizers.attribution_guided", "AttributionGuided"),
    "noop": ("optimizers.noop", "Noop"),
}
DEFAULT = "attribution_guided"


def require_known(name: str) -> None:
    """Raise SettingsError, listing the names, for an unknown one; nothing is imported."""
    if name not in OPTIMIZERS:
        known = ", ".join(sorted(OPTIMIZERS))
        raise SettingsError(f"there is no optimizer {name!r}; choose one of: {known}")


def make_optimizer(name: str = DEFAULT) -> Optimizer:
    """Return a new optimizer. Raises SettingsError, listing the names, for an unknown one."""
    require_known(name)
    module, attribute = OPTIMIZERS[name]
    optimizer: Optimizer = getattr(import_module(module), attribute)()
    return optimizer
