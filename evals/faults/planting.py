"""Which faults turn a right answer wrong, and what would have to be mended to restore it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations, islice
from typing import Protocol

from evals.faults.fault import Captured, Fault
from evals.faults.kinds import propose
from evals.faults.matrix import Cell
from evals.faults.site import Site
from traces.abstention import abstains
from traces.domain import Question
from traces.operation import Recorder

# Proposals of one cell that are tried at one question.
TRIED = 8


@dataclass(frozen=True)
class Outcome:
    """A question replayed with faults. `real` is what the faulted operations put out of
    themselves; `correct` is None where verdicts at several samples disagree."""

    prediction: str
    correct: bool | None
    recorder: Recorder
    real: Captured

    def ran(self, operation: str) -> bool:
        """Say whether an operation is part of the pass."""
        return any(o.id == operation for o in self.recorder.operations)

    def changed(self, operation: str) -> bool:
        """Say whether a faulted operation put out something else than of itself."""
        record = next((o for o in self.recorder.operations if o.id == operation), None)
        if record is None or operation not in self.real:
            return False
        put_out = {role: [h for _, h in refs] for role, refs in record.outputs.items() if refs}
        real = {role: [v.hash for v in vs] for role, vs in self.real[operation].items() if vs}
        return put_out != real


class Run(Protocol):
    """Replays a question of the clean pass with faults; None for a replay that failed."""

    def __call__(self, question: Question, faults: Sequence[Fault]) -> Outcome | None: ...


@dataclass(frozen=True)
class Planted:
    """Faults in force at one question, and the smallest sets of them whose removal restores
    the right answer (empty: there is no such set, or no fault is to blame)."""

    site: Site
    faults: tuple[Fault, ...]
    truths: tuple[frozenset[str], ...]
    outcome: Outcome
    harmless: frozenset[str] = frozenset()


@dataclass
class Bed:
    """One question to plant in. What was tried is remembered: subsets are asked for again."""

    site: Site
    run: Run
    _known: dict[frozenset[Fault], Outcome | None] = field(default_factory=dict)
    _tried: dict[Cell, list[Fault]] = field(default_factory=dict)

    def outcome(self, faults: Iterable[Fault]) -> Outcome | None:
        """Return the question's outcome with exactly these faults."""
        key = frozenset(faults)
        if key not in self._known:
            ordered = sorted(key, key=lambda f: (f.operation, f.cell.name))
            self._known[key] = self.run(self.site.question, ordered)
        return self._known[key]

    def proposals(self, cell: Cell) -> list[Fault]:
        """Return the faults of a cell that are tried here, at most TRIED."""
        if cell not in self._tried:
            self._tried[cell] = list(islice(propose(self.site, cell), TRIED))
        return self._tried[cell]

    def harmful(self, cell: Cell) -> Iterator[Fault]:
        """Yield faults of a cell that turn the answer wrong."""
        for fault in self.proposals(cell):
            found = self.outcome([fault])
            if found is None or found.correct is not False or not found.changed(fault.operation):
                continue
            # What does not mislead but leaves nothing to answer from is another sub-type.
            if cell.sub_type != "distractor" or not abstains(found.prediction):
                yield fault

    def is_harmless(self, fault: Fault) -> bool:
        """Say whether a fault changes what its operation puts out and not the answer."""
        found = self.outcome([fault])
        return found is not None and found.correct is True and found.changed(fault.operation)

    def truths(self, faults: Sequence[Fault]) -> tuple[frozenset[str], ...]:
        """Return the smallest subsets whose un-planting restores the answer, found by
        replaying every subset; nothing where the faults together do not spoil it."""
        if not self._wrong(faults):
            return ()
        for size in range(1, len(faults)):
            found = [
                frozenset(f.operation for f in removed)
                for removed in combinations(faults, size)
                if self._right([f for f in faults if f not in removed])
            ]
            if found:
                return tuple(found)
        return (frozenset(f.operation for f in faults),)

    def _right(self, faults: Iterable[Fault]) -> bool:
        found = self.outcome(faults)
        return found is not None and found.correct is True

    def _wrong(self, faults: Iterable[Fault]) -> bool:
        found = self.outcome(faults)
        return found is not None and found.correct is False

    # what is kept ---------------------------------------------------------------------

    def single(self, cell: Cell) -> Planted | None:
        """Return a fault of a cell that turns the answer wrong, by itself."""
        fault = next(self.harmful(cell), None)
        if fault is None:
            return None
        return self._planted((fault,), (frozenset([fault.operation]),))

    def pair(self, one: Cell, other: Cell) -> Planted | None:
        """Return two faults at different operations of the planted pass that are both to be
        mended: each alone turns the answer wrong, and so does either without the other."""
        for a in islice(self.harmful(one), 2):
            for b in islice(self.harmful(other), 3):
                found = self.outcome([a, b]) if a.operation != b.operation else None
                if found is None or not all(found.ran(f.operation) for f in (a, b)):
                    continue
                truths = self.truths((a, b))
                if truths and frozenset().union(*truths) == {a.operation, b.operation}:
                    return self._planted((a, b), truths)
        return None

    def tied(self, one: Cell, other: Cell) -> Planted | None:
        """Return two faults of which neither does harm alone, and both together do: mending
        either restores the answer."""
        for a in islice(filter(self.is_harmless, self.proposals(one)), 1):
            for b in islice(filter(self.is_harmless, self.proposals(other)), 2):
                truths = self.truths((a, b)) if a.operation != b.operation else ()
                if len(truths) == 2:
                    return self._planted((a, b), truths)
        return None

    def beside(self, cell: Cell, harmless: Iterable[Fault]) -> Planted | None:
        """Return a fault of a cell that is to blame, and one that changes an output only."""
        real = next(self.harmful(cell), None)
        if real is None:
            return None
        for fault in harmless:
            if fault.operation == real.operation or not self.is_harmless(fault):
                continue
            found = self.outcome([real, fault])
            truth = (frozenset([real.operation]),)
            if found is None or not found.changed(fault.operation):
                continue
            if self.truths((real, fault)) == truth:
                return self._planted((real, fault), truth, frozenset([fault.operation]))
        return None

    def unharmed(self, harmless: Iterable[Fault]) -> Planted | None:
        """Return the right answer, with the first fault of these that leaves it right."""
        fault = next((f for f in harmless if self.is_harmless(f)), None)
        return None if fault is None else self._planted((fault,), (), frozenset([fault.operation]))

    def clean(self) -> Planted | None:
        """Return the right answer without a fault."""
        return self._planted((), ()) if self._right(()) else None

    def _planted(
        self,
        faults: tuple[Fault, ...],
        truths: tuple[frozenset[str], ...],
        harmless: frozenset[str] = frozenset(),
    ) -> Planted:
        found = self.outcome(faults)
        assert found is not None
        return Planted(self.site, faults, truths, found, harmless)
