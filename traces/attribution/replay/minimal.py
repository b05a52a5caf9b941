"""Step 4: the smallest set of repairs, and whether a later operation alone would do."""

from __future__ import annotations

from itertools import islice

from traces.attribution.replay.delivering import delivers
from traces.attribution.replay.ideal import ideal_outputs
from traces.attribution.replay.legality import IllegalRepair, check_legal
from traces.attribution.replay.repair import Repair
from traces.attribution.replay.search import remade
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
        rest = tuple(r for r in rescue.repairs if r is not repair)
        without = without_one(trial, repair, rest) if rest and trial.allows(2) else None
        if without is not None and without.right:
            rescue = without
    return rescue


def without_one(trial: Trial, repair: Repair, rest: tuple[Repair, ...]) -> Outcome | None:
    """Replay with the rest of the repairs; None where they are not possible without it.

    What was made from the dropped one's outputs is made anew: what a retrieval should return,
    what an update should store.
    """
    if any(r.operation.id not in trial.graph.operations for r in rest):
        return None
    upstream = repair.operation.kind != "retrieval"
    stale = [
        r for r in rest
        if (upstream and r.operation.kind == "retrieval") or not _legal(trial, r)
    ]  # fmt: skip
    kept = tuple(r for r in rest if r not in stale)
    return remade(trial, kept, stale) if stale else trial.attempt(rest)


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
