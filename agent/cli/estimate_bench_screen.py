"""What `bench estimate` shows: each seed's estimate beside its run, at 80 columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agent.cli.screen import console
from evals.report import wording

_NAMES = {"calls": "calls", "tokens": "tokens", "usd": "dollars"}


def print_found(rows: Mapping[int, Mapping[str, Any]], found: Mapping[str, Any]) -> None:
    """Print a line a seed and figure, then the totals of each figure."""
    from rich.table import Table

    screen = console()
    screen.print("[bold]SIMULATED:[/bold] machinery is tested here, not language quality.")
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
    for title in ("seed", "", "baseline", "low", "used", "high", "width", "in range"):
        table.add_column(title, justify="left" if title in ("", "in range") else "right")
    for seed in sorted(rows):
        for name, one in rows[seed].items():
            table.add_row(
                str(seed),
                _NAMES[name],
                _percent(one["baseline_error"], "+"),
                *(_amount(name, one[end]) for end in ("low", "used", "high")),
                _times(one["width"]),
                "yes" if one["contained"] else "[red]NO[/red]",
            )
    screen.print(table)
    screen.print("baseline: expected against used; width: high / low", style="dim")
    for name, one in found.items():
        mark = "[green]holds[/green]" if one["contained"] == one["runs"] else "[red]FAILS[/red]"
        line = f"{mark}  {_NAMES[name]}: {one['contained']} of {one['runs']} runs in range, "
        line += f"width {_times(one['width_least'])} to {_times(one['width_most'])}"
        screen.print(line)
        if one["baseline_error_worst"] is not None:
            middle, worst = (one[f"baseline_error_{which}"] for which in ("median", "worst"))
            screen.print(f"       baseline off by {_percent(middle)}, at worst {_percent(worst)}")


def _percent(value: float | None, sign: str = "") -> str:
    return "-" if value is None else f"{value:{sign}.1f}%"


def _amount(name: str, value: float) -> str:
    return wording.dollars(value, "") if name == "usd" else f"{value:,}"


def _times(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
