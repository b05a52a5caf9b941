"""A user's turns, ready to be replayed: each as it was made, on memory of its own.

The memory is rebuilt from the recorded operations of all turns (and of what the user had
forgotten) in process; the user's memory on disk is neither read nor written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any

from agent.chat.forgetting import FORGET, drop
from agent.chat.parts import Parts
from agent.chat.record import Turn, TurnLog
from agent.chat.remembering import SAMPLES_AN_ATTEMPT
from agent.recorded_pass import QuestionReplay, RecordedPass
from agent.response import respond
from memory_backends.protocol import MemoryBackend, Snapshottable
from memory_backends.retrieval.embeddings import Embedder
from memory_backends.state import Snapshot
from traces.domain import Conversation, PromptSet, Session
from traces.errors import OperationError
from traces.graph import EvolutionGraph
from traces.operation import BoundOperation, OperationContext, Recorder
from traces.results import Failure
from traces.schema import OperationRecord, Variable


@dataclass(frozen=True)
class Made:
    """How the operations of one scope were made."""

    prompts: PromptSet
    parameters: str
    sample_index: int = 0


@dataclass(frozen=True)
class TurnsContext(OperationContext):
    """A pass over turns, each with the prompts, parameters and samples that it was made with."""

    made: Mapping[str, Made] = field(default_factory=dict)

    def child(self, scope: str, now: datetime) -> OperationContext:
        """Return the context of one turn's session or question."""
        found = self.made.get(scope)
        if found is None:
            return replace(self, scope=scope, now=now)
        return replace(
            self, scope=scope, now=now, prompts=found.prompts, parameters=found.parameters,
            sample_index=found.sample_index + self.sample_index,
        )  # fmt: skip


class Forgetful:
    """A memory in which some sessions are what the user had forgotten: for each session id the
    entry ids of one forgetting after the other.

    Implements MemoryBackend and Snapshottable.
    """

    def __init__(
        self, inner: MemoryBackend, forgotten: Mapping[str, Sequence[Sequence[str]]]
    ) -> None:
        assert isinstance(inner, Snapshottable)
        self.name: str = inner.name
        self.slots = inner.slots
        self.fingerprint: str = inner.fingerprint
        self.snapshot: Callable[[], object] = inner.snapshot
        self.restore: Callable[[object], None] = inner.restore
        self.retrieve = inner.retrieve
        self._inner = inner
        self._forgotten = forgotten

    def ingest(self, session: Session, ctx: OperationContext) -> None:
        """Take in a turn, or drop what was forgotten."""
        if session.id not in self._forgotten:
            self._inner.ingest(session, ctx)
            return
        for ids in self._forgotten[session.id]:
            held = self.snapshot()
            assert isinstance(held, Snapshot)
            known = {entry.id: entry for entry, _ in held.items}
            gone = drop([known[id] for id in ids if id in known], ids, ctx)
            left = tuple(item for item in held.items if item[0].id not in gone)
            # As on disk, what was kept beside the entries goes with any of them.
            self.restore(Snapshot(held.backend, left))


@dataclass(frozen=True)
class TurnReplayer:
    """traces.replay.OpenReplay of one turn's answer. `close` releases its memories.

    `opened` raises OperationError where the record does not give the recorded answer again.
    """

    turn: Turn
    recorded: RecordedPass

    @classmethod
    def opened(
        cls, parts: Parts, turn: Turn, graph: EvolutionGraph, embedder: Embedder | None
    ) -> TurnReplayer:
        """Rebuild the memory to a turn's answer and answer once from the record alone.

        `graph` holds the operations to the answer. No model is called.
        """
        log, memory = parts.log, parts.memory
        sessions, made, gone = _told(log, turn, graph)
        context = TurnsContext(
            turn.user, "", turn.date, log.store.prompt_set(turn.prompt_set), _refuse,
            recorder=Recorder(), made=made,
        )  # fmt: skip
        recent = _recent(graph, turn)
        recorded = RecordedPass(
            lambda: Forgetful(memory.create(embedder), gone),
            context,
            Conversation(turn.user, tuple(sessions), ()),
            graph,
            respond=partial(respond, recent=recent),
        )
        found = cls(turn, recorded)
        again = found._of_turn()([])
        if again.prediction != turn.prediction:
            why = again.error or "the answer is another one"
            raise OperationError(
                f"{turn.id} cannot be replayed from its record ({why}); it was made by another "
                "version of the memory, or memory held what the record does not"
            )
        context = replace(context, bind=parts.gateway.bind)
        recorded.context = context
        return found

    def __call__(self, failure: Failure, graph: EvolutionGraph) -> QuestionReplay:
        """Return the replay of the turn's answer; it is the only one known."""
        if failure.question.id != self.turn.question.id or graph is not self.recorded.recorded:
            raise OperationError(f"{failure.question.id}: is not what was opened for replay")
        return self._of_turn()

    def _of_turn(self) -> QuestionReplay:
        # Not every turn told so far need be in memory: what was remembered is the whole pass.
        return self.recorded.of(replace(self.turn.question, asked_on=self.turn.date))

    def close(self) -> None:
        """Release the copies of the memory."""
        self.recorded.close()


def _refuse(operation: BoundOperation) -> Any:
    raise OperationError(f"'{operation.name}' in {operation.id[:8]} is not in the record")


def _told(
    log: TurnLog, turn: Turn, graph: EvolutionGraph
) -> tuple[list[Session], dict[str, Made], dict[str, list[list[str]]]]:
    """Return what memory took in until a turn's answer, in order: turns and forgettings as
    sessions; how each scope was made; and the entries forgotten, by session id."""
    turns = {t.id: t for t in log.turns(turn.user)}
    sessions: list[Session] = []
    made: dict[str, Made] = {}
    gone: dict[str, list[list[str]]] = {}
    for pass_id in log.passes(turn.user, turn.answer_pass):
        operations = log.store.operations(pass_id)
        prompt_set, parameters = log.made_with(pass_id)
        prompts = log.store.prompt_set(prompt_set)
        for scope in dict.fromkeys(operation.scope for operation in operations):
            told = turns.get(scope)
            sample = told.attempts * SAMPLES_AN_ATTEMPT if told is not None else 0
            made[scope] = Made(prompts, parameters, sample)
            if told is not None:
                sessions.append(told.session)
        for operation in operations:
            if operation.name == FORGET and operation.scope not in turns:
                if operation.scope in gone:  # in the same second
                    gone[operation.scope].append(_targets(graph, operation))
                    continue
                gone[operation.scope] = [_targets(graph, operation)]
                date = datetime.fromisoformat(operation.scope.removeprefix(f"{FORGET}-"))
                sessions.append(Session(operation.scope, date, ()))
    return sessions, made, gone


def _targets(graph: EvolutionGraph, operation: OperationRecord) -> list[str]:
    return [str(v.value["target"]) for v in graph.outputs(operation.id, "change")]


def _recent(graph: EvolutionGraph, turn: Turn) -> list[Variable]:
    """Return what went with a turn's question: the last messages and answers of its thread."""
    for operation in graph.of_scope(turn.question.id, "response"):
        return [graph.variable(id) for id, _ in operation.inputs.get("recent", ())]
    return []
