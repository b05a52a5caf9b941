"""A baseline: the last operation did it."""

from __future__ import annotations

from dataclasses import dataclass

from traces.abstention import abstains
from traces.attribution.blame import Blame
from traces.attribution.index import index_of
from traces.attribution.record import abstention, suspicion
from traces.attribution.words import quote
from traces.graph import EvolutionGraph
from traces.results import Attribution, Failure


@dataclass
class LastOperation:
    """Blames the response of every failure; abstains where none was recorded."""

    name: str = "last_operation"

    def __call__(self, failure: Failure, graph: EvolutionGraph) -> Attribution:
        """Return the suspicion against the response."""
        asked = index_of(graph).asked(failure.question.id)
        if not asked.responses:
            return abstention(failure, self.name, "not_in_graph: the question has no response")
        abstained = abstains(failure.prediction) and not failure.question.unanswerable
        sub = "wrong_abstention" if abstained else "ignored_evidence"
        if failure.question.unanswerable:
            sub = "hallucination"
        shown = " | ".join(quote(v.value["text"], 90) for v in asked.context) or "(nothing)"
        blame = Blame(
            asked.responses[-1], "ResponseError", sub, "the answer is wrong", quote(shown),
            quote(failure.prediction), failure.question.evidence,
        )  # fmt: skip
        return suspicion(failure, self.name, blame, "the last operation is always blamed")
