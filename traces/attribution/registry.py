"""Attribution methods by name, imported when they are made."""

from __future__ import annotations

from traces.errors import SettingsError
from traces.protocols import Ask, Attribute

METHODS = ("provenance", "last_operation", "random")


def create(name: str, ask: Ask | None, seed: int) -> Attribute:
    """Return the attribution method `name`.

    `ask` is the judge's role (None: methods that read decide by wording alone); `seed`
    is for methods that draw. Raises SettingsError for an unknown name.
    """
    if name == "provenance":
        from traces.attribution.provenance import Provenance

        return Provenance(ask)
    if name == "last_operation":
        from traces.attribution.last_operation import LastOperation

        return LastOperation()
    if name == "random":
        from traces.attribution.random_choice import RandomChoice

        return RandomChoice(seed)
    raise SettingsError(f"unknown attribution method '{name}': choose one of {', '.join(METHODS)}")
