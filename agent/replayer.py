"""Replays one question of a recorded pass on memory of its own (`traces.replay.Replay`).

The memory is rebuilt from recorded outputs once a pass, with a snapshot after each session;
a replay begins at the nearest snapshot before the first operation that it changes. The
incumbent's memory is never touched.
"""

from __future__ import annotations

import errno
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace

from agent.response import respond
from agent.unconcerned import Steps, TakenOver
from memory_backends.protocol import Closable, MemoryBackend, Snapshottable
from traces.domain import Conversation, OperationKind, Question, Session
from traces.errors import (
    BudgetExceeded,
    ContentError,
    DeadlineExceeded,
    MemtuneError,
    OperationError,
    ProviderError,
    StopRequested,
    StoreError,
    TransientProviderError,
)
from traces.graph import EvolutionGraph
from traces.operation import Draw, Intervention, OperationContext, Recorder
from traces.replay import RecordedOutputs, Replayed, SlicePins
from traces.results import Failure
from traces.schema import Inputs, MemoryEntry, Variable

SECONDS = 120.0  # of one replay
Respond = Callable[[Question, Sequence[MemoryEntry], OperationContext], Variable]
# What no repair is to blame for: it ends the attribution, not the replay.
_PASSES = (BudgetExceeded, StopRequested, StoreError)
# The same, of a backend's system calls. Its other OSErrors (a file, a connection) are its own.
_MACHINE = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENOMEM}
)


class _ExtractionOnly:
    """traces.operation.Pins: everything but the extraction puts out nothing."""

    def find(
        self, kind: OperationKind, operation_id: str, inputs: Inputs
    ) -> dict[str, list[Variable]] | None:
        return None if kind == "extraction" else {}


@dataclass
class RecordedPass:
    """One recorded pass over a conversation, ready to be replayed. Thread-safe.

    `context` is a fresh context of the pass: its prompts, models, parameters, and (in fault
    planting) the faults that stay active. `recorded` is the pass's graph. `real` (fault
    planting) is the same with what the faulted operations put out of themselves, before their
    faults: what is reused and pinned; the faults are applied to it again. `respond` answers
    from what was retrieved.
    """

    make_backend: Callable[[], MemoryBackend]
    context: OperationContext
    conversation: Conversation
    recorded: EvolutionGraph
    seconds: float = SECONDS
    real: EvolutionGraph | None = None
    respond: Respond = respond
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _idle: list[MemoryBackend] = field(default_factory=list)
    # Per session: what stood after it, and the rebuilt operations up to and with it.
    _snapshots: dict[str, object] = field(default_factory=dict)
    _base: Recorder = field(default_factory=Recorder)
    _ends: dict[str, int] = field(default_factory=dict)
    _built: bool = False
    _closed: bool = False

    def __post_init__(self) -> None:
        self._real = self.real if self.real is not None else self.recorded
        self._reuse = RecordedOutputs(self._real)
        self._steps = Steps(self._real, self.context.interventions.keys())
        self._places = {s.id: i for i, s in enumerate(self.conversation.sessions)}

    def of(self, question: Question) -> QuestionReplay:
        """Return the replay of one question (`traces.replay.Replay`)."""
        return QuestionReplay(self, question)

    def replay(
        self,
        question: Question,
        interventions: Sequence[Intervention],
        evidence: Collection[str],
        draw: Draw | None,
    ) -> Replayed:
        """Replay a question; see `traces.replay.Replay`."""
        pins = SlicePins(self._real, frozenset(evidence)) if evidence else None
        context = replace(
            self.context.intervened(interventions), pins=pins, draw=draw, reuse=self._reuse
        )
        changed = {one.operation for one in interventions}
        if draw is not None:
            changed |= draw.operations
        try:
            with self._backend() as backend:
                if isinstance(backend, Snapshottable):
                    self._build(backend)
                # From here on: rebuilding serves many replays.
                context = replace(context, deadline=self._deadline())
                prediction = self._run(backend, context, question, changed, evidence)
                # What a planted fault corrupts need not be there.
                context.require_fired(o.operation for o in interventions if not o.unseen)
        except _PASSES:
            raise
        except (TransientProviderError, ContentError) as error:
            return self._failed(context, error)
        except ProviderError:
            raise
        except DeadlineExceeded as error:
            self._require_time()
            return self._failed(context, error)
        except Exception as error:
            _require_machine(error)
            return self._failed(context, error)
        ran = tuple(o.id for o in context.recorder.operations if o.status == "executed")
        return Replayed(context.recorder, prediction, None, ran)

    def extract_alone(
        self, message_id: str, sample_index: int, beside: Sequence[str]
    ) -> tuple[Variable, ...]:
        """Return the facts of one message (or of a few); see `traces.replay.Replay`."""
        return self._extract(message_id, sample_index, frozenset((message_id, *beside)))

    def _extract(
        self, message_id: str, sample_index: int, ids: frozenset[str]
    ) -> tuple[Variable, ...]:
        session = self.conversation.session_of(message_id)
        if session is None:
            return ()
        context = replace(
            self.context, recorder=Recorder(), pins=_ExtractionOnly(), sample_index=sample_index,
            reuse=None, deadline=self._deadline(),
        )  # fmt: skip
        messages = tuple(m for m in session.messages if m.id in ids)
        few = Session(session.id, session.date, messages)
        try:
            with _scope(), self._fresh() as backend:
                backend.ingest(few, context.child(session.id, session.date))
        except DeadlineExceeded:
            self._require_time()
            return ()
        except (TransientProviderError, ContentError, OperationError):
            return ()
        except MemtuneError:
            raise
        except Exception as error:
            _require_machine(error)
            return ()  # a backend that cannot take a few messages has no such repair
        made = EvolutionGraph.of(context.recorder)
        return tuple(v for v in made.variables("fact") if not ids.isdisjoint(v.value["sources"]))

    # running ---------------------------------------------------------------------

    def _run(
        self,
        backend: MemoryBackend,
        context: OperationContext,
        question: Question,
        changed: Collection[str],
        evidence: Collection[str],
    ) -> str:
        sessions = self._asked_after(question)
        snapshots = isinstance(backend, Snapshottable)
        first = self._first_changed(changed, sessions) if snapshots else 0
        if first:
            before = sessions[first - 1].id
            assert isinstance(backend, Snapshottable)
            backend.restore(self._snapshots[before])
            self._take_over(context.recorder, self._ends[before])
        elif isinstance(backend, Snapshottable):
            backend.restore(self._snapshots[""])
        taken = None
        if snapshots and context.pins is not None:
            taken = TakenOver(
                backend, context.recorder, self._base, self._steps, changed, evidence
            )  # fmt: skip
        with _scope():
            for session in sessions[first:]:
                if taken is not None and taken.take(session.id):
                    continue
                if taken is not None:
                    taken.settle()
                backend.ingest(session, context.child(session.id, session.date))
            if taken is not None:
                taken.settle()
            asked = context.child(question.id, question.asked_on or sessions[-1].date)
            entries = list(backend.retrieve(question, asked.now, asked))
            return str(self.respond(question, entries, asked).value["text"])

    def _asked_after(self, question: Question) -> list[Session]:
        sessions = list(self.conversation.sessions)
        if question.asked_after is None:
            return sessions
        return sessions[: self._places[question.asked_after] + 1]

    def _first_changed(self, changed: Collection[str], sessions: Sequence[Session]) -> int:
        """Return the place of the first session that has to be ingested anew."""
        places = [len(sessions)]
        for id in changed:
            if id not in self.recorded.operations:
                return 0  # an operation that only a replay has: anywhere
            scope = self.recorded.operations[id].scope
            places.append(self._places.get(scope, len(sessions)))
        return min(places)

    def _take_over(self, recorder: Recorder, end: int) -> None:
        """Let a replay's record begin with what was rebuilt up to its first session."""
        recorder.operations.extend(self._base.operations[:end])
        recorder.values.update(self._base.values)
        recorder.fired.update(o.id for o in recorder.operations)

    def _deadline(self) -> float:
        """Return when a replay that begins now has to be done, on `time.monotonic`'s clock."""
        own = time.monotonic() + self.seconds
        return own if self.context.deadline is None else min(own, self.context.deadline)

    def _require_time(self) -> None:
        """Raise DeadlineExceeded where it is the run's own deadline that has passed."""
        if self.context.deadline is not None and time.monotonic() > self.context.deadline:
            raise DeadlineExceeded("the run's deadline passed during a replay")

    # copies of the memory ------------------------------------------------------------

    def _build(self, backend: MemoryBackend) -> None:
        """Rebuild the memory by reuse, with a snapshot after each session; once."""
        assert isinstance(backend, Snapshottable)
        with self._lock:
            if self._built:
                return
            self._snapshots[""] = backend.snapshot()
            base = replace(self.context, recorder=Recorder(), reuse=self._reuse)
            with _scope():
                for session in self.conversation.sessions:
                    before, start = backend.snapshot(), len(base.recorder.operations)
                    backend.ingest(session, base.child(session.id, session.date))
                    self._snapshots[session.id] = after = backend.snapshot()
                    self._ends[session.id] = len(base.recorder.operations)
                    self._steps.add(session.id, base.recorder.operations[start:], before, after)
            self._base = base.recorder
            self._built = True

    @contextmanager
    def _fresh(self) -> Iterator[MemoryBackend]:
        backend = self.make_backend()
        try:
            yield backend
        finally:
            if isinstance(backend, Closable):
                backend.close()

    @contextmanager
    def _backend(self) -> Iterator[MemoryBackend]:
        """Lend an instance of the memory; one that raised is not used again."""
        with self._lock:
            backend = self._idle.pop() if self._idle else None
        if backend is None:
            backend = self.make_backend()
        try:
            yield backend
        except BaseException:
            if isinstance(backend, Closable):
                backend.close()
            raise
        with self._lock:
            kept = isinstance(backend, Snapshottable) and not self._closed
            if kept:
                self._idle.append(backend)
        if not kept and isinstance(backend, Closable):
            backend.close()

    def close(self) -> None:
        """Release the copies: the idle ones now, those at work when they are given back."""
        with self._lock:
            self._closed = True
            while self._idle:
                backend = self._idle.pop()
                if isinstance(backend, Closable):
                    backend.close()

    @staticmethod
    def _failed(context: OperationContext, error: Exception) -> Replayed:
        code = error.code if isinstance(error, MemtuneError) else type(error).__name__
        return Replayed(context.recorder, None, f"{code}: {error}"[:300])


def _require_machine(error: Exception) -> None:
    """Raise an OSError that no backend is to blame for (a full disk, no more files)."""
    if isinstance(error, OSError) and error.errno in _MACHINE:
        raise error


def _scope() -> AbstractContextManager[None]:
    from agent.models.language_model import dspy_scope

    return dspy_scope()


@dataclass(frozen=True)
class QuestionReplay:
    """traces.replay.Replay over a recorded pass."""

    recorded: RecordedPass
    question: Question
    # A failure pays for its own calls, whoever asked the same before: costs do not depend on
    # the order of failures.
    _alone: dict[tuple[frozenset[str], int], tuple[Variable, ...]] = field(
        default_factory=dict, compare=False, repr=False
    )

    def __call__(
        self,
        interventions: Sequence[Intervention],
        *,
        evidence: Collection[str] = (),
        draw: Draw | None = None,
    ) -> Replayed:
        """Replay the question with these interventions."""
        return self.recorded.replay(self.question, interventions, evidence, draw)

    def extract_alone(
        self, message_id: str, sample_index: int = 0, beside: Sequence[str] = ()
    ) -> tuple[Variable, ...]:
        """Return what the memory's own extraction makes of one message, or of a few."""
        key = frozenset((message_id, *beside)), sample_index
        if key not in self._alone:
            self._alone[key] = self.recorded.extract_alone(message_id, sample_index, beside)
        return self._alone[key]


class Replayer:
    """traces.replay.OpenReplay: rebuilds the memory of a failure's pass where it is needed.

    `context_of` returns a fresh pass over a conversation with the prompts of a recorded pass.
    A few rebuilt passes are kept, so that failures of one conversation share them.
    """

    KEPT = 4

    def __init__(
        self,
        make_backend: Callable[[], MemoryBackend],
        context_of: Callable[[Failure], OperationContext],
        seconds: float = SECONDS,
    ) -> None:
        self._make_backend = make_backend
        self._context_of = context_of
        self._seconds = seconds
        self._passes: OrderedDict[tuple[str, int], RecordedPass] = OrderedDict()
        self._lock = threading.Lock()

    def __call__(self, failure: Failure, graph: EvolutionGraph) -> QuestionReplay:
        """Return the replay of one failure."""
        if not graph.operations:
            raise OperationError(
                f"{failure.conversation.id}: its operations are not in the store (pass "
                f"{failure.pass_id}); run the evaluation again, then attribute"
            )
        key = failure.conversation.id, failure.pass_id
        with self._lock:
            found = self._passes.get(key)
            if found is not None and found.recorded is not graph:
                found.close()
                found = None
            if found is None:
                found = self._passes[key] = RecordedPass(
                    self._make_backend, self._context_of(failure), failure.conversation, graph,
                    self._seconds,
                )  # fmt: skip
            self._passes.move_to_end(key)
            while len(self._passes) > self.KEPT:
                self._passes.popitem(last=False)[1].close()
        return found.of(failure.question)
