"""A baseline: any operation that the answer rests on did it."""

from __future__ import annotations

from dataclasses import dataclass

from traces.attribution.blame import Blame
from traces.attribution.index import index_of
from traces.attribution.record import abstention, suspicion
from traces.attribution.words import quote
from traces.graph import EvolutionGraph
from traces.hashing import text_hash
from traces.results import Attribution, Failure

# Error type and sub-types that fit an operation of a kind.
_ERRORS = {
    "extraction": [
        ("ExtractionError", s)
        for s in ("omission", "distortion", "hallucination", "wrong_time", "wrong_speaker")
    ],
    "update": [
        ("UpdateError", "overwritten"), ("UpdateError", "stale"), ("UpdateError", "wrong_merge"),
        ("DeletionError", "overwritten"), ("DeletionError", "stale"),
    ],
    "retrieval": [("RetrievalError", s) for s in ("missed", "ranked_out", "distractor")],
    "response": [("ResponseError", s) for s in ("ignored_evidence", "wrong_abstention")],
}  # fmt: skip


@dataclass
class RandomChoice:
    """Picks uniformly from the backward slice of a question's operations.

    The pick depends on seed, conversation and question alone (and on the slice).
    """

    seed: int = 0
    name: str = "random"

    def __call__(self, failure: Failure, graph: EvolutionGraph) -> Attribution:
        """Return a suspicion against an operation of the slice."""
        index = index_of(graph)
        asked = index.asked(failure.question.id)
        ends = [o.id for o in (*asked.retrievals, *asked.responses)]
        # Sorted by content-derived ids: the order in which threads ended must not matter.
        inside = sorted(graph.backward_slice(ends) & set(graph.operations))
        if not inside:
            return abstention(failure, self.name, "not_in_graph: the question has no operation")
        operation = graph.operations[inside[self._draw(failure, "operation", len(inside))]]
        errors = _ERRORS[operation.kind]
        error_type, sub_type = errors[self._draw(failure, "error", len(errors))]
        given, produced = (
            quote(" | ".join(str(v.value.get("text") or "") for v in variables if v.value))
            for variables in (graph.inputs(operation.id), graph.outputs(operation.id))
        )
        evidence = failure.question.evidence
        blame = Blame(operation, error_type, sub_type, "drawn at random", given, produced, evidence)
        return suspicion(failure, self.name, blame, "drawn at random")

    def _draw(self, failure: Failure, what: str, n: int) -> int:
        parts = (str(self.seed), failure.conversation.id, failure.question.id, what)
        return int(text_hash("\x1f".join(parts)), 16) % n
