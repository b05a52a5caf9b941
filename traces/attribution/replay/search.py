"""Step 3: which repairs rescue the answer. What is suspected first, then the whole path.

After each repair that let the evidence travel further, suspects are looked for again on the
replayed graph: so two faults on one path are found one after the other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice

from traces.attribution.blame import Blame
from traces.attribution.misdated import misdated
from traces.attribution.replay.concern import unsupported
from traces.attribution.replay.ideal import ideal_outputs
from traces.attribution.replay.repair import Repair, Scene
from traces.attribution.replay.trial import Outcome, Trial
from traces.attribution.suspects import Suspects
from traces.attribution.targets import Item
from traces.domain import PIPELINE
from traces.schema import OperationRecord

MOST_REPAIRS = 3  # operations in one certified set
VARIANTS = 3  # repairs of one operation that are tried
DRAWS = 3  # of a repair that should have rescued and did not
SWEPT = 8  # repairs that a sweep tries
RESERVED = 6  # calls that a sweep leaves for triage


@dataclass
class Found:
    """What the search came to. `rescue` is the replay that gave the right answer; where there
    is none, `best` is the one in which the evidence came furthest (None: the recorded pass)
    and `suspects` who is suspected there. `tried` are operations that a repair was tried at;
    `fallback` is a rescue that counts only where no other operation is found.
    `draws` and `right` count the rescue's samples.
    """

    suspects: Suspects
    rescue: Outcome | None = None
    best: Outcome | None = None
    blames: dict[str, Blame] = field(default_factory=dict)
    tried: set[str] = field(default_factory=set)
    fallback: Outcome | None = None
    swept: bool = False
    draws: int = 1
    right: int = 1


def search(trial: Trial, first: Suspects) -> Found:
    """Repair what is suspected, one operation after the other, until the answer is right.

    `first` are the suspects on the recorded graph.
    """
    found = Found(first)
    while len(_repairs(found.best)) < MOST_REPAIRS:
        further = _one_step(trial, found)
        if found.rescue is not None or further is None:
            break
        found.best = further
        found.suspects = trial.suspects(further)
    if found.rescue is None:
        _alone(trial, found)
    if found.rescue is None and found.best is None:
        _probe(trial, found)
    return found


def _alone(trial: Trial, found: Found) -> None:
    """Try each of several repaired operations by itself, latest first: a repair before it may
    have been needless and have done harm."""
    kept = _repairs(found.best)
    if len(kept) < 2:
        return
    scene = trial.scene()
    for old in sorted(kept, key=lambda r: -PIPELINE.index(r.operation.kind)):
        made = (r for r in ideal_outputs(old.operation, scene) if delivers(r, scene))
        repair = next(made, None)
        if repair is None or not trial.allows(RESERVED):
            continue
        outcome = trial.attempt((repair,))
        if outcome.right:
            found.rescue = outcome
            return


def _probe(trial: Trial, found: Found) -> None:
    """Where a suspect has only a repair that goes round others, see what it does: a rescue
    counts when nobody else is found, a failure clears the suspect."""
    scene = trial.scene()
    for blame in islice(suspected(found.suspects), 1):
        if blame.operation.id in found.tried:
            return
        repair = next(ideal_outputs(blame.operation, scene), None)
        if repair is None or not trial.allows(RESERVED):
            return
        found.tried.add(blame.operation.id)
        outcome = trial.attempt((repair,))
        if outcome.right:
            found.fallback = outcome


def sweep(trial: Trial, found: Found) -> None:
    """Repair each operation of the path, latest first, until the answer is right: first by
    itself, then together with what brought the evidence further.

    Handing on an entry that does not carry the evidence, or leaving out a misleading one,
    goes round whoever made that entry: these come last.
    """
    found.swept = True
    _sweep(trial, found, None)
    if found.rescue is None and found.best is not None:
        _sweep(trial, found, found.best)
    found.rescue = found.rescue or found.fallback


def _sweep(trial: Trial, found: Found, base: Outcome | None) -> None:
    kept = _repairs(base)
    done = {repair.operation.id for repair in kept}
    scene = trial.scene(base)
    tried = 0
    last: list[Repair] = []
    repairs = (
        repair
        for operation in _path(trial, base)
        if operation.id not in done
        for repair in islice(ideal_outputs(operation, scene), VARIANTS)
    )
    for repair in chain(repairs, last):
        if not delivers(repair, scene) and repair not in last:
            last.append(repair)
            continue
        if (tried >= SWEPT and repair not in last) or not trial.allows(RESERVED):
            continue
        if repair in last and found.fallback is not None:
            return
        outcome = extended(trial, kept, repair)
        found.tried.add(repair.operation.id)
        tried += 1
        if outcome.right:
            found.rescue = outcome
            return


def delivers(repair: Repair, scene: Scene) -> bool:
    """Say whether a repair does more than go round another operation's fault.

    What a retrieval hands on has to carry the evidence, under the date that it was said of;
    an update that was handed an invention by the extraction is not to blame for it.
    """
    if repair.kind == "leave_out":
        return False
    if repair.operation.kind == "update" and repair.kind != "delete":
        given = scene.index.inputs(repair.operation, "fact")
        return not any(unsupported(scene, fact) for fact in given)
    if repair.kind != "choose":
        return True
    before = {v.hash for v in scene.index.outputs(repair.operation, "retrieved")}
    added = [v for vs in repair.outputs.values() for v in vs
             if v.kind == "retrieved" and v.hash not in before]  # fmt: skip
    raw = not any(scene.index.facts.values())
    return any(
        scene.carries(Item.of(entry, raw=raw), target) and not misdated(entry, target.message)
        for entry in added for target in scene.targets
    )  # fmt: skip


def _one_step(trial: Trial, found: Found) -> Outcome | None:
    """Try repairs of the suspects; return the outcome that brought the evidence further."""
    kept = _repairs(found.best)
    before = progress(found.suspects)
    scene = trial.scene(found.best)
    for blame in suspected(found.suspects):
        found.blames.setdefault(blame.operation.id, blame)
        if any(repair.operation.id == blame.operation.id for repair in kept):
            continue
        for repair in islice(ideal_outputs(blame.operation, scene), VARIANTS):
            if not trial.allows(2):
                return None
            if not delivers(repair, scene):
                continue
            found.tried.add(blame.operation.id)
            outcome = extended(trial, kept, repair)
            if outcome.right:
                found.rescue = outcome
                return None
            if outcome.replayed.error is not None:
                continue
            now = trial.suspects(outcome)
            delivered = now.blame is not None and now.blame.operation.kind == "response"
            if delivered and _redrawn(trial, outcome, found):
                return None
            if progress(now) > before:
                return outcome
    return None


def extended(trial: Trial, kept: Sequence[Repair], repair: Repair) -> Outcome:
    """Replay with one repair more. What retrievals were repaired to hand on is made anew
    where the new repair changes what is in memory before them."""
    stale = [r for r in kept if r.operation.kind == "retrieval"]
    if not stale or repair.operation.kind not in ("extraction", "update"):
        return trial.attempt((*kept, repair))
    return remade(trial, [*(r for r in kept if r not in stale), repair], stale)


def remade(trial: Trial, upstream: Sequence[Repair], stale: Sequence[Repair]) -> Outcome:
    """Replay with the upstream repairs, and the retrievals of `stale` repaired on what is in
    memory then."""
    outcome = trial.attempt(upstream)
    for old in stale:
        if outcome.right or outcome.replayed.error is not None:
            break
        scene = trial.scene(outcome)
        anew = (r for r in ideal_outputs(old.operation, scene) if delivers(r, scene))
        again = next(anew, None)
        if again is not None:
            outcome = trial.attempt((*outcome.repairs, again))
    return outcome


def _redrawn(trial: Trial, outcome: Outcome, found: Found) -> bool:
    """Draw again where a repair brought all evidence into the context and the answer is
    still wrong: a model's slip looks like that, and so does a second fault."""
    ran = outcome.replayed.ran
    right, draws = 0, 1
    for sample in range(1, DRAWS):
        if not trial.allows(2 + len(ran)):
            break
        again = trial.attempt(outcome.repairs, sample, ran)
        draws += 1
        right += again.right
        if not right:
            break
    if right * 2 <= draws:
        return False
    found.rescue, found.draws, found.right = outcome, draws, right
    return True


def suspected(suspects: Suspects) -> Iterator[Blame]:
    """Yield the suspicions about operations that can be repaired, the decisive one first."""
    seen: set[str] = set()
    for blame in (*([suspects.blame] if suspects.blame else []), *suspects.others):
        if blame.operation.kind != "response" and blame.operation.id not in seen:
            seen.add(blame.operation.id)
            yield blame


def progress(suspects: Suspects) -> tuple[int, int]:
    """Return how far the evidence came (stages over all chains), and whether the memory is no
    longer under suspicion."""
    clean = suspects.blame is None or suspects.blame.operation.kind == "response"
    return sum(chain.passed for chain in suspects.chains), int(clean)


def _repairs(outcome: Outcome | None) -> tuple[Repair, ...]:
    return () if outcome is None else outcome.repairs


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
