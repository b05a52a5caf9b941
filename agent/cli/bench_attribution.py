"""`memtune bench attribution`: methods side by side on failures with planted causes."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from agent.benchmark_attribution import Bench
    from evals.benchmarks.attribution_metrics import Outcome
    from evals.benchmarks.loop import Check

# Pairs, and each other group of failures, for each single fault.
_SHARE = 3 / 8
_EXAMPLES = """[bold]Examples[/bold]

\b
memtune bench attribution                              a first look
memtune bench attribution --faults 400 --out cost.svg  the full bench
memtune bench attribution --methods replay,provenance --slip 0.05
memtune bench attribution --test-error 0.2 --json > wrong-tests.jsonl

Exit codes: 0, 1 where a target is not met by at least 400 single faults and 150
pairs, 2 used wrongly."""


def register(app: typer.Typer) -> None:
    """Add the verb to the group."""
    app.command("attribution", epilog=_EXAMPLES)(attribution)


def attribution(
    faults: Annotated[
        int, typer.Option(min=1, metavar="N", help="Single faults, over the whole matrix.")
    ] = 46,
    pairs: Annotated[
        int | None, typer.Option(min=0, metavar="N", help="Pairs of faults; default 3 for 8.")
    ] = None,
    others: Annotated[
        int | None,
        typer.Option(
            min=0, metavar="N",
            help="Of each: harmless faults beside a real one, wrong gold answers, judge flips; "
            "default 3 for 8.",
        ),
    ] = None,
    backend: Annotated[
        str,
        typer.Option(metavar="NAME|MODULE:ATTR", help="The memory that faults are planted in."),
    ] = "fact_store",
    slip: Annotated[
        float, typer.Option(metavar="RATE", help="How often the simulated model slips, 0 to 1.")
    ] = 0.0,
    evidence: Annotated[
        bool, typer.Option("--evidence/--no-evidence", help="Give the evidence's message ids.")
    ] = True,
    seed: Annotated[int, typer.Option(min=0, help="Of conversations and faults.")] = 400,
    test_error: Annotated[
        float,
        typer.Option(metavar="SHARE", help="Carries-tests answered wrongly on purpose, 0 to 1."),
    ] = 0.0,
    methods: Annotated[
        str | None, typer.Option(metavar="A,B", help="Methods to compare; default all.")
    ] = None,
    processes: Annotated[int, typer.Option(min=1, help="Processes at a time, at most 2.")] = 2,
    matrix: Annotated[bool, typer.Option("--matrix", help="Also each kind of fault.")] = False,
    json_lines: Annotated[bool, typer.Option("--json", help="JSON lines on stdout only.")] = False,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE.svg", help="Draw accuracy against cost.")
    ] = None,
) -> None:  # fmt: skip
    """Compare attribution methods on failures with planted causes; everything is simulated."""
    from traces.attribution.registry import METHODS

    chosen = (
        METHODS if methods is None else tuple(m.strip() for m in methods.split(",") if m.strip())
    )
    others_of = round(faults * _SHARE) if others is None else others
    pairs_of = round(faults * _SHARE) if pairs is None else pairs
    _check_out(out)
    from agent.benchmark_attribution import Bench

    bench = Bench(
        tuple(dict.fromkeys(chosen)), faults, pairs_of, others_of, backend, slip, evidence, seed,
        test_error,
    )  # fmt: skip
    outcomes = _measure(bench, processes, json_lines)
    done, checks = _figures(bench, outcomes)
    if out is not None:
        _draw(out, bench, outcomes)
    if json_lines:
        typer.echo(json.dumps(done))
    else:
        from agent.cli.bench_attribution_screen import print_done

        print_done(done, checks, matrix=matrix)
    if done["enough"] and not all(check.holds for check in checks):
        raise typer.Exit(1)


def _check_out(out: Path | None) -> None:
    """Refuse before an hour's work what could not be written after it."""
    from traces.errors import SettingsError

    if out is None:
        return
    if out.suffix != ".svg":
        raise SettingsError(
            f"--out {out}: only SVG can be drawn (it needs no drawing library); name a .svg file"
        )
    if not out.parent.is_dir():
        raise SettingsError(f"--out {out}: there is no directory {out.parent}; make it first")


def _measure(bench: Bench, processes: int, json_lines: bool) -> list[Outcome]:
    """Run the bench; print a JSON line an attribution where asked for, else progress."""
    from agent.benchmark_attribution import run_bench

    found = []
    planned = bench.faults + bench.pairs + 3 * bench.others
    with _progress(planned * len(bench.methods)) as advance:
        for one in run_bench(bench, processes):
            found.append(one)
            advance()
            if json_lines:
                line = {"event": "attribution", **_conditions(bench), **one.to_json()}
                typer.echo(json.dumps(line))
    if not found:
        from traces.errors import DataError

        raise DataError(
            f"no fault could be planted in {bench.backend} with seed {bench.seed}; try another seed"
        )
    order = {method: place for place, method in enumerate(bench.methods)}
    return sorted(found, key=lambda o: (order[o.method], o.case))


def _conditions(bench: Bench) -> dict[str, Any]:
    return {
        "backend": bench.backend,
        "seed": bench.seed,
        "slip": bench.slip,
        "evidence": bench.evidence,
        "test_error": bench.test_error,
    }


def _figures(bench: Bench, outcomes: Sequence[Outcome]) -> tuple[dict[str, Any], list[Check]]:
    from collections import Counter
    from dataclasses import asdict

    from evals.benchmarks.attribution import by_method, of_method, summary
    from evals.benchmarks.attribution_targets import (
        LEAST_PAIRS,
        LEAST_SINGLES,
        Conditions,
        checks,
    )
    from traces.attribution.replay.confidence import Confidence

    figures = by_method(outcomes)
    found = checks(figures, Conditions(bench.slip, bench.evidence, bench.test_error))
    groups = Counter(o.group for o in outcomes if o.method == bench.methods[0])
    done = {
        "event": "done",
        "simulated": True,
        **_conditions(bench),
        "faults": groups["single"],
        "groups": dict(groups),
        "enough": groups["single"] >= LEAST_SINGLES and groups["pair"] >= LEAST_PAIRS,
        # Confidence is not new to failures that it was fitted on.
        "confidence_saw_this_seed": bench.seed in Confidence.shipped().fitted.get("seeds", ()),
        "abstained_for": {
            method: dict(
                Counter(
                    o.reason.partition(":")[0]
                    for o in outcomes
                    if o.method == method and o.abstained
                )
            )
            for method in bench.methods
        },
        "planted_in": sorted({cell.partition("/")[0] for o in outcomes for cell in o.cells}),
        "methods": {method: summary(of_method(outcomes, method)) for method in bench.methods},
        "checks": [asdict(check) for check in found],
    }
    return done, found


def _draw(out: Path, bench: Bench, outcomes: Sequence[Outcome]) -> None:
    from agent.loop.directory import write_whole
    from evals.benchmarks.attribution import by_method
    from evals.benchmarks.attribution_plot import accuracy_against_cost
    from traces.errors import SettingsError

    singles = sum(o.group == "single" and o.method == bench.methods[0] for o in outcomes)
    subtitle = (
        f"SIMULATED: {bench.backend}, slip {bench.slip:g}, seed {bench.seed}, {singles:,} single "
        "faults; bars are 95% intervals"
    )
    try:
        write_whole(out, accuracy_against_cost(by_method(outcomes), subtitle))
    except OSError as error:
        raise SettingsError(f"--out {out}: cannot be written ({error.strerror})") from error


@contextmanager
def _progress(total: int) -> Iterator[Callable[[], None]]:
    """Show on stderr how many attributions are made: a bar, or a line for each tenth."""
    made = 0

    def line() -> None:
        nonlocal made
        made += 1
        if made * 10 // total > (made - 1) * 10 // total:
            typer.echo(f"{made:,} of about {total:,} attributions", err=True)

    if not sys.stderr.isatty():
        yield line
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("attributing"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
    )  # fmt: skip

    def advance() -> None:
        progress.advance(task)
        progress.refresh()

    # No thread that draws: processes are made while the bar is shown.
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, auto_refresh=False) as progress:
        task = progress.add_task("attributing", total=total)
        yield advance
