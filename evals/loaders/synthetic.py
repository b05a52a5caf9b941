"""Conversations from the simulated world, with a ceiling: nothing here is real."""

from __future__ import annotations

from collections.abc import Mapping

from traces.domain import Dataset
from traces.errors import SettingsError


def load_synthetic(
    conversations: int = 30,
    seed: int = 0,
    rules: int | None = None,
    seed_prompts: Mapping[str, str] | None = None,
) -> Dataset:
    """Return a world of this seed, labelled simulated.

    `rules` is the number of house rules that it needs (None: drawn, 3 to 6). With
    `seed_prompts` the data set carries the ceiling: for the slots among them, the
    instructions that ask for exactly what this world needs. Raises SettingsError for more
    rules than there are.
    """
    from evals.simulation.ceiling import ceiling_instructions
    from evals.simulation.seeds import world_seed
    from evals.simulation.world import make_world

    try:
        world = make_world(world_seed(seed), conversations, rules=rules)
    except ValueError as error:
        raise SettingsError(f"--rules {rules}: {error}; choose another number") from error
    slots = {"extraction", "update", "retrieval"}
    ceiling = None
    if seed_prompts is not None and slots <= set(seed_prompts):
        ceiling = ceiling_instructions(seed_prompts, world)
    return Dataset("synthetic", world.conversations, simulated=True, ceiling=ceiling)
