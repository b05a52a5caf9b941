"""Which conversations a dry pass takes, and how what it measures is scaled to all."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, zip_longest

from agent.estimate.amounts import Amount
from optimizers.race import estimated_calls
from traces.domain import Conversation
from traces.hashing import text_hash

# A dry pass takes no further conversation after so many model calls (4 to 10 ms each) ...
MOST_CALLS = 5_000
# ... but at least so many, where there are.
FEWEST = 3
STRATA = 4
# How far off a single conversation may be as a measure of others, as a share.
ONE_ALONE = 0.25
# What is done once a message, so to speak; everything else is done once a question, but for
# embeddings, of which both have some.
INGESTING = frozenset({"extraction", "update"})
EMBEDDING = "embedding"

Part = tuple[str, str]  # (operation kind, "judge" or "embedding"; slot or operation name)
Parts = Mapping[Part, Amount]


def size(conversation: Conversation) -> int:
    """Return about how many calls a conversation takes."""
    return estimated_calls("extraction", conversation)


def messages(conversation: Conversation) -> int:
    """Return how many messages a conversation has."""
    return sum(len(session.messages) for session in conversation.sessions)


def strata(conversations: Sequence[Conversation]) -> list[list[Conversation]]:
    """Return the conversations in groups of like size, small ones first, each not empty."""
    ordered = sorted(conversations, key=lambda c: (size(c), text_hash(c.id)))
    count = min(STRATA, len(ordered))
    cuts = [len(ordered) * i // count for i in range(count + 1)]
    return [ordered[a:b] for a, b in pairwise(cuts)]


def order(conversations: Sequence[Conversation], first: Collection[str]) -> list[Conversation]:
    """Return the conversations in the order in which a dry pass takes them, as far as it goes.

    By turns from each stratum, those of middling size before the smallest and the largest;
    which of a stratum is decided by a hash of their names. The foremost is one of `first`.
    """
    groups = [
        sorted(group, key=lambda c: text_hash(f"sample:{c.id}")) for group in strata(conversations)
    ]
    groups.sort(key=lambda group: abs(_rank(group, conversations) - 0.5))
    turns = [one for turn in zip_longest(*groups) for one in turn if one is not None]
    front = next((one for one in turns if one.id in first), turns[0])
    return [front, *(one for one in turns if one.id != front.id)]


def _rank(group: Sequence[Conversation], conversations: Sequence[Conversation]) -> float:
    """Return the share (0..1) of all conversations that are smaller than the group's mean."""
    mean = sum(map(size, group)) / len(group)
    return sum(size(c) < mean for c in conversations) / len(conversations)


@dataclass(frozen=True)
class Scale:
    """Scales what was measured on a sample: ingestion by messages, the rest by questions.

    `measured` are the parts of each sampled conversation, by id. A conversation that was not
    run takes what those of its stratum took, a message and a question.
    """

    sample: Sequence[Conversation]
    measured: Mapping[str, Parts]

    def parts(self, conversations: Sequence[Conversation]) -> dict[Part, Amount]:
        """Return what these conversations take, by part."""
        found: dict[Part, Amount] = {}
        known = [c for c in conversations if c.id in self.measured]
        for one in known:
            for part, amount in self.measured[one.id].items():
                found[part] = found.get(part, Amount()) + amount
        groups = strata(self.sample)
        unknown: list[list[Conversation]] = [[] for _ in groups]
        for one in conversations:
            if one.id not in self.measured:
                unknown[_nearest(one, groups)].append(one)
        for group, missing in zip(groups, unknown, strict=True):
            if missing:
                for part, amount in self._like(group, missing).items():
                    found[part] = found.get(part, Amount()) + amount
        return found

    def margin(self, conversations: Sequence[Conversation]) -> float:
        """Return how far the calls may be off, as a share: two standard errors, for the part
        of these conversations that was not run."""
        whole = sum(map(size, conversations))
        guessed = sum(size(c) for c in conversations if c.id not in self.measured)
        if not whole or not guessed:
            return 0.0
        rates = [
            sum(a.calls for a in self.measured[c.id].values()) / max(1, size(c))
            for c in self.sample
        ]
        mean = sum(rates) / len(rates)
        if len(rates) < 2 or not mean:
            return ONE_ALONE * guessed / whole
        variance = sum((rate - mean) ** 2 for rate in rates) / (len(rates) - 1)
        # Of the mean, and of the conversations that it is used for.
        left = sum(c.id not in self.measured for c in conversations)
        error = math.sqrt(variance / len(rates) + variance / left) / mean
        return float(min(ONE_ALONE, 2 * error) * guessed / whole)

    def _like(
        self, group: Sequence[Conversation], missing: Sequence[Conversation]
    ) -> dict[Part, Amount]:
        found: dict[Part, Amount] = {}
        for part in {p for c in group for p in self.measured[c.id]}:
            taken = sum((self.measured[c.id].get(part, Amount()) for c in group), Amount())
            count = _units(part[0])
            units = sum(map(count, group))
            if units:
                found[part] = taken * (sum(map(count, missing)) / units)
        return found


def _units(kind: str) -> Callable[[Conversation], int]:
    """Return what a kind of part is counted by."""
    if kind == EMBEDDING:
        return size
    return messages if kind in INGESTING else _questions


def _questions(conversation: Conversation) -> int:
    return len(conversation.questions)


def _nearest(one: Conversation, groups: Sequence[Sequence[Conversation]]) -> int:
    """Return the number of the last group whose smallest member is no larger."""
    place = 0
    for number, group in enumerate(groups):
        if size(group[0]) <= size(one):
            place = number
    return place
