"""What an operation was given, as words, times and people: a repair says nothing beyond."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from traces.attribution.dates import Span, day_of, spans
from traces.attribution.replay.concern import sources_of, worded
from traces.attribution.replay.repair import Scene
from traces.attribution.replay.verbatim import spelled
from traces.attribution.targets import gold_parts
from traces.attribution.words import key_stems
from traces.schema import OperationRecord, Variable


def times_of(variables: Iterable[Variable]) -> list[Span]:
    """Return the times that messages, facts or entries give: their own and those in them."""
    found: list[Span] = []
    for variable in variables:
        date = variable.value["date"]
        found += [*_dated(date), *spans(variable.value["text"], day_of(date))]
    return found


def _dated(date: str) -> tuple[Span, ...]:
    """Return the time that a date field gives: a day, a month or a year."""
    day = day_of(date)
    return spans(date) if day is None else (Span(day, day),)


def stems_of(variables: Sequence[Variable]) -> set[str]:
    """Return the stems that messages, facts or entries hold: speakers, words, and the times
    that they name, spelled out."""
    held = {stem for v in variables for stem in key_stems(worded(v))}
    held |= {stem for span in times_of(variables) for stem in key_stems(spelled(span))}
    return held


def smuggled(scene: Scene, given: Sequence[Variable], made: Variable) -> set[str]:
    """Return the telling stems of the gold answer that a variable holds and its operation
    was not given."""
    gold = scene.question.answer or ""
    telling = {stem for part in gold_parts(gold, scene.question.text) for stem in part}
    known = times_of(given)
    said = set(key_stems(worded(made)))
    for span in _dated(made.value["date"]):
        if not any(k.holds(span) or span.holds(k) for k in known):
            said |= set(key_stems(spelled(span)))
    return (said & telling) - stems_of(given)


def licensed(scene: Scene, operation: OperationRecord, fact: Variable) -> bool:
    """Say whether an extraction may put out a fact that it did not make itself: it rests on
    messages that it was given, and holds no speaker, and nothing of the gold answer, that they
    do not give."""
    given = scene.index.inputs(operation, "message")
    ids = {m.value["id"] for m in given}
    sources = sources_of(fact)
    if not sources or not ids.issuperset(sources):
        return False
    speaker = set(key_stems(fact.value["speaker"]))
    return speaker <= stems_of(given) and not smuggled(scene, given, fact)


def beyond(given: Sequence[Variable], made: Variable, more: str = "") -> set[str]:
    """Return the stems of a fact or entry that were not given, those of `more` aside."""
    return set(key_stems(worded(made))) - stems_of(given) - set(key_stems(more))


def in_their_words(given: Sequence[Variable], made: Variable, more: str = "") -> bool:
    """Say whether a fact or entry has no word, person or day that was not given, the times of
    relative words and the words `more` aside."""
    if beyond(given, made, more):
        return False
    if made.value["speaker"] not in {v.value["speaker"] for v in given}:
        return False
    return made.value["date"] in {v.value["date"][:10] for v in given}
