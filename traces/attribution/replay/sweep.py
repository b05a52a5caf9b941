"""When nothing that is suspected certifies: each operation of the path, latest first."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from traces.attribution.replay.delivering import delivers
from traces.attribution.replay.ideal import ideal_outputs
from traces.attribution.replay.repair import Repair
from traces.attribution.replay.search import RESERVED, VARIANTS, Found, extended, repairs_of
from traces.attribution.replay.trial import Outcome, Trial
from traces.schema import OperationRecord

SWEPT = 8  # repairs that a sweep tries

PutOff = tuple[Sequence[Repair], Repair]


def sweep(trial: Trial, found: Found) -> None:
    """Repair each operation of the path, latest first, until the answer is right: first by
    itself, then together with what brought the evidence further, or with a retrieval that
    handed it on in vain.

    Handing on an entry that does not carry the evidence, or leaving out a misleading one,
    goes round whoever made that entry: these come last.
    """
    found.swept = True
    base = found.best or found.probed
    put_off = _sweep(trial, found, None)
    if base is not None:
        put_off = [*_sweep(trial, found, base), *put_off]
    if found.rescue is None and found.fallback is None:
        for kept, repair in put_off:
            if _rescues(trial, found, kept, repair):
                break
    found.rescue = found.rescue or found.fallback


def _sweep(trial: Trial, found: Found, base: Outcome | None) -> list[PutOff]:
    """Return the repairs that only go round an operation, with those to be kept beside them."""
    kept = repairs_of(base)
    done = {repair.operation.id for repair in kept}
    scene = trial.scene(base)
    put_off: list[PutOff] = []
    tried = 0
    for operation in _path(trial, base) if found.rescue is None else ():
        if operation.id in done:
            continue
        for repair in islice(ideal_outputs(operation, scene), VARIANTS):
            if not delivers(repair, scene):
                put_off.append((kept, repair))
            elif tried < SWEPT:
                tried += 1
                if _rescues(trial, found, kept, repair, base):
                    return []
    return put_off


def _rescues(
    trial: Trial, found: Found, kept: Sequence[Repair], repair: Repair,
    base: Outcome | None = None,
) -> bool:  # fmt: skip
    if not trial.allows(RESERVED):
        return False
    outcome = extended(trial, kept, repair)
    found.tried.add(repair.operation.id)
    if outcome.right:
        found.rescue = outcome
    elif found.supplied is None and _supplies(trial, base, outcome):
        found.supplied = outcome
    return outcome.right


def _supplies(trial: Trial, base: Outcome | None, outcome: Outcome) -> bool:
    """Say whether a replay brought the answer an entry of the evidence that it had not."""
    if outcome.replayed.error is not None:
        return False
    before = {v.value.get("entry_id") for v in trial.context(base)}
    return any(
        v.value.get("entry_id") not in before and trial.evidence.intersection(v.value["sources"])
        for v in trial.context(outcome)
    )


def _path(trial: Trial, outcome: Outcome | None) -> Sequence[OperationRecord]:
    """Return the operations that touched the evidence or made the answer, latest first."""
    index = trial.recorded if outcome is None else outcome.index
    asked = index.asked(trial.failure.question.id)
    graph = trial.graph if outcome is None else outcome.replayed.graph
    made = graph.backward_slice([o.id for o in (*asked.retrievals, *asked.responses)])
    touched = {o.id for o in (*asked.retrievals, *asked.responses)}
    for id in trial.evidence:
        message = index.messages.get(id)
        if message is not None:
            touched.update(i for i in graph.descendants(message.id) if i in graph.operations)
        touched.update(v.made_by for v in index.versions[id])
        # An update that ended an entry of the evidence is not made from it.
        touched.update(v.ended_by for v in index.versions[id] if v.ended_by)
    for id in made:
        operation = graph.operations.get(id)
        if operation is not None and operation.kind == "update" and _shown(trial, operation):
            touched.add(id)
    visible = [
        graph.operations[id] for id in touched
        if id in graph.operations
        and (graph.operations[id].scope == trial.failure.question.id or index.visible(id, asked))
    ]  # fmt: skip
    return sorted(visible, key=lambda o: -index.position[o.id])


def _shown(trial: Trial, operation: OperationRecord) -> bool:
    """Say whether an update's entries rest on the evidence."""
    return any(
        trial.evidence.intersection(v.value.get("sources", ()))
        for v in trial.recorded.outputs(operation, "entry")
    )
