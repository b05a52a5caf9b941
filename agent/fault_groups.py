"""The cases of one conversation, group by group."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations_with_replacement, islice, product

from agent.fault_bed import CleanPass
from agent.fault_side import case_of
from evals.faults.cases import FaultCase, Group
from evals.faults.fault import Fault
from evals.faults.harmless import harmless_faults, wrong_labels
from evals.faults.matrix import Cell, legal_cells
from evals.faults.plan import Tally
from evals.faults.planting import Bed, Planted
from evals.scorers import free_match

# Cases of one question: many questions rather than many faults of few.
A_QUESTION: Mapping[Group, int] = {
    "single": 3, "pair": 2, "harmless": 1, "wrong_gold": 1, "judge_flip": 1,
}  # fmt: skip
# Pairs of cells tried at one question for one pair of kinds; harmless faults tried for one case.
PAIRS_TRIED = 6
HARMLESS_TRIED = 8
# Share of the pairs whose faults do no harm alone, as far as there are such.
TIED = 0.1
# A question has one operation of these kinds.
_ONCE = ("retrieval", "response")


@dataclass
class Planter:
    """Plants what `tally` still wants into the questions of one clean pass."""

    clean: CleanPass
    tally: Tally
    seed: str
    evidence: bool

    @cached_property
    def beds(self) -> list[Bed]:
        """The questions that can be planted in."""
        return list(self.clean.beds(self.seed))

    @cached_property
    def cells(self) -> tuple[Cell, ...]:
        """The cells that this memory can fill."""
        return legal_cells(self.clean.graph)

    def cases(self) -> Iterator[FaultCase]:
        """Yield the cases of this conversation."""
        for bed in self.beds:
            yield from islice(self._singles(bed), A_QUESTION["single"])
            yield from islice(self._pairs(bed), A_QUESTION["pair"])
            yield from islice(self._harmless(bed), A_QUESTION["harmless"])
            yield from islice(self._wrong_gold(bed), A_QUESTION["wrong_gold"])
            yield from islice(self._judge_flips(bed), A_QUESTION["judge_flip"])

    def _case(self, planted: Planted, group: Group, *shares: tuple[str, ...]) -> FaultCase:
        self.tally.add(group, *shares)
        return case_of(self.clean, planted, group, evidence=self.evidence)

    def _by_need(self, bed: Bed, group: Group) -> list[Cell]:
        def need(cell: Cell) -> tuple[int, int]:
            return self.tally.count(group, cell.name), bed.site.number(group, cell.name)

        wanted = [c for c in self.cells if self.tally.room(group, len(self.cells), c.name)]
        return sorted(wanted, key=need)

    def _singles(self, bed: Bed) -> Iterator[FaultCase]:
        for cell in self._by_need(bed, "single"):
            planted = bed.single(cell) if self.tally.lacks("single") else None
            if planted is not None:
                yield self._case(planted, "single", (cell.name,))

    def _pairs(self, bed: Bed) -> Iterator[FaultCase]:
        kinds = list(dict.fromkeys(c.kind for c in self.cells))
        both = [
            (a, b) for a, b in combinations_with_replacement(kinds, 2)
            if a != b or a not in _ONCE
        ]  # fmt: skip
        wanted = [pair for pair in both if self.tally.room("pair", len(both), *pair)]
        for pair in sorted(
            wanted, key=lambda p: (self.tally.count("pair", *p), bed.site.number(*p))
        ):
            if not self.tally.lacks("pair"):
                return
            # Few faults that do no harm alone do it together; some are wanted.
            scarce = self.tally.count("pair", "tied") < TIED * self.tally.groups["pair"]
            for one, other in self._cell_pairs(bed, *pair):
                planted = bed.tied(one, other) if scarce else None
                planted = planted or bed.pair(one, other)
                if planted is not None:
                    tied = [("tied",)] if len(planted.truths) > 1 else []
                    yield self._case(planted, "pair", pair, (one.name, other.name), *tied)
                    break

    def _cell_pairs(self, bed: Bed, one: str, other: str) -> list[tuple[Cell, Cell]]:
        """Return pairs of cells of two kinds, the rarest so far first."""
        places = {cell: place for place, cell in enumerate(self.cells)}
        found = [
            (a, b) for a, b in product(self.cells, repeat=2)
            if a.kind == one and b.kind == other and (one != other or places[a] <= places[b])
        ]  # fmt: skip

        def need(pair: tuple[Cell, Cell]) -> tuple[int, int]:
            a, b = pair[0].name, pair[1].name
            return self.tally.count("pair", a, b), bed.site.number("pair", a, b)

        return sorted(found, key=need)[:PAIRS_TRIED]

    # memory not to blame, or not by what was planted beside it ------------------------------

    def _quiet(self, bed: Bed, first: str = "") -> Iterator[Fault]:
        """Yield faults that may leave the answer as it is, those of one kind of operation
        before the others."""

        def order(cell: Cell) -> tuple[bool, int]:
            return cell.kind != first, bed.site.number("quiet", cell.name)

        cells = sorted(self.cells, key=order)
        return islice(harmless_faults(bed, self.beds, cells), HARMLESS_TRIED)

    def _harmless(self, bed: Bed) -> Iterator[FaultCase]:
        for cell in self._by_need(bed, "harmless")[:3]:
            planted = bed.beside(cell, self._quiet(bed))
            if planted is not None:
                yield self._case(planted, "harmless", (cell.name,))

    def _right(self, bed: Bed, group: Group) -> Planted | None:
        """Return a right answer; every second one with a fault that changes nothing about it."""
        if self.tally.groups[group] % 2:
            return bed.unharmed(self._quiet(bed))
        return bed.clean()

    def _wrong_gold(self, bed: Bed) -> Iterator[FaultCase]:
        if not self.tally.lacks("wrong_gold"):
            return
        planted = self._right(bed, "wrong_gold")
        for question in wrong_labels(bed.site) if planted is not None else ():
            assert planted is not None
            if self.clean.verdict(question, planted.outcome.prediction) is False:
                self.tally.add("wrong_gold")
                yield case_of(
                    self.clean, planted, "wrong_gold", evidence=self.evidence, question=question
                )

    def _judge_flips(self, bed: Bed) -> Iterator[FaultCase]:
        if not self.tally.lacks("judge_flip"):
            return
        question = bed.site.question
        gold = None if question.unanswerable else question.answer

        def read(planted: Planted | None) -> bool:
            # A judge errs on what it has to read: what a match of words decides is no such case.
            return planted is not None and (
                free_match(planted.outcome.prediction, gold, question.text) is None
            )

        clean = bed.clean()
        told = self.tally.count("judge_flip", "clean"), self.tally.count("judge_flip", "beside")
        if read(clean) and told[0] <= told[1]:
            planted, share = clean, "clean"
        elif read(clean) or told[1] <= told[0]:
            quiet = (bed.unharmed([f]) for f in self._quiet(bed, "" if read(clean) else "response"))
            planted, share = next((p for p in quiet if read(p)), None), "beside"
        else:
            return
        if planted is not None:
            self.tally.add("judge_flip", (share,))
            yield case_of(self.clean, planted, "judge_flip", evidence=self.evidence, flip=True)
