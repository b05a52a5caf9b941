"""The model that plays all roles in a dry pass: in process, free, and nobody else's."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from agent.models.gateway import ROLES
from agent.models.providers import Messages, Provider, SimulatedProvider
from agent.settings import Settings
from traces.ledger import Completion

# Any number: a run is not to be foretold by the very draws that it will make.
SEED = 977_053
MODEL = "sim/rules-1"


class StandIn(SimulatedProvider):
    """The simulated model on a seed of its own; `seconds` is the time spent inside it."""

    def __init__(self, seed: int, slip: float) -> None:
        super().__init__(seed, slip)
        self.seconds = 0.0
        self._clock = threading.Lock()

    def complete(
        self,
        role: str,
        messages: Messages,
        sample_index: int,
        schema: Mapping[str, Any] | None = None,
    ) -> Completion:
        """Return the simulated completion, and keep the time."""
        started = time.perf_counter()
        done = super().complete(role, messages, sample_index, schema)
        with self._clock:
            self.seconds += time.perf_counter() - started
        return done


def stand_in(settings: Settings) -> StandIn:
    """Return the stand-in for a run of these settings: never on the run's own seed."""
    return StandIn(SEED + (settings.seed == SEED), settings.slip)


def providers(settings: Settings, model: StandIn) -> dict[str, Provider]:
    """Return it in every role; where texts are to be embedded, one for that, too."""
    found: dict[str, Provider] = dict.fromkeys(ROLES, model)
    if settings.embedding_model is not None:
        from agent.estimate.stand_in_embedding import EMBEDDING, StandInEmbedding

        found[EMBEDDING] = StandInEmbedding()
    return found


def dry_settings(settings: Settings, directory: Path) -> Settings:
    """Return the settings of the dry pass: the run's own, without models, endpoints, limits
    and places. One call at a time: a program gains nothing by more."""
    return settings.model_copy(
        update={
            **{f"{role}_model": None for role in ROLES},
            **{f"{role}_api_base": None for role in ROLES},
            "model": MODEL,
            "api_base": None,
            "model_options": {},
            "embedding_model": None,
            "embedding_api_base": None,
            "ledger": None,
            "max_calls": None,
            "max_tokens": None,
            "max_usd": None,
            "deadline": None,
            "requests_per_minute": None,
            "tokens_per_minute": None,
            "concurrency": 1,
            "out": directory / "run",
            "state_dir": directory / "state",
        }
    )
