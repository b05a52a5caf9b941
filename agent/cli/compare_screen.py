"""What `compare` shows at 80 columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from agent.cli.screen import banner, console, foreign, heading
from evals.report import wording
from evals.report.compare import READING

if TYPE_CHECKING:
    from rich.console import Console

    from evals.report.compare_table import Section

# Changed questions that are shown of a split and kind.
MOST_SHOWN = 10
_LONGEST = 160


def print_comparison(found: Mapping[str, Any]) -> None:
    """Print the runs' figures and the questions that changed."""
    from evals.report.compare_markdown import MOST_COLUMNS, describe
    from evals.report.compare_table import row_heads, sections

    screen = console()
    banner(screen, found["banner"])
    for run in found["runs"]:
        line = foreign(run["run"], "bold")
        line.append("  ")
        line.append_text(foreign(describe(run), "not bold dim"))
        _indented(screen, line, 3, run["label"])
    for note in found["notes"]:
        screen.print(foreign(note, "yellow"))
    labels = [run["label"] for run in found["runs"]]
    if len(labels) <= MOST_COLUMNS:
        _columns(screen, sections(found["runs"]), labels)
    else:
        for section in sections(found["runs"]):
            _rows(screen, section, row_heads(found["runs"]))
    for pair in found["pairs"]:
        _pair(screen, pair)


def _grid(heads: Sequence[str]) -> Any:
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    table.add_column(heads[0], overflow="fold")
    for head in heads[1:]:
        table.add_column(head, justify="right", no_wrap=True)
    return table


def _columns(screen: Console, sections: Sequence[Section], labels: Sequence[str]) -> None:
    """A run a column, of the same width in all sections."""
    rows = [row for section in sections for row in section.rows]
    widths = [max(len(name) for name, _ in rows)]
    widths += [max(len(cells[n]) for _, cells in rows) for n in range(len(labels))]
    for section in sections:
        if section.title:
            heading(screen, section.title)
        else:
            screen.print()
        table = _grid(["", *("" if section.title else label for label in labels)])
        table.show_header = not section.title
        for column, width in zip(table.columns, widths, strict=True):
            column.min_width = width + 2 * (column is table.columns[0])
        for name, cells in section.rows:
            shown = foreign(name)
            shown.pad_left(2 + len(name) - len(name.lstrip()))
            table.add_row(shown, *map(foreign, cells))
        screen.print(table)


def _rows(screen: Console, section: Section, heads: Sequence[str]) -> None:
    """A table a section: a run a row; wide sections in several. Columns are as wide as their
    longest word."""
    from rich.table import Table

    first = max(map(len, heads))
    parts: list[list[tuple[str, int, tuple[str, ...]]]] = [[]]
    used = first
    for name, cells in section.rows:
        # The section's title says that these are kinds of error.
        name = name.strip().removesuffix("Error")
        width = max(map(len, (*name.split(), *cells)))
        if parts[-1] and used + width + 2 > screen.width:
            parts.append([])
            used = first
        parts[-1].append((name, width, cells))
        used += width + 2
    if section.title:
        heading(screen, section.title)
    else:
        screen.print()
    for rows in parts:
        table = Table(box=None, padding=(0, 0, 0, 2), pad_edge=False, header_style="bold")
        table.add_column(width=first, no_wrap=True)
        for name, width, _ in rows:
            table.add_column(name, justify="right", vertical="bottom", width=width)
        for place, head in enumerate(heads):
            table.add_row(foreign(head), *(foreign(cells[place]) for _, _, cells in rows))
        screen.print(table)


def _pair(screen: Console, pair: Mapping[str, Any]) -> None:
    heading(screen, f"Questions, {pair['old']} against {pair['new']}")
    known = {name: found for name, found in pair["splits"].items() if found is not None}
    if not known:
        screen.print("  there is no question that both have answered")
        return
    table = _grid(["", "answered by both", "fixed", "broken", "McNemar p", "difference", "95%"])
    for name, found in known.items():
        table.add_row(
            f"  {name}", str(found["questions"]), str(len(found["fixed"])),
            str(len(found["broken"])), wording.p_value(found["p"]),
            wording.difference(found["difference"]),
            wording.interval(found["interval"], signed=True),
        )  # fmt: skip
    screen.print(table)
    _indented(screen, foreign(READING, "dim"), 2)
    for name, found in known.items():
        for kind, style in (("fixed", "green"), ("broken", "red")):
            _changes(screen, f"{kind}, {name}", found[kind], style)


def _changes(screen: Console, title: str, changes: Sequence[Mapping[str, Any]], style: str) -> None:
    if not changes:
        return
    heading(screen, f"{title[0].upper()}{title[1:]}")
    for change in changes[:MOST_SHOWN]:
        name = foreign(f"{change['conversation']}/{change['question']}", style)
        name.append("  ")
        name.append_text(foreign(change.get("text") or "", "default"))
        _indented(screen, name, 2)
        for mark, side in (("-", "old"), ("+", "new")):
            said = change[side] if change[side] is not None else "(no answer)"
            _indented(screen, foreign(f"{mark} {said}", "dim", _LONGEST), 4)
    if len(changes) > MOST_SHOWN:
        more = len(changes) - MOST_SHOWN
        screen.print(f"  and {more} more: --json or --out FILE.md", style="dim")


def _indented(screen: Console, text: Any, by: int, before: str = "") -> None:
    """Print text whose lines are all indented; `before` stands left of the first."""
    from rich.table import Table

    row = Table.grid()
    row.add_column(width=by)
    row.add_column()
    row.add_row(foreign(before), text)
    screen.print(row)
