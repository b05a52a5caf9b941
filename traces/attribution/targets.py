"""What a message must deliver for a question, and the items that may deliver it.

The items are facts, entry versions and retrieved entries. A target is one of three
kinds: `value` (the message holds the gold answer, or named parts of it), `time` (the
gold answer is a date that follows from the message), `bridge` (yes/no, an inference, a
link to another message: it must deliver its entities and its speaker). `read`: a reader
gets the gold answer from the message, although in other words.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from traces.attribution.dates import Span, day_of, spans, words_without_times
from traces.attribution.index import GraphIndex
from traces.attribution.words import entities, key_stems, of_oneself, sentences, share
from traces.domain import Question
from traces.schema import Variable

# A comma between digits ('13,000') parts nothing.
_PARTS = re.compile(r"(?<!\d),|,(?!\d)|[;/\n]| and | & ", re.IGNORECASE)
_VERDICT = re.compile(r"^\s*(?:yes|no|likely|probably|unlikely|somewhat|maybe)\b", re.IGNORECASE)
# The least share of a part's stems that says it: short parts must be there whole.
_LONG_PART, _LONG_SHARE = 4, 0.7


@dataclass(frozen=True, slots=True)
class Item:
    """What may carry evidence. `raw`: taken from messages without an extraction, so the
    speaker's name stands beside the text and need not be in it."""

    text: str
    speaker: str
    date: str
    sources: tuple[str, ...] = ()
    raw: bool = False

    @classmethod
    def of(cls, variable: Variable, raw: bool = False) -> Item:
        """Return a message, fact, entry or retrieved entry as an item."""
        value: Mapping[str, Any] = variable.value
        is_message = variable.kind == "message"
        sources = (value["id"],) if is_message else tuple(value["sources"])
        return cls(value["text"], value["speaker"], value["date"], sources, raw or is_message)

    @property
    def passage(self) -> str:
        """What a reader is given: the date in brackets, then the text."""
        named = not self.raw or self.text.startswith(self.speaker)
        speaker = "" if named else f"{self.speaker}: "
        date = f"({self.date[:10]}) " if self.date else ""
        return f"{date}{speaker}{self.text}"

    def times(self) -> tuple[Span, ...]:
        """Return the times that the item gives: in its text, and its own date."""
        day = day_of(self.date)
        own = (Span(day, day),) if day else ()
        return (*spans(self.text, day), *own)


@dataclass(frozen=True, slots=True)
class Target:
    """See the module. `parts` are stem sets of gold answer parts; `complete` says that
    they (or the date) are the whole gold answer. `subjects` are people of whom an item must
    name one; `event` are the stems that question and message share, `key` the weighted
    stems of the message's sentences that matter, `entities` the names and numbers there.
    """

    kind: Literal["value", "time", "bridge", "read"]
    message: Variable
    question: str
    gold: str
    parts: tuple[frozenset[str], ...] = ()
    spans: tuple[Span, ...] = ()
    complete: bool = False
    subjects: frozenset[str] = frozenset()
    people: tuple[tuple[str, str], ...] = ()
    event: frozenset[str] = frozenset()
    key: tuple[tuple[str, float], ...] = ()
    entities: frozenset[str] = frozenset()

    @property
    def message_id(self) -> str:
        """The evidence message's id."""
        return str(self.message.value["id"])

    def read_as(self, kind: Literal["read"]) -> Target:
        """Return the target of a message that a reader found to answer the question."""
        return replace(self, kind=kind, complete=True)


def holds(part: frozenset[str], held: set[str] | frozenset[str]) -> bool:
    """Say whether `held` stems say a part of an answer."""
    least = _LONG_SHARE if len(part) >= _LONG_PART else 1.0
    return bool(part) and len(part & held) / len(part) >= least


def is_verdict(gold: str) -> bool:
    """Say whether a gold answer is a yes, a no or a guess: said nowhere, but inferred."""
    return _VERDICT.match(gold) is not None


def gold_parts(gold: str, question: str) -> list[frozenset[str]]:
    """Return the parts of a gold answer (between commas, 'and') as stem sets.

    Words that the question itself says tell nothing and are left out where others remain.
    """
    said = set(key_stems(question))

    def telling(text: str) -> frozenset[str]:
        found = frozenset(key_stems(text))
        return frozenset(found - said) or found

    parts = [telling(part) for part in _PARTS.split(gold)]
    return list(dict.fromkeys(part for part in parts if part))


def target_of(index: GraphIndex, question: Question, message: Variable) -> Target:
    """Return what `message` must deliver for an answerable question, by its wording."""
    gold = question.answer or ""
    value = message.value
    said_on = day_of(value["date"])
    text = f"{value['speaker']} {value['text']}"
    stems = set(key_stems(text))
    asked = set(key_stems(question.text))
    named = index.named(question.text)
    base = Target(
        "bridge", message, question.text, gold,
        subjects=_subjects(index, named, value),
        people=tuple(index.people.items()),
        event=frozenset((asked & stems) - index.name_stems),
        key=_key(index, value["text"], asked | set(key_stems(gold))),
        entities=frozenset(_entities(value["text"], asked | set(key_stems(gold)))),
    )  # fmt: skip
    if not gold or is_verdict(gold):
        return base
    wanted = spans(gold, said_on)
    if wanted and not key_stems(_bare(gold)):
        given = (*spans(value["text"], said_on), *((Span(said_on, said_on),) if said_on else ()))
        if any(w.holds(g) for w in wanted for g in given):
            return replace(base, kind="time", spans=wanted, complete=True)
        return base
    parts = gold_parts(gold, question.text)
    held = [part for part in parts if holds(part, stems)]
    whole = frozenset().union(*parts) if parts else frozenset()
    complete = bool(parts) and (len(held) == len(parts) or holds(whole, stems))
    if complete:
        # Taken together, a part may be said by its telling words alone.
        return replace(base, kind="value", parts=tuple(held or [whole]), complete=True)
    return replace(base, kind="value", parts=tuple(held)) if held else base


def _bare(gold: str) -> str:
    """Return what a gold date says besides its date ('early', 'around' say nothing)."""
    fillers = r"\b(?:early|late|mid|around|about|since|during|end|beginning|start|summer|winter|spring|fall|autumn|few|first|last|weekend|week|day|evening|morning)\b"  # noqa: E501
    return re.sub(fillers, " ", words_without_times(gold))


def _subjects(index: GraphIndex, named: set[str], message: Mapping[str, Any]) -> frozenset[str]:
    """Return the people of whom an item must name one: those whom the question names and
    the message is by or about; the speaker of a first-person link to them otherwise."""
    if message["speaker"] in named and of_oneself(message["text"]):
        return frozenset([message["speaker"]])
    about = named & index.named(message["text"])
    if about:
        return frozenset(about)
    if named and message["speaker"] and of_oneself(message["text"]):
        return frozenset([message["speaker"]])
    return frozenset()


def _relevant(text: str, wanted: set[str]) -> str:
    """Return the sentences that share most with `wanted`; the whole text where none does."""
    parts = sentences(text)
    scores = [share(wanted, key_stems(part)) for part in parts]
    best = max(scores, default=0.0)
    if best <= 0:
        return text
    return " ".join(p for p, s in zip(parts, scores, strict=True) if s >= 0.6 * best)


def _key(index: GraphIndex, text: str, wanted: set[str]) -> tuple[tuple[str, float], ...]:
    found = dict.fromkeys(key_stems(_relevant(text, wanted)))
    return tuple((stem, index.weight(stem)) for stem in found)


def _entities(text: str, wanted: set[str]) -> set[str]:
    return entities(_relevant(text, wanted))
