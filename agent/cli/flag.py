"""`memtune flag`: a wrong answer in use becomes a question of a data set."""

from __future__ import annotations

import json as json_module
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agent.cli.chat import FLAGGED, MEMORY, USER

if TYPE_CHECKING:
    from agent.chat.data_set import Added
    from agent.chat.record import Turn, TurnLog

# As many as train, selection and test split need.
FEWEST = 3

_EXAMPLES = """[bold]Examples[/bold]

\b
memtune flag --user Ana --correction "it is Porto"
memtune flag t000012 --user Ana --correction Porto --evidence t000004-1
memtune flag --user Ana --correction "not mentioned" --out data.jsonl
memtune run --data data.jsonl

Shows which memory operation is behind the wrong answer, from the record: no
model is called. Flagged twice, a question has the later correction."""


def register(app: typer.Typer) -> None:
    """Add the group's verb."""
    app.command("flag", epilog=_EXAMPLES)(flag)


def flag(
    turn: Annotated[
        str | None,
        typer.Argument(metavar="[TURN]", help="The turn, such as t000012.",
                       show_default="the last one"),
    ] = None,
    correction: Annotated[
        str, typer.Option(metavar="TEXT", help="What the answer should have been.")
    ] = ...,  # type: ignore[assignment]
    memory: Annotated[
        Path, typer.Option(metavar="DIR", help="Where memories are kept.")
    ] = MEMORY,
    user: Annotated[str, typer.Option(metavar="ID", help="Whose turn it was.")] = USER,
    evidence: Annotated[
        str | None,
        typer.Option(
            metavar="ID,ID", help="Messages that hold the answer, as /why names them.",
            show_default="unknown: they are searched for",
        ),
    ] = None,
    out: Annotated[
        Path, typer.Option(metavar="FILE", help="The data set (.jsonl) that it is added to.")
    ] = FLAGGED,
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead.")] = False,
) -> None:  # fmt: skip
    """Keep a wrong answer and its correction as a question, and show what went wrong."""
    from agent.chat.create import DATABASE
    from agent.chat.record import TurnLog
    from agent.chat.why import turn_of
    from agent.cli.read_only import ReadOnlyDatabase
    from traces.errors import SettingsError

    path = memory / DATABASE
    if not path.is_file():
        raise SettingsError(
            f"--memory {memory}: holds no turns (no {DATABASE}); give the directory of "
            "'memtune chat' or of your agent"
        )
    database = ReadOnlyDatabase(path)
    try:
        log = TurnLog(database)
        named = [id.strip() for id in (evidence or "").split(",") if id.strip()]
        flag_turn(log, turn_of(log, user, turn), correction, named, out, as_json=json)
    finally:
        database.close()


def flag_turn(
    log: TurnLog,
    turn: Turn,
    correction: str,
    evidence: Sequence[str],
    out: Path,
    *,
    as_json: bool,
) -> None:
    """Add a turn to a data set and print what is behind its wrong answer.

    Raises SettingsError and DataError.
    """
    from agent.chat.data_set import add_question
    from agent.chat.flag import flag as make
    from agent.cli.trace import Traced
    from agent.cli.trace_tree import print_trace
    from evals.report import wording
    from traces.attribution.journey import journey
    from traces.results import AnswerRecord

    flagged = make(log, turn, correction, evidence)
    added = add_question(out, flagged.conversation)
    question = flagged.question
    traced = Traced(
        flagged.conversation,
        question,
        log.store.prompt_set(turn.prompt_set),
        "in use",
        AnswerRecord(question.id, question.category, turn.prediction, False, "so says the user"),
        flagged.attribution,
        journey(question, flagged.graph),
        wording.banner(data=False, model=True) if turn.simulated else None,
    )
    if as_json:
        found = {**traced.to_json(), "data": str(out), "added": asdict(added)}
        typer.echo(json_module.dumps(found, ensure_ascii=False))
        return
    print_trace(traced)
    _say_where(added, out)


def _say_where(added: Added, out: Path) -> None:
    import shlex

    from agent.cli.screen import command, console
    from evals.report.wording import plural

    screen = console()
    verb = "Corrected in" if added.replaced else "Added to"
    total = f"{plural(added.questions, 'question')}, {plural(added.conversations, 'conversation')}"
    screen.print()
    screen.print(f"{verb} {out}: now {total}.", markup=False)
    missing = FEWEST - added.conversations
    if missing > 0:
        screen.print(
            f"A run needs {FEWEST} conversations: {plural(missing, 'more user')} to flag.",
            markup=False,
        )
        return
    command(screen, f"memtune run --data {shlex.quote(str(out))}")
