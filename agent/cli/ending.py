"""What `run` and `resume` print at their end, at 80 columns."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.cli.following import print_next
from agent.cli.screen import banner, console, foreign, grid, heading, note
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
    print_next(screen, recorded)


def _status(screen: Console, report: Mapping[str, Any]) -> None:
    line = foreign(report["run"], "bold")
    style = "bold green" if report["status"] == "done" else "bold yellow"
    line.append(f"  {report['status']}", style)
    if report["stop_reason"]:  # a run that broke off gave none
        line.append(f": {wording.stop_reason(report['stop_reason'])}", "not bold")
    rounds, seconds = report["rounds"], report["seconds"]
    said = wording.plural(rounds, "round") if rounds else "in its first round"
    said += f", {wording.duration(seconds)}" if seconds is not None else ""
    line.append(f"{';' if report['stop_reason'] else ','} {said}", "not bold dim")
    screen.print(line)
    given = wording.given_prompts(report)
    if given:
        note(screen, f"prompts given: {given}", "dim")


def _scores(screen: Console, report: Mapping[str, Any]) -> None:
    heading(screen, "Score on the sealed test split")
    scores = {name: (report["scores"][name] or {}).get("test") for name in ("baseline", "final")}
    if report["scores"]["final"] is None or scores["final"] is None:
        note(screen, wording.no_final_score(report), "")
        return
    spread = "95% interval" if report["gate_mode"] == "population" else ""
    table = grid(("", "left"), ("score", "right"), (spread, "left"), ("", "left"))
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
    said = wording.headroom(report)
    if said:
        note(screen, said)
    if report["gate_mode"] == "these_conversations":
        note(screen, wording.NO_CLAIM, "yellow")
    if report["data"]["warning"]:
        note(screen, report["data"]["warning"], "yellow")


def _causes(screen: Console, report: Mapping[str, Any]) -> None:
    training = report["attributions"]["training"]
    test = report["attributions"]["test"] or {}
    found = wording.counts(training["by_error_type"])
    still = test.get("by_error_type", {})
    names = [name for name, _ in found] + sorted(set(still) - {name for name, _ in found})
    if not names and not training["abstained"]:
        return
    heading(screen, "Why answers were wrong")
    table = grid(
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
    if proved or (training.get("by_verdict") and report["identity"]["attribution"] == "replay"):
        proved_test = test.get("by_verdict", {}).get("certified", 0)
        also = f"; {proved_test} of {test['failures']} in test" if test.get("failures") else ""
        note(screen, f"certified: {proved} of {training['failures']} in training{also}")
    for where, counted in (("training", training), ("test", test)):
        fixed = causes.without_prompt(counted)
        if fixed:
            note(screen, f"{fixed} in {where}")
    for told in (causes.not_seen(report), causes.not_steady(report)):
        if told:
            note(screen, told, "yellow")


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
    gates = {gate["round"]: gate for gate in report["gates"]}
    why = {r["round"]: r["proposal"] for r in report["by_round"] if r["proposal"]}
    if not gates and not why:
        said = "the run ended before one was proposed"
        if report["stop_reason"] in ("nothing_to_tune", "no_failures"):
            said = wording.stop_reason(report["stop_reason"])
        note(screen, f"no candidate: {said}", "")
        return
    table = grid(("  round", "left"), ("decision", "left"), ("gain", "right"), ("p", "right"),
                  ("reason", "wrap"))  # fmt: skip
    for number in sorted(gates.keys() | why.keys()):
        gate = gates.get(number)
        if gate is None:
            row = ("no candidate", "-", "-", foreign(why[number]))
        else:
            row = (
                gate["decision"],
                wording.difference(gate["gain"]),
                wording.p_value(gate["p_value"]),
                foreign(_reason(gate)),
            )
        table.add_row(f"  {number}", *row, style="green" if row[0] == "promoted" else "")
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
        these = "given" if report["prompts"]["given"] else "seed"
        screen.print(f"  nothing was promoted: the {these} prompts stay in force")
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
