"""Faults of extraction: facts left out, changed, made up, misdated, credited to another."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from evals.faults.fault import Corrupt, Fault, of_kind
from evals.faults.matrix import cell
from evals.faults.site import Site, rests_on
from evals.faults.wording import is_date, renamed, replaced, says, shift_dates, shift_day
from traces.schema import Inputs, OperationRecord, Outputs, Variable, fact

# Told apart in proposals: a week or more, so that no reader takes it for the same day.
SHIFTS = (-9, 12, -17, 26, -34, 40, -61, 65)


@dataclass(frozen=True)
class Reworded:
    """A change of what one variable says: of its text, speaker and date.

    Used on facts and on stored entries alike, and on whatever a repair puts in their place.
    """

    text: Callable[[str, str], str] = lambda text, _: text  # (text, its date) -> text
    speaker: Callable[[str], str] = lambda speaker: speaker
    date: Callable[[str], str] = lambda date: date

    def __call__(self, variable: Variable) -> Variable:
        """Return the variable with what it says changed."""
        value = variable.value
        changed = {
            "text": self.text(str(value["text"]), str(value["date"])),
            "speaker": self.speaker(str(value["speaker"])),
            "date": self.date(str(value["date"])),
        }
        return Variable(variable.kind, {**value, **changed})


def another_value(old: str, new: str) -> Reworded:
    """Say another value."""
    return Reworded(text=lambda text, _: replaced(text, old, new))


def another_time(days: int) -> Reworded:
    """Say another date, in the text and beside it."""
    return Reworded(
        text=lambda text, date: shift_dates(text, days, date),
        date=lambda date: shift_day(date, days),
    )


def another_person(old: str, new: str) -> Reworded:
    """Say it of another person."""
    return Reworded(
        text=lambda text, _: renamed(text, old, new),
        speaker=lambda speaker: new if speaker == old else speaker,
    )


def rewordings(site: Site, message_id: str, sub_type: str) -> Iterator[Reworded]:
    """Propose changes of this sub-type to what is made from an evidence message."""
    said = [str(f.value["text"]) for f in site.facts(message_id)]
    gold = site.question.answer or ""
    if sub_type == "distortion" and gold and not is_date(gold):
        old = next((o for text in said if (o := says(text, gold))), None)
        if old is not None:
            for new in site.values.others(site.question, old, site.seed):
                yield another_value(old, new)
    elif sub_type == "wrong_time":
        start = site.number("days", message_id) % len(SHIFTS)
        for step in (0, 3, 6):
            yield another_time(SHIFTS[(start + step) % len(SHIFTS)])
    elif sub_type == "wrong_speaker":
        person = next((p for f in site.facts(message_id) if (p := site.told_of(f))), None)
        if person is not None:
            yield another_person(person, site.other_person(person, message_id))


def _facts(keep: Callable[[Variable], Variable | None]) -> Corrupt:
    def corrupt(_: Inputs, outputs: Outputs) -> Outputs:
        return {
            role: [
                changed for v in variables
                if (changed := keep(v) if v.kind == "fact" else v) is not None
            ]
            for role, variables in outputs.items()
        }  # fmt: skip

    return corrupt


def _on(message_id: str, change: Callable[[Variable], Variable | None]) -> Corrupt:
    return _facts(lambda f: change(f) if rests_on(f, message_id) else f)


def extraction_faults(site: Site, sub_type: str) -> Iterator[Fault]:
    """Propose faults of this sub-type, the likeliest to do harm first."""
    kind = cell("ExtractionError", sub_type, "extraction")
    if sub_type == "hallucination":
        made_up = site.invention()
        for operation, message_id in _places_to_invent(site) if made_up is not None else ():
            assert made_up is not None
            yield Fault(operation.id, kind, _invented(message_id, *made_up))
        return
    for message_id in site.evidence:
        given = site.extraction(message_id)
        if given is None or not site.facts(message_id):
            continue
        if sub_type == "omission":
            yield Fault(given.id, kind, _on(message_id, lambda _: None))
        for change in rewordings(site, message_id, sub_type):
            yield Fault(given.id, kind, _on(message_id, change))


def _places_to_invent(site: Site) -> Iterator[tuple[OperationRecord, str]]:
    """Yield extractions with a message of theirs that no fact rests on, latest first: what is
    made up has to stand against what was really said."""
    first = min((site.order[m] for m in site.evidence), default=-1)
    cited = {s for f in site.graph.variables("fact") for s in f.value["sources"]}
    for operation in reversed([o for o in site.before_question if o.kind == "extraction"]):
        given = site.graph.inputs(operation.id, "message")
        idle = [
            str(v.value["id"]) for v in given
            if v.value["id"] not in cited and site.order.get(v.value["id"], -1) > first
        ]  # fmt: skip
        own = [m for m in idle if _speaker(site, m) in site.asked_about]
        choice = own or idle
        if choice:
            yield operation, choice[site.number("cite", operation.id) % len(choice)]


def _speaker(site: Site, message_id: str) -> str:
    message = site.conversation.message(message_id)
    return message.speaker if message else ""


def _invented(message_id: str, text: str, speaker: str) -> Corrupt:
    def corrupt(inputs: Inputs, outputs: Outputs) -> Outputs:
        said_on = [
            str(v.value["date"])[:10] for v in of_kind(inputs, "message")
            if v.value["id"] == message_id
        ]  # fmt: skip
        if not said_on:
            return outputs
        made = fact(text, speaker, said_on[0], [message_id])
        role = next((r for r, vs in outputs.items() if any(v.kind == "fact" for v in vs)), "facts")
        return {**outputs, role: [*outputs.get(role, ()), made]}

    return corrupt
