"""What replay attribution is meant to reach, and whether it did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from evals.benchmarks.intervals import Figure
from evals.benchmarks.loop import Check

SUBJECT = "replay"
# The targets speak of so many failures; with fewer they are shown, and prove little.
LEAST_SINGLES, LEAST_PAIRS = 400, 150
_SLIP = 0.05  # the slip rate of the second column
_WRONG_TESTS = 0.2
_BASELINE = "provenance"
_NAMES = {"model_judged": "model judged", "model_judged_stepwise": "judged stepwise"}

Methods = Mapping[str, Mapping[str, Figure]]


@dataclass(frozen=True, slots=True)
class Conditions:
    """Under what a method was measured: slip rate and share of carries-tests answered wrongly
    (0..1), and whether the evidence's ids were given."""

    slip: float
    evidence: bool
    test_error: float


def checks(methods: Methods, conditions: Conditions) -> list[Check]:
    """Compare what replay reached with the targets for these conditions.

    There are none where replay was not run, nor for a slip rate above 5%, nor of a kind of
    failure that was not planted. Between 0 and 5% those for 5% hold; tests answered wrongly
    have targets up to a share of 20%.
    """
    if SUBJECT not in methods or conditions.slip > _SLIP or not methods[SUBJECT]["seconds"].n:
        return []
    column = 0 if conditions.slip == 0 else 1
    found = methods[SUBJECT]
    if conditions.test_error > 0:
        if conditions.test_error > _WRONG_TESTS or not conditions.evidence:
            return []
        return _wrong_tests(methods, column)
    accuracy = found["operation_accuracy"]
    if not conditions.evidence:
        return [_least("operation accuracy, no evidence", accuracy, (0.93, 0.88)[column])]
    most = (0.02, 0.05)[column]
    of_groups = [
        (_least, "operation accuracy, single", accuracy, (0.97, 0.92)[column]),
        (_least, "error type accuracy, single", found["type_accuracy"], (0.97, 0.94)[column]),
        (_least, "pairs: set F1", found["pairs_f1"], (0.95, 0.90)[column]),
        (_most, "blame for a wrong label or flip", found["blame_on_memory"], most),
        (_most, "blame of a harmless fault", found["blame_on_harmless"], most),
    ]
    return [
        *(compare(name, figure, bound) for compare, name, figure, bound in of_groups if figure.n),
        _most("Brier score of confidence", found["brier"], (0.03, 0.07)[column]),
        _most("calls, median", found["calls_median"], 8),
        _most("calls, 95th percentile", found["calls_p95"], 24),
        _most("tokens, median", found["tokens_median"], 20_000),
        *_cheaper(methods),
    ]


def _wrong_tests(methods: Methods, column: int) -> list[Check]:
    accuracy = methods[SUBJECT]["operation_accuracy"]
    found = [
        _least("operation accuracy, wrong tests", accuracy, (0.90, 0.85)[column]),
    ]
    if _BASELINE not in methods:
        return found
    other = methods[_BASELINE]["operation_accuracy"].value
    gap = None if accuracy.value is None or other is None else accuracy.value - other
    held = gap is not None and (gap >= 0.08 - 1e-9 if column == 0 else gap > 0)
    asked = ">= 0.08" if column == 0 else "> 0"
    measured = "-" if gap is None else f"{gap:+.3f}"
    return [*found, Check(f"the same, above {_BASELINE}", measured, asked, held)]


def _cheaper(methods: Methods) -> list[Check]:
    """Fewer tokens a failure, in the mean, than each way of asking a model."""
    found = []
    mine = methods[SUBJECT]["tokens_mean"].value
    for name in _NAMES:
        if name in methods:
            other = methods[name]["tokens_mean"].value
            held = mine is not None and other is not None and mine < other
            asked = "-" if other is None else f"< {other:,.0f}"
            found.append(
                Check(
                    f"mean tokens, {_NAMES[name]}", "-" if mine is None else f"{mine:,.0f}",
                    asked, held,
                )
            )  # fmt: skip
    return found


def _least(name: str, figure: Figure, bound: float) -> Check:
    held = figure.value is not None and figure.value >= bound - 1e-9
    return Check(name, shown(figure), f">= {bound}", held)


def _most(name: str, figure: Figure, bound: float) -> Check:
    held = figure.value is not None and figure.value <= bound + 1e-9
    return Check(name, shown(figure), f"<= {bound:,}", held)


def shown(figure: Figure) -> str:
    """Return a value with its interval and number of cases."""
    if figure.value is None:
        return "not measured"
    whole = figure.value == int(figure.value) and figure.value > 1

    def said(value: float | None) -> str:
        return "?" if value is None else f"{value:,.0f}" if whole else f"{value:.3f}"

    span = "" if figure.bounds is None else f" ({said(figure.low)}-{said(figure.high)})"
    return f"{said(figure.value)}{span} n {figure.n:,}"
