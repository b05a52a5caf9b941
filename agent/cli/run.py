"""`memtune run` and `memtune resume`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from agent.cli import options
from agent.cli.crash import run_directory
from agent.cli.run_flags import with_run_flags

if TYPE_CHECKING:
    from agent.loop.services import Progress, Services
    from agent.settings import Settings

_EXAMPLES = """[bold]Examples[/bold]

\b
memtune run
memtune run --conversations 40 --rounds 3 --max-calls 20000 --deadline 8h
memtune run --data chats.jsonl --model openai/gpt-4o-mini --max-usd 5
memtune run --data locomo10.json --dataset locomo --backend rag
memtune run --prompts bundle/ --optimizer noop --json

Settings come from flags, then MEMTUNE__NAME variables, then .env, then
memtune.toml. The same command again continues the same run.

Exit codes: 0 done, 1 error, 2 used wrongly, 101 stopped and resumable,
130 interrupted."""


def register(app: typer.Typer) -> None:
    """Add the group's verbs."""
    app.command("run", epilog=_EXAMPLES)(run)
    app.command("resume", epilog=_RESUME_EXAMPLES)(resume)


@with_run_flags
def run(
    flags: dict[str, Any], json: options.Json = False, verbose: options.Verbose = False
) -> None:
    """Run the loop: evaluate, find causes, rewrite prompts, test, repeat; then report.

    Nothing is promoted without a paired test on conversations that the loop
    has not learned from. The final score is of a test split that is opened
    once, at the end.
    """
    from agent.settings import load_settings

    raise typer.Exit(_run(load_settings(**flags), json, verbose, resume=False))


_RESUME_EXAMPLES = """[bold]Examples[/bold]

\b
memtune resume synthetic-fact_store-1a2b3c4d
memtune resume runs/night --max-calls 50000 --deadline 2h

What fixes a run (data, models, prompts, methods) cannot be changed; a limit
that is not given stays as it was."""


def resume(
    run: options.Run,
    rounds: options.Rounds = None,
    concurrency: options.Concurrency = None,
    max_calls: options.MaxCalls = None,
    max_tokens: options.MaxTokens = None,
    max_usd: options.MaxUsd = None,
    deadline: options.Deadline = None,
    patience: options.Patience = None,
    target: options.Target = None,
    requests_per_minute: options.RequestsPerMinute = None,
    tokens_per_minute: options.TokensPerMinute = None,
    json: options.Json = False,
    verbose: options.Verbose = False,
) -> None:
    """Go on with a run that was stopped, interrupted or killed; no call is made twice."""
    from agent.loop.directory import find_run
    from agent.loop.runner import settings_of

    settings = settings_of(
        find_run(run),
        rounds=rounds,
        concurrency=concurrency,
        max_calls=max_calls,
        max_tokens=max_tokens,
        max_usd=max_usd,
        requests_per_minute=requests_per_minute,
        tokens_per_minute=tokens_per_minute,
        deadline=deadline,
        patience=patience,
        target=target,
    )
    raise typer.Exit(_run(settings, json, verbose, resume=True))


def _run(settings: Settings, as_json: bool, verbose: bool, *, resume: bool) -> int:
    from agent.cli.progress import make_progress, print_json
    from agent.cli.screen import run_argument
    from agent.loop import runner

    def on_progress(progress: Progress, services: Services) -> None:
        run_directory.set(services.directory)
        shown(progress, services)

    from traces.errors import OperationError, ProviderError

    shown = make_progress(as_json=as_json, verbose=verbose)
    try:
        with shown:
            outcome = runner.run(
                settings, resume=resume, on_progress=on_progress, echo_logs=verbose or as_json
            )
    except KeyboardInterrupt:
        directory = run_directory.get()
        if directory is not None:
            _note(f"stopping; go on with 'memtune resume {run_argument(directory)}'")
        raise
    except (OperationError, ProviderError):
        directory = run_directory.get()
        if directory is not None:
            _end(directory, quiet=as_json)  # which episodes broke
        raise
    _end(Path(outcome.done["out"]), quiet=as_json)
    if as_json:
        print_json(outcome.done)
    return outcome.exit_code


def _end(directory: Path, *, quiet: bool) -> None:
    from agent.cli.ending import print_ending
    from agent.cli.recorded import RecordedRun
    from agent.cli.report import build, write_report
    from traces.errors import MemtuneError

    with RecordedRun(directory) as recorded:
        built = build(recorded)
        written: Path | None = None
        try:
            written = write_report(directory, built)
        except MemtuneError as error:
            # The run itself has ended well; its report can be made again.
            _note(str(error))
        if not quiet:
            print_ending(recorded, built, written)


def _note(message: str) -> None:
    print(f"memtune: {message}", file=sys.stderr)
