"""The wrong answers of a run, a line each, at 80 columns."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from agent.cli.screen import banner, command, console, foreign, run_argument
from evals.report import wording

if TYPE_CHECKING:
    from rich.text import Text

    from agent.cli.failures import Answered
    from agent.cli.recorded import RecordedRun

_WIDEST = 30
VERDICT_STYLES = {"certified": "green", "suspected": "yellow", "abstained": "dim"}


def list_failures(
    recorded: RecordedRun, which: str | None, method: str | None, *, as_json: bool
) -> None:
    """Print the failures with the prompts asked for, and what is recorded of their causes."""
    from agent.cli.failures import answers_of, one_line
    from agent.cli.trace import dataset_of

    answers = answers_of(recorded, dataset_of(recorded), which)
    lines = []
    for pass_id, wrong in answers.by_pass().items():
        known = recorded.attributions(pass_id, method)
        lines += [(one, one_line(one, known.get(one.question.id))) for one in wrong]
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
    screen.print(_table(lines))
    screen.print()
    run = run_argument(recorded.directory)
    command(screen, f"memtune trace {run} {quoted(lines[0][0])}")
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
    import shlex

    return shlex.quote(one.name)


def _table(lines: Sequence[tuple[Answered, Mapping[str, Any]]]) -> Any:
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False, expand=True)
    # An id that is the conversation's and a number says both.
    short = all(one.question.id.startswith(one.conversation.id) for one, _ in lines)
    rows = [_row(one.question.id if short else one.name, line) for one, line in lines]
    titles = ("question", "verdict", "cause", "operation")
    for place, title in enumerate(titles):
        width = max(len(title), *(row[place].cell_len for row in rows))
        table.add_column(title, no_wrap=True, width=min(_WIDEST, width))
    table.add_column("asked", no_wrap=True, ratio=1, overflow="ellipsis")
    for row in rows:
        table.add_row(*row)
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
        foreign(line["operation"] or ""),
        foreign(line["text"], "dim"),
    ]
