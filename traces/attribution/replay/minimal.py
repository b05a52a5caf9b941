"""Step 4: the smallest set of repairs, and whether a later operation alone would do."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from traces.attribution.replay.delivering import delivers
from traces.attribution.replay.ideal import content_of, ideal_outputs
from traces.attribution.replay.legality import IllegalRepair, check_legal
from traces.attribution.replay.repair import Repair
from traces.attribution.replay.search import RESERVED, VARIANTS, remade
from traces.attribution.replay.trial import Outcome, Trial
from traces.domain import PIPELINE

# Repairs that keep evidence on its way; leaving an entry out rescues whoever made it.
_DELIVERING = ("choose", "as_given", "add_beside", "with_history")
LATER = 2  # later operations that are tried


def smallest(trial: Trial, rescue: Outcome) -> Outcome:
    """Drop repairs one by one, the earliest first, as long as the answer stays right.

    A repair that is only possible after another one (it uses what that one made) keeps it.
    """
    for repair in sorted(rescue.repairs, key=lambda r: PIPELINE.index(r.operation.kind)):
        rest = tuple(r for r in rescue.repairs if r.operation.id != repair.operation.id)
        # One that went with an earlier one is not there any more.
        if 0 < len(rest) < len(rescue.repairs) and trial.allows(2):
            rescue = next((o for o in without_one(trial, repair, rest) if o.right), rescue)
    return rescue


def without_one(trial: Trial, repair: Repair, rest: tuple[Repair, ...]) -> Iterator[Outcome]:
    """Yield replays with the rest of the repairs; none where they are not possible without it.

    What was made from the dropped one's outputs is made anew: what a retrieval should return,
    what an update should store. Where without a retrieval's repair evidence does not arrive, what
    is stored before it is also repaired otherwise: a search may only have missed the words of one
    repair.
    """
    if any(r.operation.id not in trial.graph.operations for r in rest):
        return
    upstream = repair.operation.kind != "retrieval"
    after = trial.graph.descendants(repair.operation.id) if upstream else set()
    stale = [
        r for r in rest
        if (upstream and r.operation.kind == "retrieval")
        or r.operation.id in after
        or not _legal(trial, r)
    ]  # fmt: skip
    kept = tuple(r for r in rest if r not in stale)
    fewer = remade(trial, kept, stale) if stale else trial.attempt(rest)
    yield fewer
    if repair.operation.kind != "retrieval" or _arrived(trial, fewer):
        return
    for one in rest:
        if one.operation.kind == "retrieval":
            continue
        others = tuple(r for r in rest if r is not one)
        for worded in islice(ideal_outputs(one.operation, trial.scene()), VARIANTS):
            if content_of(worded.outputs) != content_of(one.outputs) and trial.allows(RESERVED):
                yield trial.attempt((*others, worded))


def _arrived(trial: Trial, outcome: Outcome) -> bool:
    """Say whether all evidence is in the context that a replay's answer was made from."""
    chains = trial.suspects(outcome).chains if outcome.replayed.error is None else ()
    return bool(chains) and all(chain.ranks for chain in chains)


def _legal(trial: Trial, repair: Repair) -> bool:
    """Say whether a repair is legal on the recorded graph, without any other one."""
    try:
        check_legal(repair, trial.scene())
    except IllegalRepair:
        return False
    return True


def later(trial: Trial, rescue: Outcome) -> Outcome | None:
    """Return the rescue by one later operation that had the evidence, if there is one.

    The decisive operation is the last one that was given what the answer needs: where a
    later repair rescues too, the earlier one only went round the fault.
    """
    if len(rescue.repairs) != 1:
        return None
    (repair,) = rescue.repairs
    if repair.kind == "without_fact":
        return None  # an invention is nobody's later fault
    index, scene = trial.recorded, trial.scene()
    asked = index.asked(trial.failure.question.id)
    stage = PIPELINE.index(repair.operation.kind)
    after = list(reversed(asked.retrievals)) if stage < PIPELINE.index("retrieval") else []
    if stage < PIPELINE.index("update"):
        after += [
            user
            for id in sorted(trial.evidence)
            for fact in index.facts[id]
            for user in index.users[fact.id]
            if user.kind == "update"
            and index.visible(user.id, asked)
            and index.position[user.id] > index.position.get(repair.operation.id, -1)
        ]
    tried = 0
    for operation in after:
        for other in islice(ideal_outputs(operation, scene), 1):
            apt = other.kind in _DELIVERING and delivers(other, scene)
            if not apt or tried >= LATER or not trial.allows(2):
                continue
            tried += 1
            outcome = trial.attempt((other,))
            if outcome.right:
                return outcome
    return None
