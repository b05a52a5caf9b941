"""What a run is made of: data, prompts, backend and methods."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import TYPE_CHECKING

from agent.doctor.check import Check

if TYPE_CHECKING:
    from agent.settings import Settings
    from evals.splits import Splits
    from traces.domain import Dataset


def load(settings: Settings) -> Dataset:
    """Return the data set, which a run could use. Raises DataError."""
    from agent.loop.assemble import load_data, require_conversations

    dataset = load_data(settings)
    require_conversations(dataset)
    return dataset


def validation(settings: Settings) -> str:
    """Return the command that lists every problem of the data."""
    return "memtune validate" + (f" {shlex.quote(str(settings.data))}" if settings.data else "")


def splits(settings: Settings, dataset: Dataset) -> Splits:
    """Return the splits of a run. Raises DataError for too few conversations."""
    from evals.splits import split

    found = split(dataset)
    limit = settings.limit_episodes
    return found if limit is None else found.limited(dataset, limit)


def data(settings: Settings, dataset: Dataset) -> Iterator[Check]:
    """What the data set holds, how it splits, and what was wrong with its file."""
    conversations = dataset.conversations
    sessions = [s for c in conversations for s in c.sessions]
    counts = {
        "conversations": len(conversations),
        "sessions": len(sessions),
        "messages": sum(len(s.messages) for s in sessions),
        "questions": sum(len(c.questions) for c in conversations),
        "problems": len(dataset.problems),
    }
    label = " (simulated)" if dataset.simulated else ""
    told = ", ".join(f"{n:,} {name}" for name, n in counts.items() if name != "problems")
    yield Check("data", "ok", f"{dataset.name}{label}: {told}",
                details={**counts, "simulated": dataset.simulated})  # fmt: skip
    if dataset.problems:
        some = "problem" if len(dataset.problems) == 1 else "problems"
        yield Check(
            "data", "warning",
            f"{len(dataset.problems):,} {some} in the file, first: {dataset.problems[0]}",
            f"see them all with '{validation(settings)}'",
        )  # fmt: skip
    found = splits(settings, dataset)
    sizes = (len(found.train), len(found.selection), len(found.test))
    yield Check(
        "splits", "ok", "{} train, {} selection, {} test".format(*sizes), details=found.to_json()
    )


def gate(settings: Settings, dataset: Dataset) -> Iterator[Check]:
    """What a promotion claims on these data."""
    from evals.report import wording
    from evals.spending import Spending, choose_mode

    wanted = None if settings.gate_mode == "auto" else settings.gate_mode
    selection = len(splits(settings, dataset).selection)
    mode = choose_mode(wanted, selection, Spending(settings.rounds))
    yield Check("gate", "ok", f"{mode}: {wording.CLAIMS[mode]}")


def openings(settings: Settings, dataset: Dataset) -> Iterator[Check]:
    """How often the test split of these data was opened by runs of this user."""
    from evals.splits import TestSeal

    times = TestSeal(settings.state_directory()).openings(dataset.hash)
    details = {"openings": times}
    if not times:
        yield Check("test", "ok", "the test split was never opened", details=details)
        return
    yield Check(
        "test", "warning" if not dataset.simulated else "ok",
        f"the test split was opened {times} time{'s' if times > 1 else ''} so far",
        "each further final score on it says less: keep new conversations for the last word"
        if not dataset.simulated
        else "",
        details,
    )  # fmt: skip


def backend(settings: Settings) -> Iterator[Check]:
    """The backend is there, takes its options, has the slots that are to be tuned, and can
    reach what it keeps its entries in."""
    from agent.loop.assemble import tunable_slots
    from memory_backends.protocol import Reachable
    from memory_backends.registry import open_backend

    slots = [slot.name for slot in tunable_slots(settings)]
    with open_backend(settings.backend, settings.backend_config) as memory:
        if isinstance(memory, Reachable):
            memory.reach()
    tuned = f"tunes {', '.join(slots)}" if slots else "has no prompt to tune: evaluates only"
    yield Check("backend", "ok", f"{settings.backend}: {tuned}", details={"slots": slots})


def prompts(settings: Settings) -> Iterator[Check]:
    """The prompts that a run starts from can be read."""
    from agent.loop.assemble import seed_prompts

    found = seed_prompts(settings)
    where = "the shipped ones" if settings.prompts is None else str(settings.prompts)
    yield Check("prompts", "ok", f"{where} ({len(found.instructions)} slots)",
                details={"hash": found.hash})  # fmt: skip


def methods(settings: Settings, dataset: Dataset | None) -> Iterator[Check]:
    """Optimizer, attribution and scorer are known, and the scorer takes these questions."""
    from agent.scoring import scoring_of
    from optimizers.registry import make_optimizer
    from traces.attribution.registry import require_known

    make_optimizer(settings.optimizer)
    require_known(settings.attribution)
    scoring = scoring_of(settings)
    named = f"{settings.optimizer}, {settings.attribution}, scorer {scoring.name}"
    yield Check("methods", "ok", named)
    if dataset is not None:
        for remark in scoring.tried([q for c in dataset.conversations for q in c.questions]):
            yield Check("methods", "warning", remark, f"see '{validation(settings)}'")
