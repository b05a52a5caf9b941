"""One recorded pass, replayed a question at a time (`traces.replay.Replay`).

A replay works on a copy of the rebuilt memory and begins at the nearest snapshot before the
first operation that it changes. The incumbent's memory is never touched.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace

from agent.patience import AttendedReplays, Patience
from agent.rebuilt_memory import RebuiltMemory
from agent.replay_errors import PASSES, failed
from agent.response import respond
from agent.unconcerned import Steps, TakenOver
from memory_backends.protocol import MemoryBackend, Snapshottable
from traces.domain import Conversation, OperationKind, Question, Session
from traces.errors import (
    ContentError,
    DeadlineExceeded,
    MemtuneError,
    OperationError,
    TransientProviderError,
    of_machine,
)
from traces.graph import EvolutionGraph
from traces.operation import Draw, Intervention, OperationContext, Recorder
from traces.replay import RecordedOutputs, Replayed, SlicePins
from traces.schema import Inputs, MemoryEntry, Variable

SECONDS = 120.0  # of one replay
Respond = Callable[[Question, Sequence[MemoryEntry], OperationContext], Variable]


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
    from what was retrieved. `patience` attends to the replays.
    """

    make_backend: Callable[[], MemoryBackend]
    context: OperationContext
    conversation: Conversation
    recorded: EvolutionGraph
    seconds: float = SECONDS
    real: EvolutionGraph | None = None
    respond: Respond = respond
    patience: Patience = field(default_factory=Patience)

    def __post_init__(self) -> None:
        self._real = self.real if self.real is not None else self.recorded
        self._reuse = RecordedOutputs(self._real)
        self._steps = Steps(self._real, self.context.interventions.keys())
        self._replays = AttendedReplays(
            lambda: RebuiltMemory(self.make_backend, self.conversation, self._steps), self.patience
        )
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

        def work(context: OperationContext, memory: RebuiltMemory) -> str:
            with memory.lent() as backend:
                if isinstance(backend, Snapshottable):
                    memory.build(backend, replace(self.context, reuse=self._reuse))
                # From here on: rebuilding serves many replays.
                context = replace(context, deadline=self._deadline())
                prediction = self._run(backend, memory, context, question, changed, evidence)
                # What a planted fault corrupts need not be there.
                context.require_fired(o.operation for o in interventions if not o.unseen)
                return prediction

        try:
            prediction = self._replays.attend(
                work, context, f"a replay of {question.id}", self.context.deadline
            )
        except (TransientProviderError, ContentError) as error:
            return failed(context.recorder, error)
        except PASSES:
            raise
        except DeadlineExceeded as error:
            self._require_time()
            return failed(context.recorder, error)
        except Exception as error:
            if of_machine(error):
                raise
            return failed(context.recorder, error)
        ran = tuple(o.id for o in context.recorder.operations if o.status == "executed")
        return Replayed(context.recorder, prediction, None, ran)

    def extract_alone(
        self, message_id: str, sample_index: int, beside: Sequence[str]
    ) -> tuple[Variable, ...]:
        """Return the facts of one message (or of a few); see `traces.replay.Replay`."""
        session = self.conversation.session_of(message_id)
        if session is None:
            return ()
        ids = frozenset((message_id, *beside))
        context = replace(
            self.context, recorder=Recorder(), pins=_ExtractionOnly(), sample_index=sample_index,
            reuse=None, deadline=self._deadline(),
        )  # fmt: skip
        few = replace(session, messages=tuple(m for m in session.messages if m.id in ids))

        def work(context: OperationContext, memory: RebuiltMemory) -> None:
            with memory.fresh() as backend:
                backend.ingest(few, context.child(session.id, session.date))

        try:
            self._replays.attend(
                work, context, f"an extraction of {message_id}", self.context.deadline
            )
        except DeadlineExceeded:
            self._require_time()
            return ()
        except (TransientProviderError, ContentError, OperationError):
            return ()
        except MemtuneError:
            raise
        except Exception as error:
            if of_machine(error):
                raise
            return ()  # a backend that cannot take a few messages has no such repair
        made = EvolutionGraph.of(context.recorder)
        return tuple(v for v in made.variables("fact") if not ids.isdisjoint(v.value["sources"]))

    def close(self) -> None:
        """Release the copies of the memory: the idle now, those at work when they are done."""
        self._replays.close()

    def _run(
        self,
        backend: MemoryBackend,
        memory: RebuiltMemory,
        context: OperationContext,
        question: Question,
        changed: Collection[str],
        evidence: Collection[str],
    ) -> str:
        sessions = self._asked_after(question)
        snapshots = isinstance(backend, Snapshottable)
        first = self._first_changed(changed, sessions) if snapshots else 0
        if snapshots:
            memory.bring(backend, sessions[first - 1].id if first else None, context.recorder)
        taken = None
        if snapshots and context.pins is not None:
            taken = TakenOver(
                backend, context.recorder, memory.base, self._steps, changed, evidence
            )
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

    def _asked_after(self, question: Question) -> Sequence[Session]:
        sessions, last = self.conversation.sessions, question.asked_after
        return sessions if last is None else sessions[: self._places[last] + 1]

    def _first_changed(self, changed: Collection[str], sessions: Sequence[Session]) -> int:
        """Return the place of the first session that has to be ingested anew."""
        places = [len(sessions)]
        for id in changed:
            if id not in self.recorded.operations:
                return 0  # an operation that only a replay has: anywhere
            scope = self.recorded.operations[id].scope
            places.append(self._places.get(scope, len(sessions)))
        return min(places)

    def _deadline(self) -> float:
        """Return when a replay that begins now has to be done, on `time.monotonic`'s clock."""
        own = time.monotonic() + self.seconds
        return own if self.context.deadline is None else min(own, self.context.deadline)

    def _require_time(self) -> None:
        """Raise DeadlineExceeded where it is the run's own deadline that has passed."""
        if self.context.deadline is not None and time.monotonic() > self.context.deadline:
            raise DeadlineExceeded("the run's deadline passed during a replay")


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
