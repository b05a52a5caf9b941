"""What no repair may do: say, target or return what its operation was not given."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from traces.attribution.invented import sentences
from traces.attribution.replay.concern import (
    may_keep,
    same_matter,
    sources_of,
    stored_before,
    takes_back,
    unsupported,
)
from traces.attribution.replay.ideal_retold import garbled, tells_anew
from traces.attribution.replay.ideal_retrieval import available, limit, misleads
from traces.attribution.replay.ideal_update import HISTORY
from traces.attribution.replay.licence import in_their_words, licensed, smuggled
from traces.attribution.replay.repair import Repair, Scene
from traces.attribution.words import quote
from traces.errors import InterventionError
from traces.schema import Variable


class IllegalRepair(InterventionError):
    """A repair uses what its operation was not given."""

    code = "illegal_repair"


def check_legal(repair: Repair, scene: Scene) -> None:
    """Raise IllegalRepair for a repair that no honest operation could have put out.

    An extraction may put out what its messages say (in their words, or as the memory's own
    extraction of them words it), and leave out only what they do not. An update may use the texts
    of its fact and of the entries that it was shown, and target these. A retrieval may return
    what it could choose from, no more than it returns, and leave out what misled the answer.
    A response is never repaired.
    """
    kind = repair.operation.kind
    if kind == "extraction":
        reason = _extraction(repair, scene)
    elif kind == "update":
        reason = _update(repair, scene)
    elif kind == "retrieval":
        reason = _retrieval(repair, scene)
    else:
        reason = "a repaired answer always rescues; responses are certified by entailment"
    if reason:
        operation = repair.operation
        raise IllegalRepair(
            f"illegal repair '{repair.kind}' of {operation.kind} '{operation.name}' "
            f"({operation.id}): {reason}"
        )


def _of(repair: Repair, kind: str) -> list[Variable]:
    return [v for variables in repair.outputs.values() for v in variables if v.kind == kind]


def _told(variable: Variable) -> str:
    return f"'{quote(str(variable.value.get('text', variable.json)), 80)}'"


# extraction --------------------------------------------------------------------------------


def _extraction(repair: Repair, scene: Scene) -> str:
    index, operation = scene.index, repair.operation
    given = index.inputs(operation, "message")
    passed = {v.hash for v in (*given, *index.outputs(operation, "message"))}
    for message in _of(repair, "message"):
        if message.hash not in passed:
            return f"the message {_told(message)} was not among its inputs"
    recorded = index.outputs(operation, "fact")
    known = {f.hash for f in recorded}
    new = [f for f in _of(repair, "fact") if f.hash not in known]
    for fact in new:
        if not licensed(scene, operation, fact):
            return f"the fact {_told(fact)} holds or cites what its messages do not give"
        if repair.kind != "own_extraction" and not in_their_words(given, fact):
            return f"the fact {_told(fact)} is not in the words of its messages"
    there = {f.hash for f in _of(repair, "fact")}
    told_anew = {source for fact in new for source in sources_of(fact)}
    for fact in recorded:
        replaced = told_anew.intersection(sources_of(fact))
        if fact.hash not in there and not replaced and not unsupported(scene, fact):
            return f"the fact {_told(fact)} is left out, which its messages support"
    kept = {v.hash for v in _of(repair, "message")}
    for message in index.outputs(operation, "message"):
        if message.hash not in kept:
            return f"the message {_told(message)} is left out"
    return ""


# update --------------------------------------------------------------------------------------


def _update(repair: Repair, scene: Scene) -> str:
    index, operation = scene.index, repair.operation
    items = index.inputs(operation, "fact") or index.inputs(operation, "message")
    shown = {str(v.value["entry_id"]): v for v in index.inputs(operation, "entry")}
    # What it put out for its other facts or messages stays.
    anew = tells_anew(scene, operation)
    kinds = ("entry", "change") if len(items) > 1 or anew else ()
    stays = {v.hash for kind in kinds for v in index.outputs(operation, kind)}
    changes = [c for c in _of(repair, "change") if c.hash not in stays]
    entries = [e for e in _of(repair, "entry") if e.hash not in stays]
    if anew:
        return _retold(scene, repair, entries)
    targets = {c.value["target"] for c in changes} - {None}
    for target in targets:
        if target not in shown:
            return f"it was not shown the entry {target}"
    for entry in entries:
        reason = _entry(scene, repair, entry, items, shown)
        if reason:
            return reason
    deleted = [c.value["target"] for c in changes if c.value["action"] == "delete"]
    for target in deleted:
        if not any(takes_back(scene, item, shown[target]) for item in items):
            return f"nothing that it was given takes back {_told(shown[target])}"
    if (
        not entries
        and not deleted
        and not any(
            may_keep(scene, operation, item, entry) for item in items for entry in shown.values()
        )
        and not (items and all(stored_before(scene, operation, item) for item in items))
    ):
        return "what it was given is neither known already nor against the evidence"
    return ""


def _retold(scene: Scene, repair: Repair, entries: Sequence[Variable]) -> str:
    """An update that tells messages anew gives up what it garbled, and says nothing else."""
    recorded = {v.value["entry_id"]: v for v in scene.index.outputs(repair.operation, "entry")}
    there = {v.hash for v in _of(repair, "entry")}
    for entry in recorded.values():
        if entry.hash not in there and not garbled(scene, entry):
            return f"the entry {_told(entry)} is left out, which its messages support"
    for entry in entries:
        before = recorded.get(entry.value["entry_id"])
        said = "" if before is None else before.value["text"]
        same = before is not None and {**entry.value, "text": said} == before.value
        if not same or not set(sentences(entry.value["text"])) <= set(sentences(said)):
            return f"the entry {_told(entry)} is no part of what it told"
    return ""


def _entry(
    scene: Scene, repair: Repair, entry: Variable, items: Sequence[Variable],
    shown: dict[str, Variable],
) -> str:  # fmt: skip
    id = entry.value["entry_id"]
    if id in shown:
        changed = any(
            c.value["action"] == "change" and c.value["target"] == id for c in _of(repair, "change")
        )
        if not changed or entry.value["version"] != shown[id].value["version"] + 1:
            return f"the entry {id} does not follow from the version that it was shown"
        if not any(same_matter(scene, repair.operation, item, shown[id]) for item in items):
            return f"the entry {_told(shown[id])} is on another matter"
    elif any(v.made_by != repair.operation.id for v in scene.index.chain_of.get(id, ())[:1]):
        return f"it was not shown the entry {id}"
    given = [*items, *shown.values()]
    sources = {source for variable in given for source in sources_of(variable)}
    if not sources.issuperset(sources_of(entry)):
        return f"the entry {_told(entry)} cites messages that it was not given"
    if not in_their_words(given, entry, HISTORY) or smuggled(scene, given, entry):
        return f"the entry {_told(entry)} says what neither fact nor shown entries say"
    return ""


# retrieval -----------------------------------------------------------------------------------


def _retrieval(repair: Repair, scene: Scene) -> str:
    index, operation = scene.index, repair.operation
    if operation.id not in {o.id for o in index.asked(scene.question.id).retrievals}:
        return "it is another question's"
    queries = Counter(v.hash for v in _of(repair, "query"))
    if queries != Counter(v.hash for v in index.outputs(operation, "query")):
        return "its queries are not the recorded ones"
    before = index.outputs(operation, "retrieved")
    there = {v.hash for v in before}
    stands = {v.hash for v in available(operation, scene) or ()}
    after = _of(repair, "retrieved")
    for entry in after:
        if entry.hash not in there | stands:
            return f"the entry {_told(entry)} did not stand in what it could choose from"
    if len({v.value["entry_id"] for v in after}) < len(after):
        return "an entry is returned twice"
    if len(after) > max(limit(operation, scene), len(before)):
        return f"{len(after)} entries are more than it returns"
    kept = {v.hash for v in after}
    gone = [v for v in before if v.hash not in kept]
    misled = [v for v in gone if misleads(scene, v)]
    if len(gone) - len(misled) > len(kept - there):
        return "it leaves out entries for which no other is returned"
    return ""
