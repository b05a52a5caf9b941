"""What `memtune judge-check` prints, at 80 columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from agent.cli.screen import banner, console, foreign, heading
from evals.report import wording

if TYPE_CHECKING:
    from rich.console import Console

_MOST = 20
_STYLES = {"holds": "green", "fails": "red", "open": "yellow"}
_VERDICTS = {
    "trust": ("RELY ON IT", "bold green"),
    "do_not_trust": ("DO NOT RELY ON IT", "bold red"),
    "not_shown": ("NOT SHOWN", "bold yellow"),
}


def print_check(found: Mapping[str, Any]) -> None:
    """Print who was checked, figures, criteria, disagreements and the recommendation."""
    screen = console()
    if found["simulated"]:
        banner(screen, wording.banner(data=False, model=True))
    _who(screen, found)
    _figures(screen, found)
    _criteria(screen, found)
    _disagreements(screen, found)
    _cost(screen, found)
    word, style = _VERDICTS[found["verdict"]]
    screen.print()
    screen.print(word, style=style, end="")
    screen.print(f"  {found['advice']}", markup=False)
    if found["simulated"]:
        screen.print("The judge is simulated: this says nothing of any language model.")


def _who(screen: Console, found: Mapping[str, Any]) -> None:
    line = foreign(found["scorer"], "bold")
    if found["model"] is not None:
        line.append(f" asking {wording.printable(found['model'])}", "not bold")
    if found["judge_prompt"] is not None:
        line.append(f", prompt {found['judge_prompt'][:8]}", "not bold")
    line.append(f"; {wording.plural(found['labels'], 'label')}", "not bold")
    screen.print(line)
    for number, what in (
        (found["waiting"], "not labelled yet and left out"),
        (found["repeated"], "the same as an earlier one and counted once"),
    ):
        if number:
            screen.print(f"  {wording.plural(number, 'row')} {what}", style="yellow")
    if found["labels"] < 30:
        screen.print("  fewer than 30 labels: mind how wide the intervals are", style="yellow")


def _span(given: Mapping[str, Any]) -> str:
    if given["share"] is None:
        return "-"
    low, high = given["interval"]
    return f"{given['share']:.1%}  {low:.1%} to {high:.1%}  ({given['hits']} of {given['n']})"


def _figures(screen: Console, found: Mapping[str, Any]) -> None:
    from rich.table import Table

    heading(screen, "Agreement with the labels (95% Wilson intervals)")
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False, pad_edge=False)
    beyond = found["kappa"]
    flips = found["flips"]
    for name, value in (
        ("agreement", _span(found["agreement"])),
        ("  where a model was asked", _span(found["asked_of_model"])),
        ("  of those it calls right, right", _span(found["judged_right_is_right"])),
        ("  of those it calls wrong, wrong", _span(found["judged_wrong_is_wrong"])),
        ("Cohen's kappa", "not defined: no variety" if beyond is None else f"{beyond:.3f}"),
        (f"changes within {flips['draws']} draws", _span(flips["changed"])),
    ):
        table.add_row(f"  {name}", value)
    screen.print(table)
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
    for title in ("", "judged right", "judged wrong", "no verdict"):
        table.add_column(title, justify="right" if title else "left")
    for label, row in found["table"].items():
        cells = (str(row[column]) for column in ("judged_right", "judged_wrong", "no_verdict"))
        table.add_row(f"  labelled {label.removeprefix('label_')}", *cells)
    screen.print()
    screen.print(table)


def _criteria(screen: Console, found: Mapping[str, Any]) -> None:
    from rich.table import Table

    heading(screen, "Criteria")
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
    for title in ("  criterion", "asked", "measured", ""):
        table.add_column(title)
    for row in found["criteria"]:
        state = row["state"]
        table.add_row(f"  {row['name']}", row["asked"], row["measured"], state,
                      style=_STYLES[state])  # fmt: skip
    screen.print(table)


def _disagreements(screen: Console, found: Mapping[str, Any]) -> None:
    rows = found["disagreements"]
    if rows:
        heading(screen, f"Disagreements ({len(rows)})")
    for row in rows[:_MOST]:
        side = "too lenient" if row["judged"] else "too strict"
        _line(screen, f"line {row['line']}, {side}: {row['question']}", "bold")
        gold = "(cannot be answered)" if row["gold"] is None else row["gold"]
        for said in (f"gold: {gold}", f"answered: {row['prediction']}", f"judge: {row['reason']}"):
            _line(screen, said, "dim", indent=4)
    if len(rows) > _MOST:
        screen.print(f"  {len(rows) - _MOST} more in {found['out']}/judge-check.json", style="dim")
    if found["no_verdict"]:
        heading(screen, f"Without a verdict ({len(found['no_verdict'])})")
        for row in found["no_verdict"][:_MOST]:
            _line(screen, f"line {row['line']}: {row['reason']}", "")


def _line(screen: Console, text: str, style: str, indent: int = 2) -> None:
    from rich.padding import Padding

    screen.print(Padding(foreign(text, style, 300), (0, 0, 0, indent)))


def _cost(screen: Console, found: Mapping[str, Any]) -> None:
    screen.print()
    made, now = found["calls"]["made"], found["calls"]["now"]
    cost = f", {wording.dollars(found['usd'])}" if found["usd"] else ""
    screen.print(
        f"Model calls {made:,} made, {now:,} of them now; {wording.tokens(found['tokens'])} "
        f"tokens{cost}; all in {found['out']}",
        soft_wrap=True, markup=False,
    )  # fmt: skip
