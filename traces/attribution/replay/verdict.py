"""What the search found, proved or left unproved, and how it is recorded.

search -> judge again -> entailment -> sweep -> smallest set -> control, placebo
                                         \\-> wrong annotation? -> suspicion
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from traces.attribution.blame import Blame
from traces.attribution.record import abstention, judge_doubt, suspicion
from traces.attribution.replay.answering import SAMPLES, Entailed, blame_response, entailed
from traces.attribution.replay.certificate import Certificate, described
from traces.attribution.replay.classify import blame_of
from traces.attribution.replay.confidence import Confidence
from traces.attribution.replay.controls import control, placebo, unsteady
from traces.attribution.replay.entailment import annotation_wrong
from traces.attribution.replay.features import features
from traces.attribution.replay.minimal import later, smallest
from traces.attribution.replay.repair import Repair
from traces.attribution.replay.search import RESERVED, Found, progress, search
from traces.attribution.replay.sweep import sweep
from traces.attribution.replay.trial import Outcome, Trial
from traces.attribution.suspects import Suspects
from traces.domain import PIPELINE
from traces.errors import NotIntervenable
from traces.results import Attribution
from traces.schema import OperationRecord


@dataclass
class Verdict:
    """From one failure's trial to its record. `confidence` is the fitted model."""

    trial: Trial
    method: str
    confidence: Confidence
    certificate: Certificate = field(default_factory=Certificate)
    suspected_first: str = ""

    def reach(self) -> Attribution:
        """Search, prove, and return the record."""
        trial = self.trial
        self.certificate.answer_before = trial.failure.prediction
        first = trial.suspects()
        self.suspected_first = first.blame.operation.id if first.blame else ""
        found = search(trial, first)
        if found.suspects.code == "provider_error" and found.rescue is None:
            return self._abstain("provider_error", "ProviderError")
        if found.suspects.code.startswith("not_in_graph"):
            return self._abstain(found.suspects.code)
        if trial.misjudged():
            return self._triaged("JudgeError", "two more samples of the judge call it right")
        if found.rescue is None:
            clean = progress(found.suspects)[1] == 1
            response = entailed(trial, found) if clean else None
            if response is None and found.rescue is None:
                if annotation_wrong(trial, agreeing=True):
                    return self._misannotated()
                if not found.suspects.code:
                    sweep(trial, found)
                if found.rescue is None and found.best is None and found.supplied is not None:
                    found.best, clean = found.supplied, False
                if found.rescue is None and not clean and trial.allows(RESERVED):
                    response = entailed(trial, found)
            if response is not None:
                return self._entailed(found, response)
        if found.rescue is not None:
            return self._certified(found, found.rescue)
        if annotation_wrong(trial):
            return self._misannotated()
        return self._suspected(found)

    # what was found ------------------------------------------------------------------

    def _misannotated(self) -> Attribution:
        return self._triaged(
            "AnnotationError", "a reader gets another answer from the evidence alone"
        )

    def _entailed(self, found: Found, response: Entailed) -> Attribution:
        self.certificate.kind = "entailment"
        self.certificate.rescue = {"draws": SAMPLES, "right": SAMPLES}
        self.certificate.answer_after = self.trial.failure.question.answer or "(abstain)"
        if not response.unaided:
            reason = "unconfirmed: a reader falls for another entry than the answer did"
            return self._record("suspected", found, response.repairs, response.blame, reason)
        return self._record("certified", found, response.repairs, response.blame)

    def _certified(self, found: Found, rescue: Outcome) -> Attribution:
        trial, certificate = self.trial, self.certificate
        rescue = smallest(trial, rescue)
        alternatives: list[Outcome] = []
        last = later(trial, rescue)
        if last is not None:
            alternatives.append(rescue)
            rescue = last
        certificate.kind = "replay"
        certificate.swept = found.swept
        certificate.answer_after = rescue.replayed.prediction or ""
        certificate.rescue = {"draws": found.draws, "right": found.right}
        certificate.alternatives = [
            {
                "operations": [r.operation.id for r in outcome.repairs],
                "names": [r.operation.name for r in outcome.repairs],
                "what": "; ".join(r.what for r in outcome.repairs),
            }
            for outcome in alternatives
        ]
        reason = self._controlled(rescue)
        verdict = "certified" if not reason else "suspected"
        decisive = min(rescue.repairs, key=lambda r: PIPELINE.index(r.operation.kind))
        scene = trial.scene()
        blame = blame_of(decisive, scene, found.blames.get(decisive.operation.id))
        return self._record(verdict, found, rescue.repairs, blame, reason)

    def _controlled(self, rescue: Outcome) -> str:
        """Run control and placebo; return why the rescue proves nothing, or ''."""
        trial, certificate = self.trial, self.certificate
        same = control(trial, rescue.repairs)
        bare = trial.unrepaired()
        moved = unsteady(trial, same)
        as_before = same.error is None and same.prediction == trial.failure.prediction
        agrees = as_before and not bare.ran and not moved
        certificate.deterministic = agrees
        certificate.control = {
            "draws": 1, "right": int(trial.right(same.prediction)), "same_answer": agrees,
        }  # fmt: skip
        if not agrees and same.error is not None:
            return f"control_failed: {same.error}"[:300]
        if bare.ran:
            return "not_deterministic: without any repair, replay met requests that it had not made"
        if moved:
            return f"not_deterministic: given the same again, '{moved}' put out something else"
        if not agrees:
            return "not_deterministic: the unrepaired replay gives another answer"
        change = placebo(trial, rescue.repairs[-1])
        if change is not None and trial.allows(2):
            replayed = trial.replay([change], evidence=trial.evidence)
            trial.replays += 1
            right = replayed.error is None and trial.right(replayed.prediction)
            name = trial.graph.operations[change.operation].name
            certificate.placebo = {
                "operation": change.operation, "name": name,
                "what": "the same kind of change where it should not matter", "right": right,
            }  # fmt: skip
            if right:
                return "placebo: an unrelated change makes the answer right too"
        return ""

    def _suspected(self, found: Found) -> Attribution:
        """Return what the passes over the recorded graph suspect, unconfirmed."""
        trial = self.trial
        first = trial.suspects()
        delivered = progress(found.suspects)[1] == 1 and found.suspects.response
        # Where the evidence had reached the answer before, no repair is what brought it there.
        arrived = first.blame is not None and first.blame.operation.kind == "response"
        if found.best is not None and delivered and not arrived:
            reason = "unconfirmed: repaired, the evidence reaches the answer, which is still wrong"
            return self._record("suspected", found, found.best.repairs, delivered, reason)
        if first.blame is None:
            return self._abstain(first.code or "no_candidate")
        blamed = _unrefuted(first, found, trial.barred)
        if trial.capped:
            reason = "unconfirmed: the failure's cap on model calls was reached"
        elif blamed.operation.id in trial.barred:
            why = next(e for e in trial.failed if e.startswith(f"{NotIntervenable.code}:"))
            return self._abstain(why[:300])
        elif not trial.barred and trial.failed and trial.replays == len(trial.failed):
            why = trial.failed[-1].removeprefix(f"{NotIntervenable.code}: ")
            return self._abstain(f"{NotIntervenable.code}: every replay failed: {why}"[:300])
        elif first.blame.operation.kind != "response" and trial.replays == 0:
            reason = "unconfirmed: no repair of it uses only what it was given"
        else:
            reason = "unconfirmed: no repair made the answer right"
        stubborn = trial.unmoved and first.blame.operation.id in found.tried
        blame = blame_response(trial, found, None) if stubborn else None
        if blame is not None:
            reason = "unconfirmed: the answer stayed the same whatever was repaired"
        return self._record("suspected", found, (), blame or blamed, reason)

    # recording -------------------------------------------------------------------------

    def _abstain(self, reason: str, error_type: str | None = None) -> Attribution:
        return self._priced(
            abstention(self.trial.failure, self.method, reason, error_type=error_type)
        )

    def _triaged(self, error_type: str, reason: str) -> Attribution:
        self.certificate.kind = "triage"
        record = judge_doubt(self.trial.failure, self.method)
        return self._priced(
            replace(record, verdict="certified", error_type=error_type, reason=reason)
        )

    def _record(
        self,
        verdict: Any,
        found: Found,
        repairs: Sequence[Repair],
        blame: Blame,
        reason: str = "",
    ) -> Attribution:
        trial, certificate = self.trial, self.certificate
        certificate.repairs = [described(r, _index_with(trial, found, r)) for r in repairs]
        operations = {r.operation.id: r.operation for r in repairs}
        operations.setdefault(blame.operation.id, blame.operation)
        ordered = sorted(operations.values(), key=lambda o: PIPELINE.index(o.kind))
        first = _said_of(ordered[0], (blame, *found.blames.values()))
        if first is None:  # only the sweep found it: described by what the repair changed
            decisive = next(r for r in repairs if r.operation.id == ordered[0].id)
            first = blame_of(decisive, trial.scene(), None)
        others = [b for b in found.blames.values() if b.operation.id not in operations]
        made = suspicion(
            trial.failure, self.method, first, reason or _reason(certificate),
            alternatives=others, evidence=[t.message_id for t in trial.targets],
        )  # fmt: skip
        certified = [tuple(a["operations"]) for a in certificate.alternatives]
        return self._priced(
            replace(
                made,
                verdict=verdict,
                operations=tuple(o.id for o in ordered),
                names=tuple(o.name for o in ordered),
                alternatives=(*certified, *made.alternatives),
            )
        )

    def _priced(self, attribution: Attribution) -> Attribution:
        trial = self.trial
        calls, tokens = trial.spent
        self.certificate.features = features(
            attribution, self.certificate, trial, self.suspected_first
        )
        sure = self.confidence(self.certificate.features)
        return replace(
            attribution,
            calls=calls,
            tokens=tokens,
            confidence=None if sure is None or attribution.verdict == "abstained" else sure,
            certificate=self.certificate.to_json(trial.replays, trial.failed),
        )


def _said_of(operation: OperationRecord, blames: Iterable[Blame]) -> Blame | None:
    return next((b for b in blames if b.operation.id == operation.id), None)


def _unrefuted(first: Suspects, found: Found, barred: Collection[str]) -> Blame:
    """Return the first suspicion that no failed repair speaks against (one that the memory could
    not be brought to does not), else the first one."""
    assert first.blame is not None
    everyone = (first.blame, *first.others, *([first.response] if first.response else []))
    refuted = found.tried.difference(barred)
    return next((b for b in everyone if b.operation.id not in refuted), first.blame)


def _index_with(trial: Trial, found: Found, repair: Repair) -> Any:
    if repair.operation.id in trial.graph.operations or found.best is None:
        return trial.recorded
    return found.best.index


def _reason(certificate: Certificate) -> str:
    if certificate.kind == "entailment":
        return "a reader gets the answer from what the response was given"
    names = ", ".join(r["what"] for r in certificate.repairs)
    return f"the answer became right when repaired: {names}"[:300]
