"""What `estimate` shows: how far the dry pass is, and the figures at 80 columns."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from agent.cli.screen import banner, console, foreign, heading
from evals.report import wording

if TYPE_CHECKING:
    from rich.console import Console

_STAGES = {
    "conversations": "dry pass: running conversations",
    "failures": "dry pass: finding causes of failures in conversations",
}
_SOURCES = {
    "given": "as given",
    "simulated": "the simulated model's own",
    "measured": "as in the latest run with these models",
    "assumed": "assumed; say otherwise with --latency SECONDS",
}


@contextlib.contextmanager
def dry_progress() -> Iterator[Callable[[str, int, int], None]]:
    """Yield what a dry pass reports to: a line that stays on a terminal, else one a stage."""
    if sys.stderr.isatty():
        from rich.console import Console

        with Console(stderr=True).status("dry pass") as status:
            yield lambda stage, done, of: status.update(f"{_STAGES[stage]}, {done} of at most {of}")
        return
    said: set[str] = set()

    def line(stage: str, _: int, of: int) -> None:
        if stage not in said and of:
            said.add(stage)
            print(f"memtune: {_STAGES[stage]} (at most {of})", file=sys.stderr, flush=True)

    yield line


def print_estimate(found: Mapping[str, Any]) -> None:
    """Print the figures, what they rest on, and what to be warned of."""
    screen = console()
    banner(screen, found["banner"])
    _head(screen, found)
    _figures(screen, found)
    _roles(screen, found)
    _gate(screen, found)
    _notes(screen, found)


def _head(screen: Console, found: Mapping[str, Any]) -> None:
    data, splits = found["data"], found["data"]["splits"]
    line = foreign(data["name"], "bold")
    by_split = ", ".join(f"{splits[name]['conversations']:,} {name}" for name in splits)
    parts = (
        f"  {wording.plural(data['conversations'], 'conversation')} ({by_split})",
        wording.plural(data["messages"], "message"),
        wording.plural(data["questions"], "question"),
        f"at most {wording.plural(found['rounds'], 'round')}",
    )
    line.append(", ".join(parts), "not bold")
    screen.print(line)


def _table(*columns: str) -> Any:
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
    table.add_column(columns[0], overflow="fold")
    for title in columns[1:]:
        table.add_column(title, justify="right", no_wrap=True)
    return table


def _figures(screen: Console, found: Mapping[str, Any]) -> None:
    heading(screen, "Expected")
    table = _table("", "calls", "tokens in", "tokens out", "dollars", "time")
    rows = {
        "baseline": found["baseline"],
        "whole run, ends early": found["run"]["low"],
        "whole run, in full": found["run"]["high"],
    }
    for name, row in rows.items():
        table.add_row(
            f"  {name}",
            f"{row['calls']:,}",
            wording.tokens(row["input"]),
            wording.tokens(row["output"]),
            _dollars(row["usd"], row["usd_known"]),
            wording.duration(row["seconds"]),
        )
    screen.print(table)
    _say(screen, f"baseline: {found['baseline']['covers']}", "dim")
    _say(screen, "ends early: nothing is promoted; in full: every round is used", "dim")
    spent = found["latency"]
    waits = f"{spent['seconds']:g} s a call ({_SOURCES[spent['source']]})"
    at_a_time = wording.plural(spent["concurrency"], "call")
    _say(screen, f"time: {waits}, at most {at_a_time} at a time", "dim")


def _dollars(value: float | None, known: float | None = None) -> str:
    if value is not None:
        return wording.dollars(value, "")
    return f"{wording.dollars(known, '')} + ?" if known else "unknown"


def _roles(screen: Console, found: Mapping[str, Any]) -> None:
    heading(screen, "By role, whole run")
    table = _table("", "model", "calls", "tokens", "dollars")
    table.columns[1].justify, table.columns[1].overflow = "left", "fold"
    table.columns[0].no_wrap, table.columns[1].no_wrap = True, False
    low, high = found["run"]["low"]["by_role"], found["run"]["high"]["by_role"]
    for role, model in found["models"].items():
        a, b = low[role], high[role]
        calls = [wording.tokens(end["calls"]) for end in (a, b)]
        tokens = [wording.tokens(end["input"] + end["output"]) for end in (a, b)]
        costs = [_dollars(end["usd"]) for end in (a, b)]
        table.add_row(
            f"  {role}", foreign(model), _span(*calls), _span(*tokens), _span(*costs),
        )  # fmt: skip
    screen.print(table)


def _span(low: str, high: str) -> str:
    return low if low == high else f"{low} to {high}"


def _gate(screen: Console, found: Mapping[str, Any]) -> None:
    gate = found["gate"]
    heading(screen, "What the gate can see")
    held = f"{wording.plural(gate['conversations'], 'selection conversation')}, "
    held += wording.plural(gate["questions"], "question")
    if gate["smallest_gain"] is None:
        _say(screen, f"no gain at all, with {held} at p <= {gate['alpha']:.3g}", "yellow")
    else:
        often = wording.percent(gate["power"])
        gain = wording.difference(gate["smallest_gain"])
        _say(
            screen,
            f"a true gain of {gain} passes in {often} of cases ({held}, p <= "
            f"{gate['alpha']:.3g} a round); a smaller one is missed more often",
        )
    _say(screen, f"a promotion claims: {gate['claim']}", "dim")


def _notes(screen: Console, found: Mapping[str, Any]) -> None:
    sample = found["sample"]
    heading(screen, "What this rests on")
    of = sample["of"]
    _say(
        screen,
        f"{sample['conversations']:,} of {of['conversations']:,} training and selection "
        f"conversations were run dry: {sample['messages']:,} of {of['messages']:,} messages, "
        f"{sample['questions']:,} of {of['questions']:,} questions. The simulated model "
        f"({found['dry_pass']['model']}) plays the dry pass, for real models too: every figure "
        "comes from it.",
    )
    for line in found["notes"]:
        _say(screen, line)
    if found["warnings"]:
        heading(screen, "Before you start")
    for line in found["warnings"]:
        _say(screen, line, "yellow")


def _say(screen: Console, line: str, style: str = "") -> None:
    """Print a line whose continuations are indented, too."""
    from rich.padding import Padding

    screen.print(Padding(foreign(line, style, limit=900), (0, 0, 0, 2), expand=False))
