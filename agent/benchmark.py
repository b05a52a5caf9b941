"""Runs the loop benchmark: the conditions of evals.benchmarks.loop as runs of the loop."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from agent.settings import load_settings
from evals.benchmarks.loop import EMPTY, HEADLINE, NOOP, NULL, RANDOM, SHUFFLED, Job
from traces.hashing import text_hash
from traces.results import ErrorSignal

Signals = Sequence[ErrorSignal]
One = TypeVar("One")


def shuffled_types(signals: Signals) -> Signals:
    """Give each signal the slot, type and sub-type of another, in a fixed random order."""
    order = sorted(
        range(len(signals)),
        key=lambda i: text_hash(f"{signals[i].conversation}/{signals[i].question_id}/shuffle"),
    )
    return [
        replace(
            signal,
            slot=signals[other].slot,
            error_type=signals[other].error_type,
            sub_type=signals[other].sub_type,
        )
        for signal, other in zip(signals, order, strict=True)
    ]


def emptied(signals: Signals) -> Signals:
    """Keep the slot of each signal and nothing else of what it says."""
    return [
        ErrorSignal(s.slot, s.conversation, s.question_id, "", "", "", "", "", (), "", "", "",
                    s.certified, s.weight)
        for s in signals
    ]  # fmt: skip


IN_PROCESS = "sim/rules-1"


def run_job(job: Job, model: str, conversations: int, rounds: int) -> dict[str, Any]:
    """Run one job in a directory of its own, thrown away afterwards.

    Only the headline goes through a server of its own where `model` asks for one: scores
    and calls are the same in process, which takes half the time.
    """
    model = model if job.condition == HEADLINE else IN_PROCESS
    from agent.loop.runner import run

    changes: dict[str, Any] = {}
    transform = {SHUFFLED: shuffled_types, EMPTY: emptied}.get(job.condition)
    if job.condition == NOOP:
        changes["optimizer"] = "noop"
    elif job.condition == NULL:
        changes["rules"] = 0
    elif job.condition == RANDOM:
        changes["attribution"] = "random"
    with tempfile.TemporaryDirectory(prefix="memtune-bench-") as directory:
        settings = load_settings(
            dataset="synthetic",
            conversations=conversations,
            rounds=rounds,
            seed=job.seed,
            model=model,
            concurrency=2 if model.startswith("sim-server") else 1,
            out=Path(directory) / "run",
            state_dir=Path(directory) / "state",
            **changes,
        )
        return run(settings, transform_signals=transform).done


def run_jobs(
    jobs: Sequence[Job], *, model: str, conversations: int, rounds: int, processes: int
) -> Iterator[tuple[Job, Mapping[str, Any]]]:
    """Yield each job with its `done` event as it ends, `processes` at a time."""
    work = partial(run_job, model=model, conversations=conversations, rounds=rounds)
    yield from in_processes(jobs, work, processes)


def in_processes(
    jobs: Sequence[One], work: Callable[[One], Mapping[str, Any]], processes: int
) -> Iterator[tuple[One, Mapping[str, Any]]]:
    """Yield each job with what `work` (which can be pickled) makes of it, as it ends."""
    if processes <= 1:
        for job in jobs:
            yield job, work(job)
        return
    with ProcessPoolExecutor(processes) as pool:
        futures = {pool.submit(work, job): job for job in jobs}
        for future in as_completed(futures):
            yield futures[future], future.result()
