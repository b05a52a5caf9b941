"""What `memtune backends` shows: of one backend its slots and options; of its checks a row each,
then the verdict."""

from __future__ import annotations

import json

from rich.table import Table
from rich.text import Text

from agent.backend_list import Details
from agent.cli.screen import command, console, foreign, grid, heading, note
from evals.report.wording import duration, plural
from memory_backends.conformance.finding import Result, Status

_STYLES = {"passed": "green", "failed": "bold red", "not_run": "dim"}


def print_details(found: Details) -> None:
    """Print slots, capabilities and options of a backend, and how options are given."""
    row, screen = found.row, console()
    title = foreign(row.name, "bold")
    screen.print(title.append(f"  {row.source}, {row.level}", "not bold"))
    facts = grid(("", "left"), ("", "wrap"))
    facts.show_header = False
    slots = ", ".join(f"{s.name}" + (f" ({s.kind})" * (s.kind != s.name)) for s in found.slots)
    facts.add_row("slots", foreign(slots or "none: nothing to tune"))
    can = {"entries": row.entries, "snapshots": row.snapshots, "memtune chat": found.chat}
    for name, yes in can.items():
        facts.add_row(name, "yes" if yes else "no")
    screen.print(facts)
    heading(screen, "Options")
    if not found.options:
        note(screen, "none", "")
        return
    table = grid(("name", "left"), ("default", "left"), ("allowed", "wrap"))
    for one in found.options:
        default = "(needed)" if one.required else _written(one.default)
        table.add_row(foreign(one.name), foreign(default), foreign(one.allowed or "-"))
    screen.print(table)
    if found.about:
        screen.print()
        screen.print(foreign(found.about, "dim", limit=2_000))
    heading(screen, "To set one")
    first = found.options[0]
    value = "VALUE" if first.default is None else _written(first.default)
    command(screen, f"backend_config = {{ {first.name} = {value} }}  # in memtune.toml")
    command(screen, f"MEMTUNE__BACKEND_CONFIG='{{\"{first.name}\": {value}}}' memtune run ...")


def _written(default: object) -> str:
    """Return a default as JSON and TOML write it."""
    try:
        return json.dumps(default)
    except TypeError:
        return json.dumps(repr(default))


def print_check(result: Result) -> None:
    """Print what became of a check that was run."""
    said = foreign(result.says, "dim")
    for finding in result.findings:
        style = "bold red" if finding.severity == "error" else "yellow"
        said.append("\n")
        said.append_text(foreign(finding.problem, style))
        said.append_text(foreign(f": {finding.what}", limit=600))
        if finding.where:
            said.append("\n")
            said.append_text(foreign(f"at {finding.where}"))
        said.append("\n")
        said.append_text(foreign(finding.mend, "cyan"))
    _print_row(result.check, result.status, said)


def _print_row(name: str, status: Status, said: Text) -> None:
    row = Table.grid(padding=(0, 1), expand=True)
    row.add_column(width=11, no_wrap=True)
    row.add_column(width=7, no_wrap=True)
    row.add_column(ratio=1, overflow="fold")
    row.add_row(foreign(name), foreign(status.replace("_", " "), _STYLES[status]), said)
    console().print(row)


def print_end(name: str, results: list[Result], seconds: float) -> None:
    """Print which checks were not run and why, then what is to be thought of the backend."""
    reasons = dict.fromkeys(r.why for r in results if r.status == "not_run")
    for why in reasons:
        left = [r.check for r in results if r.status == "not_run" and r.why == why]
        _print_row(f"{len(left)} more", "not_run", foreign(f"{', '.join(left)}: {why}", "dim"))
    found = [f for r in results for f in r.findings]
    errors = [f.problem for f in found if f.severity == "error"]
    notes = dict.fromkeys(f.problem for f in found if f.severity == "remark")
    noted = f"; {plural(len(notes), 'note')}: {', '.join(notes)}" if notes else ""
    screen = console()
    screen.print()
    if errors:
        said, style = f"is not sound: {', '.join(dict.fromkeys(errors))}", "bold red"
    else:
        said, style = "is sound: no check found a fault", ""
    screen.print(foreign(f"{name} {said}{noted} ({duration(seconds)}).", style))
