"""Repairs of a retrieval: what stands in memory and was not returned, or misled the answer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from traces.attribution.on_matter import on_matter
from traces.attribution.replay.concern import contamination, rebuilt, sources_of, wanted, worded
from traces.attribution.replay.repair import Kind, Repair, Scene
from traces.attribution.targets import Item, Target
from traces.attribution.words import key_stems, quote
from traces.schema import OperationRecord, Variable
from traces.text import BM25

_USUAL = 10  # entries that a search returns, where no search of the graph returned any


def repairs(operation: OperationRecord, scene: Scene) -> Iterator[Repair]:
    """Yield repairs of one retrieval of the scene's question."""
    mine = {o.id for o in scene.index.asked(scene.question.id).retrievals}
    if operation.id not in mine:
        return
    given = available(operation, scene)
    if given is None:
        return
    returned = scene.index.outputs(operation, "retrieved")
    # Who was handed the misleading entry by an earlier step did not bring it in.
    handed = {_key(v) for v in scene.index.inputs(operation, "retrieved")}
    misled = _misleading(scene, [v for v in returned if _key(v) not in handed])
    best = [found for t in scene.targets if (found := _best(scene, t, given, returned))]
    every = [v for t in scene.targets for v in given if t.message_id in sources_of(v)]
    like = [v for t in scene.targets for v in given if _says(scene, v, t)]
    if not best:
        yield from _leave_out(operation, scene, misled)
    for chosen in (best, every, like):
        missing = _missing(chosen, returned)
        if not missing:
            continue
        yield _choose(operation, scene, missing, given)
        if misled is not None and _missing([misled], missing):
            yield _choose(operation, scene, missing, given, misled)
        if chosen is best:
            yield from _leave_out(operation, scene, misled)
            if not returned:
                yield _choose(operation, scene, [*missing, *_found(operation, scene, given)], given)


def available(operation: OperationRecord, scene: Scene) -> list[Variable] | None:
    """Return what a retrieval may return: of entries that it was given those, else of all
    that stood when the question was asked. None where it returns no entries at all, or chooses
    among what it is handed and was handed nothing."""
    index = scene.index
    given = [*index.inputs(operation, "retrieved"), *index.inputs(operation, "entry")]
    if given:
        return [retrieved(v) for v in given]
    asked = index.asked(scene.question.id)
    if operation not in index.searching(asked):
        return None
    queries = index.outputs(operation, "query")
    if not index.largest_result(operation.name) and any(index.users[q.id] for q in queries):
        return None  # it makes queries; another operation searches
    return [retrieved(v.variable) for v in index.standing(asked)]


def retrieved(entry: Variable) -> Variable:
    """Return an entry version as a retrieved one."""
    return entry if entry.kind == "retrieved" else Variable("retrieved", entry.value)


def limit(operation: OperationRecord, scene: Scene) -> int:
    """Return how many entries a retrieval may return: as many as it did, or as operations of
    its name do at most; where none returned anything, a usual number. One that returns the
    latest entries and reached back to the first has room for all."""
    returned = scene.index.outputs(operation, "retrieved")
    given = available(operation, scene) or []
    by_time = bool(returned) and _by_time(operation, scene, returned, given)
    if by_time and _key(returned[0]) == _key(given[0]):
        return len(given)
    known = [scene.index, *([scene.recorded] if scene.recorded else [])]
    most = max(index.largest_result(operation.name) for index in known)
    return max(len(returned), most) or _USUAL


def _misleading(scene: Scene, returned: Sequence[Variable]) -> Variable | None:
    """Return the returned entry that supports the wrong answer, where it may be left out."""
    return next((v for v in returned if misleads(scene, v)), None)


def misleads(scene: Scene, entry: Variable) -> bool:
    """Say whether an entry supports the wrong answer, faithfully, and is on another matter than
    the evidence: one that rests on it was rightly returned, whatever became of it before."""
    supporter = scene.supporter
    if supporter is None or supporter.kind == "message" or _key(entry) != _key(supporter):
        return False
    targets = wanted(scene)
    # What must not be answered at all may have been said: without targets, all can mislead.
    evidence = {t.message_id for t in targets}
    if targets:
        evidence |= set(scene.question.evidence)
    if targets and scene.question.unanswerable:
        evidence |= set(on_matter(scene.index, scene.question))
    if evidence.intersection(sources_of(entry)):
        return False
    return contamination(scene).unfaithful(supporter) is None


def _best(
    scene: Scene, target: Target, given: Sequence[Variable], returned: Sequence[Variable]
) -> Variable | None:
    """Return the entry that should have been returned for a target, or None where one that
    carries it was."""
    mine = [v for v in given if target.message_id in sources_of(v)]
    raw = not scene.index.facts[target.message_id]
    carrying = [v for v in mine if scene.carries.reading(Item.of(v, raw), target).carried]
    if any(not _missing([v], returned) for v in carrying):
        return None
    missing = _missing(carrying or mine, returned)
    return missing[-1] if missing else None


def _says(scene: Scene, entry: Variable, target: Target) -> bool:
    """Say whether an entry says what a target asks for, whatever its sources."""
    telling = {stem for part in target.parts for stem in part}
    held = set(key_stems(entry.value["text"]))
    if not telling or not telling <= held or not target.event & held:
        return False
    return scene.carries.reading(Item.of(entry), target).carried


def _found(operation: OperationRecord, scene: Scene, given: Sequence[Variable]) -> list[Variable]:
    """Return the entries whose words are nearest to the question's, for a retrieval that
    returned nothing: some answers need more than the evidence's own entries."""
    words = BM25()
    for place, entry in enumerate(given):
        words.add(str(place), key_stems(worded(entry)))
    nearest = words.top(key_stems(scene.question.text), limit(operation, scene))
    return [given[int(place)] for place, _ in nearest]


def _missing(entries: Sequence[Variable], returned: Sequence[Variable]) -> list[Variable]:
    there = {_key(v) for v in returned}
    return list({_key(v): v for v in entries if _key(v) not in there}.values())


def _key(entry: Variable) -> tuple[str, int]:
    return entry.value["entry_id"], entry.value["version"]


def _choose(
    operation: OperationRecord, scene: Scene, chosen: Sequence[Variable],
    given: Sequence[Variable], without: Variable | None = None,
) -> Repair:  # fmt: skip
    """Return the repair that returns `chosen` too, in the last ranks."""
    returned = scene.index.outputs(operation, "retrieved")
    kept = [v for v in returned if without is None or _key(v) != _key(without)]
    most = limit(operation, scene)
    chosen = list({v.value["entry_id"]: v for v in chosen}.values())[:most]
    evidence = {t.message_id for t in scene.targets}
    over = max(0, len(kept) + len(chosen) - most)
    by_time = _by_time(operation, scene, kept, given)
    # What the evidence says as well stays as long as anything else can go.
    order = list(enumerate(kept)) if by_time else list(enumerate(kept))[::-1]
    order.sort(key=lambda row: bool(evidence.intersection(sources_of(row[1]))))
    gone = {place for place, _ in order[:over]}
    entries = [v for place, v in enumerate(kept) if place not in gone] + chosen
    if by_time:
        places = {_key(v): i for i, v in enumerate(given)}
        entries.sort(key=lambda v: places[_key(v)])
    texts = " | ".join(quote(v.value["text"], 90) for v in chosen)
    what = f"returned: {texts}"
    if without is not None:
        what += f"; not returned: {quote(without.value['text'], 90)}"
    return _repair(operation, scene, entries, "choose", what)


def _by_time(
    operation: OperationRecord, scene: Scene, kept: Sequence[Variable], given: Sequence[Variable]
) -> bool:
    """Say whether a retrieval searches for nothing and returns entries oldest first: what
    does not fit are then the first ones."""
    if any(q.value["queries"] for q in scene.index.outputs(operation, "query")):
        return False
    places = {_key(v): i for i, v in enumerate(given)}
    found = [places.get(_key(v), -1) for v in kept]
    return len(found) > 1 and -1 not in found and found == sorted(found)


def _leave_out(
    operation: OperationRecord, scene: Scene, misled: Variable | None
) -> Iterator[Repair]:
    if misled is None:
        return
    entries = [v for v in scene.index.outputs(operation, "retrieved") if _key(v) != _key(misled)]
    what = f"not returned: {quote(misled.value['text'], 120)}"
    yield _repair(operation, scene, entries, "leave_out", what)


def _repair(
    operation: OperationRecord, scene: Scene, entries: list[Variable], kind: Kind, what: str
) -> Repair:
    return Repair(operation, rebuilt(scene, operation, {"retrieved": entries}), kind, what)
