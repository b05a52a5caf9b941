"""Synthetic conversations between colleagues, with questions whose causes are known."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from evals.simulation.draws import digest
from evals.simulation.world_draft import Draft
from evals.simulation.world_general import GENERAL
from evals.simulation.world_house import (
    COUNTERS,
    EXTRACTION_RULES,
    ITEMS,
    PAIRS,
    RETRIEVAL_RULES,
    RULES,
    UPDATE_RULES,
)
from evals.simulation.world_lexicon import NICKNAMES, PEOPLE, PROJECTS, SEASONS
from traces.domain import Conversation

QUESTIONS = 18
HOUSE_QUESTIONS = 10


@dataclass(frozen=True)
class World:
    """Conversations of one seed, the house rules that they need, and the seed's names.

    `lexicon` holds 'alias' (nickname -> project) and 'season' (word -> first and last month).
    """

    conversations: tuple[Conversation, ...]
    needed: tuple[str, ...]
    lexicon: Mapping[str, object]


def _needed(rng: random.Random, rules: int | None) -> tuple[str, ...]:
    """Draw the rules of a seed: from all three slots where there are enough of them."""
    count = rng.randint(3, 6) if rules is None else rules
    if not 0 <= count <= len(RULES):
        raise ValueError(f"a world needs between 0 and {len(RULES)} rules, not {count}")
    groups = [list(EXTRACTION_RULES), list(UPDATE_RULES), list(RETRIEVAL_RULES)]
    chosen = [rng.choice(group) for group in groups] if count >= 3 else []
    rest = [rule for rule in RULES if rule not in chosen]
    chosen += rng.sample(rest, count - len(chosen))
    return tuple(rule for rule in RULES if rule in chosen)


def _house(rng: random.Random, needed: tuple[str, ...]) -> list[Callable[[Draft], None]]:
    """Choose the items of a conversation that hang on the needed rules."""
    pairs = [make for rules, make in PAIRS.items() if set(rules) <= set(needed)]
    made = rng.sample(pairs, min(2, len(pairs)))
    order: list[str] = []
    while len(order) < HOUSE_QUESTIONS - len(made):
        order += rng.sample(needed, len(needed))
    return made + [ITEMS[rule] for rule in order[: HOUSE_QUESTIONS - len(made)]]


def _general(rng: random.Random, count: int, counters: list[str]) -> list[Callable[[Draft], None]]:
    """Choose the general items, some of them about rules that this team does not have."""
    made = [COUNTERS[rule] for rule in rng.sample(counters, min(len(counters), max(1, count // 4)))]
    kinds: list[Callable[[Draft], None]] = []
    while len(kinds) < count - len(made):
        kinds += rng.sample(GENERAL, len(GENERAL))
    return made + kinds[: count - len(made)]


def make_world(seed: int, conversations: int, *, rules: int | None = None) -> World:
    """Make the conversations of a seed; `rules=0` is the null world, None draws 3 to 6."""
    rng = random.Random(digest("world", seed))
    needed = _needed(rng, rules)
    projects = rng.sample(PROJECTS, 2)
    nicknames = rng.sample(NICKNAMES, 2)
    first = rng.randint(1, 12)
    seasons = rng.sample(SEASONS, 2)
    lexicon: dict[str, object] = {
        "alias": dict(zip(nicknames, projects, strict=True)),
        "season": {
            seasons[0]: (first, first % 12 + 1),
            seasons[1]: ((first + 5) % 12 + 1, (first + 6) % 12 + 1),
        },
    }
    counters = [rule for rule in COUNTERS if rule not in needed]
    made = []
    for number in range(conversations):
        own = random.Random(digest("conversation", seed, number))
        start = date(2023, 1, 1) + timedelta(days=own.randrange(700))
        dates = tuple(start + timedelta(days=30 * i + own.randint(0, 9)) for i in range(4))
        people = tuple(own.sample(PEOPLE, own.choice((2, 3, 3))))
        draft = Draft(own, f"sim-{number:03d}", people, dates, frozenset(needed), lexicon)
        house = _house(own, needed) if needed else []
        items = house + _general(own, QUESTIONS - len(house), counters)
        own.shuffle(items)
        for item in items:
            item(draft)
        made.append(draft.build())
    return World(tuple(made), needed, lexicon)
