"""`memtune bench`: the long proofs, measured and compared with their targets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from agent.cli import bench_attribution, bench_confidence

app = typer.Typer(
    help="Long proofs: the loop's gain, attribution, the estimate's range, the cost of tracing."
)


def register(root: typer.Typer) -> None:
    """Add the group to the command line."""
    bench_attribution.register(app)
    bench_confidence.register(app)
    root.add_typer(app, name="bench", rich_help_panel="Measure")


@app.command("loop")
def loop(
    seeds: Annotated[int, typer.Option(min=1, help="Seeds of each condition.")] = 10,
    first_seed: Annotated[int, typer.Option(min=0, help="The first of the seeds.")] = 10,
    null_runs: Annotated[
        int, typer.Option(min=0, help="Runs in worlds that need nothing beyond the seed prompts.")
    ] = 20,
    causality: Annotated[
        bool, typer.Option(help="Also with random attribution, shuffled and empty signals.")
    ] = True,
    conversations: Annotated[int, typer.Option(min=5, help="Conversations a run.")] = 30,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds a run.")] = 5,
    processes: Annotated[int, typer.Option(min=1, help="Runs at a time.")] = 2,
    model: Annotated[
        str,
        typer.Option(
            help="Of the headline runs. sim-server/rules-1: a server process each; "
            "sim/rules-1: in process, as all other runs."
        ),
    ] = "sim-server/rules-1",
    json_lines: Annotated[bool, typer.Option("--json", help="JSON lines on stdout only.")] = False,
    out: Annotated[Path | None, typer.Option(help="Also write the figures to this file.")] = None,
) -> None:
    """Run the loop over many seeds and compare with the targets; everything is simulated."""
    from functools import partial

    from agent.benchmark import run_jobs
    from evals.benchmarks.loop import Job, Plan, run_benchmark

    plan = Plan(seeds, null_runs, causality, first_seed)
    total, ended = len(plan.jobs()), 0

    def on_row(job: Job, row: Mapping[str, Any]) -> None:
        nonlocal ended
        ended += 1
        if json_lines:
            line = {"event": "run", "condition": job.condition, "seed": job.seed, **row}
            typer.echo(json.dumps(line))
        else:
            closed = row["headroom_closed"]
            typer.echo(
                f"[{ended:>3}/{total}] {job.condition:<20} seed {job.seed:<5} "
                f"{_share(row['baseline'])} -> {_share(row['final'])}  "
                f"gain {row['gain']:+.3f}  closed {_share(closed)}  {row['seconds']:.0f} s",
                err=True,
            )

    run_all = partial(
        run_jobs, model=model, conversations=conversations, rounds=rounds, processes=processes
    )
    figures = run_benchmark(plan, run_all, on_row)
    checks = figures.pop("checks")
    from dataclasses import asdict

    figures |= {"event": "done", "simulated": True, "model": model,
                "checks": [asdict(c) for c in checks]}  # fmt: skip
    if out is not None:
        from agent.loop.directory import write_whole

        write_whole(out, json.dumps(figures, indent=1, sort_keys=True) + "\n")
    if json_lines:
        typer.echo(json.dumps(figures))
    else:
        _show(figures["summary"], checks)
    if not all(check.holds for check in checks):
        raise typer.Exit(1)


@app.command("estimate")
def estimate(
    seeds: Annotated[int, typer.Option(min=1, help="How many seeds.")] = 10,
    first_seed: Annotated[int, typer.Option(min=0, help="The first of the seeds.")] = 320,
    conversations: Annotated[int, typer.Option(min=3, help="Conversations a run.")] = 30,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds a run.")] = 5,
    processes: Annotated[int, typer.Option(min=1, help="Runs at a time.")] = 2,
    usd_in: Annotated[
        float | None, typer.Option(min=0.0, help="USD a million input tokens: dollars, too.")
    ] = None,
    usd_out: Annotated[
        float | None, typer.Option(min=0.0, help="USD a million output tokens.")
    ] = None,
    json_lines: Annotated[bool, typer.Option("--json", help="JSON lines on stdout only.")] = False,
) -> None:
    """Estimate runs, then run them: is each in its range? Everything is simulated."""
    from agent.benchmark_estimate import Shape, measure_all, summary
    from agent.cli.estimate_bench_screen import print_found
    from agent.settings import Price

    price = None
    if usd_in is not None or usd_out is not None:
        price = Price(input=usd_in or 0.0, output=usd_out or 0.0)
    wanted = range(first_seed, first_seed + seeds)
    rows: dict[int, Mapping[str, Any]] = {}
    for seed, row in measure_all(wanted, Shape(conversations, rounds, price), processes):
        rows[seed] = row
        if json_lines:
            typer.echo(json.dumps({"event": "run", "seed": seed, "figures": row}))
        else:
            typer.echo(f"[{len(rows):>3}/{seeds}] seed {seed}", err=True)
    found = summary(rows)
    if json_lines:
        shape = {"conversations": conversations, "rounds": rounds}
        typer.echo(json.dumps({"event": "done", "simulated": True, **shape, "summary": found}))
    else:
        print_found(rows, found)
    if any(one["contained"] < one["runs"] for one in found.values()):
        raise typer.Exit(1)


@app.command("overhead")
def overhead(
    json_lines: Annotated[bool, typer.Option("--json", help="One JSON line on stdout.")] = False,
) -> None:
    """What `perform` costs an operation with 1 kB values, beside two OpenTelemetry spans."""
    import tempfile

    from evals.benchmarks.overhead import measure

    with tempfile.TemporaryDirectory(prefix="memtune-bench-") as directory:
        found = measure(Path(directory))
    if json_lines:
        typer.echo(
            json.dumps(
                {"event": "done", "perform_us": found.perform, "two_spans_us": found.two_spans,
                 "ratio": found.ratio}
            )
        )  # fmt: skip
    else:
        typer.echo(
            f"perform {found.perform:.1f} us an operation, two spans {found.two_spans:.1f} us: "
            f"ratio {found.ratio:.2f} (target <= 1)"
        )
    if found.ratio > 1:
        raise typer.Exit(1)


@app.command("tracing")
def tracing(
    backend: Annotated[
        str, typer.Option(metavar="NAME|MODULE:ATTR", help="The memory that is traced.")
    ] = "fact_store",
    conversations: Annotated[int, typer.Option(min=1, help="Synthetic conversations.")] = 2,
    delay: Annotated[
        int, typer.Option(min=0, max=60_000, help="Milliseconds that a model call takes.")
    ] = 50,
    json_lines: Annotated[bool, typer.Option("--json", help="One JSON line on stdout.")] = False,
) -> None:
    """What tracing adds to the time of a backend whose model calls take 50 ms."""
    import tempfile
    from dataclasses import asdict

    from agent.benchmark_tracing import TARGET, measure

    with tempfile.TemporaryDirectory(prefix="memtune-bench-") as directory:
        found = measure(Path(directory), backend, conversations, delay / 1000)
    if json_lines:
        figures = {**asdict(found), "share": found.share, "difference": found.difference}
        typer.echo(json.dumps({"event": "done", "backend": backend, "delay_ms": delay, **figures}))
    else:
        typer.echo(
            f"{backend}: {found.operations} operations, {found.calls} model calls of {delay} ms\n"
            f"tracing took {found.own:.2f} s beside {found.traced - found.own:.1f} s: "
            f"{found.share:.2%} (target <= {TARGET:.0%})\n"
            f"the same passes untraced took {found.untraced:.1f} s: difference "
            f"{found.difference:+.1%}, with noise"
        )
    if found.share > TARGET:
        raise typer.Exit(1)


@app.command("slices")
def slices(
    operations: Annotated[
        int, typer.Option(min=10_000, help="Operations in the graph; the other has a tenth.")
    ] = 1_000_000,
    json_lines: Annotated[bool, typer.Option("--json", help="One JSON line on stdout.")] = False,
) -> None:
    """What a backward slice costs in a large graph, beside a graph of a tenth."""
    from dataclasses import asdict

    from evals.benchmarks.slices import SLOWER, measure

    found = measure(operations)
    if json_lines:
        line = {"event": "done", **asdict(found), "ratio": found.ratio}
        typer.echo(json.dumps(line))
    else:
        for one in (found.tenth, found.whole):
            typer.echo(
                f"{one.operations:>9,} operations: {one.milliseconds:.2f} ms a slice; "
                f"{one.visited:,} edges visited of {one.edges:,} in all slices"
            )
        typer.echo(f"{found.ratio:.2f} times slower (target <= {SLOWER})")
        if found.graph_bytes is not None and found.record_bytes is not None:
            typer.echo(
                f"bytes an operation: graph {found.graph_bytes:,.0f}, records and variables "
                f"{found.record_bytes:,.0f}; built in {found.build_seconds:.0f} s"
            )
    if found.ratio > SLOWER or not found.proportional:
        raise typer.Exit(1)


def _share(value: float | None) -> str:
    return "  -  " if value is None else f"{value:.3f}"


def _show(summary: Mapping[str, Any], checks: Any) -> None:
    from rich.table import Table

    from agent.cli.screen import console

    screen = console()
    screen.print("[bold]SIMULATED:[/bold] machinery is tested here, not language quality.")
    table = Table("condition", "runs", "gain (95%)", "closed", "rel.", "promote", box=None)
    for condition, f in summary.items():
        low, high = f["interval"]
        span = "" if low is None else f" ({low:+.2f} to {high:+.2f})"
        table.add_row(
            condition,
            str(f["runs"]),
            f"{f['gain']:+.3f}{span}",
            _share(f["headroom_closed_median"]).strip(),
            _share(f["relative_gain"]).strip(),
            f"{f['promoting_runs']}",
        )
    screen.print(table)
    for check in checks:
        mark = "[green]holds[/green]" if check.holds else "[red]FAILS[/red]"
        screen.print(f"{mark}  {check.name}: {check.measured} (asked: {check.asked})")
