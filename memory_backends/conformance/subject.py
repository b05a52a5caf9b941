"""What is checked, and the passes that checks make over it."""

from __future__ import annotations

import sys
import threading
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from contextvars import copy_context
from dataclasses import dataclass, field
from typing import Any, TypeVar

from memory_backends.places import foreign_frames, place
from memory_backends.protocol import Closable, MemoryBackend
from traces.domain import Conversation, PromptSet, Question
from traces.errors import OperationError, ProviderError
from traces.graph import EvolutionGraph
from traces.operation import (
    BindModel,
    BoundOperation,
    Intervention,
    OperationContext,
    Recorder,
    ReuseIndex,
)
from traces.schema import MemoryEntry

T = TypeVar("T")
Found = dict[str, tuple[MemoryEntry, ...]]  # by question id


class NoModel(ProviderError):
    """A backend asks a model, and the suite was given none."""

    code = "no_model"


class Hung(Exception):
    """Nothing came of a backend in time; `where` says where it stood."""

    def __init__(self, seconds: float, where: str) -> None:
        super().__init__(f"did not return within {seconds:g} s")
        self.where = where


def _no_model(operation: BoundOperation) -> Any:
    raise NoModel(
        f"operation '{operation.name}' asks a model, and none was given; use 'memtune backends "
        "check', or hand a model in as Subject.bind"
    )


@dataclass(frozen=True)
class Subject:
    """A backend under check.

    `make` returns a new, empty one. `bind` gives its operations a model, `scope` is the
    context that these need around them. `elsewhere(days)` runs
    `memory_backends.conformance.elsewhere.record` in another process whose wall clock is so
    many days ahead; None: determinism over processes is not checked. `seconds` is granted to
    each pass over a small conversation.
    """

    name: str
    make: Callable[[], MemoryBackend]
    bind: BindModel = _no_model
    scope: Callable[[], AbstractContextManager[Any]] = nullcontext
    elsewhere: Callable[[int], Mapping[str, Any]] | None = None
    seconds: float = 20.0

    def context(self, backend: MemoryBackend, episode: str, **more: Any) -> OperationContext:
        """Return a fresh pass with the backend's seed prompts."""
        prompts = PromptSet({slot.name: slot.seed for slot in backend.slots})
        now = more.pop("now")
        return OperationContext(
            episode, "", now, prompts, self.bind, parameters=backend.fingerprint, **more
        )

    def within(self, work: Callable[[], T], seconds: float | None = None) -> T:
        """Return what comes of work on the backend. Raises Hung when nothing does in time."""
        limit = self.seconds if seconds is None else seconds
        found: list[T] = []
        failed: list[BaseException] = []

        def run() -> None:
            try:
                with self.scope():
                    found.append(work())
            except BaseException as error:
                failed.append(error)

        # A thread cannot be killed: one that hangs is left behind.
        thread = threading.Thread(target=copy_context().run, args=(run,), daemon=True)
        thread.start()
        thread.join(limit)
        if thread.is_alive():
            raise Hung(limit, _standing(thread))
        if failed:
            raise failed[0]
        return found[0]


@dataclass
class Passed:
    """One pass: the memory as it stands, what was recorded, and what was found."""

    backend: MemoryBackend
    context: OperationContext
    found: Found = field(default_factory=dict)

    @property
    def recorder(self) -> Recorder:
        """What the pass recorded."""
        return self.context.recorder

    @property
    def graph(self) -> EvolutionGraph:
        """The graph of the pass."""
        return EvolutionGraph.of(self.recorder)

    def ask(self, question: Question) -> tuple[MemoryEntry, ...]:
        """Return what is retrieved for a question. Raises OperationError for garbage."""
        now = self.context.now
        found = self.backend.retrieve(question, now, self.context.child(question.id, now))
        return entries_of(found)


def run_pass(
    subject: Subject,
    conversation: Conversation,
    *,
    backend: MemoryBackend | None = None,
    questions: Sequence[Question] | None = None,
    reuse: ReuseIndex | None = None,
    interventions: Sequence[Intervention] = (),
    recorder: Recorder | None = None,
    seconds: float | None = None,
) -> Passed:
    """Run a conversation through a new memory (or a given one) in time.

    Raises Hung, and what the backend raises.
    """

    def work() -> Passed:
        memory = backend if backend is not None else subject.make()
        context = subject.context(
            memory, conversation.id, now=conversation.sessions[0].date, reuse=reuse,
            recorder=recorder or Recorder(),
        )  # fmt: skip
        if interventions:
            context = context.intervened(interventions)
        passed = Passed(memory, context)
        for session in conversation.sessions:
            memory.ingest(session, context.child(session.id, session.date))
        for question in conversation.questions if questions is None else questions:
            passed.found[question.id] = passed.ask(question)
        return passed

    return subject.within(work, seconds)


def close(backend: MemoryBackend) -> None:
    """Close a backend that can be closed."""
    if isinstance(backend, Closable):
        backend.close()


def entries_of(found: Any) -> tuple[MemoryEntry, ...]:
    """Return what `retrieve` or `entries` returned. Raises OperationError for anything but
    memory entries."""
    if found is None or isinstance(found, str) or not hasattr(found, "__iter__"):
        raise OperationError(f"{type(found).__name__} {found!r:.60} was returned, no entries")
    entries = tuple(found)
    for one in entries:
        if not isinstance(one, MemoryEntry):
            raise OperationError(f"{type(one).__name__} {one!r:.60} was returned, no MemoryEntry")
    return entries


def told(found: Found) -> dict[str, list[str]]:
    """Return the texts found, by question."""
    return {question: [entry.text for entry in entries] for question, entries in found.items()}


def where(error: BaseException) -> str:
    """Return where an error comes from."""
    return error.where if isinstance(error, Hung) else place(error)


def _standing(thread: threading.Thread) -> str:
    frame = sys._current_frames().get(thread.ident or 0)
    if frame is None:
        return ""
    stack = traceback.extract_stack(frame)
    found = (foreign_frames(stack) or list(stack))[-1]
    return f"{found.filename}:{found.lineno} in {found.name}"
