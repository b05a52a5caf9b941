"""Attribution by provenance: follow the evidence forward and the wrong answer backward.

Nothing is replayed, so nothing is certified: an operation is suspected. It costs no model
call but those of the reader, which is asked only where wording does not settle whether an
item carries the evidence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from traces.abstention import abstains
from traces.attribution.blame import Blame
from traces.attribution.carries import CALLS_PER_FAILURE, Carries, Flip
from traces.attribution.dates import spans
from traces.attribution.index import GraphIndex, index_of
from traces.attribution.locate import with_evidence
from traces.attribution.record import abstention, judge_doubt, suspicion
from traces.attribution.suspects import suspects
from traces.attribution.words import same_words
from traces.domain import Question
from traces.errors import MemtuneError
from traces.graph import EvolutionGraph
from traces.protocols import Ask
from traces.results import Attribution, Failure


def matches_gold(question: Question, prediction: str) -> bool:
    """Say whether a prediction that was judged wrong plainly equals the gold answer."""
    if question.unanswerable:
        return abstains(prediction)
    gold = question.answer or ""
    if same_words(prediction, gold):
        return True
    # Two writings of one date are one answer, when they are nothing but a date.
    given, wanted = spans(prediction), spans(gold)
    bare = len(prediction.split()) <= 4 and len(gold.split()) <= 4
    return bare and len(given) == len(wanted) == 1 and given == wanted


@dataclass
class Provenance:
    """A `traces.protocols.Attribute`; see the module.

    `ask` is the judge's role; None decides by wording alone and says so in the reason.
    At most `calls_per_failure` readings are asked for one failure; readings are kept for
    the life of the instance. `flip` spoils tests on purpose (benchmarks). Raises
    BudgetExceeded, DeadlineExceeded and ProviderError.
    """

    ask: Ask | None = None
    calls_per_failure: int = CALLS_PER_FAILURE
    flip: Flip | None = None
    name: str = "provenance"
    _readings: dict[tuple[str, str], str] = field(default_factory=dict, repr=False)

    def __call__(self, failure: Failure, graph: EvolutionGraph) -> Attribution:
        """Return a suspicion, or an abstention where no operation can be named."""
        index = index_of(graph)
        carries = Carries(
            index, failure.question, self.ask, self._readings, self.calls_per_failure, self.flip
        )
        try:
            return self._attribute(failure, index, carries)
        except MemtuneError:
            raise
        except Exception as error:
            # One strange case must not end a night's run; it is counted as an abstention.
            reason = f"internal_error: {type(error).__name__}: {error}"[:300]
            return abstention(failure, self.name, reason, calls=carries.calls)

    def _attribute(self, failure: Failure, index: GraphIndex, carries: Carries) -> Attribution:
        question, prediction = failure.question, failure.prediction
        if question.answer is None and not question.unanswerable:
            return abstention(failure, self.name, "no_gold")
        if matches_gold(question, prediction):
            return judge_doubt(failure, self.name)
        failure = with_evidence(failure, index, carries)
        found = suspects(failure, index, carries)
        if found.blame is None:
            kind = "ProviderError" if found.code == "provider_error" else None
            return abstention(failure, self.name, found.code, calls=carries.calls, error_type=kind)
        return self._record(failure, carries, found.blame, found.others, found.evidence)

    def _record(
        self,
        failure: Failure,
        carries: Carries,
        blame: Blame,
        others: Sequence[Blame] = (),
        evidence: Sequence[str] = (),
    ) -> Attribution:
        reason = blame.lost.split(":", 1)[0]
        if carries.guessed and self.ask is None:
            reason += " (decided by wording alone: no reader)"
        elif carries.guessed:
            reason += " (partly decided by wording alone: the reader's calls were used up)"
        return suspicion(
            failure, self.name, blame, reason, alternatives=others, evidence=evidence,
            calls=carries.calls,
        )  # fmt: skip
