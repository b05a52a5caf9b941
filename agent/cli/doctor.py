"""`memtune doctor`: whether everything that a run needs is there."""

from __future__ import annotations

import json as json_module
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agent.cli import options
from agent.cli.run_flags import with_run_flags

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agent.doctor.check import Check

_EXAMPLES = """[bold]Examples[/bold]

\b
memtune doctor
memtune doctor --data chats.jsonl --model openai/gpt-4o-mini
memtune doctor --no-calls --json

Takes the flags of a run, and looks at what such a run would need. Each distinct
model is asked one small question; no key is shown or stored.

Exit codes: 0 nothing is a problem, 1 something is."""

_STYLES = {"ok": "green", "warning": "yellow", "problem": "bold red", "skipped": "dim"}


def register(app: typer.Typer) -> None:
    """Add the group's verb."""
    app.command("doctor", epilog=_EXAMPLES)(doctor)


@with_run_flags
def doctor(
    flags: dict[str, Any],
    no_calls: Annotated[
        bool,
        typer.Option("--no-calls", help="Ask no model anything.", rich_help_panel=options.OUTPUT),
    ] = False,
    json: Annotated[
        bool,
        typer.Option("--json", help="Print JSON instead.", rich_help_panel=options.OUTPUT),
    ] = False,
) -> None:
    """Check what a run needs: packages, settings, data, models, keys, prices, disk."""
    from agent.doctor.examine import examine

    found = examine(flags, calls=not no_calls)
    checks = list(found) if json else _printed(found)
    problems = sum(check.status == "problem" for check in checks)
    if json:
        shown = {
            "ok": not problems,
            "simulated": _simulated(checks),
            "checks": [check.to_json() for check in checks],
        }
        typer.echo(json_module.dumps(shown, ensure_ascii=False, indent=2))
    raise typer.Exit(1 if problems else 0)


def _printed(found: Iterable[Check]) -> list[Check]:
    """Print each check as it comes, then what they come to."""
    from agent.cli.screen import banner, console
    from evals.report import wording

    screen = console()
    checks: list[Check] = []
    for check in found:
        checks.append(check)
        screen.print(_line(check))
    counted = {s: sum(c.status == s for c in checks) for s in ("problem", "warning")}
    told = ", ".join(wording.plural(n, s) for s, n in counted.items() if n)
    screen.print()
    simulated = _simulated(checks)
    if any(simulated.values()):
        banner(screen, wording.banner(**simulated))
    screen.print(told or "nothing to mend", style="bold" if counted["problem"] else "")
    return checks


def _line(check: Check) -> Any:
    from rich.table import Table

    from agent.cli.screen import foreign

    row = Table.grid(padding=(0, 1))
    row.add_column(width=7, no_wrap=True)
    row.add_column(width=9)
    row.add_column(ratio=1, overflow="fold")
    said = foreign(check.said)
    if check.mend:
        said.append("\n")
        said.append_text(foreign(check.mend, "cyan"))
    row.add_row(foreign(check.status, _STYLES[check.status]), foreign(check.name), said)
    row.expand = True
    return row


def _simulated(checks: Iterable[Check]) -> dict[str, bool]:
    """Whether the data and a model are simulated, as their checks say."""
    played = [check for check in checks if check.details.get("simulated")]
    return {name: any(check.name == name for check in played) for name in ("data", "model")}
