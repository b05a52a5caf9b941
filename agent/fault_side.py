"""What an attribution method is given of a planted case: the attributor's side.

The graph is that of the planted pass, recorded like any other; replays keep the faults
active; the ledger holds the planted pass's own calls and its verdict, nothing of the clean
pass besides.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from agent.fault_bed import CleanPass
from agent.recorded_pass import QuestionReplay, RecordedPass
from evals.faults.cases import FaultCase, Group
from evals.faults.fault import Captured
from evals.faults.planting import Planted
from memory_backends.protocol import MemoryBackend
from traces.domain import Conversation, Question
from traces.graph import EvolutionGraph
from traces.hashing import content_hash
from traces.ledger import CallRequest, Completion
from traces.operation import OperationContext, Recorder
from traces.protocols import Judge
from traces.results import Failure
from traces.schema import OperationRecord


@dataclass(frozen=True)
class PlantedCalls:
    """traces.ledger.SharedCalls: the calls of one planted pass, to be read only."""

    calls: Mapping[str, Completion]

    def find(self, key: str) -> Completion | None:
        """Return the completion of a call that the pass made."""
        return self.calls.get(key)

    def add(self, key: str, request: CallRequest, completion: Completion) -> None:
        """Keep nothing: what a method asks is its own."""


@dataclass(frozen=True)
class FlippedVerdict:
    """traces.protocols.Judge that errs once: on one prediction, at sample 0."""

    judge: Judge
    question: str
    prediction: str

    def __call__(
        self, question: Question, prediction: str, sample_index: int = 0
    ) -> tuple[bool, str]:
        """Return the judge's verdict, or its opposite where it errs."""
        correct, reason = self.judge(question, prediction, sample_index)
        errs = (question.id, prediction, sample_index) == (self.question, self.prediction, 0)
        return (not correct, "not what was asked for") if errs else (correct, reason)


@dataclass
class PlantedReplays:
    """traces.replay.OpenReplay of one planted pass, whose context carries the faults."""

    make_backend: Callable[[], MemoryBackend]
    context: OperationContext
    conversation: Conversation
    graph: EvolutionGraph
    real: EvolutionGraph

    @cached_property
    def _pass(self) -> RecordedPass:
        return RecordedPass(
            self.make_backend, self.context, self.conversation, self.graph, real=self.real
        )

    def __call__(self, failure: Failure, graph: EvolutionGraph) -> QuestionReplay:
        """Return the replay of the failure."""
        return self._pass.of(failure.question)

    def close(self) -> None:
        """Release the copies of the memory, where a method has asked for any."""
        if "_pass" in vars(self):
            self._pass.close()


def recorded(planted: Recorder, clean: EvolutionGraph) -> Recorder:
    """Return the planted pass as a first run would have recorded it: every operation
    executed, with its calls, also where the planter reused the clean pass's output."""
    recorder = Recorder()
    recorder.values = planted.values
    for operation in planted.operations:
        made = clean.operations[operation.id] if operation.status == "reused" else operation
        recorder.operations.append(
            replace(operation, status="executed", calls=made.calls, attempts=made.attempts)
        )
    return recorder


def unfaulted(graph: EvolutionGraph, real: Captured) -> EvolutionGraph:
    """Return the graph with what the faulted operations put out of themselves."""
    variables = {ref: graph.variable(ref) for ref in _refs(graph)}
    operations: list[OperationRecord] = []
    for operation in graph.operations.values():
        if operation.id in real:
            placed = {
                role: [v.placed(f"real/{operation.id}/{role}/{i}") for i, v in enumerate(vs)]
                for role, vs in real[operation.id].items()
            }
            variables.update({v.id: v for vs in placed.values() for v in vs})
            outputs = {role: [(v.id, v.hash) for v in vs] for role, vs in placed.items()}
            operation = replace(operation, outputs=outputs)
        operations.append(operation)
    return EvolutionGraph(operations, variables.values())


def _refs(graph: EvolutionGraph) -> set[str]:
    return {
        id for o in graph.operations.values()
        for roles in (o.inputs, o.outputs) for refs in roles.values() for id, _ in refs
    }  # fmt: skip


def case_of(
    clean: CleanPass,
    planted: Planted,
    group: Group,
    *,
    evidence: bool = True,
    question: Question | None = None,
    flip: bool = False,
) -> FaultCase:
    """Return the case that a planting makes.

    `question` stands in for the planted one (another gold answer); `evidence=False` leaves out
    the evidence ids. The conversation has no other question and no gold facts.
    """
    asked = question or planted.site.question
    asked = asked if evidence else replace(asked, evidence=())
    conversation = replace(clean.conversation, questions=(asked,), gold_facts=())
    recorder = recorded(planted.outcome.recorder, clean.graph)
    graph = EvolutionGraph.of(recorder)
    known = frozenset(key for o in graph.operations.values() for key in o.calls)
    gateway = clean.world.lab.gateway(PlantedCalls({k: clean.calls[k] for k in sorted(known)}))
    prediction = planted.outcome.prediction
    judge = clean.world.lab.judge(gateway)
    if flip:
        judge = FlippedVerdict(judge, asked.id, prediction)
    # The pass was judged: its verdict is in the ledger.
    judge(asked, prediction)
    faults = tuple(f.planted(harmless=f.operation in planted.harmless) for f in planted.faults)
    context = replace(clean.context, bind=gateway.bind)
    context = context.intervened([fault.intervention() for fault in planted.faults])
    world = clean.world.number
    replays = PlantedReplays(
        clean.world.lab.make_backend, context, conversation, graph,
        unfaulted(graph, planted.outcome.real),
    )  # fmt: skip
    clean.opened.append(replays)
    named = content_hash([group, *([f.operation, f.error_type, f.sub_type] for f in faults)])[:8]
    return FaultCase(
        id=f"{group}/{world}/{asked.id}/{named}",
        group=group,
        failure=Failure(conversation, asked, prediction, 0),
        graph=graph,
        open=replays,
        judge=judge,
        ask=gateway.ask("judge"),
        known_calls=known,
        faults=faults,
        truths=planted.truths,
    )  # fmt: skip
