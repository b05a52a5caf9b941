"""What a run takes, from what a dry pass measured: the first evaluation, and both ends of the
whole.

The loop is made of evaluations. Those with the seed prompts are measured; those with changed
prompts are put together from measured parts: a changed prompt is asked again wherever it is
used, and what lies downstream of it only where its inputs changed, for everything else is
reused. How many of these there are is the affair of the race and the gate. The constants say
how many there were in development runs: seeds 20 to 29 of the simulated world with 30
conversations and 5 rounds; 21 runs of some of these seeds with 5, 15 and 60 conversations and
1, 2, 3 and 10 rounds; five LoCoMo conversations with 2 and 5 rounds. On seeds 300 to 309 and
320 to 329, 30 conversations and 5 rounds, calls and tokens of all 20 runs then lay between the
ends, which were 2.7 to 3.0 times apart. "At most threefold" is said of this shape only: the ends
are up to 3.4 times apart with 5 conversations, up to 5.2 with three tiny ones. `memtune bench
estimate` measures it anew, for any seeds and shape.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from agent.estimate.amounts import Amount, Usage, added, scaled, total
from agent.estimate.dry_pass import DryPass
from agent.estimate.sample import EMBEDDING, INGESTING, Part
from traces.domain import Conversation

UPSTREAM_FIRST = ("extraction", "update", "retrieval", "response", "judge")
# Share of the calls downstream of one changed prompt that are made anew. In the runs, an
# edited extraction prompt took 24 to 33 calls an episode (own 4, downstream 41: retrieval
# requests do not show the memory, and are all reused), update 18 to 28 (own 19, downstream 22),
# retrieval 17 to 35 (own 18, downstream 22).
DOWNSTREAM = {"extraction": 0.55, "update": 0.2, "retrieval": 0.15, "response": 0.15}
# The same where all tunable prompts have changed: promoted and ceiling prompts took 0.77 to
# 1.04 of the calls of a first evaluation (0.66 are the changed prompts' own), median 0.95.
ALL_DOWNSTREAM = (0.4, 1.1)
# Input tokens a call with prompts that have grown, against the seed prompts': up to 1.08 for
# promoted and ceiling prompts, up to 1.06 over a whole run; most of the latter because other
# kinds of calls are made again, which is counted apart.
GROWTH_AT_LAST = 1.06
GROWTH = 1.02
# Episodes that a round's race runs, as (an edited slot, an edited slot and episode screened
# beyond the first, a training episode): 11 to 17 with 3 training episodes, 21 to 34 with 6, 45
# to 56 with 12 in the first round; in later ones 0 to 32 with 6, at most 22 as a run's mean.
FIRST_RACE = ((2.5, 0.6, 0.4), (5.0, 2.3, 1.0))
LATER_RACE = ((0.0, 0.0, 0.6), (3.0, 1.0, 0.7))
# A reflection call where the dry pass had none; in the runs' means 1,600 to 5,700 input tokens,
# 140 to 230 output.
REFLECTION = Amount(1, 2500, 190)
# So many slots a round takes on at least, of as many (2 or 3 of 3 in the runs).
FEWEST_SLOTS = 2
# With so many training failures there may be nothing to race, or there always is: the eleven of
# one run of five with 5 conversations had nothing in common.
FEW_FAILURES, SURE_FAILURES = 8, 24
# No race runs more than this times its effort in training episodes (34 of 30 with 6, 17 of 15
# with 3, 4 to 5 of 5 with 1), because single edits cost less than the full episodes that the
# effort is counted in; the low end is of worlds of 1 training episode.
MOST_EFFORT = ((0.8, 1.2), (0.65, 0.65))
# As how many of these rounds the rounds after the first count: the second is the dearest (32
# episodes with 6 at most). Six runs with ten rounds all ended by patience, after 4 to 9.
LATER_ROUNDS = (1.5, 1.1, 0.8, 0.6)
EACH_FURTHER = 0.25
# Episodes that a race runs at a time: single edits are tried on one, then on a few.
EPISODES_AT_A_TIME = 1.5
# Full re-evaluations of the selection split at the gate, by round: 0.3 to 1.0 for the first
# challenger, 0.3 to 0.7 for each later one, which shares its prompts. In all at most 1.4 after
# two rounds, 1.8 after three, 2.1 after five.
GATES = (1.0, 0.55, 0.45, 0.3, 0.2)
# Attributions of a training failure over a run of `rounds`: new ones in a later round are of
# answers that have changed.
LATER_FAILURES = 0.5
# How far off the dry pass may be about one attribution by replay, as a share: 4 to 17% in three
# runs. Where something is learned, how many failures there are is far less certain.
A_FAILURE_OFF = 0.2


@dataclass(frozen=True)
class Phase:
    """A stretch of a run: what it takes when the run ends early, and when every round is used
    to the full. `width` is how many of its calls can be under way at a time, however many
    are allowed."""

    name: str
    low: Usage
    high: Usage
    width: float


def baseline(dry: DryPass) -> dict[str, Amount]:
    """Return what the first evaluation of train and selection with the seed prompts takes."""
    return added(evaluation(dry, "train"), evaluation(dry, "selection"))


def evaluation(dry: DryPass, split: str) -> dict[str, Amount]:
    """Return what the first evaluation of a split with the seed prompts takes, by role."""
    return _by_role(dry.scale.parts(dry.splits[split]).items())


def phases(dry: DryPass, rounds: int, patience: int = 3) -> list[Phase]:
    """Return the stretches of a run of at most `rounds` rounds."""
    found = [_first(dry, split) for split in ("train", "selection", "test")]
    if dry.dataset.ceiling is not None:
        low, high = (_all_changed(dry, "test", share) for share in ALL_DOWNSTREAM)
        high = grown(high, GROWTH_AT_LAST)
        found.append(Phase("test, ceiling", low, high, width(dry, "test")))
    learns = bool(dry.slots) and dry.optimizer != "noop"
    found.append(_attributions(dry, rounds, learns))
    if not learns:
        return found
    later = rounds - 1
    early = min(rounds, patience) - 1
    slots = len(dry.slots)
    one = dry.reflection * (1 / max(1, len(dry.aimed))) if dry.reflection.calls else REFLECTION
    found.append(
        Phase(
            "reflection",
            {"reflection": dry.reflection},
            {"reflection": one * (rounds * slots)},
            1.0,
        )
    )
    found.append(_race(dry, "race, first round", FIRST_RACE, MOST_EFFORT[0], (1, 1)))
    found.append(
        _race(dry, "race, later rounds", LATER_RACE, MOST_EFFORT[1], (early, _full(later)))
    )
    selection = _all_changed(dry, "selection", ALL_DOWNSTREAM[1])
    gates = grown(scaled(selection, sum(GATES[:rounds])))
    found.append(Phase("gate", {}, gates, width(dry, "selection")))
    test = grown(_all_changed(dry, "test", ALL_DOWNSTREAM[1]), GROWTH_AT_LAST)
    found.append(Phase("test, final prompts", {}, test, width(dry, "test")))
    return found


def grown(usage: Usage, factor: float = GROWTH) -> dict[str, Amount]:
    """Return a usage with prompts that have grown: the same calls, more input tokens."""
    return {r: Amount(a.calls, a.input * factor, a.output) for r, a in usage.items()}


def changed(parts: Iterable[tuple[Part, Amount]], slots: Sequence[str], downstream: float) -> dict[
    str, Amount
]:  # fmt: skip
    """Return what an evaluation takes when the prompts of `slots` have changed.

    `downstream` is the share of the calls after them that are made anew. Requests for a
    retrieval do not show the memory: they are asked again for their own prompt only.
    """
    listed = list(parts)
    places = [UPSTREAM_FIRST.index(kind) for (kind, slot), _ in listed if slot and slot in slots]
    first = min(places, default=len(UPSTREAM_FIRST))
    found: list[tuple[Part, Amount]] = []
    for (kind, slot), amount in listed:
        if slot and slot in slots:
            found.append(((kind, slot), amount))
        elif kind == EMBEDDING or (kind != "retrieval" and UPSTREAM_FIRST.index(kind) > first):
            found.append(((kind, slot), amount * downstream))
    return _by_role(found)


def _first(dry: DryPass, split: str) -> Phase:
    """Return a first evaluation; its ends are apart where it rests on other conversations."""
    usage, margin = evaluation(dry, split), dry.scale.margin(dry.splits[split])
    low, high = scaled(usage, 1 - margin), scaled(usage, 1 + margin)
    return Phase(f"{split}, seed prompts", low, high, width(dry, split))


def _all_changed(dry: DryPass, split: str, downstream: float) -> dict[str, Amount]:
    parts = dry.scale.parts(dry.splits[split])
    return changed(parts.items(), [slot.name for slot in dry.slots], downstream)


def _attributions(dry: DryPass, rounds: int, learns: bool) -> Phase:
    """Return the attributions: at least one of every failure with the seed prompts. Fewer are
    left where much was mended, but promoted prompts have then been evaluated, which takes
    more."""
    share = dry.failures / max(1, dry.questions)
    train, selection, test = (
        share * sum(len(c.questions) for c in dry.splits[split])
        for split in ("train", "selection", "test")
    )
    once = train + selection + test
    low, high = once * (1 - A_FAILURE_OFF), once * (1 + A_FAILURE_OFF)
    if learns:
        high = once + train * LATER_FAILURES * (rounds - 1)
    some = share * sum(len(c.questions) for c in dry.splits["train"]) / len(dry.splits["train"])
    return Phase(
        "attribution",
        scaled(dry.attribution, low),
        scaled(dry.attribution, high),
        max(1.0, some),
    )


def _race(
    dry: DryPass,
    name: str,
    terms: tuple[tuple[float, float, float], tuple[float, float, float]],
    most: tuple[float, float],
    rounds: tuple[float, float],
) -> Phase:
    """Return a phase of `rounds` races, each of so many single edits and merged candidates."""
    train = dry.splits["train"]
    one = _edited_episode(dry)
    usage = []
    # Where the first round is about one slot, later ones turn to others.
    few = max(len(dry.aimed), min(FEWEST_SLOTS, len(dry.slots))) if dry.aimed else 0
    slots = (few, len(dry.slots))
    for end in (0, 1):
        a, b, c = terms[end]
        screened = max(2, len(train) // 2) - 1
        episodes = slots[end] * (a + b * screened) + c * len(train)
        if not slots[end]:
            episodes = 0.0
        elif not end:
            failed = dry.failures / max(1, dry.questions) * sum(len(c.questions) for c in train)
            surely = (failed - FEW_FAILURES) / (SURE_FAILURES - FEW_FAILURES)
            episodes *= min(1.0, max(0.0, surely))
        limit = most[end] * (dry.effort or 5.0) * len(train)
        usage.append(scaled(one, rounds[end] * min(episodes, limit)))
    one_at_a_time = width(dry, "train") / len(train)
    return Phase(name, usage[0], grown(usage[1]), max(1.0, EPISODES_AT_A_TIME * one_at_a_time))


def _edited_episode(dry: DryPass) -> dict[str, Amount]:
    """Return what one training episode takes with one prompt edited: the mean over slots."""
    kinds = {slot.name: slot.kind for slot in dry.slots}
    slots = dry.aimed or tuple(kinds)
    train = dry.splits["train"]
    parts = dry.scale.parts(train)
    share = 1 / (len(slots) * len(train))
    return added(*(scaled(changed(parts.items(), [s], DOWNSTREAM[kinds[s]]), share) for s in slots))


def width(dry: DryPass, split: str) -> float:
    """Return how many calls an evaluation of a split can have under way at a time: sessions
    are ingested and answers judged one after another, questions and conversations are not."""
    conversations = dry.splits[split]
    calls = total(evaluation(dry, split)).calls
    longest = max((_chain(dry, c) for c in conversations), default=0.0)
    return max(1.0, calls / longest) if longest else 1.0


def _chain(dry: DryPass, conversation: Conversation) -> float:
    """Return how many of a conversation's calls wait for each other, at least."""
    parts = dry.scale.parts([conversation])
    waiting = (a.calls for (kind, _), a in parts.items() if kind in INGESTING or kind == "judge")
    asked = {kind for kind, _ in parts} & {"retrieval", "response"}
    return sum(waiting) + len(asked)


def _full(later: int) -> float:
    """Return as how many rounds of the mean the rounds after the first count."""
    return sum(LATER_ROUNDS[:later]) + EACH_FURTHER * max(0, later - len(LATER_ROUNDS))


def _by_role(parts: Iterable[tuple[Part, Amount]]) -> dict[str, Amount]:
    """Return the parts' sum by role: judge and embeddings by name, all else is the agent's."""
    found: dict[str, Amount] = {}
    for (kind, _), amount in parts:
        role = kind if kind in ("judge", EMBEDDING) else "agent"
        found[role] = found.get(role, Amount()) + amount
    return found
