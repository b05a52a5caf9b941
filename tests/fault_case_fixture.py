"""Hand-made failures with known causes, over the hand-made pipeline; methods that err on
purpose; and what is measured of them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from evals.benchmarks.attribution_metrics import Outcome, outcome
from evals.faults.cases import FaultCase, Group, PlantedFault
from tests.attribution_fixture import Pipeline, Reader
from traces.attribution.record import abstention
from traces.domain import Question
from traces.errors import OperationError
from traces.graph import EvolutionGraph
from traces.protocols import Attribute
from traces.results import Attribution, Failure

STALE = ("update", "stale")
MISSED = ("retrieval", "missed")
_TYPES = {"extraction": "ExtractionError", "update": "UpdateError",
          "retrieval": "RetrievalError", "response": "ResponseError"}  # fmt: skip


def no_replay(failure: Failure, graph: EvolutionGraph) -> Any:
    """traces.replay.OpenReplay of a case that cannot be replayed."""
    raise OperationError("hand-made: cannot be replayed")


def wrong(question: Question, prediction: str, sample_index: int = 0) -> tuple[bool, str]:
    """A judge that calls everything wrong."""
    return False, ""


def pipeline() -> Pipeline:
    """Ada moved to Porto; the update that should say so kept Lisbon."""
    made = Pipeline(
        {
            "m1": ("s1", "Ada", "I live in Lisbon."),
            "m2": ("s2", "Ada", "I have moved to Porto."),
            "m3": ("s2", "Ada", "The weather is fine."),
        }
    )
    (old,) = made.remember("s1", ("m1", "Ada lives in Lisbon."))
    (moved,) = made.extract("s2", ("m2", "Ada has moved to Porto."))
    made.update("s2", moved, "keep", target=old, near=[old])
    made.ask("Where does Ada live?", "Porto", "Lisbon", evidence=["m2"], found=[old])
    return made


def operation(graph: EvolutionGraph, kind: str, place: int = -1) -> str:
    """Return the id of an operation of a kind, the last unless told otherwise."""
    return [o.id for o in graph.operations.values() if o.kind == kind][place]


def case(
    *faults: tuple[str, str],
    group: Group = "single",
    harmless: tuple[str, str] | None = None,
    truths: Collection[Collection[str]] | None = None,
    id: str = "c1/q1",
) -> FaultCase:
    """Return a case with faults (kind, sub-type), each at the last operation of its kind.

    `truths` are sets of kinds (default: all the faults together).
    """
    made = pipeline()
    graph = EvolutionGraph.of(made.ctx.recorder)

    def planted(kind: str, sub_type: str, harmless: bool = False) -> PlantedFault:
        known: Any = kind
        return PlantedFault(operation(graph, kind), known, _TYPES[kind], sub_type, harmless)

    listed = [planted(kind, sub_type) for kind, sub_type in faults]
    kinds = [tuple(kind for kind, _ in faults)] if truths is None else truths
    sets = tuple(frozenset(operation(graph, k) for k in truth) for truth in kinds if truth)
    if harmless is not None:
        listed.append(planted(*harmless, True))
    return FaultCase(
        id, group, made.failure(), graph, no_replay, wrong, Reader({}), frozenset(), tuple(listed),
        sets,
    )  # fmt: skip


@dataclass
class Names:
    """A method that names the operations of certain kinds, come what may."""

    kinds: tuple[str, ...] = ()
    error_type: str | None = None
    confidence: float | None = None
    name: str = "names"

    def __call__(self, failure: Failure, graph: EvolutionGraph) -> Attribution:
        """Return the suspicion against the last operation of each kind."""
        ids = tuple(operation(graph, kind) for kind in self.kinds)
        return Attribution(
            failure.conversation.id, failure.question.id, self.name, "suspected", self.error_type,
            operations=ids, confidence=self.confidence,
        )  # fmt: skip


@dataclass
class Abstains:
    """A method that never says anything."""

    reason: str = "no_candidate"
    name: str = "abstains"

    def __call__(self, failure: Failure, graph: EvolutionGraph) -> Attribution:
        """Return an abstention."""
        return abstention(failure, self.name, self.reason)


def one_of_each() -> list[FaultCase]:
    """Return a case of each group: single, pair, harmless, wrong gold, judge flip."""
    return [
        case(STALE, id="single/1"),
        case(STALE, MISSED, group="pair", id="pair/1"),
        case(STALE, group="harmless", harmless=MISSED, id="harmless/1"),
        case(group="wrong_gold", harmless=MISSED, id="gold/1"),
        case(group="judge_flip", id="flip/1"),
    ]


def scored(method: Attribute, made: FaultCase, /, **changes: Any) -> Outcome:
    """Return how right a method is on a case, with some figures changed."""
    found = outcome(made, method(made.failure, made.graph), 3, 1000, 0.1)
    return changed(found, **changes)


def changed(one: Outcome, /, **changes: Any) -> Outcome:
    """Return an outcome with some figures changed."""
    return Outcome.from_json({**one.to_json(), **changes})
