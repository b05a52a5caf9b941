"""The terminal: one console, foreign text made harmless, and how a run is named in commands."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from evals.report.wording import printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

WIDEST = 100


def console() -> Console:
    """Return the console of stdout: 80 columns where it is no terminal, at most WIDEST."""
    from rich.console import Console

    made = Console(highlight=False)
    # Some programs start others with COLUMNS=0: nothing would be shown at all.
    made.width = min(made.width, WIDEST) or 80
    return made


def foreign(text: object, style: str = "", limit: int = 400) -> Text:
    """Return text from data or models on one line: no control characters, no markup."""
    from rich.text import Text

    line = printable(text)
    return Text(line if len(line) <= limit else line[: limit - 1] + "…", style=style)


def banner(console: Console, line: str | None) -> None:
    """Print the label of simulated figures, where there is one."""
    if line:
        console.print(line, style="bold black on yellow")


def heading(console: Console, title: str) -> None:
    """Print a section's title after an empty line."""
    console.print()
    console.print(title, style="bold")


def run_argument(directory: Path) -> str:
    """Return what a command takes as RUN: the name for a run under runs/, else the path."""
    inside = directory.parent.resolve() == Path("runs").resolve()
    return shlex.quote(directory.name if inside else str(directory))


def command(console: Console, line: str) -> None:
    """Print a command to copy: never wrapped."""
    console.print(f"  {line}", style="cyan", markup=False, soft_wrap=True)
