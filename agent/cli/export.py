"""`memtune export`: the final prompts as a bundle."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agent.cli import options

if TYPE_CHECKING:
    from agent.cli.recorded import RecordedRun
    from optimizers.export import Bundle

_EXAMPLES = """[bold]Examples[/bold]

\b
memtune export synthetic-fact_store-1a2b3c4d
memtune export runs/night --out prompts/v2
memtune run --prompts prompts/v2

The bundle holds <slot>.md files and bundle.json: hashes, parents, the gate's
records, what may be claimed, and whether that was shown on a simulated model.
The same run gives the same bytes."""


def register(app: typer.Typer) -> None:
    """Add the group's verb."""
    app.command("export", epilog=_EXAMPLES)(export)


def export(
    run: options.Run,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="The bundle's directory; an older bundle there is replaced.",
            show_default="export/ in the run's directory",
        ),
    ] = None,
) -> None:
    """Export the run's final prompts: plain files, and where they come from."""
    from agent.cli.recorded import RecordedRun
    from agent.loop.directory import find_run
    from evals.report import wording
    from optimizers.export import write_bundle

    with RecordedRun(find_run(run)) as recorded:
        bundle = bundle_of(recorded)
        status, _ = recorded.status
        directory = out or recorded.directory / "export"
        simulated = recorded.simulated
    write_bundle(bundle, directory)
    if any(simulated.values()):
        typer.echo(wording.banner(**simulated))
    if not bundle.gates:
        typer.echo("Nothing was promoted: these are the seed prompts.")
    else:
        typer.echo(f"{wording.plural(len(bundle.gates), 'promotion')}; {bundle.claim}.")
    if status != "done":
        typer.echo(f"The run is {status}: later promotions are not in this bundle.")
    typer.echo(str(directory))


def bundle_of(recorded: RecordedRun) -> Bundle:
    """Return the bundle of a run's prompts in force."""
    from optimizers.export import Bundle

    final, seed = recorded.final, recorded.seed
    chain = [final.hash]
    while chain[-1] != seed.hash:
        parent = recorded.store.prompt_set(chain[-1]).parent
        if parent is None or parent in chain:
            break
        chain.append(parent)
    return Bundle(
        prompts=final,
        chain=tuple(reversed(chain)),
        gates=recorded.promotions,
        data_hash=recorded.identity["data_hash"],
        backend=recorded.identity["backend"],
        simulated=any(recorded.simulated.values()),
        learned_from=recorded.lock_file()["learned_from"] if recorded.promotions else (),
    )
