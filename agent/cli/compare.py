"""`memtune compare`: runs beside each other, and the questions that changed between two."""

from __future__ import annotations

import json as json_module
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agent.cli import options

if TYPE_CHECKING:
    from agent.cli.recorded import RecordedRun

_EXAMPLES = """[bold]Examples[/bold]

\b
memtune compare night morning
memtune compare runs/a runs/b runs/c --out compared.md
memtune compare night night --prompts seed,final
memtune compare a b c --questions --json

It reads only, also beside a running process, and only what the runs have
recorded: no test split is opened, no model is called."""


def register(app: typer.Typer) -> None:
    """Add the group's verb."""
    app.command("compare", epilog=_EXAMPLES)(compare)


def compare(
    runs: Annotated[
        list[str], typer.Argument(metavar="RUN RUN...", help="Names under runs/, or directories.")
    ],
    prompts: Annotated[
        str,
        typer.Option(
            metavar="seed|final|HASH",
            help="Which prompts of each run; one for all, or one a run, with commas.",
        ),
    ] = "final",
    questions: Annotated[
        bool,
        typer.Option(
            "--questions",
            help="The questions that changed, of the first run against each other one.",
            show_default="with two runs",
        ),
    ] = False,
    json: options.PlainJson = False,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE.md", help="Write Markdown there, in full.")
    ] = None,
) -> None:
    """Show runs beside each other: scores, stages, causes, cost.

    Between two runs also the questions that were fixed and broken, with
    McNemar's exact p.
    """
    from agent.cli.compare_screen import print_comparison
    from evals.report.compare_markdown import render_comparison
    from traces.errors import SettingsError

    if len(runs) < 2:
        raise SettingsError(
            "compare takes two runs or more; the same one twice with --prompts seed,final shows "
            "what its own prompts changed"
        )
    found = load(runs, _prompts(prompts, len(runs)), questions or len(runs) == 2)
    if out is not None:
        _write(out, render_comparison(found))
    if json:
        typer.echo(json_module.dumps(found, ensure_ascii=False, indent=2))
    elif out is not None:
        typer.echo(f"{found['banner']}\n{out}" if found["banner"] else str(out))
    else:
        print_comparison(found)


def load(runs: Sequence[str], prompts: Sequence[str], questions: bool) -> dict[str, Any]:
    """Return the comparison of runs by name; `prompts` names one prompt set a run.

    Raises RunDirectoryError for a run or prompts that are not there, StoreError for a damaged
    database.
    """
    from agent.cli.compare_data import describe, nothing_recorded
    from agent.cli.recorded import NothingRecorded, RecordedRun
    from agent.loop.directory import find_run
    from evals.report.compare import build_comparison

    described: list[dict[str, Any]] = []
    opened: list[RecordedRun | None] = []
    with ExitStack() as stack:
        for name, which in zip(runs, prompts, strict=True):
            directory = find_run(name)
            try:
                recorded = stack.enter_context(RecordedRun(directory))
            except NothingRecorded:
                opened.append(None)
                described.append(nothing_recorded(directory))
                continue
            opened.append(recorded)
            described.append(describe(recorded, which))
        pairs = []
        first = opened[0]
        if questions and first is not None:
            for place, other in enumerate(opened[1:], start=1):
                if other is not None:
                    sides = ((first, prompts[0]), (other, prompts[place]))
                    population = all(described[n]["gate_mode"] == "population" for n in (0, place))
                    pairs.append(_pair((0, place), sides, population))
        return build_comparison(described, pairs)


def _pair(
    number: tuple[int, int],
    sides: tuple[tuple[RecordedRun, str], tuple[RecordedRun, str]],
    population: bool,
) -> dict[str, Any]:
    from agent.cli.compare_data import answers, question_texts, same_conversations
    from evals.report.compare import compare_answers

    old, new = ((recorded, recorded.prompts(which)) for recorded, which in sides)
    pair = compare_answers(
        number,
        answers(*old),
        answers(*new),
        same=same_conversations(old, new),
        interval=population,
    )
    changes = [
        change
        for found in pair["splits"].values()
        if found is not None
        for kind in ("fixed", "broken")
        for change in found[kind]
    ]
    texts = question_texts(*new, ((c["conversation"], c["question"]) for c in changes))
    for change in changes:
        change["text"] = texts.get((change["conversation"], change["question"]))
    return pair


def _prompts(given: str, runs: int) -> list[str]:
    """Return which prompts are meant of each run. Raises SettingsError."""
    from traces.errors import SettingsError

    names = [name.strip() for name in given.split(",")]
    if len(names) == 1:
        names *= runs
    if len(names) != runs or not all(names):
        raise SettingsError(
            f"--prompts {given}: names {len(names)} prompt sets for {runs} runs; give one for all, "
            "or one a run, such as seed,final"
        )
    return names


def _write(path: Path, text: str) -> None:
    from agent.loop.directory import write_whole
    from traces.errors import RunDirectoryError

    try:
        write_whole(path, text)
    except OSError as error:
        raise RunDirectoryError(
            f"{path}: cannot be written ({error.strerror or error}); choose another --out"
        ) from error
