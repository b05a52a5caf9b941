"""Does a repair mend a fault of its operation, or only go round somebody else's?"""

from __future__ import annotations

from traces.attribution.invented import invented_before, invented_sentence, repeated
from traces.attribution.misdated import days_kept, let_through, misdated
from traces.attribution.replay.concern import unsupported
from traces.attribution.replay.repair import Repair, Scene
from traces.attribution.targets import Item
from traces.schema import OperationRecord, Variable


def delivers(repair: Repair, scene: Scene) -> bool:
    """Say whether a repair does more than go round another operation's fault.

    What a retrieval hands on has to carry the evidence, under the date that it was said of or
    one that its search lets through;
    an update that was handed an invention is not to blame for it; an extraction whose facts
    carry the evidence has lost nothing, however else they could be worded, and one that garbled
    a statement should have put it right, not left it out.
    """
    if repair.kind == "leave_out":
        return False
    if repair.operation.kind == "update":
        given = scene.index.inputs(repair.operation, "fact") if repair.kind != "delete" else []
        misled = any(unsupported(scene, fact) for fact in given)
        return not misled and invented_before(scene.index, repair.operation) is None
    if repair.kind == "without_fact":
        return not _of_a_statement(repair, scene)
    if repair.operation.kind == "extraction" and repair.kind in ("own_extraction", "verbatim"):
        return _lost_by(repair.operation, scene)
    if repair.kind != "choose":
        return True
    added = _added(repair, scene)
    returned = {v.hash for vs in repair.outputs.values() for v in vs}
    misleading = scene.supporter
    if (
        misleading is not None
        and misleading.hash not in returned
        and invented_sentence(scene.index, misleading)
    ):
        return False  # it is left out, and whoever made it is to blame
    raw = not any(scene.index.facts.values())
    kept = days_kept(scene.index.outputs(repair.operation, "query"))
    return any(
        scene.carries(Item.of(entry, raw=raw), target)
        and (let_through(entry, kept) or not misdated(entry, target.message))
        for entry in added for target in scene.targets
    )  # fmt: skip


def hands_on(repair: Repair, scene: Scene) -> bool:
    """Say whether a retrieval is repaired to return what it could have found by itself, whether
    that carries the evidence or not: its search knows no filters that could pass it by."""
    queries = scene.index.outputs(repair.operation, "query")
    filtered = any(set(q.value) != {"queries"} for q in queries)
    return repair.kind == "choose" and not filtered and bool(_added(repair, scene))


def _added(repair: Repair, scene: Scene) -> list[Variable]:
    before = {v.hash for v in scene.index.outputs(repair.operation, "retrieved")}
    return [v for vs in repair.outputs.values() for v in vs
            if v.kind == "retrieved" and v.hash not in before]  # fmt: skip


def _of_a_statement(repair: Repair, scene: Scene) -> bool:
    kept = {v.hash for vs in repair.outputs.values() for v in vs}
    left_out = [f for f in scene.index.outputs(repair.operation, "fact") if f.hash not in kept]
    return any(repeated(scene.index, fact) for fact in left_out)


def _lost_by(extraction: OperationRecord, scene: Scene) -> bool:
    given = {m.value["id"] for m in scene.index.inputs(extraction, "message")}
    facts = scene.index.outputs(extraction, "fact")
    mine = [t for t in scene.targets if t.message_id in given]
    mine = [t for t in mine if t.complete] or mine
    return not mine or any(
        not any(
            scene.carries(Item.of(fact), target) and not misdated(fact, target.message)
            for fact in facts if target.message_id in fact.value["sources"]
        )
        for target in mine
    )  # fmt: skip
