"""`memtune trace`: one question's journey, from message to verdict; or all wrong answers."""

from __future__ import annotations

import difflib
import json as json_module
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agent.cli import options

if TYPE_CHECKING:
    from agent.cli.recorded import RecordedRun
    from traces.attribution.journey import Journey
    from traces.domain import Conversation, Dataset, PromptSet, Question
    from traces.results import AnswerRecord, Attribution

_EXAMPLES = """[bold]Examples[/bold]

\b
memtune trace synthetic-fact_store-1a2b3c4d
memtune trace synthetic-fact_store-1a2b3c4d sim-007-q03
memtune trace runs/night conv-26/q12 --prompts seed

Without a question the wrong answers are listed. The operation that lost or
spoiled the information is marked, with the proof where there is one. What is
shown is recorded, no model is called: 'memtune attribute' looks for causes."""


def register(app: typer.Typer) -> None:
    """Add the group's verb."""
    app.command("trace", epilog=_EXAMPLES)(trace)


def trace(
    run: options.Run,
    question: Annotated[
        str | None,
        typer.Argument(
            metavar="[QUESTION]",
            help="A question's id, or conversation/question.",
            show_default="all wrong answers",
        ),
    ] = None,
    prompts: Annotated[
        str | None,
        typer.Option(
            metavar="seed|final|HASH",
            help="With which prompts it was answered.",
            show_default="final where evaluated, else seed",
        ),
    ] = None,
    method: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Whose cause is shown, of those recorded.",
            show_default="replay where recorded, else the run's own",
        ),
    ] = None,
    json: options.PlainJson = False,
) -> None:
    """Show one question's journey: said, extracted, stored, retrieved, answered, judged.

    Without a question: list the run's wrong answers, each with its cause.
    """
    from agent.cli.recorded import RecordedRun
    from agent.cli.trace_tree import print_trace
    from agent.loop.directory import find_run
    from traces.attribution.registry import require_known

    if method is not None:
        require_known(method)
    with RecordedRun(find_run(run)) as recorded:
        if question is None:
            from agent.cli.trace_list import list_failures

            list_failures(recorded, prompts, method, as_json=json)
            return
        traced = load(recorded, question, prompts, method)
    if json:
        typer.echo(json_module.dumps(traced.to_json(), ensure_ascii=False, indent=2))
    else:
        print_trace(traced)


@dataclass(frozen=True)
class Traced:
    """All that is shown of one question: data, recorded outcome and journey.

    `which` is `seed`, `final` or ''; `attribution` is None where none was recorded.
    """

    conversation: Conversation
    question: Question
    prompts: PromptSet
    which: str
    answer: AnswerRecord
    attribution: Attribution | None
    journey: Journey
    banner: str | None

    def to_json(self) -> dict[str, Any]:
        """Return JSON-native values."""
        return {
            "conversation": self.conversation.id,
            "question": {**asdict(self.question), "asked_on": _iso(self.question.asked_on)},
            "prompts": {"which": self.which, "hash": self.prompts.hash},
            "answer": self.answer.to_json(),
            "attribution": self.attribution.to_json() if self.attribution else None,
            "journey": asdict(self.journey),
            "simulated": self.banner is not None,
        }


def _iso(date: datetime | None) -> str | None:
    return None if date is None else date.isoformat()


def load(recorded: RecordedRun, name: str, which: str | None, method: str | None = None) -> Traced:
    """Return the question's trace with the prompts asked for, and the cause that a method
    found (without one: the best that is recorded).

    Raises SettingsError for an unknown or ambiguous question, DataError when the data set
    is not the run's any more, RunDirectoryError for prompts that never answered it.
    """
    from agent.cli.failures import name_of, not_in_store
    from evals.report import wording
    from traces.attribution.journey import journey
    from traces.errors import RunDirectoryError
    from traces.graph import EvolutionGraph

    conversation, question = find_question(dataset_of(recorded), name)
    seed, final = recorded.seed, recorded.final
    wanted = [recorded.prompts(which)] if which else [final, seed]
    for prompts in wanted:
        pass_id = recorded.pass_of(conversation.id, prompts)
        answer = None if pass_id is None else recorded.answer(pass_id, question.id)
        if pass_id is None or answer is None:
            continue
        graph = EvolutionGraph.load(recorded.store, pass_id)
        if not graph.operations:
            raise RunDirectoryError(not_in_store(recorded.name, [conversation.id]))
        return Traced(
            conversation,
            question,
            prompts,
            name_of(prompts, seed, final, which),
            answer,
            recorded.attributions(pass_id, method).get(question.id),
            journey(question, graph),
            wording.banner(**recorded.simulated) if any(recorded.simulated.values()) else None,
        )
    raise RunDirectoryError(
        f"{conversation.id}/{question.id} was not answered with {which or 'any'} prompts yet; "
        "finish the run with 'memtune resume', or choose other --prompts"
    )


def dataset_of(recorded: RecordedRun) -> Dataset:
    """Return the data set of a run. Raises DataError when it is not the same any more."""
    from agent.loop.assemble import load_data
    from agent.loop.runner import settings_of
    from traces.errors import DataError

    dataset = load_data(settings_of(recorded.directory), ceiling=False)
    if dataset.hash != recorded.identity["data_hash"]:
        source = recorded.settings.get("data")
        raise DataError(
            f"{source}: has changed since {recorded.name} was run on it; restore that file"
            if source
            else f"{dataset.name}: this memtune makes other conversations than {recorded.name} "
            "was run on; use the version that made the run"
        )
    return dataset


def find_question(dataset: Dataset, name: str) -> tuple[Conversation, Question]:
    """Return the question with this id, or of this `conversation/question`.

    Raises SettingsError naming the closest ids, or the conversations that share the id.
    """
    from traces.errors import SettingsError

    every = [(c, q) for c in dataset.conversations for q in c.questions]
    found = [(c, q) for c, q in every if q.id == name]
    found = found or [(c, q) for c, q in every if f"{c.id}/{q.id}" == name]
    if len(found) == 1:
        return found[0]
    if found:
        shown = ", ".join(f"{c.id}/{q.id}" for c, q in found[:5])
        raise SettingsError(f"question {name} is in {len(found)} conversations; give one: {shown}")
    # The part after the slash may be right where the conversation is wrong.
    names = {q.id: q.id for _, q in every} | {f"{c.id}/{q.id}": q.id for c, q in every}
    close = difflib.get_close_matches(name, names, n=4, cutoff=0.3)
    hint = f"closest: {', '.join(close)}" if close else f"for example {every[0][1].id}"
    raise SettingsError(f"question {name}: {dataset.name} has no such question; {hint}")
