"""`memtune judge-check`: whether the judge can be relied on, by labels of one's own."""

from __future__ import annotations

import json as json_module
import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agent.cli import options
from agent.cli.run_flags import with_run_flags

if TYPE_CHECKING:
    from agent.cli.recorded import RecordedRun
    from evals.judge_labels import Judged

_EXAMPLES = """[bold]Examples[/bold]

\b
memtune judge-check runs/night --sample 40 --out labels.jsonl
memtune judge-check labels.jsonl --judge-model openai/gpt-4o-mini --max-usd 1
memtune judge-check labels.jsonl --judge-prompt judge.md --draws 5
memtune judge-check labels.jsonl --scorer longmemeval --json

A label is a JSON line: question, answer (the gold one), prediction, correct
(true or false) and, if you like, category. The first form writes answers of a
run for you to label, without the judge's verdicts; write true or false as
"correct". Of a run's flags those of the judge's model, the scorer, the limits
and --out count. Repeated, the check makes no call twice.

Exit codes: 0 whatever was found, 1 error, 2 used wrongly, 101 stopped by a
limit: the same command with a higher one goes on."""


def register(app: typer.Typer) -> None:
    """Add the group's verb."""
    app.command("judge-check", epilog=_EXAMPLES)(judge_check)


@with_run_flags
def judge_check(
    flags: dict[str, Any],
    source: Annotated[
        str,
        typer.Argument(
            metavar="LABELS.jsonl|RUN", help="Labelled answers; or a run, with --sample."
        ),
    ],
    sample: Annotated[
        int | None,
        typer.Option(
            min=2,
            metavar="N",
            help="Write N answers of the run to --out for you to label: half judged right, half "
            "wrong.",
            rich_help_panel=options.OUTPUT,
        ),
    ] = None,
    draws: Annotated[
        int,
        typer.Option(
            min=1,
            max=20,
            metavar="N",
            help="How often each verdict is drawn, to see whether it changes.",
            rich_help_panel=options.METHOD,
        ),
    ] = 3,
    json: Annotated[
        bool,
        typer.Option("--json", help="Print JSON instead.", rich_help_panel=options.OUTPUT),
    ] = False,
) -> None:
    """Measure the judge against labels of your own, and against itself.

    Says how often it agrees with you, beyond chance too, on which side it errs,
    how often it changes its mind, and whether to rely on it, by stated criteria.
    """
    if sample is not None:
        _write_sample(source, sample, flags["out"], json)
        return
    from agent.judge_check import check_judge
    from agent.settings import load_settings
    from evals.judge_labels import read_labels
    from traces.errors import BudgetExceeded, DeadlineExceeded, SettingsError

    if not source.endswith(".jsonl") and not Path(source).is_file():
        raise SettingsError(
            f"{source}: is no file of labels; give a .jsonl file, or --sample 30 --out "
            "labels.jsonl to have answers of a run written for labelling"
        )
    labels = read_labels(Path(source))
    settings = load_settings(**flags)
    try:
        with _progress(len(labels.rows) * draws, quiet=json) as advance:
            found = check_judge(settings, labels, draws, advance)
    except (BudgetExceeded, DeadlineExceeded) as stopped:
        typer.echo(
            f"memtune: {stopped}; with a higher limit the same command goes on: what was judged "
            "is kept",
            err=True,
        )
        raise typer.Exit(101) from stopped
    if json:
        typer.echo(json_module.dumps(found, ensure_ascii=False))
    else:
        from agent.cli.judge_check_screen import print_check

        print_check(found)


@contextmanager
def _progress(total: int, *, quiet: bool) -> Iterator[Callable[[], None]]:
    """Show on stderr how many verdicts are drawn; nothing where it is no terminal."""
    if quiet or not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (TextColumn("judging"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("judging", total=total)
        yield lambda: progress.advance(task)


def _write_sample(run: str, size: int, out: Path | None, json: bool) -> None:
    from agent.cli.recorded import RecordedRun
    from agent.loop.directory import find_run, write_whole
    from evals.judge_labels import sample_to_label, verdict_counts
    from evals.report.wording import plural
    from traces.errors import RunDirectoryError, SettingsError

    if out is None:
        raise SettingsError("--sample: needs a file to write; give --out labels.jsonl")
    if out.exists():
        raise SettingsError(f"--out {out}: exists, perhaps with labels in it; choose another name")
    with RecordedRun(find_run(run)) as recorded:
        answers = judged_answers(recorded)
        name = recorded.name
    rows = sample_to_label(answers, size)
    if not rows:
        raise RunDirectoryError(
            f"{name}: has no judged answers outside the test split yet; wait for its first round"
        )
    try:
        write_whole(out, "".join(json_module.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    except OSError as error:
        raise SettingsError(
            f"--out {out}: cannot be written ({error.strerror or error}); choose another place"
        ) from error
    counts = verdict_counts(answers, rows)
    if json:
        typer.echo(
            json_module.dumps(
                {"event": "sample", "rows": len(rows), "judged_right": counts[True],
                 "judged_wrong": counts[False], "out": str(out)}
            )
        )  # fmt: skip
        return
    typer.echo(
        f"{out}: {plural(len(rows), 'answer')} of {name}, {counts[True]} judged right and "
        f"{counts[False]} wrong, in no order that tells which.\n"
        'Write true or false as "correct" in each, by the gold answer and without looking at '
        f"the run; then: memtune judge-check {shlex.quote(str(out))}"
    )


def judged_answers(recorded: RecordedRun) -> list[Judged]:
    """Return the answers with a verdict that a run gave with its seed and final prompts.

    The sealed test split is left out: a judge that is chosen by these labels must not be
    chosen by answers that the run's result rests on.
    """
    from agent.cli.trace import dataset_of
    from evals.judge_labels import Judged

    splits = recorded.lock_file()["splits"]
    allowed = {*splits["train"], *splits["selection"]}
    conversations = {c.id: c for c in dataset_of(recorded).conversations if c.id in allowed}
    found = []
    for prompts in dict.fromkeys((recorded.final.hash, recorded.seed.hash)):
        for pass_id, conversation, _ in recorded.store.passes(prompts):
            if conversation not in conversations:
                continue
            asked = {q.id: q for q in conversations[conversation].questions}
            found += [
                Judged(f"{conversation}/{a.question}", asked[a.question], a.prediction, a.correct)
                for a in recorded.store.answers(pass_id)
                if a.correct is not None and a.prediction is not None and a.question in asked
            ]
    return found
