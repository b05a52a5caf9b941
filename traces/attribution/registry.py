"""Attribution methods by name, imported when they are made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from traces.errors import SettingsError
from traces.protocols import Ask, Attribute, Judge
from traces.replay import OpenReplay

if TYPE_CHECKING:
    from traces.attribution.carries import Flip

METHODS = (
    "replay", "provenance", "model_judged", "model_judged_stepwise", "last_operation", "random",
)  # fmt: skip


@dataclass(frozen=True)
class Replaying:
    """What `replay` works with. `judge` is the run's own; `spent` returns the calls and
    tokens that the failure under way has cost so far."""

    open: OpenReplay
    judge: Judge
    spent: Callable[[], tuple[int, int]]


def require_known(name: str) -> None:
    """Raise SettingsError for an unknown method."""
    if name not in METHODS:
        raise SettingsError(
            f"unknown attribution method '{name}': choose one of {', '.join(METHODS)}"
        )


def create(
    name: str,
    ask: Ask | None,
    seed: int,
    replaying: Replaying | None = None,
    flip: Flip | None = None,
) -> Attribute:
    """Return the attribution method `name`.

    `ask` is the judge's role (None: methods that read decide by wording alone); `seed`
    is for methods that draw; `replaying` is for `replay`; `flip` spoils the tests of methods
    that follow the evidence (benchmarks). Raises SettingsError for an unknown name, and where
    a method lacks what it works with.
    """
    require_known(name)
    if name == "provenance":
        from traces.attribution.provenance import Provenance

        return Provenance(ask, flip=flip)
    if name == "last_operation":
        from traces.attribution.last_operation import LastOperation

        return LastOperation()
    if name == "random":
        from traces.attribution.random_choice import RandomChoice

        return RandomChoice(seed)
    if ask is None:
        raise SettingsError(f"attribution method '{name}' needs a judge model")
    if name in ("model_judged", "model_judged_stepwise"):
        from traces.attribution.model_judged import ModelJudged

        return ModelJudged(ask, stepwise=name.endswith("stepwise"))
    if replaying is None:
        raise SettingsError("attribution method 'replay' needs a memory that it can rebuild")
    from traces.attribution.replay.method import ReplayAttribution

    return ReplayAttribution(ask, replaying, flip=flip)
