"""A message's own words as a fact: what an extraction that adds and drops nothing would say."""

from __future__ import annotations

from datetime import date

from traces.attribution.dates import Span, day_of, relative_words
from traces.attribution.targets import Target
from traces.attribution.words import key_stems, sentences, share
from traces.schema import Variable, fact

_TELLING = 0.6  # of the best sentence's share: sentences that belong to it


def verbatim(message: Variable, text: str, resolve: bool = True) -> Variable:
    """Return a message's words (all or some sentences) as a fact of its speaker and date,
    with the times of relative words in brackets behind them."""
    value = message.value
    said_on = day_of(value["date"])
    told = " ".join(text.split())
    if resolve and said_on is not None:
        told = resolved(told, said_on)
    speaker = value["speaker"]
    return fact(
        f"{speaker}: {told}" if speaker else told, speaker, value["date"][:10], [value["id"]]
    )


def telling(target: Target) -> str:
    """Return the sentences of a message that say what its target asks for."""
    text = str(target.message.value["text"])
    weights = dict(target.key)
    parts = sentences(text)
    scores = [share(weights, key_stems(part)) for part in parts]
    best = max(scores, default=0.0)
    if best <= 0:
        return text
    return " ".join(p for p, s in zip(parts, scores, strict=True) if s >= _TELLING * best)


def resolved(text: str, said_on: date) -> str:
    """Return `text` with the time that a relative word names in brackets behind it."""
    for end, span in reversed(relative_words(text, said_on)):
        text = f"{text[:end]} ({spelled(span)}){text[end:]}"
    return text


def spelled(span: Span) -> str:
    """Return a span in words: a day, a month, a year, or the days that it lies between."""
    first, last = span.first, span.last
    if first == last:
        return _day(first)
    if (first.day, first.month, last.day, last.month) == (1, 1, 31, 12):
        return str(first.year) if first.year == last.year else f"{first.year} to {last.year}"
    if first.day == 1 and (last - first).days in range(27, 31) and first.month == last.month:
        return f"{first:%B} {first.year}"
    return f"between {_day(first)} and {_day(last)}"


def _day(day: date) -> str:
    return f"{day.day} {day:%B} {day.year}"
