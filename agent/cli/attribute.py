"""`memtune attribute`: the causes of a recorded run's wrong answers, looked for and proved."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agent.cli import options
from agent.cli.causes import DEFAULT
from agent.cli.crash import run_directory

if TYPE_CHECKING:
    from agent.cli.causes import Causes
    from agent.settings import Settings

_LIMITED = ("max_calls", "max_tokens", "max_usd", "deadline")

_EXAMPLES = """[bold]Examples[/bold]

\b
memtune attribute synthetic-fact_store-1a2b3c4d
memtune attribute runs/night conv-26/q12
memtune attribute runs/night --method model_judged --max-usd 1
memtune attribute runs/night --prompts seed --json

By replay, the operation that is suspected is repaired and what follows it run
again: if the answer becomes right, the cause is certified. Memory is rebuilt
from the run's record; the run itself is not changed. Model calls are entered in
the run's ledger, each cause is kept as soon as it is found, and the same
command again goes on where it ended. --max-calls and the other limits count
from now on. Needs the run for itself: not while it is under way.

Exit codes: 0 done, 1 error, 2 used wrongly, 101 stopped by a limit,
130 interrupted."""


def register(app: typer.Typer) -> None:
    """Add the group's verb."""
    app.command("attribute", epilog=_EXAMPLES)(attribute)


def attribute(
    run: options.Run,
    question: Annotated[
        str | None,
        typer.Argument(
            metavar="[QUESTION]",
            help="A question's id, or conversation/question.",
            show_default="all wrong answers",
        ),
    ] = None,
    method: Annotated[str, typer.Option(metavar="NAME", help="How causes are found.")] = DEFAULT,
    prompts: Annotated[
        str | None,
        typer.Option(
            metavar="seed|final|HASH",
            help="With which prompts it was answered.",
            show_default="final where evaluated, else seed",
        ),
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Look anew for causes that are recorded.")
    ] = False,
    concurrency: options.Concurrency = None,
    max_calls: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="Stop before more model calls than this, counted from now on.",
            show_default="no limit",
            rich_help_panel=options.LIMITS,
        ),
    ] = None,
    max_tokens: options.MaxTokens = None,
    max_usd: options.MaxUsd = None,
    deadline: options.Deadline = None,
    json: options.Json = False,
) -> None:
    """Find which memory operation is behind each wrong answer of a run, and prove it.

    Shows how often which kind of operation was to blame; for one question what
    was repaired, what the answer became, and what speaks against it.
    """
    from agent.cli.attribute_screen import Shown
    from agent.cli.causes import choose, find
    from agent.cli.recorded import RecordedRun
    from agent.loop.directory import find_run
    from traces.attribution.registry import require_known

    require_known(method)
    directory = find_run(run)
    with RecordedRun(directory) as recorded:
        causes = choose(recorded, question, prompts, method, again=again)
    with Shown(causes, as_json=json) as shown:
        if causes.missing:
            given = {"max_calls": max_calls, "max_tokens": max_tokens, "max_usd": max_usd,
                     "deadline": deadline}  # fmt: skip
            settings = _settings(directory, concurrency, given)
            try:
                find(causes, settings, shown, on_opened=shown.begin, again=again)
            except KeyboardInterrupt:
                run_directory.set(directory)
                _note("what was found is kept; the same command goes on")
                raise
    _end(causes, as_json=json)
    if causes.stopped:
        raise typer.Exit(101)


def _settings(directory: Path, concurrency: int | None, given: dict[str, Any]) -> Settings:
    """Return the run's settings with these limits only: its own were the run's."""
    from agent.loop.runner import settings_of

    settings = settings_of(directory, concurrency=concurrency, **given)
    lifted = {name: None for name in _LIMITED if given[name] is None}
    return settings.model_copy(update=lifted)


def _end(causes: Causes, *, as_json: bool) -> None:
    from agent.cli.attribute_screen import done_event, print_all, print_one
    from agent.cli.progress import print_json

    if causes.stopped:
        _note(f"{causes.stopped}; with a higher limit the same command goes on")
    if as_json:
        print_json(done_event(causes))
    elif causes.question is None:
        print_all(causes)
    else:
        print_one(causes)


def _note(message: str) -> None:
    typer.echo(f"memtune: {message}", err=True)
