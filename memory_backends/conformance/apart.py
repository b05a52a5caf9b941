"""The check that what one conversation told is not found in another."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import zip_longest

from memory_backends.conformance.broken import INSTANCE
from memory_backends.conformance.finding import Finding
from memory_backends.conformance.samples import (
    ANOTHER,
    ECHO,
    GLACIER,
    GLACIER_ONLY,
    LISBON,
    LISBON_ONLY,
)
from memory_backends.conformance.subject import Passed, Subject, entries_of, run_pass, told
from memory_backends.protocol import Inspectable, MemoryBackend
from traces.domain import Conversation, Question, Session


def isolation(subject: Subject) -> Iterator[Finding]:
    """What one conversation told is not found in another."""
    questions = [*LISBON.questions, ANOTHER]
    first = run_pass(subject, LISBON, questions=questions)
    again = subject.within(lambda: {q.id: first.ask(q) for q in questions})
    same = told(again) == told(first.found)
    new = subject.new()
    if isinstance(new, Inspectable) and subject.within(lambda: entries_of(new.entries())):
        yield Finding("leaks", "a new instance has entries of another one", "", INSTANCE)
        return
    asked = Conversation("asked", LISBON.sessions[:1], LISBON.questions)
    early = subject.within(lambda: _ask_only(subject, new, asked))
    if any(early.found.values()):
        text = next(e.text for entries in early.found.values() for e in entries)
        yield _from_nothing(text)
        return
    if not same:
        yield Finding(
            "not_deterministic", "the same question to the same memory finds something else", "",
            "break ties by content; take chance from random.Random(text), order from sorted()",
        )  # fmt: skip
        return
    second = run_pass(subject, GLACIER)
    run_pass(subject, ECHO)
    again = subject.within(lambda: {q.id: first.ask(q) for q in questions})
    yield from _foreign(second, GLACIER, LISBON_ONLY)
    if told(again) != told(first.found):
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


def _from_nothing(text: str) -> Finding:
    what = f"a new instance that was given nothing finds {text[:80]!r}"
    said = [m.text.lower() for c in (LISBON, GLACIER) for s in c.sessions for m in s.messages]
    words = {word for one in said for word in one.split() if len(word) > 3}
    if any(word in text.lower() for word in words):
        return Finding("leaks", what, "", INSTANCE)
    return Finding("garbage", what, "", "let a search return what was added, and nothing else")


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
