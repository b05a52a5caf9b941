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
    from agent.chat.turns import Turns
    from traces.results import Attribution

# As many as train, selection and test split need.
FEWEST = 3

METHODS = ("replay", "provenance")

_EXAMPLES = """[bold]Examples[/bold]

\b
memtune flag --user Ana --correction "it is Porto"
memtune flag t000012 --user Ana --correction Porto --evidence t000004-1
memtune flag --user Ana --correction "not mentioned" --out data.jsonl
memtune flag --user Ana --correction "no, in May" --method provenance
memtune run --data data.jsonl

Shows which memory operation is behind the wrong answer. By replay it is
repaired on a copy of the memory, rebuilt from the record, and what follows it
is run again: at most {calls} model calls a flag (the chat's model, within its
budget), most often fewer than ten. Where that model cannot be had, or an agent
is running on DIR, the record alone is read (provenance): no model is called,
and nothing is proved. Flagged twice, a question has the later correction."""


def register(app: typer.Typer) -> None:
    """Add the group's verb."""
    from traces.attribution.replay.caps import MOST_CALLS

    app.command("flag", epilog=_EXAMPLES.format(calls=MOST_CALLS))(flag)


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
    method: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="How the cause is found: replay or provenance.",
            show_default="replay where it is possible",
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(metavar="MODEL", help="The model that answered, as in 'memtune chat'.",
                     show_default="sim/rules-1"),
    ] = None,
    api_base: Annotated[
        str | None,
        typer.Option(metavar="URL", help="The model's endpoint.",
                     show_default="the provider's own"),
    ] = None,
    backend: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Memory backend.", show_default="the one that DIR holds"),
    ] = None,
    out: Annotated[
        Path, typer.Option(metavar="FILE", help="The data set (.jsonl) that it is added to.")
    ] = FLAGGED,
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead.")] = False,
) -> None:  # fmt: skip
    """Keep a wrong answer and its correction as a question, and show what went wrong."""
    from agent.chat.create import DATABASE, create_memory_agent
    from agent.chat.record import TurnLog
    from agent.chat.why import turn_of
    from agent.cli.read_only import ReadOnlyDatabase
    from agent.settings import load_settings
    from traces.errors import IdentityError, LockedError, ProviderError, SettingsError

    path = memory / DATABASE
    if not path.is_file():
        raise SettingsError(
            f"--memory {memory}: holds no turns (no {DATABASE}); give the directory of "
            "'memtune chat' or of your agent"
        )
    if method is not None and method not in METHODS:
        raise SettingsError(f"--method {method}: is unknown; choose {' or '.join(METHODS)}")
    named = [id.strip() for id in (evidence or "").split(",") if id.strip()]
    database = ReadOnlyDatabase(path)
    try:
        log = TurnLog(database)
        wanted = turn_of(log, user, turn)
        remark = ""
        if method != "provenance":
            try:
                settings = load_settings(model=model, api_base=api_base, backend=backend)
                agent = create_memory_agent(model, memory=memory, settings=settings)
            except (SettingsError, LockedError, IdentityError, ProviderError) as error:
                if method is not None:
                    raise
                remark = str(error)
            else:
                with agent:
                    flag_turn(
                        agent.turns.log, wanted, correction, named, out, as_json=json,
                        turns=agent.turns, required=method is not None,
                    )  # fmt: skip
                return
        flag_turn(log, wanted, correction, named, out, as_json=json, remark=remark)
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
    turns: Turns | None = None,
    required: bool = False,
    remark: str = "",
) -> None:
    """Add a turn to a data set and print what is behind its wrong answer.

    `turns` and `required` as in `agent.chat.flag.flag`; `remark` says why there are no turns
    to replay with. Raises what that raises, and DataError.
    """
    from agent.chat.data_set import add_question
    from agent.chat.flag import flag as make
    from agent.cli.trace import Traced
    from agent.cli.trace_tree import print_trace
    from evals.report import wording
    from traces.attribution.journey import journey
    from traces.results import AnswerRecord

    flagged = make(log, turn, correction, evidence, turns=turns, required=required)
    remark = flagged.remark or remark
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
        found = {
            **traced.to_json(),
            "data": str(out),
            "added": asdict(added),
            "not_replayed": remark,
        }
        typer.echo(json_module.dumps(found, ensure_ascii=False))
        return
    print_trace(traced)
    _say_how(flagged.attribution, remark, turn.id)
    _say_where(added, out)


def _say_how(found: Attribution, remark: str, turn: str) -> None:
    """Say why nothing was proved, and what to do where no evidence was found."""
    from agent.cli.screen import console

    screen = console()
    if remark:
        screen.print()
        screen.print(f"Not proved by replay: {remark}", markup=False)
    if found.reason.partition(":")[0] == "no_evidence":
        screen.print()
        screen.print(
            "Nothing that memory was told before holds this answer, as far as a search can tell. "
            f"Name the messages that do: memtune flag {turn} --evidence ID,ID (ids as /why shows "
            "them). Where there is none, the answer could not be known: --correction "
            "'not mentioned'.",
            markup=False,
        )


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
