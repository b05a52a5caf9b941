"""The ceiling: the seed prompts with exactly the needed house rules added, in plain words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
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
# Slots that are known by their names alone.
NO_KINDS: Mapping[str, str] = MappingProxyType({})
STAGES = ("extraction", "update", "retrieval")
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
    seed_prompts: Mapping[str, str],
    world: World,
    rules: Iterable[str],
    kinds: Mapping[str, str] = NO_KINDS,
) -> dict[str, str]:
    """Add the sentences of these rules to the prompts of their slots.

    `kinds` are the slots' kinds of operation. Raises KeyError for a rule that has no slot.
    """
    made = dict(seed_prompts)
    for rule in rules:
        stage, clauses = rule_clauses(world, rule)
        names = slots_for(stage, seed_prompts, kinds)
        if not names:
            raise KeyError(f"no prompt slot for {stage}")
        for name in names:
            made[name] = "\n".join([made[name].rstrip(), *clauses])
    return made


def slots_for(
    stage: str, slots: Iterable[str], kinds: Mapping[str, str] = NO_KINDS
) -> tuple[str, ...]:
    """Return the slots in which a stage's rules are asked for: the one that is called after
    the stage, else all whose operations are of that kind."""
    known = tuple(slots)
    named = (name for name in known if name.rpartition(".")[2] == stage)
    own = next(named, None)
    return (own,) if own else tuple(name for name in known if kinds.get(name) == stage)


def ceiling_instructions(
    seed_prompts: Mapping[str, str], world: World, kinds: Mapping[str, str] = NO_KINDS
) -> dict[str, str] | None:
    """Return the prompts that ask for exactly what the world needs, in so far as these slots
    can; None where no stage has a slot."""
    if not any(slots_for(stage, seed_prompts, kinds) for stage in STAGES):
        return None
    return with_rules(seed_prompts, world, _askable(seed_prompts, world, kinds), kinds)


def beyond_ceiling(
    seed_prompts: Mapping[str, str], world: World, kinds: Mapping[str, str] = NO_KINDS
) -> str:
    """Return in words what the world needs and these slots cannot ask for; "" for nothing."""
    asked = _askable(seed_prompts, world, kinds)
    left = [rule_clauses(world, rule)[0] for rule in world.needed if rule not in asked]
    if not left:
        return ""
    *most, last = (stage for stage in STAGES if stage in left)
    stages = " and ".join([", ".join(most), last] if most else [last])
    return f"{len(left)} of {len(world.needed)} house rules need a prompt for {stages}: none here"


def _askable(
    seed_prompts: Mapping[str, str], world: World, kinds: Mapping[str, str]
) -> tuple[str, ...]:
    stages = {rule: rule_clauses(world, rule)[0] for rule in world.needed}
    return tuple(r for r, stage in stages.items() if slots_for(stage, seed_prompts, kinds))
