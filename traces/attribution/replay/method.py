"""`replay`: the operation that caused a wrong answer, proved by repairing it."""

from __future__ import annotations

from dataclasses import dataclass

from traces.attribution.carries import Carries, Flip
from traces.attribution.index import index_of
from traces.attribution.locate import with_evidence
from traces.attribution.provenance import matches_gold
from traces.attribution.record import abstention, judge_doubt
from traces.attribution.registry import Replaying
from traces.attribution.replay.caps import MOST_CALLS, MOST_TOKENS
from traces.attribution.replay.confidence import Confidence
from traces.attribution.replay.trial import Trial
from traces.attribution.replay.verdict import Verdict
from traces.errors import InterventionError, MemtuneError, OperationError
from traces.graph import EvolutionGraph
from traces.protocols import Ask
from traces.results import Attribution, Failure

READINGS = 6  # of the reader's calls, how many may settle what carries the evidence


@dataclass
class ReplayAttribution:
    """A `traces.protocols.Attribute`; see the module and DESIGN's section on attribution.

    `ask` is the judge's role. One failure costs at most `most_calls` model calls and about
    `most_tokens` tokens. `flip` spoils carries-tests on purpose (benchmarks). Raises
    BudgetExceeded, DeadlineExceeded, StopRequested and ProviderError; what is wrong with one
    case is that case's abstention.
    """

    ask: Ask
    replaying: Replaying
    most_calls: int = MOST_CALLS
    most_tokens: int = MOST_TOKENS
    flip: Flip | None = None
    name: str = "replay"

    def __call__(self, failure: Failure, graph: EvolutionGraph) -> Attribution:
        """Return a certified attribution, a suspicion, or an abstention with its reason."""
        try:
            return self._attribute(failure, graph)
        except (OperationError, InterventionError) as error:
            return abstention(failure, self.name, f"not_replayable: {error}"[:300])
        except MemtuneError:
            raise
        except Exception as error:
            # One strange case must not end a night's run; it is counted as an abstention.
            reason = f"internal_error: {type(error).__name__}: {error}"[:300]
            return abstention(failure, self.name, reason)

    def _attribute(self, failure: Failure, graph: EvolutionGraph) -> Attribution:
        question = failure.question
        if question.answer is None and not question.unanswerable:
            return abstention(failure, self.name, "no_gold")
        if matches_gold(question, failure.prediction):
            return judge_doubt(failure, self.name)
        index = index_of(graph)
        carries = Carries(index, question, self.ask, {}, READINGS, self.flip)
        failure = with_evidence(failure, index, carries)
        trial = Trial(
            failure, index, graph, self.replaying.open(failure, graph), carries, self.ask,
            self.replaying, self.most_calls, self.most_tokens,
        )  # fmt: skip
        return Verdict(trial, self.name, Confidence.shipped()).reach()
