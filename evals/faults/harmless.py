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
from evals.faults.wording import names_among, says
from traces.domain import Message, Question

_OTHER_QUESTIONS = 4
_SAME_MATTER = 0.5  # share of a question's words that a message has


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
    kind, and not what the conversation says of the matter anywhere (a former value, say, whose
    label memory could be to blame for)."""
    question = site.question
    if question.answer is None:
        return
    told = [m for s in site.conversation.sessions for m in s.messages if _on_matter(site, m)]
    for value in site.values.others(question, question.answer, f"{site.seed}/label", 8):
        if not any(says(m.text, value) for m in told):
            yield replace(question, answer=value)


def _on_matter(site: Site, message: Message) -> bool:
    return (
        message.id in site.question.evidence
        or message.speaker in site.asked_about
        or bool(names_among(message.text, site.asked_about))
        or site.likeness(message.text) >= _SAME_MATTER
    )
