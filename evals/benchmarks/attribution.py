"""Which method names the operation that caused a wrong answer, and what does that cost?

The causes are known: they were planted. Methods stand side by side on the same failures.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from evals.benchmarks.attribution_metrics import BLAMELESS, Outcome
from evals.benchmarks.calibration import COVERAGES, brier, calibration_error, reliability, risk
from evals.benchmarks.intervals import Figure, mean, quantile, share
from traces.domain import OperationKind
from traces.results import SubType

# Where a search that only goes forward from the evidence fails: reported by themselves.
HARD: tuple[SubType, ...] = ("stale", "overwritten", "wrong_time", "hallucination")
KINDS: tuple[OperationKind, ...] = ("extraction", "update", "retrieval", "response")

Outcomes = Sequence[Outcome]
Test = Callable[[Outcome], bool]


def by_method(outcomes: Outcomes) -> dict[str, dict[str, Figure]]:
    """Return each method's figures, in the order in which the methods come."""
    methods = dict.fromkeys(one.method for one in outcomes)
    return {method: figures(of_method(outcomes, method)) for method in methods}


def of_method(outcomes: Outcomes, method: str) -> list[Outcome]:
    """Return the outcomes of one method."""
    return [one for one in outcomes if one.method == method]


def figures(outcomes: Outcomes) -> dict[str, Figure]:
    """Return one method's figures by name.

    Operation and type accuracy are over single faults, pairs by themselves; abstentions over
    all failures whose cause is an operation; confidence and cost over all failures.
    """
    single, pair, harmless = (_of(outcomes, group) for group in ("single", "pair", "harmless"))
    blameless = [o for o in outcomes if o.group in BLAMELESS]
    caused = [o for o in outcomes if o.group not in BLAMELESS]
    named = [o for o in single if not o.abstained]
    confidences, right = [o.confidence for o in outcomes], [o.right for o in outcomes]
    return {
        "operation_accuracy": share(o.right for o in single),
        "operation_accuracy_when_named": share(o.right for o in named),
        "type_accuracy": share(o.type_right for o in single),
        "pairs_f1": share(o.f1 for o in pair if o.f1 is not None),
        "pairs_exact": share(o.right for o in pair),
        "pairs_type_accuracy": share(o.type_right for o in pair),
        "harmless_operation_accuracy": share(o.right for o in harmless),
        "blame_on_memory": share(o.memory for o in blameless),
        "blame_on_any_operation": share(o.named > 0 for o in blameless),
        "blame_on_harmless": share(o.harmless for o in harmless),
        "blameless_type_accuracy": share(o.type_right for o in blameless),
        "abstained": share(o.abstained for o in caused),
        "abstained_single": share(o.abstained for o in single),
        "abstained_blameless": share(o.abstained for o in blameless),
        "brier": brier(confidences, right),
        "calibration_error": calibration_error(confidences, right),
        **{f"risk_{round(100 * c)}": risk(confidences, right, c) for c in COVERAGES},
        **_cost("calls", [o.calls for o in outcomes]),
        **_cost("tokens", [o.tokens for o in outcomes]),
        "seconds": mean(o.seconds for o in outcomes),
    }


def hard_sub_types(outcomes: Outcomes) -> dict[str, dict[str, Figure]]:
    """Return operation and type accuracy of single faults by hard sub-type."""
    found: dict[str, dict[str, Figure]] = {}
    for sub_type in HARD:
        ones = [o for o in _of(outcomes, "single") if sub_type in o.sub_types]
        found[sub_type] = {
            "operation_accuracy": share(o.right for o in ones),
            "type_accuracy": share(o.type_right for o in ones),
        }
    return found


def matrix(outcomes: Outcomes) -> dict[str, Figure]:
    """Return operation accuracy by cell: single faults by kind and sub-type, then pairs by
    their two cells' kinds."""
    cells: dict[str, list[bool]] = defaultdict(list)
    for one in _of(outcomes, "single"):
        cells[" + ".join(one.cells)].append(one.right)
    pairs: dict[str, list[bool]] = defaultdict(list)
    for one in _of(outcomes, "pair"):
        kinds = sorted((c.split("/")[0] for c in one.cells), key=_place)
        pairs["pair " + " + ".join(kinds)].append(one.right)
    order = sorted(cells, key=lambda c: (_place(c.split("/")[0]), c))
    return {c: share(found[c]) for found, names in ((cells, order), (pairs, sorted(pairs)))
            for c in names}  # fmt: skip


def summary(outcomes: Outcomes) -> dict[str, Any]:
    """Return one method's figures as JSON-native values.

    Beside single values (`calls` and `tokens` are medians) stand `interval`, by the same
    names, and everything in `figures`.
    """
    found = figures(outcomes)
    short = {
        "operation_accuracy": found["operation_accuracy"],
        "type_accuracy": found["type_accuracy"],
        "pairs_f1": found["pairs_f1"],
        "abstained": found["abstained"],
        "brier": found["brier"],
        "calls": found["calls_median"],
        "tokens": found["tokens_median"],
    }
    confidences, right = [o.confidence for o in outcomes], [o.right for o in outcomes]
    return {
        **{name: figure.value for name, figure in short.items()},
        "interval": {name: figure.bounds for name, figure in short.items()},
        "cases": len(outcomes),
        "without_confidence": sum(c is None for c in confidences),
        "broke": sum(o.reason.startswith(BROKE) for o in outcomes),
        "figures": {name: figure.to_json() for name, figure in found.items()},
        "reliability": [asdict(one) for one in reliability(confidences, right)],
        "risk_by_coverage": [
            [c / 20, risk(confidences, right, c / 20).value] for c in range(1, 21)
        ],
        "hard": {
            sub_type: {name: figure.to_json() for name, figure in one.items()}
            for sub_type, one in hard_sub_types(outcomes).items()
        },
        "matrix": {cell: figure.to_json() for cell, figure in matrix(outcomes).items()},
    }


# An abstention whose reason begins so is a defect of the method.
BROKE = "internal_error"


def _of(outcomes: Outcomes, group: str) -> list[Outcome]:
    return [o for o in outcomes if o.group == group]


def _cost(name: str, values: Sequence[int]) -> Mapping[str, Figure]:
    return {
        f"{name}_median": quantile(values, 0.5),
        f"{name}_p95": quantile(values, 0.95),
        f"{name}_mean": mean(values),
    }


def _place(kind: str) -> int:
    return KINDS.index(kind) if kind in KINDS else len(KINDS)
