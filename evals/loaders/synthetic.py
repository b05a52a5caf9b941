"""Conversations from the simulated world, with a ceiling: nothing here is real."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from traces.domain import Dataset, PromptSlot
from traces.errors import SettingsError


def load_synthetic(
    conversations: int = 30,
    seed: int = 0,
    rules: int | None = None,
    seed_prompts: Mapping[str, str] | None = None,
    slots: Sequence[PromptSlot] = (),
) -> Dataset:
    """Return a world of this seed, labelled simulated.

    `rules` is the number of house rules that it needs (None: drawn, 3 to 6). With
    `seed_prompts` the data set carries the ceiling: the instructions that ask for exactly what
    this world needs, as far as there are prompts to ask in; `slots` tell what each is for.
    Raises SettingsError for more rules than there are.
    """
    from evals.simulation.ceiling import beyond_ceiling, ceiling_instructions
    from evals.simulation.seeds import world_seed
    from evals.simulation.world import make_world

    try:
        world = make_world(world_seed(seed), conversations, rules=rules)
    except ValueError as error:
        raise SettingsError(f"--rules {rules}: {error}; choose another number") from error
    ceiling, beyond = None, ""
    if seed_prompts is not None:
        kinds = {slot.name: slot.kind for slot in slots}
        ceiling = ceiling_instructions(seed_prompts, world, kinds)
        beyond = beyond_ceiling(seed_prompts, world, kinds)
    return Dataset(
        "synthetic", world.conversations, simulated=True, ceiling=ceiling, beyond_ceiling=beyond
    )
