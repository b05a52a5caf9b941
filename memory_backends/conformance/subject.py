"""What is checked, and the passes that checks make over it."""

from __future__ import annotations

import copy
import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from contextvars import copy_context
from dataclasses import dataclass, field
from typing import Any, TypeVar

from memory_backends.places import foreign_frames, frames_of, place
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
_LOOKS = 50  # at a thread that hangs
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
    each pass over a small conversation. Instances belong to the subject: whoever is done with
    them calls `release`.
    """

    name: str
    make: Callable[[], MemoryBackend]
    bind: BindModel = _no_model
    scope: Callable[[], AbstractContextManager[Any]] = nullcontext
    elsewhere: Callable[[int], Mapping[str, Any]] | None = None
    seconds: float = 20.0
    _made: list[MemoryBackend] = field(default_factory=list, init=False, repr=False)

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
        for error in failed:
            if isinstance(error, Exception):
                raise error
            # The user's interruption comes to the main thread, never to this one.
            raise OperationError(f"{type(error).__name__}: {error}"[:200]) from error
        return found[0]

    def made(self) -> MemoryBackend:
        """Return a new one; for work that is `within` a time already."""
        backend = self.make()
        self._made.append(backend)
        return backend

    def new(self) -> MemoryBackend:
        """Return a new one, made in time."""
        return self.within(self.made)

    def close(self, backend: MemoryBackend) -> None:
        """Close one that can be closed, in time."""
        if isinstance(backend, Closable):
            self.within(backend.close)

    def release(self) -> None:
        """Close all instances that were made so far. What closing raises is for the check of
        closing to find."""
        made, self._made[:] = list(self._made), []
        for backend in made:
            try:
                self.close(backend)
            except Hung:
                return  # the others would cost as much time each
            except Exception:
                continue


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
    copied: bool = True,
) -> Passed:
    """Run a conversation (a copy: who changes it must not spoil what follows) through a new
    memory (or a given one) in time.

    Raises Hung, and what the backend raises.
    """

    given = copy.deepcopy(conversation) if copied else conversation

    def work() -> Passed:
        memory = backend if backend is not None else subject.made()
        context = subject.context(
            memory, given.id, now=given.sessions[0].date, reuse=reuse,
            recorder=recorder or Recorder(),
        )  # fmt: skip
        if interventions:
            context = context.intervened(interventions)
        passed = Passed(memory, context)
        for session in given.sessions:
            memory.ingest(session, context.child(session.id, session.date))
        for question in given.questions if questions is None else questions:
            passed.found[question.id] = passed.ask(question)
        return passed

    return subject.within(work, seconds)


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
    """Return where a thread stands: in somebody's code, where it is seen there soon."""
    at = ""
    for _ in range(_LOOKS):
        frames = frames_of([thread.ident or 0])
        if not frames:
            break
        stack = traceback.extract_stack(frames[0])
        theirs = foreign_frames(stack)
        found = (theirs or list(stack))[-1]
        at = f"{found.filename}:{found.lineno} in {found.name}"
        if theirs:
            break
        time.sleep(0.01)  # between two values of a generator it is ours
    return at
