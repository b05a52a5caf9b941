"""`memtune validate`: what is wrong with a data set, and what it is good for."""

from __future__ import annotations

import json as json_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agent.cli import options

if TYPE_CHECKING:
    from agent.settings import Settings

_EXAMPLES = """[bold]Examples[/bold]

\b
memtune validate chats.jsonl
memtune validate export.csv --fields text=body --fields speaker=author
memtune validate locomo10.json --dataset locomo --json
memtune validate --dataset my_loader:conversations
memtune validate --example > mine.jsonl

[bold]Formats[/bold]

\b
jsonl        memtune's own: one conversation a line; --example shows one
             question of each type
csv          a row is a message, or a question; columns conversation, session,
             date, speaker, text, question, answer, evidence
chat         OpenAI's messages, a record a line; records may carry questions
locomo, longmemeval, realmem
             as published
module:attr  a function of yours, given the path; it returns Conversations

\b
A conversation in memtune's own format (on one line):

\b
{"id": "ada",
 "sessions": [{"date": "2024-05-01T18:30", "messages":
   [{"speaker": "Ada", "text": "I live in Lisbon."}]}],
 "questions": [{"question": "Where does Ada live?", "answer": "Lisbon",
   "category": "single-hop", "evidence": ["s1:1"]}]}

Dates are naive local time; an offset such as +02:00 is cut off, not converted.
No model is called.

Exit codes: 0 it can be run, 1 it cannot."""


def register(app: typer.Typer) -> None:
    """Add the group's verb."""
    app.command("validate", epilog=_EXAMPLES)(validate)


def validate(
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="[DATA]", help="The data set's file.", show_default="data in memtune.toml"
        ),
    ] = None,
    data: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The same, as an option.")
    ] = None,
    dataset: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="jsonl, csv, chat, locomo, longmemeval, realmem, synthetic, or module:attr.",
            show_default="seen from the file",
        ),
    ] = None,
    fields: options.Fields = None,
    rounds: Annotated[
        int | None,
        typer.Option(
            metavar="N", help="Rounds of the run that is looked ahead to.", show_default="5"
        ),
    ] = None,
    example: Annotated[
        bool,
        typer.Option(
            "--example", help="Print an example in memtune's own format, or write it to DATA."
        ),
    ] = False,
    json: options.PlainJson = False,
) -> None:
    """List every problem of a data set with its line; then what it holds and allows.

    That is: counts of conversations, messages and questions, how a run would
    split them, what its gate could claim, and the smallest gain it could find.
    """
    from traces.errors import SettingsError

    if file is not None and data is not None and file != data:
        raise SettingsError(f"--data {data}: DATA is {file} already; give one of them")
    path = file if file is not None else data
    if example:
        _example(path)
        return
    from agent.settings import load_settings

    settings = load_settings(dataset=dataset, data=path, fields=fields or None, rounds=rounds)
    found = examine(settings)
    if json:
        typer.echo(json_module.dumps(found, ensure_ascii=False, indent=2))
    else:
        from agent.cli.validate_screen import print_validation

        print_validation(found, settings, given=bool(fields))
    raise typer.Exit(0 if found["ok"] else 1)


def examine(settings: Settings) -> dict[str, Any]:
    """Return what is wrong with the data set of these settings, what it holds and allows.

    Raises DataError for a file that cannot be read, or whose format cannot be told.
    """
    from agent.loop.assemble import load_data
    from agent.loop.data_source import SYNTHETIC, dataset_name, read_data
    from evals.loaders.overview import holdings, prospects
    from traces.domain import Dataset

    name = dataset_name(settings)
    findings: list[dict[str, Any]] = []
    if name == SYNTHETIC:
        dataset = load_data(settings)
    else:
        loaded = read_data(name, settings)
        in_order = sorted(loaded.findings, key=lambda f: (f.file, f.line is None, f.line or 0))
        findings = [finding.to_json() for finding in in_order]
        dataset = loaded.base or Dataset(loaded.name, loaded.conversations)
    errors = sum(finding["severity"] == "error" for finding in findings)
    mode = None if settings.gate_mode == "auto" else settings.gate_mode
    ahead = prospects(dataset, settings.rounds, mode)
    return {
        "format": 1,
        "ok": not errors and ahead["obstacle"] is None,
        "data": None if settings.data is None else str(settings.data),
        "dataset": name,
        "detected": settings.dataset is None and settings.data is not None,
        "simulated": dataset.simulated,
        "errors": errors,
        "warnings": len(findings) - errors,
        "findings": findings,
        "holds": holdings(dataset.conversations),
        "run": ahead,
    }


def _example(path: Path | None) -> None:
    from evals.loaders.example import EXAMPLE, write_example

    if path is None:
        typer.echo(EXAMPLE, nl=False)
        return
    write_example(path)
    typer.echo(f"{path} written; look at it with 'memtune validate {path}'")
