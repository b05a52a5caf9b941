"""What `validate` shows, at 80 columns: problems, contents, what a run could find out."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from agent.cli.screen import banner, command, console, foreign, heading
from evals.report import wording

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from agent.settings import Settings

_STYLES = {"error": "bold red", "warning": "yellow"}
_ADD_QUESTIONS = {
    "chat": (
        "Add records of their own to the file, one a line:",
        '{"conversation": "ID", "question": "Where do I live?", "answer": "Lisbon"}',
    ),
    "csv": (
        "Add rows that fill the columns conversation, question and answer:",
        "ID,,,,,Where do I live?,Lisbon",
    ),
    "jsonl": (
        "Add a list 'questions' beside 'sessions':",
        '"questions": [{"question": "Where do I live?", "answer": "Lisbon"}]',
    ),
}


def print_validation(found: Mapping[str, Any], settings: Settings, *, given: bool) -> None:
    """Print what `examine` found; `given`: fields were mapped on the command line."""
    screen = console()
    banner(screen, wording.banner(data=True, model=False) if found["simulated"] else None)
    seen = " (seen from the file)" if found["detected"] else ""
    screen.print(foreign(f"{found['data'] or ''} {found['dataset']}{seen}".strip(), "bold"))
    for finding in found["findings"]:
        screen.print(_finding(finding))
    _verdict(screen, found)
    if any(finding["kind"] == "no_questions" for finding in found["findings"]):
        _how_to_ask(screen, found["dataset"])
    _holdings(screen, found)
    _prospects(screen, found["run"])
    if found["ok"]:
        _next(screen, found, settings, given)


def _finding(finding: Mapping[str, Any]) -> Any:
    from rich.table import Table

    row = Table.grid(padding=(0, 1))
    row.add_column(width=7, no_wrap=True)
    row.add_column(ratio=1, overflow="fold")
    row.expand = True
    where = f"line {finding['line']}" if finding["line"] is not None else ""
    said = foreign(": ".join(part for part in (finding["file"], where, finding["place"]) if part))
    if finding["subject"]:
        said.append("  " if said.plain else "")
        said.append_text(foreign(finding["subject"], "dim"))
    said.append("\n" if said.plain else "")
    said.append_text(foreign(finding["problem"], "bold"))
    said.append("; ")
    said.append_text(foreign(finding["fix"], "cyan"))
    row.add_row(foreign(finding["severity"], _STYLES[finding["severity"]]), said)
    return row


def _say(screen: Console, said: str | Text, style: str = "") -> None:
    """Print a paragraph, indented as a whole."""
    from rich.padding import Padding

    screen.print(
        Padding(foreign(said, style, limit=900) if isinstance(said, str) else said, (0, 0, 0, 2))
    )


def _verdict(screen: Console, found: Mapping[str, Any]) -> None:
    counts = [
        wording.plural(found[f"{name}s"], name)
        for name in ("error", "warning")
        if found[f"{name}s"]
    ]
    told = ", ".join(counts) or "no problems"
    if [f["kind"] for f in found["findings"] if f["severity"] == "error"] == ["no_questions"]:
        told = "nothing is wrong with the messages; a run needs questions about them"
    elif found["errors"]:
        told += "; it can be run when the errors are mended"
    screen.print(told, style="bold red" if found["errors"] else "")


def _how_to_ask(screen: Console, dataset: str) -> None:
    if dataset not in _ADD_QUESTIONS:
        return
    told, line = _ADD_QUESTIONS[dataset]
    heading(screen, "How to add questions")
    _say(screen, told)
    command(screen, line)
    _say(screen, "'memtune validate --example' shows one question of each type.")


def _holdings(screen: Console, found: Mapping[str, Any]) -> None:
    held = found["holds"]
    heading(screen, "What it holds" + (", without what has errors" if found["errors"] else ""))
    counts = ", ".join(
        wording.plural(held[f"{name}s"], name)
        for name in ("conversation", "session", "message", "question")
    )
    _say(screen, counts)
    if held["dates"]:
        first, last = (date[:10] for date in held["dates"])
        _say(screen, f"dated {first} to {last}")
    if held["questions"]:
        _categories(screen, held)


def _categories(screen: Console, held: Mapping[str, Any]) -> None:
    from rich.padding import Padding
    from rich.table import Table

    columns = {
        "questions": "questions", "with_evidence": "with evidence",
        "unanswerable": "unanswerable", "without_gold_answer": "no gold answer",
    }  # fmt: skip
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
    table.add_column("category", overflow="fold")
    for title in columns.values():
        table.add_column(title, justify="right", no_wrap=True)
    for row in held["categories"]:
        name = foreign(row["category"] or "(none)", limit=40)
        table.add_row(name, *(_number(row[key]) for key in columns))
    if len(held["categories"]) > 1:
        table.add_row("all", *(_number(held[key]) for key in columns), style="bold")
    screen.print(Padding(table, (0, 0, 0, 2)))
    if held["without_gold_answer"]:
        _say(screen, "questions without a gold answer are not asked", "dim")


def _number(value: int) -> str:
    return f"{value:,}" if value else "-"


def _prospects(screen: Console, run: Mapping[str, Any]) -> None:
    heading(screen, "What a run could find out")
    if run["splits"]:
        parts = ", ".join(f"{count:,} {name}" for name, count in run["splits"].items())
        _say(screen, f"splits: {parts} conversations")
    if run["obstacle"]:
        _say(screen, f"no run: {run['obstacle']}", "bold red")
        return
    needs, rounds = run["population"], wording.plural(run["rounds"], "round")
    _say(screen, f"gate mode {run['mode']}: a promotion {_claim(run['mode'])}")
    if run["mode"] != "population":
        _say(
            screen,
            f"'population' needs {needs['selection']} selection conversations with {rounds}, "
            f"{needs['conversations']} in all",
            "dim",
        )
    asked = run["selection"]
    held = (
        f"{wording.plural(asked['conversations'], 'selection conversation')} with "
        f"{wording.plural(asked['questions'], 'question')}, p <= {run['alpha']:.3g} a round"
    )
    if run["smallest_gain"] is None:
        told = f"no gain can be found by {held}: add conversations, or declare fewer rounds"
        _say(screen, told, "yellow")
    else:
        share = wording.percent(run["power"])
        _say(
            screen,
            f"smallest gain found in {share} of cases: {run['smallest_gain']:+.3f}, by {held}",
        )
    _say(screen, _assumed(run), "dim")


def _assumed(run: Mapping[str, Any]) -> str:
    asked = run["selection"]
    few, most = asked["fewest"], asked["most"]
    each = wording.plural(most, "question")
    if few != most:
        each = f"{few:,} to {each} (median {asked['median']:g})"
    return (
        f"assumed: {wording.plural(run['rounds'], 'round')}; {each} a conversation, as "
        f"in the selection split; a candidate's answers differ on "
        f"{wording.percent(run['discordance'])} of them, or on as many as it gains; questions "
        "independent of each other and the same gain everywhere, so that real gains have to be "
        "rather larger"
    )


def _claim(mode: str) -> str:
    claim = wording.CLAIMS[mode]
    return claim if mode == "population" else f"makes {claim}"


def _next(screen: Console, found: Mapping[str, Any], settings: Settings, given: bool) -> None:
    heading(screen, "Next")
    if given:
        pairs = ", ".join(f"{name} = {json.dumps(v)}" for name, v in settings.fields.items())
        command(screen, f"fields = {{ {pairs} }}    # in memtune.toml, so that a run knows it too")
    data = f" --data {shlex.quote(found['data'])}" if found["data"] else ""
    dataset = "" if settings.dataset is None else f" --dataset {shlex.quote(settings.dataset)}"
    command(screen, f"memtune estimate{data}{dataset}")
    command(screen, f"memtune run{data}{dataset}")
