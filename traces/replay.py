"""Re-running one question of a recorded pass with some operations repaired: what it needs.

The graph is executable: upstream of a repair, operations put out what was recorded; what is
downstream runs. `Replay` is handed in by whoever can build the memory; this module holds
what it hands back, and where recorded outputs come from.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from traces.domain import OperationKind
from traces.graph import EvolutionGraph
from traces.operation import Draw, Intervention, Recorder
from traces.results import Failure
from traces.schema import Inputs, Variable


@dataclass(frozen=True)
class Replayed:
    """One question replayed. `prediction` is None where the replay failed; `error` says why
    (`code: message`). `ran` are the operations that were neither reused nor pinned."""

    recorder: Recorder
    prediction: str | None
    error: str | None = None
    ran: tuple[str, ...] = ()

    @cached_property
    def graph(self) -> EvolutionGraph:
        """The evolution graph of the replay, built when it is first asked for."""
        return EvolutionGraph.of(self.recorder)


class Replay(Protocol):
    """Replays one failed question of a recorded pass, on memory of its own.

    The implementation owns the copies of memory, the deadline of a replay, and which model is
    asked. A repair that matches nothing or does not fire, and an operation that raises, puts
    out garbage or takes too long, is a failed replay (`Replayed.error`), never an exception.
    Raises BudgetExceeded, StopRequested, ProviderError, and DeadlineExceeded for the run's own
    deadline.
    """

    def __call__(
        self,
        interventions: Sequence[Intervention],
        *,
        evidence: Collection[str] = (),
        draw: Draw | None = None,
    ) -> Replayed:
        """Return the question's outcome with these interventions.

        With `evidence` (message ids), extractions of other messages and updates of other facts
        are pinned: they keep their recorded outputs as long as the entry that they target is
        unchanged. `draw` names operations to run anew.
        """

    def extract_alone(
        self, message_id: str, sample_index: int = 0, beside: Sequence[str] = ()
    ) -> tuple[Variable, ...]:
        """Return the facts that the memory's own extraction makes of one message alone, or of
        that and others `beside` it in its session (at most one model call); nothing where it
        has no extraction, or where that fails."""


class OpenReplay(Protocol):
    """Returns the replay of one failure; `graph` is that of its recorded pass.

    Raises OperationError where the pass cannot be replayed (nothing of it is in the store).
    """

    def __call__(self, failure: Failure, graph: EvolutionGraph) -> Replay: ...


class RecordedOutputs:
    """traces.operation.ReuseIndex over the operations of one recorded pass.

    What was substituted there is left out: it is not what the operation itself put out.
    """

    def __init__(self, graph: EvolutionGraph) -> None:
        self._graph = graph
        self._by_key = {
            o.reuse_key: o.id
            for o in graph.operations.values()
            if o.status in ("executed", "reused", "pinned")
        }

    def find(self, reuse_key: str) -> dict[str, list[Variable]] | None:
        """Return the recorded outputs by role, or None."""
        id = self._by_key.get(reuse_key)
        return None if id is None else recorded_outputs(self._graph, id)


def recorded_outputs(graph: EvolutionGraph, operation_id: str) -> dict[str, list[Variable]]:
    """Return what an operation of a graph put out, by role."""
    roles: Mapping[str, list[tuple[str, str]]] = graph.operations[operation_id].outputs
    return {role: [graph.variable(id) for id, _ in refs] for role, refs in roles.items()}


@dataclass(frozen=True)
class SlicePins:
    """traces.operation.Pins: extractions of messages that are no evidence, and updates of facts
    that do not come from it, keep what they put out, where messages, fact and targeted entry
    are what they were.

    An entry that was added beside others changes what a later operation is shown; without pins
    one repair would ask the model anew about much that it does not concern.
    """

    graph: EvolutionGraph
    evidence: frozenset[str]

    def find(
        self, kind: OperationKind, operation_id: str, inputs: Inputs
    ) -> dict[str, list[Variable]] | None:
        """Return the recorded outputs of an extraction or update outside the evidence's slice,
        or None."""
        recorded = self.graph.operations.get(operation_id)
        if kind not in ("extraction", "update") or recorded is None:
            return None
        if recorded.status not in ("executed", "reused", "pinned"):
            return None
        now = [v for variables in inputs.values() for v in variables]
        given = [v for v in now if v.kind in ("fact", "message")]
        before = self.graph.inputs(operation_id)
        if {v.hash for v in given} != {v.hash for v in before if v.kind in ("fact", "message")}:
            return None
        if any(self.evidence.intersection(_sources(v)) for v in given):
            return None
        outputs = recorded_outputs(self.graph, operation_id)
        targets = {
            v.value["target"] for vs in outputs.values() for v in vs
            if v.kind == "change" and v.value["target"] is not None
        }  # fmt: skip
        shown = {v.value["entry_id"]: v.hash for v in now if v.kind == "entry"}
        known = {v.value["entry_id"]: v.hash for v in before if v.kind == "entry"}
        if any(t not in shown or shown[t] != known.get(t) for t in targets):
            return None
        return outputs


def _sources(variable: Variable) -> Sequence[str]:
    if variable.kind == "message":
        return (str(variable.value["id"]),)
    return tuple(variable.value["sources"])
