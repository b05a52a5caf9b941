"""`memtune bench confidence`: fits what replay attribution's confidence is computed with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from evals.benchmarks.confidence_fit import Fit

_EXAMPLES = """[bold]Examples[/bold]

\b
memtune bench attribution --seed 420 --methods replay --json > 420.jsonl
memtune bench confidence 420.jsonl                     does it hold?
memtune bench confidence 420.jsonl --ship --overwrite  put it in force"""


def register(app: typer.Typer) -> None:
    """Add the verb to the group."""
    app.command("confidence", epilog=_EXAMPLES)(confidence)


def confidence(
    records: Annotated[
        list[Path],
        typer.Argument(metavar="FILE.jsonl...", help="What `bench attribution --json` printed."),
    ],
    out: Annotated[
        Path | None, typer.Option(metavar="FILE.json", help="Write the fitted model here.")
    ] = None,
    ship: Annotated[
        bool, typer.Option("--ship", help="Write it where replay attribution reads it.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Put it in the place of the model that is there.")
    ] = False,
    json_lines: Annotated[bool, typer.Option("--json", help="One JSON line on stdout.")] = False,
) -> None:
    """Fit the confidence of replay attribution on measured failures, and see if it holds."""
    from agent.loop.directory import write_whole
    from evals.benchmarks.confidence_fit import fit
    from evals.benchmarks.confidence_records import read_records
    from traces.attribution.replay.confidence import shipped_path
    from traces.errors import SettingsError

    if ship and out is not None:
        raise SettingsError("--ship and --out: name two places for one model; choose one")
    place = shipped_path() if ship else out
    if place is not None and place.exists() and not overwrite:
        raise SettingsError(f"{place}: a model is there already; add --overwrite to replace it")
    found = read_records(records)
    fitted = fit(found.samples, found.made_on)
    if place is not None:
        try:
            write_whole(place, json.dumps(fitted.model.to_json(), indent=1, sort_keys=True) + "\n")
        except OSError as error:
            raise SettingsError(f"{place}: cannot be written ({error.strerror})") from error
    if json_lines:
        typer.echo(json.dumps({"event": "done", "simulated": True, **fitted.model.to_json()}))
    else:
        _show(fitted, place)


def _show(fitted: Fit, place: Path | None) -> None:
    from rich.table import Table

    from agent.cli.screen import console
    from evals.benchmarks.attribution_targets import shown

    screen = console()
    screen.print("[bold]SIMULATED:[/bold] machinery is tested here, not language quality.")
    share = fitted.right / fitted.samples
    screen.print(f"{fitted.samples:,} attributions with features, {share:.3f} of them right")
    screen.print(f"penalty {fitted.model.fitted['penalty']:g}; figures are of cases left out:")
    screen.print(
        f"Brier score        {shown(fitted.brier)}; a constant: {fitted.constant_brier:.3f}"
    )
    screen.print(f"calibration error  {shown(fitted.calibration_error)}")
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
    for title in ("said", "cases", "mean said", "right"):
        table.add_column(title, justify="left" if title == "said" else "right")
    for one in fitted.reliability:
        table.add_row(
            f"{one.low:.1f} to {one.high:.1f}", f"{one.n:,}", f"{one.confidence:.3f}",
            f"{one.right:.3f}",
        )  # fmt: skip
    screen.print(table)
    weights = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
    weights.add_column("feature")
    weights.add_column("weight", justify="right")
    ranked = sorted(fitted.model.features.items(), key=lambda item: -abs(item[1].weight))
    for name, feature in ranked:
        weights.add_row(name, f"{feature.weight:+.2f}")
    screen.print(weights)
    screen.print(f"Written to {place}" if place else "Not written: add --out FILE, or --ship")
