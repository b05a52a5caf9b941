"""Stage scores of one episode, read from its graph where the gold facts are known."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from evals.scorers.stages import evidence_recall, extraction_recall, memory_correctness
from traces.domain import Conversation
from traces.graph import EvolutionGraph
from traces.schema import Variable, internal

Stages = Mapping[str, float | None]


def stage_scores(conversation: Conversation, graph: EvolutionGraph) -> dict[str, float | None]:
    """Return scores in 0..1 by stage; None where the backend has no such stage, or shows
    nothing of it. What the data set cannot score is left out.

    `retrieval` is the share of evidence messages among the sources of what was
    retrieved, averaged over questions with known evidence; where one retrieval hands its
    results on to another one, the last one's count.
    """
    scores: dict[str, float | None] = {}
    if conversation.gold_facts:
        scores["extraction"] = _extraction(conversation, graph)
        scores["update"] = _update(conversation, graph)
    recalls, told = [], []
    for question in conversation.questions:
        if question.unanswerable or not question.evidence:
            continue
        retrieved = [v.value["sources"] for v in _retrieved(graph, question.id)]
        told += retrieved
        recall = evidence_recall(question, retrieved)
        if recall is not None:
            recalls.append(recall)
    if recalls:
        # Entries that all keep quiet about their sources say nothing of what was found.
        known = not told or any(told)
        scores["retrieval"] = sum(recalls) / len(recalls) if known else None
    return {name: None if s is None else round(s, 6) for name, s in scores.items()}


def mean_stages(episodes: Iterable[Stages]) -> dict[str, float | None]:
    """Return the mean of each stage over the episodes that have it; None where none has."""
    found: dict[str, list[float]] = defaultdict(list)
    for stages in episodes:
        for name, value in stages.items():
            found[name] += [] if value is None else [value]
    return {name: round(sum(v) / len(v), 6) if v else None for name, v in sorted(found.items())}


def _extraction(conversation: Conversation, graph: EvolutionGraph) -> float | None:
    if not _of_kind(graph, "extraction"):
        return None
    facts = [(v.value["text"], v.value["sources"]) for v in graph.variables("fact")]
    return extraction_recall(conversation.gold_facts, facts)


def _update(conversation: Conversation, graph: EvolutionGraph) -> float | None:
    updates = _of_kind(graph, "update")
    shown = any(graph.outputs(id, kind) for id in updates for kind in ("change", "entry"))
    # With nothing extracted there is nothing to update: an empty memory, not an unseen one.
    if not shown and (updates or not _of_kind(graph, "extraction")):
        return None
    alive = [
        (chain[-1].variable.value["text"], chain[-1].variable.value["sources"])
        for chain in graph.entries()
        if chain[-1].ended_by is None and not internal(chain[-1].variable)
    ]
    return memory_correctness(conversation.gold_facts, alive)


def _retrieved(graph: EvolutionGraph, question: str) -> list[Variable]:
    operations = graph.of_scope(question, "retrieval")
    handed_on = {v.id for o in operations for v in graph.inputs(o.id, "retrieved")}
    return [
        variable
        for operation in operations
        for variable in graph.outputs(operation.id, "retrieved")
        if variable.id not in handed_on
    ]


def _of_kind(graph: EvolutionGraph, kind: str) -> list[str]:
    return [o.id for o in graph.operations.values() if o.kind == kind]
