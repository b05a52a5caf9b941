"""Checks at the edges: other days, deadlines, what is left behind."""

from __future__ import annotations

import copy
import gc
import os
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from memory_backends.conformance.broken import broke
from memory_backends.conformance.elsewhere import difference
from memory_backends.conformance.finding import Finding
from memory_backends.conformance.samples import LISBON
from memory_backends.conformance.subject import Hung, Subject, run_pass
from traces.errors import DeadlineExceeded, TransientProviderError

_INSTANCES = 6


def deadlines(subject: Subject) -> Iterator[Finding]:
    """A deadline that has passed, and a model that cannot be reached, come out of it."""
    mend = "do not catch what `perform` and models raise (except Exception: ...); let it pass"
    for error in (DeadlineExceeded, TransientProviderError):
        asked: list[str] = []

        def bind(operation: Any, asked: list[str] = asked) -> Any:
            asked.append(operation.name)
            raise TransientProviderError("the model cannot be reached (a test)")

        def work(error: type[Exception] = error, bind: Any = bind) -> bool:
            backend = subject.made()
            context = subject.context(backend, LISBON.id, now=LISBON.sessions[0].date)
            if error is DeadlineExceeded:
                context = replace(context, deadline=time.monotonic() - 1)
            context = replace(context, bind=bind)
            try:
                for session in copy.deepcopy(LISBON).sessions:
                    backend.ingest(session, context.child(session.id, session.date))
                question = LISBON.questions[0]
                backend.retrieve(question, context.now, context.child(question.id, context.now))
            except error:
                return True
            return False

        passed = subject.within(work)
        if not passed and (error is DeadlineExceeded or asked):
            what = (
                "a deadline" if error is DeadlineExceeded else f"the error of '{asked[0]}''s model"
            )
            yield Finding("swallows_errors", f"{what} was swallowed", "", mend)


def cleanup(subject: Subject) -> Iterator[Finding]:
    """Instances that were closed leave no threads, open files or new files behind."""
    gc.collect()
    threads, files, there = set(threading.enumerate()), _files(), _written()
    for _ in range(_INSTANCES):
        passed = run_pass(subject, LISBON)
        for _ in range(2):
            try:
                subject.close(passed.backend)
            except Exception as error:
                yield broke(error, "closing it twice")
                return
    del passed
    gc.collect()
    # A thread inherits 'daemon' of the one that starts it, so that flag says nothing here.
    left = [t.name for t in threading.enumerate() if t not in threads and t.is_alive()]
    mend = "offer close(), which releases what an instance holds, and may be called twice"
    if len(left) >= _INSTANCES:
        yield Finding("leaves_behind", f"threads go on running: {left[0]}", "", mend)
    if _files() - files >= _INSTANCES:
        yield Finding("leaves_behind", f"{_files() - files} open files after {_INSTANCES} "
                      "instances", "", mend)  # fmt: skip
    new = sorted(name for name, _ in _written() - there)
    if new:
        yield Finding(
            "leaves_behind", f"it writes into the working directory: {new[0]}", "",
            "keep a conversation's memory in itself, or in a temporary directory that close() "
            "removes",
        )  # fmt: skip


def determinism(subject: Subject) -> Iterator[Finding]:
    """Two runs, in processes of different days, are the same to the letter."""
    if subject.elsewhere is None:
        return
    try:
        found = difference(subject.elsewhere(0), subject.elsewhere(400))
    except Hung as error:
        yield broke(error, "a run in a process of its own")
        return
    if found is not None:
        yield found


def _written() -> set[tuple[str, int]]:
    """Return names and times of change in the working directory."""
    with os.scandir() as found:
        return {(entry.name, entry.stat(follow_symlinks=False).st_mtime_ns) for entry in found}


def _files() -> int:
    try:
        return len(list(Path("/proc/self/fd").iterdir()))
    except OSError:  # not on every system
        return 0
