"""`memtune backends`: memory backends that there are, a new one, and whether one is sound."""

from __future__ import annotations

import json as json_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from memory_backends.conformance import Result

app = typer.Typer(
    help="Memory backends: those there are, a new one of your own, and whether it is sound.",
    no_args_is_help=True,
)
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead.")]
Options = Annotated[
    list[str] | None,
    typer.Option(
        "--option", metavar="NAME=VALUE", help="Of the backend, as JSON; may be given again."
    ),
]

_LIST = """[bold]Examples[/bold]

\b
memtune backends list
memtune backends show NAME
memtune run --backend NAME

Level: 'fine' backends run every step through memtune, 'coarse' ones are classes
with add and search that are wrapped. Slots are the prompts that can be tuned.
Entries: what is in memory can be seen. Snapshots: replays need not start anew."""

_SHOW = """[bold]Examples[/bold]

\b
memtune backends show fact_store
memtune backends show mem0 --option update=true
memtune backends show my_module:MyMemory --json

Options go into memtune.toml, as a table [backend_config], or into the variable
MEMTUNE__BACKEND_CONFIG as JSON. Some options bring slots with them: --option says
with which the backend is made here."""

_NEW = """[bold]Examples[/bold]

\b
memtune backends new my-memory
memtune backends new my-memory --fine
memtune backends check my-memory
pip install -e my-memory
memtune run --backend my-memory

Writes a package with an entry point, a class of some twenty lines that works, and
a test. Give the class add and search of your own; the rest may be left out.
With --fine the class takes a hundred lines: it runs its steps through memtune, so
that each is attributed, and has prompts of its own, which a run tunes."""

_CHECK = """[bold]Examples[/bold]

\b
memtune backends check fact_store
memtune backends check my_module:MyMemory
memtune backends check ./my-memory
memtune backends check my_memory.py --json

Runs the conformance suite: form, isolation of conversations, determinism on
different days, inputs, ids, snapshots, reuse, repairs, threads, odd texts,
deadlines, what is left behind. Operations that ask a model get the simulated one.
It runs in a process of its own; what the backend prints goes to stderr. A fault
that depends on the data is found in a run only, under 'What broke'.
In your own CI: pytest --memtune-backend NAME.

Options are keyword arguments of the class; where it has a parameter 'config', that
gets all of them as a dict. Those of [backend_config] in memtune.toml count where
'backend' there is this one; --option comes first.

Exit codes: 0 sound, 1 something is wrong, 2 there is no such backend."""


def register(root: typer.Typer) -> None:
    """Add the group to the command line."""
    root.add_typer(app, name="backends", rich_help_panel="Prepare")


@app.command("list", epilog=_LIST)
def list_(json: Json = False) -> None:
    """List the memory backends that --backend takes."""
    from agent.backend_list import listed

    rows = listed()
    if json:
        typer.echo(json_module.dumps([row.to_json() for row in rows], indent=2))
        return
    from rich.table import Table

    from agent.cli.screen import console, foreign

    table = Table(box=None, pad_edge=False)
    for head in ("name", "from", "level", "slots", "entries", "snapshots"):
        table.add_column(head, overflow="fold")
    for row in rows:
        if row.problem:
            table.add_row(foreign(row.name), foreign(row.source), foreign(row.problem, "red"))
            continue
        table.add_row(
            foreign(row.name), foreign(row.source), row.level,
            foreign(", ".join(row.slots) or "none"), _yes(row.entries), _yes(row.snapshots),
        )  # fmt: skip
    screen = console()
    screen.print(table)
    screen.print()
    screen.print("A class of your own: module:attr, or 'memtune backends new NAME'.")


@app.command("show", epilog=_SHOW)
def show(
    name: Annotated[str, typer.Argument(metavar="NAME", help="NAME or module:attr.")],
    option: Options = None,
    json: Json = False,
) -> None:
    """Show one memory backend: its slots, its options, and what it can do."""
    from agent.backend_list import details

    found = details(name, {**_configured(name), **_options(option or [])})
    if json:
        typer.echo(json_module.dumps(found.to_json(), indent=2))
        return
    from agent.cli.backends_screen import print_details

    print_details(found)


@app.command("new", epilog=_NEW)
def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Of the package and the backend.")],
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Where to write.", show_default="a folder of its name"),
    ] = None,
    fine: Annotated[
        bool, typer.Option("--fine", help="With steps that are traced and prompts that are tuned.")
    ] = False,
) -> None:
    """Write a small installable package with a memory backend and a test."""
    import shlex

    from agent.cli.screen import command, console, heading
    from agent.starter.backend_package import write_backend

    package = write_backend(name, out, fine)
    screen = console()
    for file in package.written:
        screen.print(str(package.directory / file), markup=False, soft_wrap=True)
    heading(screen, "Next")
    folder = shlex.quote(str(package.directory))
    command(screen, f"memtune backends check {folder if '/' in folder else './' + folder}")
    command(screen, f"pip install -e {folder if '/' in folder else './' + folder}")
    command(screen, f"memtune run --backend {name}")


@app.command("check", epilog=_CHECK)
def check(
    target: Annotated[
        str, typer.Argument(metavar="NAME|PATH", help="NAME, module:attr, a file or a folder.")
    ],
    option: Options = None,
    seconds: Annotated[
        float, typer.Option(min=0.1, help="Granted to each pass over a small conversation.")
    ] = 20.0,
    json: Json = False,
) -> None:
    """Run the conformance suite over a memory backend; say what to mend."""
    import time

    from agent.backend_apart import check_apart
    from agent.cli.backends_screen import print_check, print_end
    from traces.errors import SettingsError

    if not target.strip():
        raise SettingsError("name a backend, such as 'memtune backends list' shows, or a path")
    config = {**_configured(target), **_options(option or [])}
    started = time.monotonic()
    if not json:
        typer.echo(f"checking {target} ...")
    results: list[Result] = []
    for result in check_apart(target, config, seconds):
        results.append(result)
        if not json and result.status != "not_run":
            print_check(result)
    sound = all(result.status != "failed" for result in results)
    if json:
        shown = {
            "format": 1,
            "backend": target,
            "ok": sound,
            "checks": [result.to_json() for result in results],
        }
        typer.echo(json_module.dumps(shown, indent=2))
    else:
        print_end(target, results, time.monotonic() - started)
    raise typer.Exit(0 if sound else 1)


def _configured(target: str) -> dict[str, Any]:
    """Return the options in memtune.toml, where they are this backend's."""
    from agent.settings import load_settings

    settings = load_settings()
    return settings.backend_config if settings.backend == target else {}


def _options(given: list[str]) -> dict[str, Any]:
    from traces.errors import SettingsError

    found: dict[str, Any] = {}
    for one in given:
        name, equals, value = one.partition("=")
        if not equals:
            raise SettingsError(f"--option {one}: give NAME=VALUE")
        try:
            found[name] = json_module.loads(value)
        except ValueError:
            found[name] = value
    return found


def _yes(value: bool) -> str:
    return "yes" if value else "no"
