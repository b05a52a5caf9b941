"""What one operation should have put out, from what it was given: the best first.

Each kind of operation has its own module; what they make is checked for legality here, so
that nothing illegal can reach a replay.
"""

from __future__ import annotations

from collections.abc import Iterator

from traces.attribution.replay import ideal_extraction, ideal_retrieval, ideal_update
from traces.attribution.replay.legality import IllegalRepair, check_legal
from traces.attribution.replay.repair import Repair, Scene
from traces.schema import OperationRecord, Outputs, Variable

# A response is not repaired: with the gold answer, that always rescues.
_MAKERS = {
    "extraction": ideal_extraction.repairs,
    "update": ideal_update.repairs,
    "retrieval": ideal_retrieval.repairs,
}


def ideal_outputs(operation: OperationRecord, scene: Scene) -> Iterator[Repair]:
    """Yield repairs of an operation of the scene's graph, best first, each made when it is
    asked for: legal, different from what the operation put out and from each other.

    Nothing for an operation that neither evidence nor the misleading entry concern. At most
    one model call an evidence message, and readings of `scene.carries`. Raises what these
    raise.
    """
    make = _MAKERS.get(operation.kind)
    if make is None or operation.id not in scene.index.position:
        return
    operation = scene.index.operation(operation.id)
    kinds = ("fact", "message", "change", "entry", "query", "retrieved")
    recorded = [v for kind in kinds for v in scene.index.outputs(operation, kind)]
    seen = {_content(recorded)}
    for repair in make(operation, scene):
        content = content_of(repair.outputs)
        if content not in seen:
            seen.add(content)
            try:
                check_legal(repair, scene)
            except IllegalRepair:
                # A memory's own extraction of one message may go too far: the next one, then.
                continue
            yield repair


def content_of(outputs: Outputs) -> tuple[str, ...]:
    """Return what outputs say and do, whatever their roles, ids, order and given reasons."""
    return _content([v for variables in outputs.values() for v in variables])


def _content(variables: list[Variable]) -> tuple[str, ...]:
    told = [f"{v.kind} {v.hash}" for v in variables if v.kind != "change"]
    # To add is to put out the entry, and to keep does nothing.
    done = {
        f"{v.value['action']} {v.value['target']}"
        for v in variables
        if v.kind == "change" and v.value["action"] in ("change", "delete")
    }
    return (*sorted(told), *sorted(done))
