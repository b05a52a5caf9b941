"""The wrong answers of a run, a line each, by split, at 80 columns."""

from __future__ import annotations

import json
import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from agent.cli.screen import banner, command, console, foreign, heading, run_argument
from evals.report import wording

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

    from agent.cli.failures import Answered
    from agent.cli.recorded import RecordedRun

_WIDEST = 30
# What the run's summary speaks of first; the last is a run's that did not keep its splits.
_SPLITS = {"test": "Test", "selection": "Selection", "train": "Training", "": "Others"}
Line = tuple["Answered", dict[str, Any]]
VERDICT_STYLES = {"certified": "green", "suspected": "yellow", "abstained": "dim"}


def list_failures(
    recorded: RecordedRun, which: str | None, method: str | None, *, as_json: bool
) -> None:
    """Print the failures with the prompts asked for, and what is recorded of their causes."""
    from agent.cli.failures import answers_of, one_line
    from agent.cli.trace import dataset_of

    answers = answers_of(recorded, dataset_of(recorded), which)
    splits = {id: name for name, ids in recorded.lock_file()["splits"].items() for id in ids}
    lines: list[Line] = []
    for pass_id, wrong in answers.by_pass().items():
        known = recorded.attributions(pass_id, method)
        lines += [
            (one, {**one_line(one, known.get(one.question.id)),
                   "split": splits.get(one.conversation.id, "")})
            for one in wrong
        ]  # fmt: skip
    simulated = any(recorded.simulated.values())
    if as_json:
        found = {
            "run": recorded.name,
            "answers": len(answers.all),
            "failures": [line for _, line in lines],
            "simulated": simulated,
        }
        print(json.dumps(found, ensure_ascii=False, indent=2))
        return
    screen = console()
    banner(screen, wording.banner(**recorded.simulated) if simulated else None)
    _head(recorded, len(lines), len(answers.all))
    if not lines:
        return
    asked = Counter(splits.get(one.conversation.id, "") for one in answers.all)
    names = _names([one for one, _ in lines])
    by_split = {split: [x for x in lines if x[1]["split"] == split] for split in _SPLITS}
    widths = _widths(lines, names)
    for split, some in by_split.items():
        if some:
            heading(screen, f"{_SPLITS[split]}: {how_many(len(some), asked[split])}")
            screen.print(_table(some, names, widths))
    heading(screen, "Next")
    run = run_argument(recorded.directory)
    first = next(some[0][0] for some in by_split.values() if some)
    command(screen, f"memtune trace {run} {shlex.quote(names[first.name])}")
    if any(line["verdict"] is None for _, line in lines):
        command(screen, f"memtune attribute {run}")


def _head(recorded: RecordedRun, wrong: int, asked: int) -> None:
    line = foreign(recorded.name, "bold")
    console().print(line.append(f"  {how_many(wrong, asked)}", "not bold"))


def how_many(wrong: int, asked: int) -> str:
    """Return how many answers were wrong, in words."""
    of = wording.plural(asked, "answer")
    return f"{wrong:,} of {of} wrong" if wrong else f"none of {of} was judged wrong"


def quoted(one: Answered) -> str:
    """Return what a command takes as QUESTION."""
    return shlex.quote(one.name)


def _names(answers: Sequence[Answered]) -> dict[str, str]:
    """Return how each is called, here and in a command: an id that is the conversation's and
    more says both, where no other is the same."""
    ids = [one.question.id for one in answers]
    short = len(set(ids)) == len(ids) and all(
        one.question.id.startswith(one.conversation.id) for one in answers
    )
    return {one.name: one.question.id if short else one.name for one in answers}


_TITLES = ("question", "verdict", "cause")


def _widths(lines: Sequence[Line], names: Mapping[str, str]) -> list[int]:
    """Return the widths of the columns, the same in the table of every split."""
    rows = [_row(names[one.name], line) for one, line in lines]
    return [
        min(_WIDEST, max(len(title), *(row[place].cell_len for row in rows)))
        for place, title in enumerate(_TITLES)
    ]


def _table(lines: Sequence[Line], names: Mapping[str, str], widths: Sequence[int]) -> Table:
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False, expand=True)
    for title, width in zip(_TITLES, widths, strict=True):
        table.add_column(title, no_wrap=True, width=width)
    table.add_column("asked", no_wrap=True, ratio=1, overflow="ellipsis")
    for one, line in lines:
        table.add_row(*_row(names[one.name], line))
    return table


def _row(name: str, line: Mapping[str, Any]) -> list[Text]:
    verdict = line["verdict"] or "-"
    cause = line["error_type"] or ""
    if line["sub_type"]:
        cause += f"/{line['sub_type']}"
    if line["verdict"] == "abstained":
        cause = str(line["reason"]).partition(":")[0]
    return [
        foreign(name),
        foreign(verdict, VERDICT_STYLES.get(verdict, "")),
        foreign(cause or "not looked for", "" if cause else "dim"),
        foreign(line["text"], "dim"),
    ]
