"""`memtune graph`: recorded graphs for other programs, as W3C PROV-JSON or GraphML."""

from __future__ import annotations

import difflib
import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from agent.cli import options

if TYPE_CHECKING:
    from agent.cli.recorded import RecordedRun
    from traces.domain import PromptSet
    from traces.graph_export import Origin, Part

_EXAMPLES = """[bold]Examples[/bold]

\b
memtune graph synthetic-fact_store-1a2b3c4d sim-007-q03
memtune graph runs/night --format graphml --out night.graphml
memtune graph runs/night conv-26/q12 --prompts seed --out - | less

A question gives what its answer rests on, and the operation that caused it to
be wrong (memtune:decisive). Without a question: all conversations, each a
bundle of PROV. No model is called."""


class Format(StrEnum):
    """What can be written."""

    prov = "prov"
    graphml = "graphml"


_ENDINGS = {Format.prov: "prov.json", Format.graphml: "graphml"}


def register(app: typer.Typer) -> None:
    """Add the group's verb."""
    app.command("graph", epilog=_EXAMPLES)(graph)


def graph(
    run: options.Run,
    question: Annotated[
        str | None,
        typer.Argument(
            metavar="QUESTION", help="A question's id, or conversation/question.",
            show_default="all of the run",
        ),
    ] = None,
    format: Annotated[
        Format, typer.Option(help="W3C PROV-JSON, or GraphML for graph programs.")
    ] = Format.prov,
    prompts: Annotated[
        str | None,
        typer.Option(
            metavar="seed|final|HASH",
            help="With which prompts the conversations were run.",
            show_default="final where evaluated, else seed",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Where to write; - for stdout.",
            show_default="graph... in the run's directory",
        ),
    ] = None,
) -> None:  # fmt: skip
    """Write the recorded operations and variables as a graph for other programs."""
    from agent.cli.recorded import RecordedRun
    from agent.loop.directory import find_run
    from traces.graph_export import write_graphml, write_prov, write_prov_slice

    writer: Callable[[BinaryIO, Origin, Iterable[Part]], None]
    with RecordedRun(find_run(run)) as recorded:
        if question is None:
            chosen, passes = _passes(recorded, prompts)
            parts = _whole(recorded, passes)
            name = "graph"
            writer = write_graphml if format is Format.graphml else write_prov
        else:
            chosen, part = _slice(recorded, question, prompts)
            parts = iter([part])
            name = f"graph-{_file_name(part)}"
            writer = write_graphml if format is Format.graphml else _one(write_prov_slice)
        path = out or recorded.directory / f"{name}.{_ENDINGS[format]}"
        origin = _origin(recorded, chosen)
        if str(path) == "-":
            writer(sys.stdout.buffer, origin, parts)
            sys.stdout.buffer.flush()
            return
        _write(path, lambda file: writer(file, origin, parts))
    if origin.label:
        typer.echo(origin.label)
    typer.echo(str(path))


def _one(
    write: Callable[[BinaryIO, Origin, Part], None],
) -> Callable[[BinaryIO, Origin, Iterable[Part]], None]:
    return lambda file, origin, parts: write(file, origin, next(iter(parts)))


def _file_name(part: Part) -> str:
    from traces.graph_export.view import escaped

    (question,) = part.questions or ("",)
    return f"{escaped(part.conversation)}-{escaped(question)}"


def _require_replaceable(path: Path) -> None:
    """Raise RunDirectoryError for a file that is no earlier graph of ours."""
    from traces.errors import RunDirectoryError

    try:
        with path.open("rb") as file:
            begun = file.read(4096)
    except FileNotFoundError:
        return
    except OSError as error:
        raise RunDirectoryError(
            f"{path}: cannot be written ({error.strerror or error}); choose another --out"
        ) from error
    if begun and b"memtune" not in begun:
        raise RunDirectoryError(
            f"{path}: is there already, and is no graph of memtune's; choose another --out"
        )


def _write(path: Path, write: Callable[[BinaryIO], None]) -> None:
    """Write a file whole or not at all. Raises RunDirectoryError where it cannot be."""
    from traces.errors import RunDirectoryError

    name: str | None = None
    _require_replaceable(path)
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:60]}-")
        with os.fdopen(handle, "wb", buffering=1 << 20) as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
        name = None
    except OSError as error:
        raise RunDirectoryError(
            f"{path}: cannot be written ({error.strerror or error}); choose another --out"
        ) from error
    finally:
        if name is not None:
            Path(name).unlink(missing_ok=True)


# what is written -----------------------------------------------------------------


def _origin(recorded: RecordedRun, prompts: PromptSet) -> Origin:
    from evals.report import wording
    from traces.graph_export import Agent, Origin
    from traces.hashing import content_hash

    simulated = recorded.simulated
    scorer = str(recorded.settings.get("scorer") or "judge")
    judge = Agent(f"judge {recorded.models['judge']}", recorded.plays("judge"))
    return Origin(
        run=recorded.name,
        identity=content_hash(recorded.identity)[:12],
        data_hash=str(recorded.identity["data_hash"]),
        prompts=prompts,
        model=Agent(recorded.models["agent"], recorded.plays("agent")),
        backend=Agent(str(recorded.identity.get("backend"))),
        scorer=judge if scorer == "judge" else Agent(scorer),
        label=wording.banner(**simulated) if any(simulated.values()) else None,
    )


def _wanted(recorded: RecordedRun, which: str | None) -> list[PromptSet]:
    return [recorded.prompts(which)] if which else [recorded.final, recorded.seed]


def _passes(recorded: RecordedRun, which: str | None) -> tuple[PromptSet, dict[str, int]]:
    """Return the prompts and the pass of each conversation that was run with them."""
    from traces.errors import RunDirectoryError

    for prompts in _wanted(recorded, which):
        found: dict[str, int] = {}
        for id, conversation, _ in recorded.store.passes(prompts.hash):
            found.setdefault(conversation, id)
        if found:
            return prompts, found
    raise RunDirectoryError(
        f"{recorded.name}: no conversation was run with {which or 'any'} prompts yet; wait for "
        "it, finish it with 'memtune resume', or choose other --prompts"
    )


def _whole(recorded: RecordedRun, passes: dict[str, int]) -> Iterator[Part]:
    from traces.graph import EvolutionGraph
    from traces.graph_export import Part

    for conversation, id in passes.items():
        yield Part(
            conversation,
            EvolutionGraph.load(recorded.store, id),
            {a.question: a for a in recorded.store.answers(id)},
            recorded.attributions(id),
        )


def _slice(recorded: RecordedRun, name: str, which: str | None) -> tuple[PromptSet, Part]:
    """Return the prompts that a question was answered with, and its share of the graph.

    Raises SettingsError for an unknown or ambiguous question, RunDirectoryError for prompts
    that never answered it.
    """
    from traces.errors import RunDirectoryError
    from traces.graph import EvolutionGraph
    from traces.graph_export import Part, question_slice

    conversation, question = _find(recorded, name)
    for prompts in _wanted(recorded, which):
        id = recorded.pass_of(conversation, prompts)
        answer = None if id is None else recorded.answer(id, question)
        if id is None or answer is None:
            continue
        graph = EvolutionGraph.load(recorded.store, id)
        attribution = recorded.attributions(id).get(question)
        return prompts, Part(
            conversation,
            graph,
            {question: answer},
            {} if attribution is None else {question: attribution},
            question_slice(graph, question, attribution),
            frozenset([question]),
        )
    raise RunDirectoryError(
        f"{conversation}/{question} was not answered with {which or 'any'} prompts yet; "
        "finish the run with 'memtune resume', or choose other --prompts"
    )


def _find(recorded: RecordedRun, name: str) -> tuple[str, str]:
    """Return (conversation, question) of an id, among all that the run has answered."""
    from traces.errors import SettingsError

    every = sorted(
        {
            (c, a.question)
            for id, c, _ in recorded.store.passes()
            for a in recorded.store.answers(id)
        }
    )
    found = [pair for pair in every if pair[1] == name]
    found = found or [pair for pair in every if "/".join(pair) == name]
    if len(found) == 1:
        return found[0]
    if found:
        shown = ", ".join("/".join(pair) for pair in found[:5])
        raise SettingsError(f"question {name} is in {len(found)} conversations; give one: {shown}")
    names = {pair[1]: None for pair in every} | {"/".join(pair): None for pair in every}
    close = difflib.get_close_matches(name, names, n=4, cutoff=0.3)
    hint = f"; closest: {', '.join(close)}" if close else ""
    raise SettingsError(f"question {name}: {recorded.name} has answered no such question{hint}")
