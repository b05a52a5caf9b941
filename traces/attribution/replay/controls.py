"""Would the answer have changed anyway? The control, and the placebo.

The control replays the question without repair, the operations downstream of the repaired
ones run anew. The placebo is a change of the same kind at an operation that has nothing to do
with the question.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from traces import schema
from traces.attribution.replay.repair import Repair
from traces.attribution.replay.trial import Trial
from traces.operation import Intervention
from traces.replay import Replayed, recorded_outputs
from traces.schema import MemoryEntry, OperationRecord, Outputs, Variable


def downstream(trial: Trial, repairs: Sequence[Repair]) -> frozenset[str]:
    """Return the recorded operations that rest on the repaired ones, on the evidence's way,
    and those of the question itself."""
    graph, index = trial.graph, trial.recorded
    asked = index.asked(trial.failure.question.id)
    found = {o.id for o in (*asked.retrievals, *asked.responses)}
    for repair in repairs:
        if repair.operation.id not in graph.operations:
            continue
        for id in graph.descendants(repair.operation.id):
            operation = graph.operations.get(id)
            if operation is not None and _concerned(trial, operation):
                found.add(id)
    return frozenset(found)


def _concerned(trial: Trial, operation: OperationRecord) -> bool:
    if operation.kind in ("retrieval", "response"):
        return operation.scope == trial.failure.question.id
    given = trial.recorded.inputs(operation, "fact") + trial.recorded.inputs(operation, "entry")
    return any(trial.evidence.intersection(v.value["sources"]) for v in given)


def control(trial: Trial, repairs: Sequence[Repair], sample_index: int = 0) -> Replayed:
    """Replay without the repairs; a memory that is deterministic answers as recorded."""
    return trial.control(downstream(trial, repairs), sample_index)


def unsteady(trial: Trial, replayed: Replayed) -> str:
    """Return the name of an operation that put out something else than was recorded although it
    was given the same; '' where none did. Chance may give the same answer by that, once."""
    for operation in replayed.recorder.operations:
        before = trial.graph.operations.get(operation.id)
        if before is None or before.reuse_key != operation.reuse_key:
            continue
        if before.status != "failed" and _hashes(before) != _hashes(operation):
            return operation.name
    return ""


def _hashes(operation: OperationRecord) -> dict[str, list[str]]:
    return {role: [hash for _, hash in refs] for role, refs in operation.outputs.items() if refs}


def placebo(trial: Trial, repair: Repair) -> Intervention | None:
    """Return a change like this repair at an unrelated operation; None where there is none."""
    return next(_placebos(trial, repair), None)


def _placebos(trial: Trial, repair: Repair) -> Iterator[Intervention]:
    index = trial.recorded
    question = trial.failure.question
    asked = index.asked(question.id)
    if repair.operation.kind == "retrieval":
        yield from _other_entry(trial, repair.operation)
        return
    related = trial.graph.backward_slice([o.id for o in (*asked.retrievals, *asked.responses)])
    for operation in trial.graph.operations.values():
        same = operation.kind == repair.operation.kind and operation.id != repair.operation.id
        if not same or operation.status == "failed" or not index.visible(operation.id, asked):
            continue
        outputs = recorded_outputs(trial.graph, operation.id)
        if operation.kind == "extraction":
            changed = _without_a_fact(trial, outputs, related)
        else:
            changed = None if operation.id in related else _not_stored(trial, operation, outputs)
        if changed is not None:
            yield _substitute(operation, changed)


def _without_a_fact(
    trial: Trial, outputs: dict[str, list[Variable]], related: set[str]
) -> Outputs | None:
    """Leave out one fact that the answer does not rest on."""
    for role, variables in outputs.items():
        for fact in reversed(variables):
            if fact.kind != "fact" or fact.id in related:
                continue
            if trial.evidence.isdisjoint(fact.value["sources"]):
                rest = [v for v in variables if v is not fact]
                return {**outputs, role: rest}
    return None


def _not_stored(
    trial: Trial, operation: OperationRecord, outputs: dict[str, list[Variable]]
) -> Outputs | None:
    """Leave an unrelated fact out of memory."""
    given = [
        *trial.recorded.inputs(operation, "fact"), *trial.recorded.inputs(operation, "message"),
    ]  # fmt: skip
    ids = {s for v in given for s in v.value.get("sources", (v.value.get("id"),))}
    stored = any(v.kind == "entry" for vs in outputs.values() for v in vs)
    if not stored or ids & trial.evidence:
        return None
    role = next((r for r, vs in outputs.items() if any(v.kind == "change" for v in vs)), "changes")
    return {role: [schema.change("keep", None, "left out")]}


def _other_entry(trial: Trial, operation: OperationRecord) -> Iterator[Intervention]:
    """Give the last rank to an entry that has nothing to do with the question."""
    index = trial.recorded
    asked = index.asked(trial.failure.question.id)
    outputs = recorded_outputs(trial.graph, operation.id)
    role = next((r for r, vs in outputs.items() if any(v.kind == "retrieved" for v in vs)), None)
    if role is None:
        return
    shown = {v.value["entry_id"] for v in outputs[role]}
    for version in reversed(index.standing(asked)):
        value = version.variable.value
        if value["entry_id"] in shown or not trial.evidence.isdisjoint(value["sources"]):
            continue
        entry = MemoryEntry.from_variable(version.variable).as_variable("retrieved")
        yield _substitute(operation, {**outputs, role: [*outputs[role][:-1], entry]})


def _substitute(operation: OperationRecord, outputs: Outputs) -> Intervention:
    return Intervention(operation.id, lambda _inputs, _real: outputs, repair=True)
