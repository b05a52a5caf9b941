"""The terminal: one console, foreign text made harmless, and how a run is named in commands."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

from evals.report.wording import printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

WIDEST = 100
_FILL = re.compile(r" +(?=\n)")


def console() -> Console:
    """Return the console of stdout: 80 columns where it is no terminal, at most WIDEST."""
    from rich.console import Console

    terminal = sys.stdout.isatty()
    made = Console(highlight=False, file=None if terminal else cast("IO[str]", _Unfilled()))
    # Some programs start others with COLUMNS=0: nothing would be shown at all.
    made.width = min(made.width, WIDEST) or 80
    return made


class _Unfilled:
    """stdout, but lines end where their text does: tables are filled with blanks."""

    def write(self, text: str) -> int:
        """Write text without the blanks before each line's end."""
        return sys.stdout.write(_FILL.sub("", text))

    def __getattr__(self, name: str) -> Any:
        return getattr(sys.stdout, name)


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


def note(console: Console, text: object, style: str = "dim") -> None:
    """Print a remark on what stands above it: indented, also where it is wrapped."""
    from rich.padding import Padding

    console.print(Padding(foreign(text, style), (0, 0, 0, 2), expand=False))


def grid(*columns: tuple[str, str]) -> Table:
    """Return a table without lines: (title, `left`, `right`, or `wrap` for what may be long)."""
    from rich.table import Table

    made = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
    for title, justify in columns:
        if justify == "wrap":
            made.add_column(title, ratio=1)
        else:
            made.add_column(title, justify=justify, no_wrap=True)  # type: ignore[arg-type]
    return made


def run_argument(directory: Path) -> str:
    """Return what a command takes as RUN: the name for a run under runs/, else the path."""
    inside = directory.parent.resolve() == Path("runs").resolve()
    return shlex.quote(directory.name if inside else str(directory))


def command(console: Console, line: str) -> None:
    """Print a command to copy: never wrapped."""
    console.print(f"  {line}", style="cyan", markup=False, soft_wrap=True)
