"""Step 3: which repairs rescue the answer. What is suspected first, then the whole path.

After each repair that let the evidence travel further, suspects are looked for again on the
replayed graph: so two faults on one path are found one after the other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

from traces.attribution.blame import Blame
from traces.attribution.replay.delivering import delivers, hands_on
from traces.attribution.replay.ideal import ideal_outputs
from traces.attribution.replay.repair import Repair, Scene
from traces.attribution.replay.trial import Outcome, Trial
from traces.attribution.suspects import Suspects
from traces.domain import PIPELINE

MOST_REPAIRS = 3  # operations in one certified set
VARIANTS = 3  # repairs of one operation that are tried
DRAWS = 3  # of a repair that should have rescued and did not
RESERVED = 10  # calls that are left for triage, however much one replay costs


@dataclass
class Found:
    """What the search came to. `first` are the suspects on the recorded graph. `rescue` is the
    replay that gave the right answer; where there is none, `best` is the one in which the
    evidence came furthest (None: the recorded pass) and `suspects` who is suspected there.
    `tried` are operations that a repair was tried at; `fallback` is a rescue that counts only
    where no other operation is found; `probed` is a replay that showed what handing on by a
    suspect alone does.
    `supplied` is a replay of the sweep that brought the answer an entry of the evidence.
    `draws` and `right` count the rescue's samples.
    """

    first: Suspects
    suspects: Suspects
    rescue: Outcome | None = None
    best: Outcome | None = None
    blames: dict[str, Blame] = field(default_factory=dict)
    tried: set[str] = field(default_factory=set)
    fallback: Outcome | None = None
    probed: Outcome | None = None
    supplied: Outcome | None = None
    swept: bool = False
    draws: int = 1
    right: int = 1


def search(trial: Trial, first: Suspects) -> Found:
    """Repair what is suspected, one operation after the other, until the answer is right.

    `first` are the suspects on the recorded graph.
    """
    found = Found(first, first)
    while len(repairs_of(found.best)) < MOST_REPAIRS:
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
    kept = repairs_of(found.best)
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
        elif outcome.replayed.error is None:
            found.probed = outcome


def _one_step(trial: Trial, found: Found) -> Outcome | None:
    """Try repairs of the suspects; return the outcome that brought the evidence further."""
    kept = repairs_of(found.best)
    before = progress(found.suspects)
    scene = trial.scene(found.best)
    for blame in suspected(found.suspects):
        found.blames.setdefault(blame.operation.id, blame)
        # One that is suspected again, repaired as it was, is repaired otherwise: a retrieval that
        # now returns the evidence, without what misleads beside it.
        others = [repair for repair in kept if repair.operation.id != blame.operation.id]
        chosen = len(others) < len(kept) and blame.operation.kind == "retrieval"
        for repair in islice(ideal_outputs(blame.operation, scene), VARIANTS):
            if not trial.allows(RESERVED):
                return None
            apt = delivers(repair, scene) and not chosen
            if not apt and not _clears(repair, blame, found):
                continue
            found.tried.add(blame.operation.id)
            outcome = extended(trial, others, repair)
            if outcome.right:
                found.rescue = outcome
                return None
            if outcome.replayed.error is not None:
                continue
            now = trial.suspects(outcome)
            delivered = now.blame is not None and now.blame.operation.kind == "response"
            if delivered and _redrawn(trial, outcome, found):
                return None
            if progress(now) > before or _moved(now, scene, found, blame):
                return outcome
    return None


def _clears(repair: Repair, blame: Blame, found: Found) -> bool:
    """Say whether a repair leaves out what misled the answer beside all evidence, where it took
    other repairs to bring that there: no wording of theirs is at fault."""
    chains = found.suspects.chains
    arrived = found.best is not None and bool(chains) and all(chain.ranks for chain in chains)
    return repair.kind == "leave_out" and arrived and blame is found.suspects.blame


def _moved(now: Suspects, scene: Scene, found: Found, repaired: Blame) -> bool:
    """Say whether what is suspected now is a later operation that nobody suspected before: the
    repair settled its own suspicion, and a second fault kept the evidence from going further."""
    if now.blame is None or now.blame.operation.id in found.blames:
        return False
    order = scene.index.position
    before, after = (order.get(b.operation.id, -1) for b in (repaired, now.blame))
    return after > before and now.blame.operation.kind != "response"


def extended(trial: Trial, kept: Sequence[Repair], repair: Repair) -> Outcome:
    """Replay with one repair more. What retrievals were repaired to hand on is made anew
    where the new repair changes what is in memory before them."""
    stale = [r for r in kept if r.operation.kind == "retrieval"]
    if not stale or repair.operation.kind not in ("extraction", "update"):
        return trial.attempt((*kept, repair))
    return remade(trial, [*(r for r in kept if r not in stale), repair], stale)


def remade(trial: Trial, upstream: Sequence[Repair], stale: Sequence[Repair]) -> Outcome:
    """Replay with the upstream repairs, and the operations of `stale` repaired on what they are
    given and what is in memory then, in the same way where that can be done."""
    outcome = trial.attempt(upstream)
    for old in stale:
        if outcome.right or outcome.replayed.error is not None:
            break
        scene = trial.scene(outcome)
        anew = list(islice(ideal_outputs(old.operation, scene), VARIANTS))
        again = old.operation.kind != "retrieval" or old.kind == "leave_out"
        same = [r for r in anew if r.kind == old.kind] if again else []
        apt = same or [r for r in anew if delivers(r, scene)]
        apt = apt or [r for r in anew if hands_on(r, scene)]
        if apt:
            outcome = trial.attempt((*outcome.repairs, apt[0]))
    return outcome


def _redrawn(trial: Trial, outcome: Outcome, found: Found) -> bool:
    """Draw again where a repair brought all evidence into the context and the answer is
    still wrong: a model's slip looks like that, and so does a second fault."""
    ran = outcome.replayed.ran
    right, draws = 0, 1
    for sample in range(1, DRAWS):
        if not trial.allows(RESERVED + len(ran)):
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


def repairs_of(outcome: Outcome | None) -> tuple[Repair, ...]:
    """Return the repairs of a replay; none of the recorded pass."""
    return () if outcome is None else outcome.repairs
