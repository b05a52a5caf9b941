"""The check that what one conversation told is not found in another."""

from __future__ import annotations

import copy
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import zip_longest

from memory_backends.conformance.broken import INSTANCE, from_nothing
from memory_backends.conformance.finding import Finding
from memory_backends.conformance.samples import (
    ANOTHER,
    ECHO,
    GLACIER,
    GLACIER_ONLY,
    LISBON,
    LISBON_ONLY,
)
from memory_backends.conformance.subject import Found, Passed, Subject, entries_of, run_pass, told
from memory_backends.protocol import Inspectable, MemoryBackend
from traces.domain import Conversation, Question, Session

_TIMES = 6  # that a memory may show that it changes by itself
_TWINS = 3  # memories that are told the same as the first
_PAUSE = 0.25  # s between two searches of which the clock may change the second
_Told = dict[str, list[str]]  # texts by question id
_CHANCE = Finding(
    "not_deterministic", "the same question to the same memory finds something else, with nothing "
    "added in between", "",
    "let a search change nothing; break ties by content; take chance from random.Random(text), "
    "order from sorted(), never from id() or the clock",
)  # fmt: skip


def isolation(subject: Subject) -> Iterator[Finding]:
    """What one conversation told is not found in another."""
    questions = [*LISBON.questions, ANOTHER]
    first = run_pass(subject, LISBON, questions=questions)
    found = list(_beside_others(subject, first, questions))
    yield from found or _told_the_same(subject, told(first.found), questions)


def _beside_others(
    subject: Subject, first: Passed, questions: Sequence[Question]
) -> Iterator[Finding]:
    """Yield findings where a memory is another one while others are told something."""
    before = told(first.found)
    same = _again(subject, first, questions) == before
    new = subject.new()
    held = subject.within(lambda: entries_of(new.entries())) if isinstance(new, Inspectable) else ()
    if held:
        yield from_nothing("a new instance holds", [entry.text for entry in held])
        return
    asked = Conversation("asked", LISBON.sessions[:1], LISBON.questions)
    early = subject.within(lambda: _ask_only(subject, new, asked))
    if any(early.found.values()):
        yield _from_nothing(early.found, asked)
        return
    if not same:
        yield _CHANCE
        return
    started = time.monotonic()
    second = run_pass(subject, GLACIER)
    run_pass(subject, ECHO)
    took = time.monotonic() - started
    after = _again(subject, first, questions)
    yield from _foreign(second, GLACIER, LISBON_ONLY)
    if after != before:
        if not _held(after, GLACIER_ONLY) and _by_itself(subject, first, questions, after, took):
            yield _CHANCE
            return
        yield Finding(
            "leaks", "a conversation finds something else once another one was added elsewhere",
            "", INSTANCE,
        )  # fmt: skip
    both = subject.new(), subject.new()
    one, two = (_Steps(subject, b, c) for b, c in zip(both, (LISBON, GLACIER), strict=True))
    for pair in zip_longest(one.steps(), two.steps()):
        for step in pair:
            if step is not None:
                subject.within(step)
    yield from _foreign(one.passed, LISBON, GLACIER_ONLY)
    yield from _foreign(two.passed, GLACIER, LISBON_ONLY)


def _told_the_same(
    subject: Subject, before: _Told, questions: Sequence[Question]
) -> Iterator[Finding]:
    """Yield a finding where a new memory that is told the same finds something else."""

    def told_anew() -> _Told:
        _stir()
        return told(run_pass(subject, LISBON, questions=questions).found)

    anew = [told_anew() for _ in range(_TWINS)]
    if all(one == before for one in anew):
        return
    if all(one == anew[0] for one in [*anew, *(told_anew() for _ in range(_TIMES))]):
        yield Finding(
            "leaks", "a conversation finds something else when it is added after another one", "",
            INSTANCE,
        )  # fmt: skip
    else:
        yield replace(_CHANCE, what="new memories that were told the same find different things")


def _again(subject: Subject, passed: Passed, questions: Sequence[Question]) -> _Told:
    """Return what is told when memory is asked again."""

    def ask() -> _Told:
        found = {}
        for question in questions:
            _stir()
            found[question.id] = passed.ask(question)
        return told(found)

    return subject.within(ask)


def _stir() -> None:
    """Let new objects lie elsewhere than before, as a busy process does: who orders by address
    (id(), a set of objects) orders by chance, and shows it."""
    made = [one for n in range(200) for one in ({n: n}, [n], (n,), object(), str(n))]
    random.Random().shuffle(made)  # freed in this order


def _by_itself(
    subject: Subject, passed: Passed, questions: Sequence[Question], after: _Told, took: float
) -> bool:
    """Say whether what is told changes while nothing is added elsewhere: in the memory that
    changed, and in new ones that are asked as often and over as long a time."""
    if any(_again(subject, passed, questions) != after for _ in range(_TIMES)):
        return True
    for _ in range(_TIMES):
        alone = run_pass(subject, LISBON, questions=questions)
        first = told(alone.found)
        second = _again(subject, alone, questions)
        time.sleep(max(took, _PAUSE))
        if not first == second == _again(subject, alone, questions):
            return True
    return False


def _held(found: _Told, words: Sequence[str]) -> bool:
    return any(word in text.lower() for texts in found.values() for text in texts for word in words)


def _from_nothing(found: Found, asked: Conversation) -> Finding:
    """Return the finding for what a memory found that was only asked."""
    texts = [e.text for entries in found.values() for e in entries]
    questions = " ".join(q.text for q in asked.questions)
    return from_nothing("a new instance that was given nothing finds", texts, questions)


class _Steps:
    """A pass that is made a session at a time."""

    def __init__(
        self, subject: Subject, backend: MemoryBackend, conversation: Conversation
    ) -> None:
        self._conversation = copy.deepcopy(conversation)
        now = conversation.sessions[-1].date
        self.passed = Passed(backend, subject.context(backend, conversation.id, now=now))

    def steps(self) -> Iterator[Callable[[], None]]:
        """Yield what is to be done, a step at a time."""
        for session in self._conversation.sessions:
            yield partial(self._ingest, session)
        for question in self._conversation.questions:
            yield partial(self._ask, question)

    def _ingest(self, session: Session) -> None:
        context = self.passed.context.child(session.id, session.date)
        self.passed.backend.ingest(session, context)

    def _ask(self, question: Question) -> None:
        self.passed.found[question.id] = self.passed.ask(question)


def _ask_only(subject: Subject, backend: MemoryBackend, conversation: Conversation) -> Passed:
    now = conversation.sessions[0].date
    passed = Passed(backend, subject.context(backend, conversation.id, now=now))
    passed.found = {q.id: passed.ask(q) for q in conversation.questions}
    return passed


def _foreign(passed: Passed, conversation: Conversation, words: Sequence[str]) -> Iterator[Finding]:
    """Yield a finding where a pass found words of the other conversation."""
    for question in conversation.questions:
        for entry in passed.found.get(question.id, ()):
            held = [word for word in words if word in entry.text.lower()]
            if held:
                yield Finding(
                    "leaks", f"'{question.text}' of one conversation found {entry.text[:80]!r} of "
                    "another", "", INSTANCE,
                )  # fmt: skip
                return
