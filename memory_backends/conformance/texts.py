"""Checks with strange texts: other scripts, none at all, and very much."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from memory_backends.conformance.broken import broke
from memory_backends.conformance.finding import Finding, remark
from memory_backends.conformance.samples import EMPTY, HUGE, LISBON, LONG, UNICODE
from memory_backends.conformance.subject import Passed, Subject, entries_of, run_pass
from memory_backends.protocol import Inspectable
from traces.domain import Conversation, Question

_HUGE = 3.0  # times as long as a small conversation may take
_FEW = 3  # messages that any ranking finds all of
Words = tuple[str, ...]  # of one entry


def unicode(subject: Subject) -> Iterator[Finding]:
    """Any script, emoji, control characters and braces go in and can be asked for."""
    what = "a conversation of many scripts"
    yield from _takes(subject, UNICODE, what, [("зоя", "北京"), ("القاهرة",)])


def empty(subject: Subject) -> Iterator[Finding]:
    """Sessions without messages, messages and questions without text."""
    yield from _takes(subject, EMPTY, "an empty session, message or question")


def huge(subject: Subject) -> Iterator[Finding]:
    """A message of 64,000 characters and a session of 120 messages."""
    what = "a very long message or session"
    found = list(_takes(subject, LONG, what, [("parcel", "cellar")], _HUGE))
    yield from found or _takes(subject, HUGE, what, [("number 119",)], _HUGE)


def _takes(
    subject: Subject, conversation: Conversation, what: str, kept: Sequence[Words] = (),
    times: float = 1.0,
) -> Iterator[Finding]:  # fmt: skip
    """Yield a finding where a conversation cannot be taken in, or words of it are lost by what
    keeps messages as they are."""
    try:
        passed = run_pass(subject, conversation, seconds=times * subject.seconds)
        held = _texts(subject, passed)
    except Exception as error:
        yield broke(error, what)
        return
    lost = [words for words in kept if not _hold(held, words)]
    if not lost and sum(len(session.messages) for session in conversation.sessions) <= _FEW:
        lost = [words for words in kept if not _hold(_found(passed), words)]
    if not lost:
        return
    if not _word_for_word(subject):
        yield remark(
            "not_looked_for", f"what is kept of {what} was not looked at: it does not keep "
            "messages word for word", "test it with texts such as those of your users",
        )  # fmt: skip
        return
    shown = isinstance(passed.backend, Inspectable) and not _hold(held, lost[0])
    where = "is not in memory" if shown else "is not found by the same words"
    yield Finding(
        "loses_text", f"{what}: what was said with '{' '.join(lost[0])}' {where}", "",
        "keep and find texts as they are, in any script and of any length",
    )  # fmt: skip


def _hold(texts: Sequence[str], words: Words) -> bool:
    """Say whether one of the texts has these words."""
    return any(all(word in text.lower() for word in words) for text in texts)


def _found(passed: Passed) -> list[str]:
    return [e.text for entries in passed.found.values() for e in entries]


def _texts(subject: Subject, passed: Passed) -> list[str]:
    """Return the texts in memory; of one that shows no entries, those that were found."""
    backend = passed.backend
    if isinstance(backend, Inspectable):
        return [e.text for e in subject.within(lambda: entries_of(backend.entries()))]
    return _found(passed)


def _word_for_word(subject: Subject) -> bool:
    """Say whether it keeps plain messages as they are: then it has to keep strange ones so."""
    said = [message for session in LISBON.sessions for message in session.messages]
    asked = [Question(message.id, message.text, None) for message in said]
    held = _texts(subject, run_pass(subject, LISBON, questions=asked))
    return all(any(m.text.lower() in text.lower() for text in held) for m in said)
