"""`memtune status` and `memtune stop`."""

from __future__ import annotations

import json as json_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agent.cli import options

if TYPE_CHECKING:
    from agent.cli.recorded import RecordedRun

_STATUS_EXAMPLES = """[bold]Examples[/bold]

\b
memtune status
memtune status runs/night
memtune status --json

It reads only, also while another process runs the loop."""

_STOP_EXAMPLES = """[bold]Example[/bold]

\b
memtune stop synthetic-fact_store-1a2b3c4d"""


def register(app: typer.Typer) -> None:
    """Add the group's verbs."""
    app.command("status", epilog=_STATUS_EXAMPLES)(status)
    app.command("stop", epilog=_STOP_EXAMPLES)(stop)


def status(
    run: Annotated[
        str | None,
        typer.Argument(metavar="[RUN]", help="One run in detail.", show_default="all in runs/"),
    ] = None,
    json: options.PlainJson = False,
) -> None:
    """Show the runs in runs/, or one run in detail."""
    from agent.cli.recorded import RecordedRun
    from agent.loop.directory import find_run

    if run is not None:
        with RecordedRun(find_run(run)) as recorded:
            found = overview(recorded)
            if json:
                typer.echo(json_module.dumps(found, ensure_ascii=False, indent=2))
            else:
                _print_one(recorded, found)
        return
    rows = _all(Path("runs"))
    if json:
        typer.echo(json_module.dumps(rows, ensure_ascii=False, indent=2))
    elif rows:
        _print_all(rows)
    else:
        typer.echo("There are no runs in runs/; start one with 'memtune run'.")


def stop(run: options.Run) -> None:
    """Ask a run to stop before its next model call; it can be resumed."""
    from agent.cli.screen import run_argument
    from agent.loop.directory import STOP, find_run, running, write_whole
    from traces.errors import RunDirectoryError

    directory = find_run(run)
    if not running(directory):
        typer.echo(f"{run} is not running: there is nothing to stop.")
        return
    try:
        write_whole(directory / STOP, "")
    except OSError as error:
        raise RunDirectoryError(
            f"{directory / STOP}: cannot be written ({error.strerror or error})"
        ) from error
    typer.echo(
        f"{run} was asked to stop: it ends before its next model call, with exit code 101, and "
        f"keeps what it has.\nGo on with 'memtune resume {run_argument(directory)}'."
    )


def overview(recorded: RecordedRun) -> dict[str, Any]:
    """Return one run's state as JSON-native values.

    `score` is of the sealed test split when there is one, else the latest of selection or
    training; `score_of` says which.
    """
    from agent.cli.recorded_summary import summary_of

    summary = summary_of(recorded)
    state, reason = recorded.status
    score, of = _score(recorded, summary)
    number, stage = _position(recorded)
    return {
        "run": recorded.name,
        "directory": str(recorded.directory),
        "status": state,
        "stop_reason": reason,
        "round": number,
        "rounds": recorded.settings.get("rounds"),
        "stage": stage if state != "done" else "",
        "score": score,
        "score_of": of,
        "gain": (summary.get("gain") or {}).get("score"),
        "calls": summary["calls"],
        "tokens": summary["tokens"],
        "usd": summary.get("usd"),
        "promoted": len(recorded.promotions),
        "gates": len(recorded.store.rounds("gate")),
        "prompts": summary["prompts"],
        "simulated": any(recorded.simulated.values()),
    }


def _score(recorded: RecordedRun, summary: dict[str, Any]) -> tuple[float | None, str]:
    final = ((summary.get("final") or {}).get("test") or {}).get("score")
    if final is not None:
        return final, "test"
    gates = recorded.store.rounds("gate")
    if gates:
        last = gates[-1]
        side = "candidate" if last["gate"]["decision"] == "accepted" else "incumbent"
        return last[f"{side}_selection"]["score"], "selection"
    rounds = recorded.store.rounds("evaluate")
    return (rounds[-1]["score"], "training") if rounds else (None, "")


def _position(recorded: RecordedRun) -> tuple[int, str]:
    """Return the round under way and its next stage, from what is recorded."""
    from agent.cli.recorded import STAGES

    rounds = {stage: len(recorded.store.rounds(stage)) for stage in STAGES}
    number = rounds["evaluate"]
    if number == 0:
        return 1, "evaluate"
    for stage in STAGES[1:3]:
        if rounds[stage] < number:
            return number, stage
    return number, "gate or later"


def _all(runs: Path) -> list[dict[str, Any]]:
    from agent.cli.recorded import NothingRecorded, RecordedRun
    from agent.loop.directory import CONFIG, running
    from traces.errors import MemtuneError

    rows: list[dict[str, Any]] = []
    for config in sorted(runs.glob(f"*/{CONFIG}")):
        try:
            with RecordedRun(config.parent) as recorded:
                rows.append(overview(recorded))
        except NothingRecorded as error:
            state = "running" if running(config.parent) else "broken off"
            rows.append({"run": config.parent.name, "status": state, "error": str(error)})
        except MemtuneError as error:
            # One damaged run must not hide the others.
            rows.append({"run": config.parent.name, "status": "unreadable", "error": str(error)})
    return rows


def _print_all(rows: list[dict[str, Any]]) -> None:
    from rich.table import Table

    from agent.cli.screen import console, foreign
    from evals.report import wording

    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    table.add_column("run", overflow="fold")
    table.add_column("status", no_wrap=True)
    for name in ("round", "score", "gain", "calls"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        if "error" in row:
            table.add_row(foreign(row["run"]), _state(row), "-", "-", "-", "-")
            continue
        score = wording.score(row["score"])
        short = {"test": "", "selection": " sel", "training": " train", "": ""}[row["score_of"]]
        table.add_row(
            foreign(row["run"]),
            _state(row),
            f"{row['round']}/{row['rounds']}",
            score + short,
            wording.difference(row["gain"]),
            f"{row['calls']['made']:,}",
        )
    console().print(table)


def _state(row: dict[str, Any]) -> Any:
    from rich.text import Text

    styles = {
        "running": "cyan",
        "done": "green",
        "stopped": "yellow",
        "broken off": "red",
        "unreadable": "bold red",
    }
    return Text(row["status"], styles.get(row["status"], ""))


def _print_one(recorded: RecordedRun, found: dict[str, Any]) -> None:
    from rich.table import Table
    from rich.text import Text

    from agent.cli.following import print_next
    from agent.cli.screen import banner, console, foreign
    from evals.report import wording

    screen = console()
    banner(screen, wording.banner(**recorded.simulated) if found["simulated"] else None)
    rows = Table.grid(padding=(0, 2))
    rows.add_column(style="dim", no_wrap=True)
    rows.add_column()
    state = _state(found)
    if found["stop_reason"]:
        state.append(f": {wording.stop_reason(found['stop_reason'])}", "default")
    rows.add_row("run", foreign(found["run"], "bold"))
    rows.add_row("status", state)
    stage = f", {found['stage']}" if found["stage"] else ""
    rows.add_row("round", Text(f"{found['round']} of {found['rounds']}{stage}"))
    scored = wording.score(found["score"]) + (
        f" ({found['score_of']})" if found["score_of"] else ""
    )
    rows.add_row("score", scored)
    rows.add_row("gain", wording.difference(found["gain"]))
    rows.add_row("gate", f"{found['gates']} tested, {found['promoted']} promoted")
    calls, tokens = found["calls"], found["tokens"]
    rows.add_row("calls", f"{calls['made']:,} made, {calls['saved']:,} saved")
    rows.add_row(
        "tokens", f"{wording.tokens(tokens['input'])} in, {wording.tokens(tokens['output'])} out"
    )
    cost = wording.usd(found["usd"])
    if cost:
        rows.add_row("cost", foreign(cost))
    rows.add_row("prompts", foreign(f"seed {found['prompts']['seed'][:12]}, in force "
                                    f"{found['prompts']['final'][:12]}"))  # fmt: skip
    screen.print(rows)
    print_next(screen, recorded)
