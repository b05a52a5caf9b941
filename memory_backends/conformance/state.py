"""Checks of what a memory is after something: reading, going back, reuse, repair, threads."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextvars import copy_context
from dataclasses import replace

from memory_backends.coarse import Coarse
from memory_backends.conformance.finding import Finding, remark
from memory_backends.conformance.samples import ANOTHER, GLACIER, LISBON
from memory_backends.conformance.subject import Passed, Subject, entries_of, run_pass, told
from memory_backends.plain import Item, PlainEntries, items
from memory_backends.protocol import Inspectable, MemoryBackend, Snapshottable
from traces.domain import Conversation, Question
from traces.errors import NotIntervenable
from traces.operation import Intervention, substitute
from traces.replay import RecordedOutputs, recorded_outputs
from traces.schema import MemoryEntry, Variable

_MENDED = "Rosa keeps a parrot called Kiko."
_APPLY = "compute in `call`, and apply to memory what `perform` returned, never what was computed"


def read_only(subject: Subject) -> Iterator[Finding]:
    """Searching changes nothing."""
    passed = run_pass(subject, LISBON)
    before = subject.within(lambda: _shown(passed.backend))
    again = subject.within(lambda: {q.id: passed.ask(q) for q in LISBON.questions})
    if told(again) != told(passed.found):
        yield Finding(
            "not_read_only", "the same question found something else the second time", "",
            "let a search change nothing, and break ties by content",
        )  # fmt: skip
    if subject.within(lambda: _shown(passed.backend)) != before:
        yield Finding(
            "not_read_only", "a search changed the entries", "", "let a search change nothing"
        )


def _shown(backend: MemoryBackend) -> Sequence[Item | MemoryEntry]:
    """Return the entries, of a plain memory as it shows them now."""
    if isinstance(backend, Coarse):
        inner = backend.inner
        return items(inner.entries(), "entries") if isinstance(inner, PlainEntries) else ()
    return entries_of(backend.entries()) if isinstance(backend, Inspectable) else ()


def snapshots(subject: Subject) -> Iterator[Finding]:
    """A snapshot brings memory back, again and again, also in another instance."""
    backend = subject.new()
    if not isinstance(backend, Snapshottable):
        yield remark(
            "no_snapshots", "it cannot go back to a state: replays add everything again",
            "offer snapshot() and restore(snapshot), or put(entry) and remove(entry_id)",
        )  # fmt: skip
        return
    mend = "let snapshot return copies, and restore copy them again"
    half = Conversation(LISBON.id, LISBON.sessions[:2], LISBON.questions)
    passed = run_pass(subject, half, backend=backend)
    kept = subject.within(backend.snapshot)
    rest = Conversation(LISBON.id, LISBON.sessions[2:], LISBON.questions)
    later = run_pass(subject, rest, backend=backend)
    for turn in ("", " the second time"):
        subject.within(lambda: backend.restore(kept))
        found = subject.within(lambda: {q.id: passed.ask(q) for q in LISBON.questions})
        if told(found) != told(passed.found):
            yield Finding("snapshot", f"a restored memory finds something else{turn}", "", mend)
            return
        again = run_pass(subject, rest, backend=backend)
        if told(again.found) != told(later.found):
            yield Finding(
                "snapshot", f"what is added to a restored memory leads elsewhere{turn}", "", mend
            )
            return
    other = subject.new()
    assert isinstance(other, Snapshottable)
    subject.within(lambda: other.restore(kept))
    moved = Passed(other, passed.context)
    found = subject.within(lambda: {q.id: moved.ask(q) for q in LISBON.questions})
    if told(found) != told(passed.found):
        yield Finding(
            "snapshot", "restored into another instance, it finds something else", "",
            "let a snapshot hold all of the state",
        )  # fmt: skip


def reuse(subject: Subject) -> Iterator[Finding]:
    """Recorded outputs bring a new memory to the same state."""
    passed = run_pass(subject, LISBON)
    outputs = RecordedOutputs(passed.graph)
    try:
        rebuilt = run_pass(subject, LISBON, reuse=outputs)
        ran = [o.name for o in rebuilt.recorder.operations if o.status == "executed"]
        asked = [*LISBON.questions, ANOTHER]
        first = subject.within(lambda: _anew(passed, asked))
        second = subject.within(lambda: _anew(rebuilt, asked))
    except NotIntervenable as error:
        yield Finding(
            "not_deterministic", f"adding the same messages again leads elsewhere: {error}", "",
            "let the same messages lead to the same memory",
        )  # fmt: skip
        return
    if ran:
        yield Finding(
            "not_deterministic", f"operation '{ran[0]}' is given something else the second time",
            "", "let identity and inputs depend on the messages alone",
        )  # fmt: skip
    if first != second or _entries(subject, passed) != _entries(subject, rebuilt):
        yield Finding(
            "reuse", "a memory that is rebuilt from recorded outputs is not what it was", "", _APPLY
        )


def repair(subject: Subject) -> Iterator[Finding]:
    """What is put in the place of an update's outputs takes hold."""
    passed = run_pass(subject, LISBON)
    if not isinstance(passed.backend, Inspectable):
        return
    made = [v for v in passed.graph.variables("entry") if v.value["version"] == 1]
    if not made:
        return
    id = made[-1].id.partition("/")[0]
    operation = passed.graph.operations[id]
    gone = {v.value["entry_id"] for v in made if v.id.startswith(f"{id}/")}
    put = recorded_outputs(passed.graph, id)
    mended = Variable("entry", {**made[-1].value, "text": _MENDED})
    put["entries"] = [mended if v.value == made[-1].value else v for v in put["entries"]]
    try:
        without = _repaired(subject, passed, substitute(id, {}))
        other = _repaired(subject, passed, substitute(id, put))
    except NotIntervenable:
        yield remark(
            "not_intervenable", f"the outputs of '{operation.name}' cannot be replaced, so it is "
            "never proved to have caused a failure: attribution abstains there",
            "offer entries(), put(entry) and remove(entry_id), or use ctx.perform",
        )  # fmt: skip
        return
    if gone & {e.id for e in without}:
        yield Finding(
            "repair", f"entries of '{operation.name}' stand although a repair put out none", "",
            _APPLY,
        )  # fmt: skip
    elif not any(_MENDED in e.text for e in other):
        yield Finding(
            "repair", f"an entry that a repair put in the place of that of '{operation.name}' is "
            "not in memory", "", _APPLY,
        )  # fmt: skip


def _repaired(subject: Subject, passed: Passed, repair: Intervention) -> list[MemoryEntry]:
    """Return what memory holds when the pass is made again with a repair."""
    outputs = RecordedOutputs(passed.graph)
    again = run_pass(subject, LISBON, reuse=outputs, interventions=[repair])
    return _entries(subject, again)


def threads(subject: Subject) -> Iterator[Finding]:
    """Questions in several threads, and conversations side by side, make no difference."""
    alone = run_pass(subject, LISBON), run_pass(subject, GLACIER)
    passed = alone[0]
    if isinstance(passed.backend, Snapshottable):
        asked = list(LISBON.questions) * 3
        found = subject.within(lambda: _at_once(passed, asked))
        if any(
            [e.text for e in entries] != [e.text for e in passed.found[q.id]]
            for q, entries in zip(asked, found, strict=True)
        ):
            yield Finding(
                "threads", "questions asked in several threads find something else", "",
                "share nothing that changes between searches, or hold a lock",
            )  # fmt: skip
    else:
        yield remark(
            "one_by_one", "questions in several threads were not tried: without snapshots they "
            "are asked one after another, in a run too", "offer snapshot() and restore(snapshot)",
        )  # fmt: skip
    results: list[Future[Passed]] = []
    for conversation in (LISBON, GLACIER):
        future: Future[Passed] = Future()
        results.append(future)

        def run(conversation: Conversation = conversation, future: Future[Passed] = future) -> None:
            try:
                future.set_result(run_pass(subject, conversation))
            except BaseException as error:
                future.set_exception(error)

        threading.Thread(target=run, daemon=True).start()
    for future, before in zip(results, alone, strict=True):
        if told(future.result(2 * subject.seconds).found) != told(before.found):
            yield Finding(
                "threads", "two conversations side by side find something else than alone", "",
                "keep everything in the instance",
            )  # fmt: skip
            return


def _at_once(passed: Passed, asked: list[Question]) -> list[tuple[MemoryEntry, ...]]:
    found: dict[int, tuple[MemoryEntry, ...]] = {}
    failed: list[BaseException] = []

    def ask(place: int) -> None:
        try:
            found[place] = passed.ask(asked[place])
        except BaseException as error:
            failed.append(error)

    workers = [
        threading.Thread(target=copy_context().run, args=(ask, n), daemon=True)
        for n in range(len(asked))
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if failed:
        raise failed[0]
    return [found[n] for n in range(len(asked))]


def _anew(passed: Passed, asked: list[Question]) -> list[list[str]]:
    """Return what is found when nothing is reused."""
    fresh = Passed(passed.backend, replace(passed.context, reuse=None))
    return [[e.text for e in fresh.ask(q)] for q in asked]


def _entries(subject: Subject, passed: Passed) -> list[MemoryEntry]:
    backend = passed.backend
    if not isinstance(backend, Inspectable):
        return []
    return list(subject.within(lambda: entries_of(backend.entries())))
