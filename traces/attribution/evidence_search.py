"""Evidence by search: the messages that hold a gold answer, found by question and answer alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from traces.attribution.carries import Carries
from traces.attribution.dates import Span, day_of, spans, words_without_times
from traces.attribution.index import GraphIndex
from traces.attribution.targets import Target, gold_parts, holds
from traces.attribution.words import key_stems, sentences, share
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


@dataclass(frozen=True)
class Ranked:
    """A message's target with how well the message fits the question (0 and up)."""

    target: Target
    fit: float


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
        self.people = {stem for word in index.people for stem in key_stems(word)}
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

    def ranked(self, carries: Carries, wanted: Iterable[Variable]) -> list[Ranked]:
        """Return the targets of these messages, the best fitting first."""
        made = [Ranked(t, self._fit(t)) for t in map(carries.wording_target, wanted)]
        return sorted(made, key=lambda one: (-one.fit, self.order[one.target.message_id]))

    def _fit(self, target: Target) -> float:
        message = target.message
        value = message.value
        fit = self.concern(message)
        if target.subjects or value["speaker"] in self.named:
            fit += 0.3
        if _asks(target):
            fit -= 0.4
        return fit

    def holding(self, parts: Sequence[frozenset[str]]) -> list[Variable]:
        """Return the messages that hold one of these parts of an answer."""
        touching = self.index.search.scores({stem for part in parts for stem in part})
        return [
            message for message in self.said
            if message.value["id"] in touching
            and any(holds(part, stems_of(message)) for part in parts)
        ]  # fmt: skip

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


def _asks(target: Target) -> bool:
    """Say whether a message only asks about what the answer says."""
    telling = [s for s in sentences(target.message.value["text"]) if not s.rstrip().endswith("?")]
    if target.kind != "value":
        return not telling
    said = frozenset(key_stems(" ".join(telling)))
    return not all(holds(part, said) for part in target.parts)


def answering(messages: Messages, carries: Carries) -> list[Target]:
    """Return the targets of the messages that hold the gold answer, or from which it follows."""
    question = messages.question
    gold = question.answer or ""
    parts = gold_parts(gold, question.text)
    near = messages.best([*messages.asked, *key_stems(gold)], SEARCHED)
    times = spans(gold)
    if times and not key_stems(words_without_times(gold)):
        found = _dated(messages, carries, times)
    else:
        holding = messages.holding(parts)
        found = _held(messages, carries, near, holding)
    if found:
        return found
    ranked = messages.ranked(carries, near)
    for one in ranked[:READ]:
        read = carries.read_target(one.target)
        if read.kind == "read":
            return [read]
    clear = [one for one in ranked if one.fit >= CLEARLY]
    return [one.target for one in clear[:ON_MATTER]]


def _held(
    messages: Messages, carries: Carries, near: Sequence[Variable], holding: Sequence[Variable]
) -> list[Target]:
    held = {m.value["id"] for m in holding}
    looked = list({m.value["id"]: m for m in (*holding, *near)}.values())
    ranked = [one for one in messages.ranked(carries, looked) if one.target.kind == "value"]
    distinct = len(held) <= DISTINCT
    about = [one for one in ranked if distinct or messages.concern(one.target.message) >= ABOUT]
    whole = [one.target for one in about if one.target.complete]
    if whole:
        return whole[:1]
    covered: set[frozenset[str]] = set()
    found: list[Target] = []
    for one in about:
        if not set(one.target.parts) <= covered:
            covered |= set(one.target.parts)
            found.append(one.target)
    return found[:KEPT]


def _dated(messages: Messages, carries: Carries, times: Sequence[Span]) -> list[Target]:
    ranked = messages.ranked(carries, messages.within(times))
    timed = [one for one in ranked if one.target.kind == "time"]
    about = [one for one in timed if messages.concern(one.target.message) >= ABOUT]
    return [one.target for one in about[:1]]
