"""What `bench attribution` shows: methods, hard sub-types, targets; 80 columns wide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from agent.cli.screen import console, heading
from evals.benchmarks.attribution import HARD
from evals.benchmarks.attribution_targets import LEAST_PAIRS, LEAST_SINGLES
from evals.benchmarks.loop import Check
from evals.report import wording
from traces.domain import PIPELINE
from traces.errors import NotIntervenable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

_GROUPS = {
    "single": "single faults", "pair": "pairs", "harmless": "with a harmless fault beside",
    "wrong_gold": "wrong gold answers", "judge_flip": "judge flips",
}  # fmt: skip
_SHORT = {
    "model_judged": "judged", "model_judged_stepwise": "stepw.", "last_operation": "last",
    "provenance": "prov.",
}  # fmt: skip
_FIRST = 21  # columns of a method's name


def print_done(done: Mapping[str, Any], checks: Sequence[Check], *, matrix: bool = False) -> None:
    """Print the figures of all methods and which targets are met."""
    screen = console()
    methods = done["methods"]
    screen.print("[bold]SIMULATED:[/bold] machinery is tested here, not language quality.")
    _print_conditions(screen, done)
    _print_accuracy(screen, methods)
    _print_blame(screen, methods)
    _print_cost(screen, methods)
    _print_hard(screen, methods)
    if matrix:
        _print_matrix(screen, methods)
    _print_notes(screen, done)
    _print_checks(screen, done, checks)


def _print_conditions(screen: Console, done: Mapping[str, Any]) -> None:
    given = [f"{done['backend']}, seed {done['seed']}, slip {done['slip']:g}"]
    if not done["evidence"]:
        given.append("no evidence ids")
    if done["test_error"]:
        given.append(f"{100 * done['test_error']:g}% of carries-tests wrong")
    groups = done["groups"]
    counts = [f"{groups[group]} {words}" for group, words in _GROUPS.items() if group in groups]
    screen.print(f"{', '.join(given)}: {', '.join(counts)}")


def _print_accuracy(screen: Console, methods: Mapping[str, Any]) -> None:
    heading(screen, "Which operation")
    table = _table(("operation (95%)", "type", "pairs", "exact", "abst.", "Brier", "ECE"))
    for name, one in methods.items():
        found = one["figures"]
        table.add_row(
            name,
            _with_interval(found["operation_accuracy"]),
            *(_share(found[f]) for f in ("type_accuracy", "pairs_f1", "pairs_exact", "abstained")),
            *(_share(found[f]) for f in ("brier", "calibration_error")),
        )
    screen.print(table)
    screen.print(
        "operation, type: single faults, an abstention is wrong; pairs: F1 of the set; "
        "ECE: calibration error",
        style="dim",
    )


def _print_blame(screen: Console, methods: Mapping[str, Any]) -> None:
    heading(screen, "Blame where there is none, and errors among the most confident")
    table = _table(("label, flip", "harmless", "best 50%", "80%", "90%", "all"))
    names = ("blame_on_memory", "blame_on_harmless", "risk_50", "risk_80", "risk_90", "risk_100")
    for name, one in methods.items():
        table.add_row(name, *(_share(one["figures"][f]) for f in names))
    screen.print(table)


def _print_cost(screen: Console, methods: Mapping[str, Any]) -> None:
    heading(screen, "Cost of a failure")
    table = _table(("calls: median", "95%", "mean", "tokens: median", "95%", "mean"))
    for name, one in methods.items():
        found = one["figures"]
        table.add_row(
            name,
            *(_amount(found[f"calls_{f}"], 1) for f in ("median", "p95", "mean")),
            *(_amount(found[f"tokens_{f}"], 0) for f in ("median", "p95", "mean")),
        )
    screen.print(table)


def _print_hard(screen: Console, methods: Mapping[str, Any]) -> None:
    heading(screen, "Where a search that only goes forward fails: operation / type right")
    some = next(iter(methods.values()))["hard"]
    table = _table(HARD)
    table.add_row("(cases)", *(str(some[s]["operation_accuracy"]["n"]) for s in HARD), style="dim")
    for name, one in methods.items():
        hard = one["hard"]
        table.add_row(
            name,
            *(
                f"{_short(hard[s]['operation_accuracy'])} / {_short(hard[s]['type_accuracy'])}"
                for s in HARD
            ),
        )
    screen.print(table)


def _print_matrix(screen: Console, methods: Mapping[str, Any]) -> None:
    heading(screen, "Right operation by kind of fault (pairs: exact set)")
    table = _table(("cases", *(_SHORT.get(name, name) for name in methods)))
    some = next(iter(methods.values()))["matrix"]
    for cell, figure in some.items():
        table.add_row(
            _cell(cell),
            str(figure["n"]),
            *(_short(one["matrix"][cell]) for one in methods.values()),
        )
    screen.print(table)


def _print_notes(screen: Console, done: Mapping[str, Any]) -> None:
    notes = ["Intervals take failures as independent; those of one conversation are not quite."]
    if any(name.startswith("model_judged") for name in done["methods"]):
        notes.append(
            "What model_judged reaches with the simulated model says nothing about language models."
        )
    if done["confidence_saw_this_seed"]:
        notes.append("Confidence was fitted on this seed: its figures are too good.")
    bare = [kind for kind in PIPELINE if kind not in done["planted_in"]]
    if bare:
        notes.append(
            f"Nothing was planted in {' or '.join(bare)}: this memory has no such operation, or "
            "nothing that it puts out can be seen."
        )
    for name, reasons in done["abstained_for"].items():
        said = ", ".join(f"{code} {n}" for code, n in sorted(reasons.items()))
        if NotIntervenable.code in reasons:
            said += " (what is stored cannot be seen, or not be replaced)"
        notes += [f"{name} abstained: {said}."] if said else []
    for name, one in done["methods"].items():
        if one["without_confidence"] and one["brier"] is not None:
            notes.append(
                f"{name}: {one['without_confidence']} of {one['cases']} without a confidence."
            )
        if one["broke"]:
            broke = wording.plural(one["broke"], "failure")
            notes.append(f"[red]{name}: broke on {broke}[/red] (abstentions here).")
    screen.print()
    for note in notes:
        screen.print(note, style="dim")


def _print_checks(screen: Console, done: Mapping[str, Any], checks: Sequence[Check]) -> None:
    heading(screen, "Targets of replay")
    if not checks:
        screen.print("none for these methods and conditions")
        return
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, show_header=False)
    for check in checks:
        mark = "[green]met[/green]" if check.holds else "[red]NOT MET[/red]"
        table.add_row(mark, check.name, check.asked, check.measured)
    screen.print(table)
    if not done["enough"]:
        screen.print(
            f"They are meant for {LEAST_SINGLES} single faults and {LEAST_PAIRS} pairs: with "
            "fewer this is an indication.",
            style="dim",
        )


def _table(titles: Sequence[str]) -> Table:
    from rich.table import Table

    table = Table(box=None, padding=(0, 1, 0, 0), header_style="dim", pad_edge=False)
    table.add_column("", min_width=_FIRST, no_wrap=True)
    for title in titles:
        table.add_column(title, justify="right", no_wrap=True)
    return table


def _with_interval(figure: Mapping[str, Any]) -> str:
    if figure["interval"] is None:
        return _share(figure)
    low, high = (f"{bound:.3f}".lstrip("0") or "0" for bound in figure["interval"])
    return f"{_share(figure)} {low}-{high}"


def _share(figure: Mapping[str, Any]) -> str:
    return "-" if figure["value"] is None else f"{figure['value']:.3f}"


def _short(figure: Mapping[str, Any]) -> str:
    return "-" if figure["value"] is None else f"{figure['value']:.2f}"


def _amount(figure: Mapping[str, Any], digits: int) -> str:
    value = figure["value"]
    if value is None:
        return "-"
    return f"{value:,.0f}" if value == int(value) else f"{value:,.{digits}f}"


def _cell(name: str) -> str:
    """Return a cell in few words: the error type only where the kind does not imply it."""
    if "/" not in name:
        return name
    kind, error_type, sub_type = name.split("/")
    return f"{kind}: {'deletion ' if error_type == 'DeletionError' else ''}{sub_type}"
