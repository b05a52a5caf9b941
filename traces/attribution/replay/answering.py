"""Is it the response? A reader answers from the response's own context.

A response cannot be repaired with the gold answer, which always rescues; it is certified by
entailment. Where the reader too is misled, what misled it is repaired like any other fault:
so a bad answer does not hide a bad entry behind it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from traces.attribution.blame import Blame
from traces.attribution.contamination import Contamination
from traces.attribution.index import GraphIndex
from traces.attribution.invented import invented_for, invented_sentence
from traces.attribution.misdated import misdated
from traces.attribution.replay.delivering import delivers
from traces.attribution.replay.entailment import read
from traces.attribution.replay.ideal import ideal_outputs
from traces.attribution.replay.minimal import without_one
from traces.attribution.replay.repair import Repair
from traces.attribution.replay.search import Found, extended, progress
from traces.attribution.replay.trial import Outcome, Trial
from traces.attribution.words import before_history, key_stems, quote
from traces.domain import PIPELINE
from traces.schema import Variable

SAMPLES = 2
_FAITHFUL = ("overwritten", "stale", "omission", "missed", "ranked_out")
ROUNDS = 2  # misleading entries behind one bad answer


@dataclass(frozen=True)
class Entailed:
    """A response that had what it needed, after these repairs upstream of it. `unaided` is
    false where a reader needed more: that an entry was left out which the answer does not rest
    on."""

    blame: Blame
    repairs: tuple[Repair, ...]
    unaided: bool = True


def entailed(trial: Trial, found: Found) -> Entailed | None:
    """Return the response's blame where a reader gets the right answer from its context; None
    where it does not, or where a repair on the way rescued the answer (`found.rescue`)."""
    best = found.best
    for _ in range(ROUNDS):
        answer = _reader(trial, best)
        if answer is None:
            return None
        further = _unmislead(trial, found, best, answer) if answer else None
        if further is None and found.rescue is None and answer and _part_is_enough(trial, best):
            answer = ""
        if not answer:
            blame = blame_response(trial, found, best)
            if blame is None:
                return None
            needed = _needed(trial, best)
            own = tuple(r for r in needed if _at_fault(trial, found, r, best))
            return Entailed(blame, own, len(own) == len(needed))
        if further is None and found.rescue is None:
            further = _unmislead(trial, found, best, answer, leaving_out=True)
        if further is None or found.rescue is not None:
            return None
        best = further
    return None


def _reader(trial: Trial, outcome: Outcome | None) -> str | None:
    """Return '' where two samples of a reader get the right answer from the context; else the
    wrong answer that it gave, or None where that cannot be said.

    Where the context holds an invention on the question's matter, the reader must get it right
    whichever comes first, the invention or the evidence.
    """
    context = trial.context(outcome)
    if not context:
        # From nothing a reader gets nothing, which is right where nothing can be answered.
        return "" if trial.failure.question.unanswerable and outcome is not None else None
    answer = _wrong(trial, context)
    if answer == "" and _false(trial, outcome):
        answer = _wrong(trial, context[::-1], 1)
    return answer


def _false(trial: Trial, outcome: Outcome | None) -> bool:
    """Say whether the context tells, as present, an invention on the question's matter that is
    dated later than the evidence there: of two statements the later one holds."""
    index = trial.index(outcome)
    asked = set(key_stems(trial.failure.question.text)) - index.name_stems
    evidence = max((v.value["date"] for v in trial.carrying(outcome)), default="")
    for entry in trial.context(outcome):
        sentence = "" if entry.kind == "message" else _invention_in(index, entry)
        told = sentence and sentence in before_history(entry.value["text"])
        later = entry.value["date"][:10] > evidence[:10]
        if told and later and not asked.isdisjoint(key_stems(sentence)):
            return True
    return False


def _invention_in(index: GraphIndex, entry: Variable) -> str:
    """Return what an entry says that was made up: a sentence of its own, or the fact that it was
    made of where that took the place of what was said."""
    versions = index.chain_of.get(entry.value["entry_id"], ())
    made = (v for v in versions if v.variable.value["version"] == entry.value["version"])
    source = next((invented_for(index, index.operation(v.made_by)) for v in made), None)
    fact = str(source[1].value["text"]).rstrip(". ") if source else ""
    return fact if fact and fact in entry.value["text"] else invented_sentence(index, entry)


def _part_is_enough(trial: Trial, outcome: Outcome | None) -> bool:
    """Say whether a reader gets the right answer from what of the context carries evidence:
    the rest, which says nothing false, should not have led the response astray. Evidence under
    another day is not enough: beside others it may be taken for what was not asked for."""
    carrying = trial.carrying(outcome)
    fewer = 0 < len(carrying) < len(trial.context(outcome))
    messages = trial.index(outcome).messages
    dated = all(
        any(not misdated(entry, messages[s]) for s in entry.value["sources"] if s in messages)
        for entry in carrying if entry.kind != "message"
    )  # fmt: skip
    return fewer and dated and not _false(trial, outcome) and _wrong(trial, carrying) == ""


def _wrong(trial: Trial, items: Sequence[Variable], samples: int = SAMPLES) -> str | None:
    for sample in range(samples):
        if not trial.allows(2):
            return None
        answer = read(trial, items, sample)
        if answer is None:
            return None
        if not trial.right(answer or "Not mentioned"):
            return answer or "Not mentioned"
    return ""


def _unmislead(
    trial: Trial, found: Found, outcome: Outcome | None, answer: str, leaving_out: bool = False
) -> Outcome | None:
    """Repair what made the reader give a wrong answer; the outcome, if that changed it.

    `leaving_out` also takes a faithful entry away that the reader fell for.
    """
    suspects = trial.suspects(outcome, answer)
    blame = suspects.blame
    kept = () if outcome is None else outcome.repairs
    if blame is None or blame.operation.kind == "response":
        return None
    if any(repair.operation.id == blame.operation.id for repair in kept):
        return None
    scene = trial.scene(outcome, answer)
    made = (r for r in ideal_outputs(blame.operation, scene) if leaving_out or delivers(r, scene))
    repair = next(made, None)
    if repair is None or not trial.allows(2):
        return None
    found.blames.setdefault(blame.operation.id, blame)
    found.tried.add(blame.operation.id)
    tried = extended(trial, kept, repair)
    if tried.right:
        found.rescue = tried
    return tried if tried.replayed.error is None else None


def blame_response(trial: Trial, found: Found, outcome: Outcome | None) -> Blame | None:
    """Return what is said of the response that gave the wrong answer; None without one."""
    index = trial.index(outcome)
    asked = index.asked(trial.failure.question.id)
    response = next((o for o in reversed(asked.responses) if o.status != "failed"), None)
    if response is None:
        return None
    said = found.suspects.response or found.suspects.blame
    if said is not None and said.operation.kind == "response":
        return said
    given = " | ".join(quote(v.value["text"], 90) for v in asked.context)
    return Blame(
        response, "ResponseError", "ignored_evidence",
        "the answer does not follow from what its context holds", quote(given),
        quote(trial.failure.prediction),
    )  # fmt: skip


def _needed(trial: Trial, outcome: Outcome | None) -> tuple[Repair, ...]:
    """Return the repairs that the context needed: those without which a reader does not get
    the right answer from it, and that of whoever made up what was answered."""
    if outcome is None:
        return ()
    if _enough(trial, None):
        return tuple(r for r in outcome.repairs if r.operation.id == _inventor(trial))
    for repair in sorted(outcome.repairs, key=lambda r: PIPELINE.index(r.operation.kind)):
        rest = tuple(r for r in outcome.repairs if r.operation.id != repair.operation.id)
        if not 0 < len(rest) < len(outcome.repairs) or not trial.allows(4):
            continue
        fewer = (o for o in without_one(trial, repair, rest) if _enough(trial, o))
        outcome = next(fewer, outcome)
    return outcome.repairs


def _inventor(trial: Trial) -> str:
    """Return the operation that made the entry unfaithful which the given answer rests on, or
    ''."""
    said = trial.failure.prediction
    supporter = trial.supporter(trial.recorded, said)
    if supporter is None:
        return ""
    told = Contamination(trial.recorded, trial.failure.question, said).unfaithful(supporter)
    return told.operation.id if told is not None else ""


def _at_fault(trial: Trial, found: Found, repair: Repair, outcome: Outcome | None) -> bool:
    """Say whether a repair mends a fault, or only helps a reader: an entry is left out that the
    answer does not rest on; or all evidence was in the answer's context as it was, and nothing
    in it is false.

    An answer that rests on nothing says nothing of that: where nothing answers the question, an
    entry that a reader falls for should then not have been there.
    """
    if repair.kind == "leave_out":
        bare = trial.supporter(trial.recorded, trial.failure.prediction) is None
        mute = bare and trial.failure.question.unanswerable
        return mute or _rested_on(trial, repair, outcome)
    blame = found.blames.get(repair.operation.id)
    whole = progress(found.first)[1] == 1 and bool(found.first.chains)
    return not whole or (blame is not None and blame.sub_type not in _FAITHFUL)


def _rested_on(trial: Trial, repair: Repair, outcome: Outcome | None) -> bool:
    """Say whether the answer that was given rests on an entry that a repair leaves out: the
    entry supports it, and without the entry another answer was given."""
    if outcome is not None and outcome.replayed.prediction == trial.failure.prediction:
        return False
    supporter = trial.supporter(trial.recorded, trial.failure.prediction)
    left = {v.value["entry_id"] for vs in repair.outputs.values() for v in vs
            if v.kind == "retrieved"}  # fmt: skip
    return supporter is not None and supporter.value.get("entry_id") not in left


def _enough(trial: Trial, outcome: Outcome | None) -> bool:
    answer = _reader(trial, outcome)
    return answer == "" or (answer is not None and _part_is_enough(trial, outcome))
