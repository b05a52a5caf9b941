"""Evidence by search: the messages that hold a gold answer, found by question and answer alone."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import timedelta
from functools import cached_property, lru_cache

from traces.attribution.carries import Carries
from traces.attribution.dates import Span, day_of, spans, words_without_times
from traces.attribution.index import GraphIndex
from traces.attribution.targets import Target, gold_parts, holds, is_verdict
from traces.attribution.words import key_stems, of_oneself, sentences
from traces.domain import Conversation, Question
from traces.schema import Variable, message_variable

SEARCHED = 30  # messages looked at
READ = 3  # of them, how many a reader is asked about
KEPT = 4  # messages that together make up an answer
ON_MATTER = 2  # messages that an inference is made from
# A message counts half through the one before it, which may be the question that it answers.
CONTEXT = 0.5
# Weighted shares (0..1) of the question's telling stems: enough to be about it where the answer
# itself is found, and where it is not.
ABOUT, CLEARLY = 0.15, 0.55
# An answer that so many messages hold tells nothing by itself.
DISTINCT = 3
COMMON = 0.04  # share of the messages
_DAY = timedelta(days=1)


class Messages:
    """The messages that were said before a question was asked, with how they fit it.

    `order` is the place of each by id; a message is followed by the next of its session.
    """

    def __init__(
        self, index: GraphIndex, question: Question, conversation: Conversation | None = None
    ) -> None:
        self.index = index
        self.question = question
        self.said = self._said(conversation)
        self.order = {message.value["id"]: i for i, message in enumerate(self.said)}
        self.people = index.name_stems
        self.named = index.named(question.text)
        self.asked = frozenset(key_stems(question.text)) - self.people

    def _said(self, conversation: Conversation | None) -> list[Variable]:
        index = self.index
        if conversation is None:
            position = index.asked(self.question.id).position
            return [
                message for message in index.messages.values()
                if not index.users[message.id]
                or min(index.position[u.id] for u in index.users[message.id]) <= position
            ]  # fmt: skip
        found = []
        for session in conversation.sessions:
            for message in session.messages:
                known = index.messages.get(message.id)
                found.append(known or message_variable(message, session.date))
            if session.id == self.question.asked_after:
                break
        return found

    def about(self, message: Variable) -> set[str]:
        """Return the people whom a message names, and who speaks, unless of others only."""
        text, speaker = message.value["text"], message.value["speaker"]
        named = self.index.named(text)
        return named if named and not of_oneself(text) else named | {speaker}

    def before(self, message: Variable) -> Variable | None:
        """Return the message before this one in its session, or None."""
        return self._beside(message, -1)

    def after(self, message: Variable) -> Variable | None:
        """Return the message after this one in its session, or None."""
        return self._beside(message, 1)

    def _beside(self, message: Variable, step: int) -> Variable | None:
        place = self.order[message.value["id"]] + step
        if not 0 <= place < len(self.said):
            return None
        beside = self.said[place]
        return beside if beside.value["date"] == message.value["date"] else None

    @cached_property
    def _weights(self) -> dict[str, float]:
        return {stem: self.index.weight(stem) for stem in self.asked}

    def concern(self, message: Variable) -> float:
        """Return the weighted share (0..1) of the question's telling stems that a message says,
        those of the message before it counted in part."""
        total = sum(self._weights.values())
        if not total:
            return 0.0
        own = stems_of(message)
        before = self.before(message)
        context = stems_of(before) if before is not None else frozenset()
        found = sum(
            weight * (1.0 if stem in own else CONTEXT if stem in context else 0.0)
            for stem, weight in self._weights.items()
        )
        return found / total

    def ranked(self, wanted: Iterable[Variable]) -> list[Variable]:
        """Return these messages, the best fitting first; not more than SEARCHED."""
        found = {m.value["id"]: m for m in wanted}
        fits = {id: self.fit(message) for id, message in found.items()}
        by_fit = sorted(found, key=lambda id: (-fits[id], self.order[id]))
        return [found[id] for id in by_fit[:SEARCHED]]

    def fit(self, message: Variable) -> float:
        """Return how well a message fits the question (0 and up): its matter, its person, its
        times; less for one that only asks."""
        value = message.value
        fit = self.concern(message)
        if value["speaker"] in self.named:
            fit += 0.3 if of_oneself(value["text"]) else 0.2
        elif self.named & self.index.named(value["text"]):
            fit += 0.15
        day = day_of(value["date"])
        if day is not None and self._times:
            given = (*spans(value["text"], day), Span(day, day))
            near = [Span(t.first - _DAY, t.last + _DAY) for t in self._times]
            fit += 0.3 * any(time.holds(one) for time in near for one in given)
        return fit

    @cached_property
    def _times(self) -> tuple[Span, ...]:
        return spans(self.question.text)

    def telling(self, stem: str) -> bool:
        """Say whether a stem is not just a common one in these messages."""
        count = len(self.index.messages)
        most = max(DISTINCT, COMMON * count)
        return self.index.weight(stem) >= math.log1p((count + 1) / (most + 0.5))

    def sharing(self, stems: Iterable[str]) -> list[Variable]:
        """Return the messages that say one of these stems, in order."""
        touching = self.index.search.scores(set(stems))
        return [message for message in self.said if message.value["id"] in touching]

    def holding(self, parts: Sequence[frozenset[str]]) -> list[Variable]:
        """Return the messages that hold one of these parts of an answer."""
        touching = self.sharing(stem for part in parts for stem in part)
        return [m for m in touching if any(holds(part, stems_of(m)) for part in parts)]

    def within(self, times: Sequence[Span]) -> list[Variable]:
        """Return the messages that name a time within one of these, or were said within."""
        found = []
        for message in self.said:
            day = day_of(message.value["date"])
            given = (*spans(message.value["text"], day), *((Span(day, day),) if day else ()))
            if any(time.holds(one) for time in times for one in given):
                found.append(message)
        return found

    def best(self, stems: Iterable[str], count: int) -> list[Variable]:
        """Return the messages that score highest by BM25 over these stems."""
        top = self.index.search.top(stems, 2 * count)
        found = [self.index.messages[id] for id, _ in top if id in self.order]
        return found[:count]


def stems_of(message: Variable) -> frozenset[str]:
    """Return the stems of a message with those of its speaker's name."""
    return _stems(f"{message.value['speaker']} {message.value['text']}")


@lru_cache(maxsize=16_384)
def _stems(text: str) -> frozenset[str]:
    return frozenset(key_stems(text))


def asks(message: Variable) -> bool:
    """Say whether a message ends with a question."""
    said = sentences(message.value["text"])
    return bool(said) and said[-1].rstrip().endswith("?")


def only_asks(target: Target) -> bool:
    """Say whether a message says the answer's words in a question only."""
    telling = [s for s in sentences(target.message.value["text"]) if not s.rstrip().endswith("?")]
    said = frozenset(key_stems(" ".join(telling)))
    return not all(holds(part, said) for part in target.parts)


def answering(messages: Messages, carries: Carries) -> list[Target]:
    """Return the targets of the messages that hold the gold answer, or from which it follows."""
    question = messages.question
    gold = question.answer or ""
    times = spans(gold)
    if times and not key_stems(words_without_times(gold)):
        found = _dated(messages, carries, times)
    else:
        found = _held(messages, carries, gold_parts(gold, question.text))
    if found:
        return found
    near = messages.ranked(messages.best([*messages.asked, *key_stems(gold)], SEARCHED))
    for message in near[:READ]:
        read = carries.read_target(carries.wording_target(message))
        if read.kind == "read":
            return [read]
    if not is_verdict(gold):
        return []
    clear = [m for m in near if messages.concern(m) >= CLEARLY]
    # What answers a question is on its matter; the question itself says nothing.
    clear = [(messages.after(m) if asks(m) else None) or m for m in clear[:ON_MATTER]]
    return [carries.wording_target(m) for m in dict.fromkeys(clear)]


def _held(messages: Messages, carries: Carries, parts: Sequence[frozenset[str]]) -> list[Target]:
    """Return the best message that holds the whole answer, else those that make it up."""
    holding = messages.holding(parts)
    whole = [p for p in parts if p]
    union = frozenset().union(*whole) if whole else frozenset()
    near = messages.best([*messages.asked, *union], SEARCHED)
    # Taken together an answer's parts may be said by a message that holds none of them alone.
    near = [m for m in near if len(union & stems_of(m)) * 2 >= len(union)]
    distinct = len(holding) <= DISTINCT
    targets = [
        carries.wording_target(message)
        for message in messages.ranked([*holding, *near])
        if distinct or messages.concern(message) >= ABOUT
    ]
    targets = [t for t in targets if t.kind == "value"]
    targets.sort(key=only_asks)
    complete = [t for t in targets if t.complete]
    if complete:
        return complete[:1]
    found: list[Target] = []
    missing = set(parts)
    while missing and len(found) < KEPT:
        best = max(targets, key=lambda t: len(missing.intersection(t.parts)), default=None)
        if best is None or not missing.intersection(best.parts):
            break
        missing -= set(best.parts)
        found.append(best)
    return found


def _dated(messages: Messages, carries: Carries, times: Sequence[Span]) -> list[Target]:
    """Return the best message that the answer's date follows from."""
    for message in messages.ranked(messages.within(times)):
        target = carries.wording_target(message)
        if target.kind == "time" and messages.concern(message) >= ABOUT:
            return [target]
    return []
