"""Runs attribution methods side by side on failures with known causes.

Cases are planted and attributed in parts, each in a process of its own. The parts are the same
however many processes there are, and so are the figures.
"""

from __future__ import annotations

import multiprocessing
import queue
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from agent.fault_cases import FaultPlan, make_cases
from agent.models.gateway import metered, spent
from evals.benchmarks.attribution import BROKE
from evals.benchmarks.attribution_metrics import Outcome, outcome
from evals.faults.cases import FaultCase
from memory_backends.registry import open_backend
from traces.attribution.record import abstention
from traces.attribution.registry import Replaying, create, require_known
from traces.errors import MemtuneError, SettingsError
from traces.hashing import text_hash

if TYPE_CHECKING:
    from traces.attribution.carries import Flip

PARTS = 2
_POLL = 1.0  # s


@dataclass(frozen=True, slots=True)
class Bench:
    """What is measured. `faults` counts single faults; `others` the cases of each other group
    but pairs (harmless faults beside real ones, wrong gold answers, judge flips); `slip` and
    `test_error` are shares (0..1)."""

    methods: tuple[str, ...]
    faults: int
    pairs: int
    others: int
    backend: str = "fact_store"
    slip: float = 0.0
    evidence: bool = True
    seed: int = 0
    test_error: float = 0.0

    def check(self) -> None:
        """Raise SettingsError for what cannot be measured."""
        if not self.methods:
            raise SettingsError("--methods: names none; leave it out for all of them")
        for method in self.methods:
            require_known(method)
        for flag, value in (("--slip", self.slip), ("--test-error", self.test_error)):
            if not 0 <= value <= 1:
                raise SettingsError(f"{flag} {value}: is no share; give a number from 0 to 1")
        with open_backend(self.backend):
            pass

    def plan(self, part: int) -> FaultPlan:
        """Return what is planted in one part."""
        return FaultPlan(
            backend=self.backend,
            seed=self.seed,
            slip=self.slip,
            evidence=self.evidence,
            singles=_part_of(self.faults, part),
            pairs=_part_of(self.pairs, part),
            harmless=_part_of(self.others, part),
            wrong_gold=_part_of(self.others, part),
            judge_flips=_part_of(self.others, part),
            part=part,
            parts=PARTS,
        )


def run_bench(bench: Bench, processes: int) -> Iterator[Outcome]:
    """Yield what each method made of each failure, as it ends, in no fixed order.

    Raises SettingsError for what cannot be measured, and what a part raised.
    """
    bench.check()
    if processes <= 1:
        for part in range(PARTS):
            yield from run_part(bench, part)
        return
    yield from _in_processes(bench)


def run_part(bench: Bench, part: int) -> Iterator[Outcome]:
    """Yield the outcomes of one part, the methods of a failure after each other."""
    for case in make_cases(bench.plan(part)):
        for method in bench.methods:
            yield attribute(method, case, bench)


def attribute(method: str, case: FaultCase, bench: Bench) -> Outcome:
    """Let one method attribute one failure; it is new each time and remembers no other.

    Every call that it needs is counted, also one that another method has made before; those
    of the recorded pass are not.
    """
    one = create(
        method,
        case.ask,
        bench.seed,
        Replaying(case.open, case.judge, spent),
        wrong_tests(bench.test_error, bench.seed),
    )
    began = time.perf_counter()
    with metered(case.known_calls) as meter:
        try:
            found = one(case.failure, case.graph)
        except MemtuneError:
            raise
        except Exception as error:
            # A defect of the method: its failure, and not the end of a night's bench.
            found = abstention(case.failure, method, f"{BROKE}: {error!r}"[:300])
    seconds = time.perf_counter() - began
    found = replace(found, method=method)
    return outcome(case, found, meter.calls, meter.tokens, seconds)


def wrong_tests(share: float, seed: int) -> Flip | None:
    """Return which carries-tests are answered wrongly: a share (0..1), the same each time."""
    if share == 0:
        return None
    most = share * 2**64
    return lambda test: int(text_hash(f"{seed}\x1f{test}", 8), 16) < most


def _part_of(cases: int, part: int) -> int:
    return (cases + PARTS - 1 - part) // PARTS


def _in_processes(bench: Bench) -> Iterator[Outcome]:
    """Run each part in a process and pass on its outcomes while it works."""
    found: multiprocessing.Queue[tuple[int, Any]] = multiprocessing.Queue()
    workers = [
        multiprocessing.Process(target=_work, args=(found, bench, part), daemon=True)
        for part in range(PARTS)
    ]
    for worker in workers:
        worker.start()
    running = set(range(PARTS))
    try:
        while running:
            try:
                part, said = found.get(timeout=_POLL)
            except queue.Empty:
                _check_alive([workers[part] for part in running])
                continue
            if said is None:
                running.discard(part)
            elif isinstance(said, BaseException):
                raise said
            else:
                yield Outcome.from_json(said)
    finally:
        for worker in workers:
            worker.terminate()
            worker.join()


def _check_alive(workers: list[Any]) -> None:
    for worker in workers:
        if worker.exitcode not in (None, 0):
            raise MemtuneError(
                f"a process of the bench ended with {worker.exitcode} (out of memory?); "
                "try --processes 1"
            )


def _work(found: Any, bench: Bench, part: int) -> None:
    try:
        for one in run_part(bench, part):
            found.put((part, one.to_json()))
        found.put((part, None))
    except BaseException as error:
        found.put((part, _passable(error)))


def _passable(error: BaseException) -> BaseException:
    """Return the error if it can be sent to another process, else its words."""
    import pickle

    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error
