"""What `memtune backends check` shows of its checks: a row each, then the verdict."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text

from agent.cli.screen import console, foreign
from evals.report.wording import duration, plural
from memory_backends.conformance.finding import Result, Status

_STYLES = {"passed": "green", "failed": "bold red", "not_run": "dim"}


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
        said, style = "is sound: it keeps the contract of a memory backend", ""
    screen.print(foreign(f"{name} {said}{noted} ({duration(seconds)}).", style))
