"""How right one attribution of a failure with a known cause is."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from evals.faults.cases import FaultCase, Group, PlantedFault
from traces.graph import EvolutionGraph
from traces.results import Attribution

# What is to be said of a failure that no operation caused.
_NOT_MEMORY = {"wrong_gold": "AnnotationError", "judge_flip": "JudgeError"}
BLAMELESS: tuple[Group, ...] = ("wrong_gold", "judge_flip")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one method made of one failure, compared with its known cause.

    `cells` are the faults to blame, as `kind/error type/sub-type`. `right`: the named set
    equals a truth; where the memory is not to blame, no operation is named and there is no
    abstention. `f1` compares the named set with the nearest truth (None: nothing to name).
    `memory` and `harmless`: an operation of the memory, a planted harmless one, is named.
    `calls`, `tokens` and `seconds` are what the attribution cost.
    """

    method: str
    case: str
    conversation: str
    group: Group
    cells: tuple[str, ...]
    sub_types: tuple[str, ...]
    verdict: str
    error_type: str | None
    sub_type: str | None
    named: int
    right: bool
    type_right: bool
    f1: float | None
    memory: bool
    harmless: bool
    confidence: float | None
    features: Mapping[str, float]
    calls: int
    tokens: int
    seconds: float
    reason: str

    @property
    def abstained(self) -> bool:
        """Whether nothing was said about the cause."""
        return self.verdict == "abstained"

    def to_json(self) -> dict[str, Any]:
        """Return JSON-native values."""
        return {**asdict(self), "cells": list(self.cells), "sub_types": list(self.sub_types)}

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Outcome:
        """Read what `to_json` wrote."""
        listed = {name: tuple(record[name]) for name in ("cells", "sub_types")}
        return cls(**{**record, **listed})


def outcome(
    case: FaultCase, attribution: Attribution, calls: int, tokens: int, seconds: float
) -> Outcome:
    """Compare an attribution with the truth."""
    named = frozenset(attribution.operations)
    abstained = attribution.verdict == "abstained"
    harmless = {fault.operation for fault in case.faults if fault.harmless}
    if case.truths:
        right, f1 = named in case.truths, best_f1(named, case.truths)
    else:
        right, f1 = not named and not abstained, None
    certificate = attribution.certificate or {}
    return Outcome(
        method=attribution.method,
        case=case.id,
        conversation=case.failure.conversation.id,
        group=case.group,
        cells=tuple(sorted(cell(fault) for fault in case.real)),
        sub_types=tuple(sorted({fault.sub_type for fault in case.real})),
        verdict=attribution.verdict,
        error_type=attribution.error_type,
        sub_type=attribution.sub_type,
        named=len(named),
        right=right,
        type_right=attribution.error_type in _expected(case, named),
        f1=f1,
        memory=_blames_memory(case.graph, named),
        harmless=bool(named & harmless),
        confidence=attribution.confidence,
        features=dict(certificate.get("features") or {}),
        calls=calls,
        tokens=tokens,
        seconds=seconds,
        reason=attribution.reason,
    )


def cell(fault: PlantedFault) -> str:
    """Return a fault's place in the matrix."""
    return f"{fault.kind}/{fault.error_type}/{fault.sub_type}"


def best_f1(named: Collection[str], truths: Sequence[Collection[str]]) -> float:
    """Return the F1 (0..1) of the named operations and the nearest of the truths."""
    return max((set_f1(named, truth) for truth in truths), default=0.0)


def set_f1(named: Collection[str], truth: Collection[str]) -> float:
    """Return the harmonic mean of precision and recall of two sets; 1 where both are empty."""
    given, wanted = set(named), set(truth)
    if not given and not wanted:
        return 1.0
    return 2 * len(given & wanted) / (len(given) + len(wanted))


def _expected(case: FaultCase, named: Collection[str]) -> set[str]:
    """Return the error types that are right to give.

    An attribution has one error type. For several faults it is that of one that it names;
    where it names none of them, of any.
    """
    if case.group in _NOT_MEMORY:
        return {_NOT_MEMORY[case.group]}
    hit = {fault.error_type for fault in case.real if fault.operation in named}
    return hit or {fault.error_type for fault in case.real}


def _blames_memory(graph: EvolutionGraph, named: Collection[str]) -> bool:
    """Say whether a named operation is one of the memory's: any but the response."""
    found = (graph.operations.get(id) for id in named)
    return any(operation is None or operation.kind != "response" for operation in found)
