"""`memtune report`: report.md and report.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agent.cli import options

if TYPE_CHECKING:
    from agent.cli.recorded import RecordedRun

_EXAMPLES = """[bold]Examples[/bold]

\b
memtune report synthetic-fact_store-1a2b3c4d
memtune report runs/night --out /tmp/night.md

A run writes its report when it ends or stops; this verb writes it anew, also
for a run that is under way or was killed."""


def register(app: typer.Typer) -> None:
    """Add the group's verb."""
    app.command("report", epilog=_EXAMPLES)(report)


def report(
    run: options.Run,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Where to write the Markdown; the JSON goes beside it.",
            show_default="report.md in the run's directory",
        ),
    ] = None,
) -> None:
    """Write what the run came to, as report.md and report.json, and print where."""
    from agent.cli.recorded import RecordedRun
    from agent.loop.directory import find_run

    with RecordedRun(find_run(run)) as recorded:
        built = build(recorded)
        path = write_report(recorded.directory, built, out)
    if built["banner"]:
        typer.echo(built["banner"])
    typer.echo(f"{path}\n{path.with_suffix('.json')}")


def build(recorded: RecordedRun) -> dict[str, Any]:
    """Return the report of a recorded run as plain data."""
    from agent.cli.report_data import report_data
    from evals.report import build_report

    return build_report(report_data(recorded))


def write_report(directory: Path, built: dict[str, Any], out: Path | None = None) -> Path:
    """Write both files, each whole or not at all; return the Markdown's path.

    Raises RunDirectoryError where they cannot be written.
    """
    from agent.loop.directory import write_whole
    from evals.report import render_markdown
    from traces.errors import RunDirectoryError

    path = out or directory / "report.md"
    if path.suffix == ".json":
        raise RunDirectoryError(f"{path}: names the Markdown file; the JSON is written beside it")
    try:
        write_whole(path, render_markdown(built))
        text = json.dumps(built, indent=2, sort_keys=True, ensure_ascii=False)
        write_whole(path.with_suffix(".json"), text + "\n")
    except OSError as error:
        raise RunDirectoryError(
            f"{path}: cannot be written ({error.strerror or error}); choose another --out"
        ) from error
    return path
