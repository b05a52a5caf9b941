"""Wrong answers that memory is not to blame for: wrong labels, flipped verdicts, and faults
that change an output and not the answer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice

from evals.faults.fault import Fault
from evals.faults.matrix import Cell
from evals.faults.planting import Bed
from evals.faults.site import Site
from evals.faults.wording import says
from traces.domain import Question

_OTHER_QUESTIONS = 4


def harmless_faults(bed: Bed, others: Sequence[Bed], cells: Sequence[Cell]) -> Iterator[Fault]:
    """Yield faults that change nothing about the answer on the question's own path, then
    propose some on that of other questions of the same pass; cells in this order."""
    for cell in cells:
        # The likeliest to do harm comes first; the last is the likeliest to do none.
        tried = dict.fromkeys((*bed.proposals(cell)[-1:], *bed.proposals(cell)[:1]))
        yield from islice(filter(bed.is_harmless, tried), 1)
    elsewhere = [o for o in others if o.site.question.id != bed.site.question.id]
    elsewhere.sort(key=lambda o: bed.site.number("elsewhere", o.site.question.id))
    for other in elsewhere[:_OTHER_QUESTIONS]:
        for cell in cells:
            if cell.kind in ("extraction", "update"):
                yield from other.proposals(cell)[:1]


def wrong_labels(site: Site) -> Iterator[Question]:
    """Propose the question with other gold answers that could as well be right: of the same
    kind, and not what its evidence says."""
    question = site.question
    if question.answer is None:
        return
    told = " ".join(m.text for id in question.evidence if (m := site.conversation.message(id)))
    for value in site.values.others(question, question.answer, f"{site.seed}/label", 6):
        if not says(told, value):
            yield replace(question, answer=value)
