"""What confidence is fitted on: how an attribution came about, in numbers."""

from __future__ import annotations

from collections.abc import Mapping

from traces.attribution.replay.certificate import Certificate
from traces.attribution.replay.trial import Trial
from traces.results import Attribution


def features(
    attribution: Attribution, certificate: Certificate, trial: Trial, suspected_first: str
) -> Mapping[str, float]:
    """Return features by name, each 0 or 1 but for rates (0..1) and counts.

    `suspected_first` is the operation that provenance alone would have named. The rescue rate
    by itself does not separate right attributions from wrong ones.
    """
    kinds = {r["kind"] for r in certificate.repairs}
    draws = certificate.rescue["draws"] or 1
    suspected = attribution.verdict == "suspected"
    # What provenance says tells of a rescue, and little of an entailment or a triage.
    against = certificate.kind == "replay" and attribution.operations[:1] != (suspected_first,)
    return {
        "certified": float(attribution.verdict == "certified"),
        "suspected": float(suspected),
        "by_replay": float(certificate.kind == "replay"),
        "by_entailment": float(certificate.kind == "entailment"),
        "by_triage": float(certificate.kind == "triage"),
        "operations": float(len(attribution.operations)),
        "agrees_with_provenance": float(attribution.operations[:1] == (suspected_first,)),
        "swept": float(certificate.swept),
        "against_provenance": float(against),
        "against_provenance_unswept": float(against and not certificate.swept),
        "suspected_alone": float(
            suspected and certificate.kind != "replay" and len(attribution.operations) == 1
        ),
        "suspected_among_others": float(suspected) * len(attribution.alternatives),
        "rescue_rate": certificate.rescue["right"] / draws,
        "redrawn": float(draws > 1 and certificate.kind == "replay"),
        "deterministic": float(certificate.deterministic),
        "placebo_run": float(certificate.placebo is not None),
        "alternatives": float(len(certificate.alternatives)),
        "other_suspects": float(len(attribution.alternatives)),
        "guessed_readings": float(trial.carries.guessed),
        "capped": float(trial.capped),
        "failed_replays": float(len(trial.failed)),
        "verbatim": float("verbatim" in kinds),
        "chosen_or_left_out": float(bool(kinds & {"choose", "leave_out"})),
        "memory": float(attribution.kind is not None and attribution.kind != "response"),
    }
