"""What is exported: where it comes from, and one pass, or one question's share of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from traces.domain import PromptSet
from traces.graph import EvolutionGraph
from traces.results import AnswerRecord, Attribution
from traces.schema import OperationRecord

ASKED = ("retrieval", "response")


@dataclass(frozen=True, slots=True)
class Agent:
    """Who carried something out: `name` is a model's, a backend's or a scorer's."""

    name: str
    simulated: bool = False


@dataclass(frozen=True, slots=True)
class Origin:
    """What all parts of an export share.

    `run` and `identity` (a hash) name the run, `data_hash` its data set. `model` answered and
    kept memory, `backend` is the memory's, `scorer` judged. `label` is the line that says what
    was simulated, or None.
    """

    run: str
    identity: str
    data_hash: str
    prompts: PromptSet
    model: Agent
    backend: Agent
    scorer: Agent
    label: str | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """One conversation's pass: its graph, and its answers and attributions by question id.

    `only` names the operations and variables that belong to the export; None means all.
    `questions` are those whose verdicts belong to it; None means all.
    """

    conversation: str
    graph: EvolutionGraph
    answers: Mapping[str, AnswerRecord] = field(default_factory=dict)
    attributions: Mapping[str, Attribution] = field(default_factory=dict)
    only: frozenset[str] | None = None
    questions: frozenset[str] | None = None


def question_slice(
    graph: EvolutionGraph, question: str, attribution: Attribution | None = None
) -> frozenset[str]:
    """Return the operations and variables behind a question's answer.

    That is the backward slice of its retrieval and response. What an answer lacks is not
    behind it: so with an attribution, its decisive operations and whatever rests on its
    evidence messages belong to it too, each with its own backward slice.
    """
    asked = [o for o in graph.of_scope(question) if o.kind in ASKED]
    ends = list(asked)
    roots: set[str] = set()
    if attribution is not None:
        ends += [graph.operations[id] for id in attribution.operations if id in graph.operations]
        evidence = frozenset(attribution.evidence)
        roots |= _resting_on(graph, evidence, _before(graph, asked))
    for operation in ends:
        roots.add(operation.id)
        for refs in (*operation.inputs.values(), *operation.outputs.values()):
            roots.update(id for id, _ in refs)
    # A failed operation has no edges: it is named beside what the slice finds.
    return frozenset(graph.backward_slice(roots) | roots)


def _before(graph: EvolutionGraph, asked: list[OperationRecord]) -> set[str]:
    """Return the operations that had ended when the question was asked."""
    mine = {o.id for o in asked}
    found: set[str] = set()
    for id in graph.operations:
        if id in mine:
            break
        found.add(id)
    return found


def _resting_on(graph: EvolutionGraph, evidence: frozenset[str], before: set[str]) -> set[str]:
    found = {m.id for m in graph.variables("message") if m.value["id"] in evidence}
    for fact in graph.variables("fact"):
        maker = graph.maker(fact.id)
        if maker and maker.id in before and not evidence.isdisjoint(fact.value["sources"]):
            found.add(fact.id)
            # The update that took the fact, also where it kept nothing of it.
            found |= {u.id for u in graph.users(fact.id) if u.id in before}
    for chain in graph.entries():
        for version in chain:
            if evidence.isdisjoint(version.variable.value["sources"]):
                continue
            if version.made_by in before:
                found.add(version.variable.id)
            if version.ended_by in before:
                found.add(str(version.ended_by))
    return found
