"""Checks without which no other makes sense: form, a plain pass, isolation, inputs, ids."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import zip_longest

from memory_backends.coarse import Coarse
from memory_backends.conformance.finding import Finding, remark
from memory_backends.conformance.samples import (
    GLACIER,
    GLACIER_ONLY,
    LISBON,
    LISBON_ONLY,
    TWICE,
)
from memory_backends.conformance.subject import (
    Hung,
    NoModel,
    Passed,
    Subject,
    close,
    entries_of,
    run_pass,
    told,
    where,
)
from memory_backends.isolation import NotIsolated
from memory_backends.plain import messages_of
from memory_backends.protocol import Inspectable, MemoryBackend, Snapshottable
from traces.domain import Conversation, PromptSlot, Question, Session, conversation_json
from traces.errors import OperationError, SettingsError
from traces.hashing import canonical_json
from traces.operation import Recorder
from traces.schema import MemoryEntry, Ref, Variable

_INSTANCE = "keep everything in the instance (self.x, set in __init__), or in a database of its own"


def broke(error: BaseException, doing: str) -> Finding:
    """Return the finding for what a backend raised, or that it hung."""
    if isinstance(error, Hung):
        return Finding(
            "hangs", f"{doing} {error}", error.where,
            "give every wait a timeout and every loop an end; a thread cannot be killed, so a run "
            "loses its worker",
        )  # fmt: skip
    if isinstance(error, NoModel):
        return Finding("no_model", f"{doing} needs a model: {error}", "", "hand one in")
    if isinstance(error, NotIsolated):
        return Finding("leaks", f"{doing}: a new memory holds something already", "", _INSTANCE)
    cause = error.__cause__
    if isinstance(error, SettingsError):
        return Finding("cannot_be_made", str(error), "", "mend its constructor")
    if isinstance(error, OperationError) and cause is None:
        return Finding(
            "garbage", f"{doing}: {error}", "",
            "return what the protocol says: `search` strings or dicts with 'text', `retrieve` "
            "MemoryEntry values, an operation variables of its kind",
        )  # fmt: skip
    real = cause if isinstance(error, OperationError) and cause is not None else error
    return Finding(
        "raises", f"{doing} raised {type(real).__name__}: {str(real)[:200]}", where(real),
        "mend it; a run counts each such episode as broken and goes on",
    )  # fmt: skip


def protocol(subject: Subject) -> Iterator[Finding]:
    """Name, slots, fingerprint, and capabilities that are whole."""
    one, two = subject.within(subject.make), subject.within(subject.make)
    if not (isinstance(one.name, str) and isinstance(one.fingerprint, str) and one.fingerprint):
        yield Finding(
            "protocol", "'name' and 'fingerprint' are no texts", "", "let both be strings"
        )
    if one.fingerprint != two.fingerprint:
        yield Finding(
            "not_deterministic", "two new instances have different fingerprints", "",
            "make it a hash of name, version and options, and of nothing else",
        )  # fmt: skip
    slots: Sequence[object] = one.slots
    for slot in slots:
        if not isinstance(slot, PromptSlot):
            yield Finding("protocol", f"slot {slot!r:.60} is no PromptSlot", "", "declare one")
            return
        missing = [text for text in slot.required if text not in slot.seed]
        if not slot.seed.strip() or len(slot.seed) > slot.max_chars or missing:
            yield Finding(
                "protocol", f"the seed of slot '{slot.name}' is empty, longer than "
                f"{slot.max_chars} characters, or lacks {', '.join(missing) or 'nothing'}", "",
                "let the seed instruction keep the slot's own rules",
            )  # fmt: skip
    twice = [name for name, n in Counter(s.name for s in one.slots).items() if n > 1]
    if twice:
        yield Finding("protocol", f"two slots are called '{twice[0]}'", "", "rename one")
    inner = one.inner if isinstance(one, Coarse) else one
    for first, second in (("snapshot", "restore"), ("put", "remove")):
        have = [name for name in (first, second) if callable(getattr(inner, name, None))]
        if len(have) == 1:
            yield Finding(
                "protocol", f"it has '{have[0]}' without its counterpart", "",
                f"offer both {first} and {second}, or neither",
            )  # fmt: skip
    if isinstance(one, Coarse) and not isinstance(one, Inspectable):
        yield remark(
            "not_seen", "it shows no entries: what add keeps, and whether add or search lost a "
            "message, cannot be told", "offer entries(), in the form in which search returns them",
        )  # fmt: skip
    close(one)
    close(two)


def works(subject: Subject) -> Iterator[Finding]:
    """Two conversations go in, and questions get entries back."""
    # What it needs may be imported only now.
    passed = run_pass(subject, LISBON, seconds=3 * subject.seconds)
    run_pass(subject, TWICE)
    if not any(passed.found.values()):
        yield remark(
            "finds_nothing", "no question of a plain conversation found anything", "see "
            "that search finds entries that share words with a question",
        )  # fmt: skip


def isolation(subject: Subject) -> Iterator[Finding]:
    """What one conversation told is not found in another."""
    first = run_pass(subject, LISBON)
    again = subject.within(lambda: {q.id: first.ask(q) for q in LISBON.questions})
    same = told(again) == told(first.found)
    new = subject.make()
    if isinstance(new, Inspectable) and subject.within(lambda: entries_of(new.entries())):
        yield Finding("leaks", "a new instance has entries of another one", "", _INSTANCE)
        return
    asked = Conversation("asked", LISBON.sessions[:1], LISBON.questions)
    early = subject.within(lambda: _ask_only(subject, new, asked))
    if any(early.found.values()):
        text = next(e.text for entries in early.found.values() for e in entries)
        yield Finding(
            "leaks", f"a new instance that was given nothing finds {text[:80]!r}", "", _INSTANCE
        )
        return
    if not same:
        yield Finding(
            "not_deterministic", "the same question to the same memory finds something else", "",
            "break ties by content; take chance from random.Random(text), order from sorted()",
        )  # fmt: skip
        return
    second = run_pass(subject, GLACIER)
    again = subject.within(lambda: {q.id: first.ask(q) for q in LISBON.questions})
    yield from _foreign(second, GLACIER, LISBON_ONLY)
    if told(again) != told(first.found):
        yield Finding(
            "leaks", "a conversation finds something else once another one was added elsewhere",
            "", _INSTANCE,
        )  # fmt: skip
    both = subject.make(), subject.make()
    one, two = (_Steps(subject, b, c) for b, c in zip(both, (LISBON, GLACIER), strict=True))
    for pair in zip_longest(one.steps(), two.steps()):
        for step in pair:
            if step is not None:
                subject.within(step)
    yield from _foreign(one.passed, LISBON, GLACIER_ONLY)
    yield from _foreign(two.passed, GLACIER, LISBON_ONLY)


class _Steps:
    """A pass that is made a session at a time."""

    def __init__(
        self, subject: Subject, backend: MemoryBackend, conversation: Conversation
    ) -> None:
        self._conversation = conversation
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
                    "another", "", _INSTANCE,
                )  # fmt: skip
                return


class _Watching(Recorder):
    """Holds the variables themselves, to see whether their values are changed later."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: list[Variable] = []

    def keep(self, variables: Sequence[Variable]) -> list[Ref]:
        self.kept.extend(variables)
        return super().keep(variables)


def inputs(subject: Subject) -> Iterator[Finding]:
    """What is handed in is not changed."""
    mend = "work on copies: dict(message), list(messages)"
    backend = subject.make()
    if isinstance(backend, Coarse):
        inner = backend.inner
        for session in LISBON.sessions:
            given = messages_of(session)
            before = copy.deepcopy(given)
            subject.within(lambda given=given: inner.add(given))  # type: ignore[misc]
            if given != before:
                changed = next((b for a, b in zip(before, given, strict=False) if a != b), None)
                shown = "the list itself" if changed is None else f"a message, now {changed!r:.120}"
                yield Finding("mutates_inputs", f"add changes what it is given: {shown}", "", mend)
                return
        return
    conversation = copy.deepcopy(LISBON)
    watching = _Watching()
    run_pass(subject, conversation, recorder=watching, backend=backend)
    if conversation_json(conversation) != conversation_json(LISBON):
        yield Finding("mutates_inputs", "it changes a session or a question", "", mend)
    other = next((v for v in watching.kept if canonical_json(v.value) != v.json), None)
    if other is not None:
        yield Finding(
            "mutates_inputs", f"it changes the value of a variable ({other.kind}, was "
            f"{other.json[:80]})", "", "take variables as they are; make new ones",
        )  # fmt: skip


def ids(subject: Subject) -> Iterator[Finding]:
    """Ids of entries and operations are unique; sources name messages."""
    for conversation in (LISBON, TWICE):
        passed = run_pass(subject, conversation)
        known = {m.id for s in conversation.sessions for m in s.messages}
        found = [e for entries in passed.found.values() for e in entries]
        held: Sequence[MemoryEntry] = ()
        if isinstance(passed.backend, Inspectable):
            held = subject.within(lambda p=passed: entries_of(p.backend.entries()))  # type: ignore[misc]
        yield from _repeated([e.id for e in held], "entries() returns")
        for question in conversation.questions:
            yield from _repeated([e.id for e in passed.found[question.id]], "a search returns")
        unknown = [s for e in (*found, *held) for s in e.sources if s not in known]
        if unknown:
            yield Finding(
                "ids", f"an entry's sources name '{unknown[0]}', which is no message", "",
                "let sources hold ids of messages that were added, or leave them out",
            )  # fmt: skip
        yield from _repeated(
            [o.id for o in passed.recorder.operations], "the pass recorded operations with"
        )
        return


def _repeated(ids: Sequence[str], what: str) -> Iterator[Finding]:
    twice = [id for id, n in Counter(ids).items() if n > 1]
    if twice:
        yield Finding(
            "ids", f"{what} the id '{twice[0]}' twice", "", "give each entry an id of its own"
        )


def snapshottable(subject: Subject) -> bool:
    """Say whether the backend can go back to a state."""
    return isinstance(subject.make(), Snapshottable)
