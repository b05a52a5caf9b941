"""`memtune estimate`: calls, tokens, dollars and hours of a run, before anything is paid for."""

from __future__ import annotations

import json as json_module
from typing import Annotated, Any

import typer

from agent.cli import options
from agent.cli.run_flags import with_run_flags

_EXAMPLES = """[bold]Examples[/bold]

\b
memtune estimate
memtune estimate --data chats.jsonl --model openai/gpt-4o-mini --max-usd 5
memtune estimate --conversations 60 --rounds 3 --latency 1.5 --json

The same flags as 'memtune run'. No model is called, no key is needed, and
nothing is written into the run's directory; the test split is not run."""


def register(app: typer.Typer) -> None:
    """Add the group's verb."""
    app.command("estimate", epilog=_EXAMPLES)(estimate)


@with_run_flags
def estimate(
    flags: dict[str, Any],
    latency: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS",
            min=0.0,
            help="Seconds that a model call takes.",
            show_default="2, simulated 0",
            rich_help_panel=options.OUTPUT,
        ),
    ] = None,
    json: options.PlainJson = False,
) -> None:
    """Say what a run would take, from a dry pass with a stand-in for the models.

    The baseline is the first evaluation of train and selection with the seed
    prompts. The whole run is a range: from a run that ends early, with nothing
    promoted, to one that uses every round to the full.
    """
    from agent.cli.estimate_screen import dry_progress, print_estimate
    from agent.estimate.build import build
    from agent.estimate.dry_pass import dry_pass
    from agent.settings import load_settings

    settings = load_settings(**flags)
    with dry_progress() as report:
        dry = dry_pass(settings, report)
    found = build(settings, dry, latency)
    if json:
        typer.echo(json_module.dumps(found, ensure_ascii=False, indent=2))
    else:
        print_estimate(found)
