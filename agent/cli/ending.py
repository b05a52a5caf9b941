"""What `run` and `resume` print at their end, at 80 columns."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.cli.recorded_examples import example_failure
from agent.cli.recorded_summary import summary_of
from agent.cli.screen import banner, command, console, foreign, heading, run_argument
from evals.report import causes, wording

if TYPE_CHECKING:
    from rich.console import Console

    from agent.cli.recorded import RecordedRun

_BAR = 24
_DIFF_LINES = 14
_BROKEN = 5


def print_ending(recorded: RecordedRun, report: Mapping[str, Any], written: Path | None) -> None:
    """Print result, causes, gate, prompts, cost, and what to do next."""
    screen = console()
    banner(screen, report["banner"])
    _status(screen, report)
    _scores(screen, report)
    _broken(screen, report)
    _causes(screen, report)
    _gate(screen, report)
    _prompts(screen, report)
    _cost(screen, report, written)
    _next(screen, recorded, report)


def _status(screen: Console, report: Mapping[str, Any]) -> None:
    line = foreign(report["run"], "bold")
    style = "bold green" if report["status"] == "done" else "bold yellow"
    line.append(f"  {report['status']}", style)
    line.append(f": {wording.stop_reason(report['stop_reason'])}", "not bold")
    rounds = wording.plural(report["rounds"], "round")
    line.append(f"; {rounds}, {wording.duration(report['seconds'])}", "not bold dim")
    screen.print(line)


def _grid(*columns: tuple[str, str]) -> Any:
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
    for title, justify in columns:
        if justify == "wrap":
            table.add_column(title, ratio=1)
        else:
            table.add_column(title, justify=justify, no_wrap=True)  # type: ignore[arg-type]
    return table


def _scores(screen: Console, report: Mapping[str, Any]) -> None:
    heading(screen, "Score on the sealed test split")
    scores = {name: (report["scores"][name] or {}).get("test") for name in ("baseline", "final")}
    if report["scores"]["final"] is None or scores["final"] is None:
        screen.print("  not opened: a run that was stopped has no final score")
        return
    spread = "95% interval" if report["gate_mode"] == "population" else ""
    table = _grid(("", "left"), ("score", "right"), (spread, "left"), ("", "left"))
    for name, found in scores.items():
        if found is not None:
            asked = wording.plural(found["n"], "question")
            held = f"{asked}, {wording.plural(found['conversations'], 'conversation')}"
            bounds = wording.interval(found["interval"]) if spread else ""
            table.add_row(f"  {name}", wording.score(found["score"]), bounds, held)
    gain = report["gain"]
    if gain["score"] is not None:
        closed = gain["headroom_closed"]
        said = f"{wording.percent(closed)} of the headroom closed" if closed is not None else ""
        style = "bold green" if gain["score"] > 0 else "bold"
        bounds = wording.interval(gain["interval"], signed=True) if spread else ""
        table.add_row("  gain", wording.difference(gain["score"]), bounds, said, style=style)
    screen.print(table)
    if report["gate_mode"] == "these_conversations":
        screen.print(f"  {wording.NO_CLAIM}", style="yellow")
    if report["data"]["warning"]:
        screen.print(f"  {report['data']['warning']}", style="yellow")


def _causes(screen: Console, report: Mapping[str, Any]) -> None:
    training = report["attributions"]["training"]
    test = report["attributions"]["test"] or {}
    found = wording.counts(training["by_error_type"])
    still = test.get("by_error_type", {})
    names = [name for name, _ in found] + sorted(set(still) - {name for name, _ in found})
    if not names and not training["abstained"]:
        return
    heading(screen, "Why answers were wrong")
    table = _grid(
        ("", "left"), ("training, all rounds", "right"), ("", "left"), ("test, final", "right")
    )
    most = max((n for _, n in found), default=1)
    for name in names:
        number = training["by_error_type"].get(name, 0)
        bar = "█" * max(1, round(_BAR * number / most)) if number else ""
        label = foreign(name)
        label.pad_left(2)
        table.add_row(label, str(number), bar, str(still.get(name, 0)) if test else "-")
    lost = sum(training["abstained"].values())
    left = str(sum(test.get("abstained", {}).values())) if test else "-"
    if lost or left not in ("0", "-"):
        table.add_row("  (no cause named)", str(lost), "", left, style="dim")
    screen.print(table)
    proved = training.get("by_verdict", {}).get("certified", 0)
    if proved:
        proved_test = test.get("by_verdict", {}).get("certified", 0)
        also = f"; {proved_test} of {test['failures']} in test" if test else ""
        said = f"  certified by replay: {proved} of {training['failures']} in training{also}"
        screen.print(said, style="dim")
    fixed = causes.without_prompt(training)
    if fixed:
        line = foreign(f"{fixed} in training", "dim")
        line.pad_left(2)
        screen.print(line)


def _broken(screen: Console, report: Mapping[str, Any]) -> None:
    broken = report["broken"]
    if not broken:
        return
    heading(screen, "What broke: questions without a verdict, which no score counts")
    for one in broken[:_BROKEN]:
        line = foreign(f"{one['conversation']}: {one['missing']} of {one['questions']}", "bold")
        line.append("  ")
        line.append_text(foreign(one["error"], "not bold"))
        screen.print(line)
    if len(broken) > _BROKEN:
        screen.print(f"  and {len(broken) - _BROKEN} more, in the report", style="dim")


def _gate(screen: Console, report: Mapping[str, Any]) -> None:
    heading(screen, "Gate, on the selection split")
    if not report["gates"]:
        screen.print("  no candidate reached it")
        return
    table = _grid(("  round", "left"), ("decision", "left"), ("gain", "right"), ("p", "right"),
                  ("reason", "wrap"))  # fmt: skip
    for gate in report["gates"]:
        accepted = gate["decision"] == "accepted"
        table.add_row(
            f"  {gate['round']}",
            "promoted" if accepted else gate["decision"],
            wording.difference(gate["gain"]),
            wording.p_value(gate["p_value"]),
            foreign(_reason(gate)),
            style="green" if accepted else "",
        )
    screen.print(table)


def _reason(gate: Mapping[str, Any]) -> str:
    if gate["p_value"] is None:
        return str(gate["reason"])
    if gate["decision"] == "rejected" and gate["p_value"] <= gate["alpha"]:
        return str(gate["reason"])
    compared = "<=" if gate["p_value"] <= gate["alpha"] else ">"
    counted = f"+{gate['better']} -{gate['worse']} of {gate['n']} questions"
    return f"p {compared} {gate['alpha']:.3g}; {counted}"


def _prompts(screen: Console, report: Mapping[str, Any]) -> None:
    diffs = report["prompts"]["diffs"]
    if not diffs:
        heading(screen, "Prompts")
        screen.print("  nothing was promoted: the seed prompts stay in force")
        return
    heading(screen, "Prompts changed")
    for diff in diffs:
        screen.print(foreign(f"{diff['slot']}", "underline"))
        changed = [line for line in diff["lines"] if line[:1] in "+-"]
        for line in changed[:_DIFF_LINES]:
            style = "green" if line.startswith("+") else "red"
            _hanging(screen, line[0], line[1:], style)
        if len(changed) > _DIFF_LINES:
            more = wording.plural(len(changed) - _DIFF_LINES, "line")
            screen.print(f"  {more} more in the report", style="dim")


def _hanging(screen: Console, mark: str, text: str, style: str) -> None:
    """Print a line whose continuation is indented like its beginning."""
    from rich.padding import Padding
    from rich.table import Table

    row = Table.grid(padding=(0, 1))
    row.add_row(foreign(mark, style), foreign(text, style))
    screen.print(Padding(row, (0, 0, 0, 2)))


def _cost(screen: Console, report: Mapping[str, Any], written: Path | None) -> None:
    from rich.text import Text

    calls, tokens = report["calls"], report["tokens"]
    everything = calls["made"] + calls["saved"]
    saved = wording.percent(calls["saved"] / everything if everything else 0)
    screen.print()
    title = Text("Model calls  ", style="bold")
    title.append(
        f"{calls['made']:,} made, {calls['saved']:,} saved ({saved}); tokens "
        f"{wording.tokens(tokens['input'])} in, {wording.tokens(tokens['output'])} out",
        "not bold",
    )
    screen.print(title)
    cost = wording.usd(report.get("usd"))
    if cost:
        line = Text("Cost         ", style="bold")
        line.append(cost, "not bold")
        screen.print(line)
    line = Text("Report       ", style="bold")
    line.append(str(written) if written else "could not be written", "not bold")
    screen.print(line, soft_wrap=True)


def _next(screen: Console, recorded: RecordedRun, report: Mapping[str, Any]) -> None:
    run = run_argument(recorded.directory)
    heading(screen, "Next")
    if report["status"] != "done":
        command(screen, resume_command(recorded))
    failed = example_failure(recorded)
    if failed is not None:
        command(screen, f"memtune trace {run} {shlex.quote(failed)}")
    command(screen, f"memtune export {run}")


def resume_command(recorded: RecordedRun) -> str:
    """Return the command that goes on, with more of the budget that stopped the run."""
    more = ""
    if recorded.status[1] == "budget":
        limits = recorded.settings
        if limits.get("max_calls"):
            more = f" --max-calls {2 * limits['max_calls']}"
        if limits.get("max_tokens"):
            more += f" --max-tokens {2 * limits['max_tokens']}"
        usd = (summary_of(recorded).get("usd") or {}).get("limit")
        if usd:
            more += f" --max-usd {2 * usd:g}"
    return f"memtune resume {run_argument(recorded.directory)}{more}"
