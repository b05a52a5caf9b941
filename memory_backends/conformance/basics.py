"""Checks without which no other makes sense: form, a plain pass, inputs, ids."""

from __future__ import annotations

import copy
import inspect
import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from memory_backends.coarse import Coarse
from memory_backends.conformance.finding import Finding, remark
from memory_backends.conformance.samples import LISBON, TWICE, VERBATIM
from memory_backends.conformance.subject import Passed, Subject, entries_of, run_pass
from memory_backends.plain import PlainEntries, PlainMessage, items, messages_of
from memory_backends.protocol import Inspectable
from traces.domain import Conversation, PromptSlot, conversation_json
from traces.hashing import canonical_json
from traces.operation import Recorder
from traces.schema import Ref, Variable

_CALLS: Mapping[str, Mapping[str, Sequence[str]]] = {
    "coarse": {"add": ["messages"], "search": ["question"]},
    "fine": {"ingest": ["session", "ctx"], "retrieve": ["question", "asked_on", "ctx"]},
}
_LONE = re.compile("[\ud800-\udfff]")  # half of a surrogate pair


def protocol(subject: Subject) -> Iterator[Finding]:
    """Name, slots, fingerprint, and capabilities that are whole."""
    one, two = subject.new(), subject.new()
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
    yield from _called(inner, _CALLS["coarse" if isinstance(one, Coarse) else "fine"])
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
    subject.close(one)
    subject.close(two)
    # What hangs in closing would cost as much time at the end of every check.
    for backend in (one, two):
        subject.close(backend)


def _called(inner: object, calls: Mapping[str, Sequence[str]]) -> Iterator[Finding]:
    """Yield a finding for each method that cannot be called with what it is given."""
    for method, given in calls.items():
        taken = getattr(inner, method)
        try:
            signature = inspect.signature(taken)
        except (TypeError, ValueError):  # some written in C tell nothing
            continue
        try:
            signature.bind(*given)
        except TypeError as error:
            yield Finding(
                "protocol", f"{method} is called as {method}({', '.join(given)}), and is "
                f"{method}{signature}: {error}", _line(taken),
                "give what else it takes a default, or an option of the constructor",
            )  # fmt: skip


def _line(taken: object) -> str:
    code = getattr(taken, "__code__", None)
    return f"{code.co_filename}:{code.co_firstlineno}" if code is not None else ""


def works(subject: Subject) -> Iterator[Finding]:
    """Two conversations go in, and questions get entries back."""
    out = sys.stdout, sys.stderr
    # What it needs may be imported only now.
    passed = run_pass(
        subject, LISBON, questions=[*LISBON.questions, VERBATIM], seconds=3 * subject.seconds
    )
    run_pass(subject, TWICE)
    for entry in (entry for entries in passed.found.values() for entry in entries):
        if not entry.text.strip() or _LONE.search(entry.text):
            yield Finding(
                "garbage", f"a search returns {entry.text[:60]!r}, which is no text that a model "
                "can be sent", "", "return what was added, as text: text.encode() must work",
            )  # fmt: skip
            return
    if (sys.stdout, sys.stderr) != out:
        yield Finding(
            "takes_output", "it puts something else in the place of sys.stdout or sys.stderr: what "
            "memtune prints is lost", "", "use contextlib.redirect_stdout, or print nothing",
        )  # fmt: skip
    if not any(passed.found.values()):
        yield Finding(
            "finds_nothing", "no question of a plain conversation found anything, not even one "
            f"that was told word for word ('{VERBATIM.text}')", "",
            "let search return entries that share words with a question",
        )  # fmt: skip


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
    backend = subject.new()
    if isinstance(backend, Coarse):
        given = [messages_of(session) for session in LISBON.sessions]
        before = copy.deepcopy(given)
        inner = backend.inner

        def add() -> None:
            for messages in given:
                inner.add(messages)

        def search() -> None:
            for question in LISBON.questions:
                items(inner.search(question.text), "search")

        for what, work in (
            ("add changes what it is", add),
            ("search changes what add was", search),
        ):
            subject.within(work)
            if given != before:
                shown = _changed(before, given)
                yield Finding("mutates_inputs", f"{what} given: {shown}", "", mend)
                return
        return
    conversation = copy.deepcopy(LISBON)
    watching = _Watching()
    run_pass(subject, conversation, recorder=watching, backend=backend, copied=False)
    if conversation_json(conversation) != conversation_json(LISBON):
        yield Finding("mutates_inputs", "it changes a session or a question", "", mend)
    other = next((v for v in watching.kept if canonical_json(v.value) != v.json), None)
    if other is not None:
        yield Finding(
            "mutates_inputs", f"it changes the value of a variable ({other.kind}, was "
            f"{other.json[:80]})", "", "take variables as they are; make new ones",
        )  # fmt: skip


def _changed(before: list[list[PlainMessage]], now: list[list[PlainMessage]]) -> str:
    """Return the first change in what was given, in words."""
    sessions = zip(before, now, strict=True)
    for one, other in (pair for given in sessions for pair in zip(*given, strict=False)):
        changed = {name: value for name, value in other.items() if one.get(name) != value}
        gone = [name for name in one if name not in other]
        if changed:
            return f"a message, now with {changed!r:.120}"
        if gone:
            return f"a message, now without {gone}"
    return "the list itself"


def ids(subject: Subject) -> Iterator[Finding]:
    """Ids of entries and operations are unique; sources name messages."""
    for conversation in (LISBON, TWICE):
        found = list(_ids(subject, conversation))
        yield from found
        if found:
            return


def _ids(subject: Subject, conversation: Conversation) -> Iterator[Finding]:
    passed = run_pass(subject, conversation)
    backend = passed.backend
    known = {m.id for s in conversation.sessions for m in s.messages}
    entries = [e for entries in passed.found.values() for e in entries]
    if isinstance(backend, Inspectable):
        entries += subject.within(lambda: entries_of(backend.entries()))
    for what, given in subject.within(lambda: _given(passed, conversation)):
        yield from _repeated(given, what)
    unknown = [s for e in entries for s in e.sources if s not in known]
    if unknown:
        yield Finding(
            "ids", f"an entry's sources name '{unknown[0]}', which is no message", "",
            "let sources hold ids of messages that were added, or leave them out",
        )  # fmt: skip
    yield from _repeated(
        [o.id for o in passed.recorder.operations], "the pass recorded operations with"
    )


def _given(passed: Passed, conversation: Conversation) -> list[tuple[str, list[str]]]:
    """Return the ids that entries() and each search return, with what returns them. Those of a
    plain memory as it gives them: wrapped, entries of one id are one."""
    backend, found = passed.backend, passed.found
    if not isinstance(backend, Coarse):
        shown = entries_of(backend.entries()) if isinstance(backend, Inspectable) else ()
        ids = [
            [e.id for e in shown],
            *([e.id for e in found[q.id]] for q in conversation.questions),
        ]
    else:
        inner = backend.inner
        told = items(inner.entries(), "entries") if isinstance(inner, PlainEntries) else []
        all = [told, *(items(inner.search(q.text), "search") for q in conversation.questions)]
        ids = [[item.id for item in one if item.id is not None] for one in all]
    whats = ["entries() returns", *("a search returns" for _ in conversation.questions)]
    return list(zip(whats, ids, strict=True))


def _repeated(ids: Sequence[str], what: str) -> Iterator[Finding]:
    twice = [id for id, n in Counter(ids).items() if n > 1]
    if twice:
        yield Finding(
            "ids", f"{what} the id '{twice[0]}' twice", "", "give each entry an id of its own"
        )
