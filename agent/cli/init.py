"""`memtune init`: the files that a new project begins with."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from agent.starter.files import Starter

_EXAMPLES = """[bold]Examples[/bold]

\b
memtune init
memtune init support-bot --data chats.jsonl --model openai/gpt-4o-mini
memtune init --backend rag --force

Nothing is asked and no model is called. Without --data an example is written,
which shows the format; without --model the simulated one stays in force."""


def register(app: typer.Typer) -> None:
    """Add the group's verb."""
    app.command("init", epilog=_EXAMPLES)(init)


def init(
    directory: Annotated[
        Path,
        typer.Argument(metavar="DIR", help="Where to write.", show_default="here"),
    ] = Path(),
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="The data set's file.", show_default="an example is written"
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL", help="Model of all roles.", show_default="sim/rules-1, simulated"
        ),
    ] = None,
    backend: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|MODULE:ATTR", help="Memory backend under test.", show_default="fact_store"
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Overwrite files that stand there already.")
    ] = False,
) -> None:
    """Write a commented memtune.toml, a place for keys, and example data."""
    from agent.starter.files import write_starter

    _print(write_starter(directory, data=data, model=model, backend=backend, force=force))


def _print(starter: Starter) -> None:
    from agent.cli.screen import command, console, heading

    screen = console()
    for name in starter.written:
        screen.print(str(starter.directory / name), markup=False, soft_wrap=True)
    heading(screen, "Next")
    if starter.directory.resolve() != Path().resolve():
        command(screen, f"cd {shlex.quote(str(starter.directory))}")
    if starter.keys:
        command(screen, "cp .env.example .env    # then fill in the key")
    data = "" if starter.given else f" --data {starter.data}"
    command(screen, f"memtune validate{data}")
    command(screen, f"memtune doctor{data}")
    command(screen, f"memtune estimate{data}")
    command(screen, f"memtune run{data}")
