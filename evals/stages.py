"""Stage scores of one episode, read from its graph where the gold facts are known."""

from __future__ import annotations

from evals.scorers.stages import evidence_recall, extraction_recall, memory_correctness
from traces.domain import Conversation
from traces.graph import EvolutionGraph
from traces.schema import internal


def stage_scores(conversation: Conversation, graph: EvolutionGraph) -> dict[str, float]:
    """Return scores in 0..1 by stage; a stage that cannot be scored is left out.

    `retrieval` is the share of evidence messages among the sources of what was
    retrieved, averaged over questions with known evidence; where one retrieval hands its
    results on to another one, the last one's count.
    """
    scores: dict[str, float | None] = {}
    if conversation.gold_facts:
        facts = [(v.value["text"], v.value["sources"]) for v in graph.variables("fact")]
        alive = [
            (chain[-1].variable.value["text"], chain[-1].variable.value["sources"])
            for chain in graph.entries()
            if chain[-1].ended_by is None and not internal(chain[-1].variable)
        ]
        scores["extraction"] = extraction_recall(conversation.gold_facts, facts)
        scores["update"] = memory_correctness(conversation.gold_facts, alive)
    recalls = []
    for question in conversation.questions:
        if question.unanswerable or not question.evidence:
            continue
        operations = graph.of_scope(question.id, "retrieval")
        handed_on = {v.id for o in operations for v in graph.inputs(o.id, "retrieved")}
        retrieved = [
            variable.value["sources"]
            for operation in operations
            for variable in graph.outputs(operation.id, "retrieved")
            if variable.id not in handed_on
        ]
        recall = evidence_recall(question, retrieved)
        if recall is not None:
            recalls.append(recall)
    scores["retrieval"] = sum(recalls) / len(recalls) if recalls else None
    return {name: round(score, 6) for name, score in scores.items() if score is not None}
