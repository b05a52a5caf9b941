"""The ceiling: the seed prompts with exactly the needed house rules added, in plain words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from evals.simulation.world import World

_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
CLAUSES: dict[str, tuple[str, str]] = {
    "codes": (
        "extraction",
        "Keep reference codes such as locker, ticket and booking numbers as facts.",
    ),
    "parentheticals": ("extraction", "Keep the remarks that people make in brackets."),
    "forwarded": ("extraction", "Keep what stands in forwarded notes."),
    "pencilled": ("extraction", "Keep what is pencilled in: it counts as agreed."),
    "deadline": (
        "extraction",
        "The day a draft is due counts as the deadline, not the day of printing.",
    ),
    "votes": ("extraction", 'Record a proposal that gets a "+1" as a decision.'),
    "own_word": ("update", "Only a person's own word changes a fact about that person."),
    "cumulative": ("update", "Duties add up: a new duty does not replace an earlier one."),
    "strike": ("update", 'When somebody says "strike that", delete the entry that it is about.'),
    "withhold": (
        "retrieval",
        "Questions about pay, such as salary, bonus or day rate, get no entries.",
    ),
}


def rule_clauses(world: World, rule: str) -> tuple[str, tuple[str, ...]]:
    """Return the slot of a house rule and the sentences that ask for it in this world."""
    if rule == "alias":
        pairs = cast("dict[str, str]", world.lexicon["alias"])
        return "retrieval", tuple(
            f"'The {nick}' means the {project}: search for both names."
            for nick, project in pairs.items()
        )
    if rule == "season":
        spans = cast("dict[str, tuple[int, int]]", world.lexicon["season"])
        return "retrieval", tuple(
            f"'{name}' stands for {_MONTHS[first - 1]} to {_MONTHS[last - 1]}: restrict the "
            f"search to those months."
            for name, (first, last) in spans.items()
        )
    slot, clause = CLAUSES[rule]
    return slot, (clause,)


def with_rules(
    seed_prompts: Mapping[str, str], world: World, rules: tuple[str, ...]
) -> dict[str, str]:
    """Add the sentences of these rules to the prompts of their slots."""
    made = dict(seed_prompts)
    for rule in rules:
        slot, clauses = rule_clauses(world, rule)
        name = next((n for n in made if n == slot or n.rpartition(".")[2] == slot), None)
        if name is None:
            raise KeyError(f"no prompt slot for {slot}")
        made[name] = "\n".join([made[name].rstrip(), *clauses])
    return made


def ceiling_instructions(seed_prompts: Mapping[str, str], world: World) -> dict[str, str]:
    """Return the prompts that ask for exactly what the world needs."""
    return with_rules(seed_prompts, world, world.needed)
