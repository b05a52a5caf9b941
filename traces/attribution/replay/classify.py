"""Error type and sub-type of an operation that a repair proved decisive.

Where the passes over the graph suspected the operation, they also said how it failed. One
that only the sweep found is described by what the repair had to change.
"""

from __future__ import annotations

from collections import Counter

from traces.attribution.blame import Blame, blame_for, describe_update
from traces.attribution.carries import coverage, read_wording
from traces.attribution.index import GraphIndex
from traces.attribution.replay.repair import Repair, Scene
from traces.attribution.targets import Item
from traces.attribution.words import quote
from traces.schema import OperationRecord

_TYPES = {
    "extraction": "ExtractionError", "update": "UpdateError", "retrieval": "RetrievalError",
    "response": "ResponseError",
}  # fmt: skip
_TOUCHES = 0.35
_SEEN = 5  # what fewer operations of a name did says nothing of what they may do
_LOST = {"subject": "wrong_speaker", "time": "wrong_time", "value": "distortion"}


def blame_of(repair: Repair, scene: Scene, suspected: Blame | None) -> Blame:
    """Return what is said of a decisive operation; `suspected` is what the passes said."""
    if suspected is not None and suspected.error_type in _fitting(repair, scene):
        return suspected
    operation = repair.operation
    error_type, sub_type = _types(repair, scene)
    target = next((t for t in scene.targets if _given(scene, operation, t.message_id)), None)
    if target is None and scene.targets:
        target = scene.targets[0]
    produced = (
        describe_update(scene.index, operation, "" if target is None else target.message_id)
        if operation.kind == "update"
        else " | ".join(
            quote(str(v.value.get("text") or ""), 90)
            for kind in ("fact", "retrieved")
            for v in scene.index.outputs(operation, kind)
        )
    )
    if target is None:
        return Blame(operation, error_type, sub_type, repair.what, "", quote(produced))
    return blame_for(target, operation, error_type, sub_type, repair.what, produced=produced)


def _fitting(repair: Repair, scene: Scene) -> tuple[str, ...]:
    kind = repair.operation.kind
    if kind != "update":
        return (_TYPES[kind],)
    deletes = _may_delete(scene.index, repair.operation)
    return ("UpdateError", "DeletionError") if deletes else ("UpdateError",)


def _types(repair: Repair, scene: Scene) -> tuple[str, str]:
    operation = repair.operation
    if operation.kind == "extraction":
        return "ExtractionError", _extraction(repair, scene)
    if operation.kind == "retrieval":
        return "RetrievalError", "distractor" if repair.kind == "leave_out" else "missed"
    changes = scene.index.outputs(operation, "change")
    actions = {c.value["action"] for c in changes}
    entries = scene.index.outputs(operation, "entry")
    if "delete" in actions and not entries:
        return "DeletionError", "overwritten"
    if repair.kind == "delete" and _may_delete(scene.index, operation):
        return "DeletionError", "stale"
    if repair.kind == "delete" and (entries or "add" not in _done(scene.index, operation)):
        return "UpdateError", "stale"
    if repair.kind in ("replace", "with_history") and "change" not in actions:
        return "UpdateError", "stale"
    if not entries:
        return "UpdateError", "omission"
    return "UpdateError", "overwritten" if "change" in actions else "distortion"


def _may_delete(index: GraphIndex, operation: OperationRecord) -> bool:
    """Say whether an operation can be blamed for not deleting: one of a name that has only added
    so far, or only told anew what stands, fails by not telling."""
    done = _done(index, operation)
    return "delete" in done or {"add", "change"} <= done.keys() or done.total() < _SEEN


def _done(index: GraphIndex, operation: OperationRecord) -> Counter[str]:
    """Return what the operations of this name did to entries, with counts."""
    same = (o for o in index.of_kind("update") if o.name == operation.name)
    return Counter(str(c.value["action"]) for o in same for c in index.outputs(o, "change"))


def _extraction(repair: Repair, scene: Scene) -> str:
    if repair.kind == "without_fact":
        return "hallucination"
    for target in scene.targets:
        own = [
            f for f in scene.index.outputs(repair.operation, "fact")
            if target.message_id in f.value["sources"]
        ]  # fmt: skip
        touching = [Item.of(f) for f in own if coverage(Item.of(f), target) >= _TOUCHES]
        lost = {read_wording(item, target).lost for item in touching}
        for name, sub_type in _LOST.items():
            if name in lost:
                return sub_type
    return "omission"


def _given(scene: Scene, operation: OperationRecord, message_id: str) -> bool:
    return any(
        message_id in v.value.get("sources", (v.value.get("id"),))
        for kind in ("message", "fact", "entry")
        for v in scene.index.inputs(operation, kind)
    )
