"""What the graph's nodes do: answer a turn from memory, then remember it."""

from __future__ import annotations

import contextvars
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from agent.chat.erasing import erase_user
from agent.chat.pieces import SpokenAnswer
from agent.chat.record import Turn, TurnLog, question_id, turn_id
from agent.chat.turnstile import Turnstile
from agent.models.gateway import Gateway
from agent.models.streaming import streaming_to
from agent.response import respond
from memory_backends.persistent import PersistentMemory
from memory_backends.protocol import Inspectable
from traces.domain import Message, OperationKind, PromptSet, Question, Session
from traces.errors import (
    BudgetExceeded,
    ContentError,
    MemtuneError,
    OperationError,
    ProviderError,
    SettingsError,
    StoreError,
)
from traces.hashing import content_hash
from traces.operation import OperationContext, Recorder
from traces.schema import MemoryEntry, Variable, change

Result = TypeVar("Result")
# How often a turn is tried to be remembered, failures of provider and budget not counted.
ATTEMPTS = 3
# A further attempt draws other samples: the ledger would only repeat what failed.
SAMPLES_AN_ATTEMPT = 4
# Turns that may be under way at a time; most of their time they wait for a model.
THREADS = 32


@dataclass(frozen=True)
class JournalledContext(OperationContext):
    """A context that tells after each operation that one has ended."""

    ended: Callable[[], None] = lambda: None

    def perform(self, kind: OperationKind, **given: Any) -> dict[str, list[Variable]]:
        """Do what `OperationContext.perform` does, then tell."""
        outputs = super().perform(kind, **given)
        self.ended()
        return outputs


@dataclass(frozen=True, slots=True)
class Asked:
    """What a turn begins with: who says what; `recent` came just before in the thread.

    `key` is the same when the same message comes again.
    """

    user: str
    speaker: str
    key: str
    texts: tuple[str, ...]
    recent: tuple[Recent, ...] = ()


@dataclass(frozen=True, slots=True)
class Recent:
    """An earlier message of the thread; `key` is that of its turn, if it has one."""

    speaker: str
    text: str
    key: str
    answered: bool


@dataclass
class Turns:
    """Turns of many users over one memory directory. Thread-safe; `close` lets it go.

    A user's turns run one after the other, those of different users side by side. Owns
    memory, database and gateway, which `resources` closes.
    """

    memory: PersistentMemory
    log: TurnLog
    gateway: Gateway
    prompts: PromptSet
    parameters: str
    clock: Callable[[], datetime]
    simulated: bool
    model: str
    resources: ExitStack
    remember_answers: bool = False
    turnstile: Turnstile = field(default_factory=Turnstile)
    pool: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(THREADS, thread_name_prefix="memtune-turn")
    )
    _closed: bool = False

    def close(self) -> None:
        """Let the turns that have begun end, then the directory go. Twice is no error."""
        if not self._closed:
            self._closed = True
            self.pool.shutdown(wait=True)
            self.resources.close()

    # one at a time -----------------------------------------------------------------

    def run(self, user: str, work: Callable[[], Result], *, first: bool = False) -> Result:
        """Do a piece of a user's work in this thread, when it is its turn."""
        self._require_open()
        with self.turnstile.held(user, first=first):
            return work()

    async def arun(self, user: str, work: Callable[[], Result], *, first: bool = False) -> Result:
        """Do it in a thread of the pool, in a copy of this context.

        What has begun is ended even if nobody waits for it any more.
        """
        import asyncio

        self._require_open()
        await self.turnstile.enter(user, first=first)
        try:
            future = self.pool.submit(contextvars.copy_context().run, work)
        except BaseException:
            self.turnstile.leave(user)
            raise
        future.add_done_callback(lambda _: self.turnstile.leave(user))
        return await asyncio.wrap_future(future)

    def _require_open(self) -> None:
        if self._closed:
            raise SettingsError("the memory agent is closed; create a new one")

    # answering ---------------------------------------------------------------------

    def answer(self, asked: Asked, say: Callable[[str], None] | None) -> Turn:
        """Retrieve and respond; the turn is on disk when this returns.

        Earlier turns that are still pending are remembered first. The same message again
        gives the same turn. `say` gets the answer piece by piece as far as the provider
        streams, else whole. Raises ProviderError, BudgetExceeded, OperationError, StoreError.
        """
        spoken = SpokenAnswer(say) if say is not None else None
        turn = self._known(asked) or self._answered(asked, spoken)
        if spoken is not None:
            spoken.finish(turn.prediction)
        return turn

    def _known(self, asked: Asked) -> Turn | None:
        found = self.log.by_key(asked.user, asked.key)
        if found is None:
            return None
        own = [m.text for m in found.session.messages if not m.id.endswith("-a")]
        return found if own == list(asked.texts) else None

    def _answered(self, asked: Asked, spoken: SpokenAnswer | None) -> Turn:
        self._catch_up(asked.user)
        last = self.log.last(asked.user)
        number = last.number + 1 if last is not None else 1
        now = self._now()
        said = "\n".join(asked.texts)
        # Whoever asks is named, as in a line of chat: a question may say "I".
        question = Question(question_id(number), f"{asked.speaker}: {said}", None)
        recorder = Recorder()
        ctx = self._context(asked.user, question.id, now, recorder)
        backend = self.memory.user(asked.user)

        def work() -> tuple[Sequence[MemoryEntry], Variable]:
            entries = backend.retrieve(question, ctx.now, ctx)
            recent = self._recent(asked, now)
            if spoken is None:
                return entries, respond(question, entries, ctx, recent)
            with streaming_to(spoken.feed, spoken.begin):
                return entries, respond(question, entries, ctx, recent)

        entries, answer = self._scoped(f"{asked.user}, {turn_id(number)}", work)
        prediction = str(answer.value["text"])
        messages = [
            Message(f"{turn_id(number)}-{i}", asked.speaker, text)
            for i, text in enumerate(asked.texts, start=1)
        ]
        if self.remember_answers:
            messages.append(Message(f"{turn_id(number)}-a", "Assistant", prediction))
        turn = Turn(
            asked.user, number, asked.key, Session(turn_id(number), now, tuple(messages)), question,
            prediction, answer.id, tuple(e.id for e in entries), self.prompts.hash, self.simulated,
        )  # fmt: skip
        return self.log.add(turn, self.parameters, recorder)

    def _recent(self, asked: Asked, now: datetime) -> list[Variable]:
        """Return the thread's last messages as variables: those that memory knows by theirs."""
        from traces.schema import answer, message_variable

        found = []
        for recent in asked.recent:
            turn = self.log.by_key(asked.user, recent.key)
            if turn is not None and recent.answered:
                found.append(answer(turn.prediction).placed(turn.answer_id))
                continue
            known = None
            if turn is not None:
                known = next((m for m in turn.session.messages if m.text == recent.text), None)
            if turn is not None and known is not None:
                found.append(message_variable(known, turn.date))
            else:
                id = f"x-{content_hash([recent.speaker, recent.text])[:16]}"
                found.append(message_variable(Message(id, recent.speaker, recent.text), now))
        return found

    def _context(
        self, user: str, scope: str, now: datetime, recorder: Recorder
    ) -> OperationContext:
        return OperationContext(
            user, scope, now, self.prompts, self.gateway.bind, self.parameters, recorder
        )

    @staticmethod
    def _scoped(where: str, work: Callable[[], Result]) -> Result:
        from agent.models.language_model import dspy_scope

        with dspy_scope():
            try:
                return work()
            except (MemtuneError, OSError):
                raise
            except Exception as error:
                # A backend of somebody else's: its error becomes one of ours.
                line = f"{where}: {type(error).__name__}: {error}"[:500]
                raise OperationError(line) from error

    def _now(self) -> datetime:
        return self.clock().replace(tzinfo=None, microsecond=0)

    # remembering -------------------------------------------------------------------

    def remember(self, user: str, number: int) -> str:
        """Remember what is pending, oldest first; return why a turn is not in memory, or ''.

        Nothing is raised: the answer is not lost with it. The reason is in the record, and
        the next turn of the user tries again, as long as the turn is not given up.
        """
        try:
            self._catch_up(user)
            return self._problem(user, number)
        except (MemtuneError, OSError) as error:
            return _line(error)

    def _catch_up(self, user: str) -> None:
        for turn in self.log.pending(user):
            if not self._ingest(turn):
                break  # sessions come in order

    def _ingest(self, turn: Turn) -> bool:
        """Remember one turn; say whether the ones after it may follow."""
        if turn.id in self.memory.sessions(turn.user):
            # A crash came between memory and record; the operations were journalled before.
            self.log.remembered(turn)
            return True
        if turn.memory_pass is not None:
            self.log.begin_again(turn)
        recorder = Recorder()
        journal = partial(self.log.journal, turn, self.prompts.hash, self.parameters, recorder)
        ctx = JournalledContext(
            turn.user, turn.id, turn.date, self.prompts, self.gateway.bind, self.parameters,
            recorder, sample_index=turn.attempts * SAMPLES_AN_ATTEMPT, ended=journal,
        )  # fmt: skip
        try:
            backend = self.memory.user(turn.user)
            self._scoped(f"{turn.user}, {turn.id}", lambda: backend.ingest(turn.session, ctx))
        except StoreError as error:
            # It may have been kept all the same: the next attempt asks the memory.
            self.log.doubtful(turn, _line(error))
            return False
        except Exception as error:
            # Neither provider nor budget are the turn's fault.
            counts = isinstance(error, ContentError) or not isinstance(
                error, ProviderError | BudgetExceeded
            )
            given_up = counts and turn.attempts + 1 >= ATTEMPTS
            self.log.missed(turn, _line(error), counts=counts, given_up=given_up)
            return given_up
        self.log.remembered(turn)
        return True

    def _problem(self, user: str, number: int) -> str:
        found = self.log.turn(user, number)
        if found is None or found.status == "remembered":
            return ""
        if found.status == "failed":
            return f"given up after {found.attempts} attempts: {found.error}"
        if found.error:
            return f"{found.error}; the next turn tries again"
        blocking = self.log.pending(user)[0]
        return f"waits for {blocking.id} ({blocking.error}); the next turn tries again"

    # looking and forgetting --------------------------------------------------------

    def memories(self, user: str, words: str = "") -> list[MemoryEntry]:
        """Return what is remembered of a user, in order of arrival; with `words` the entries
        that hold all of their stems."""
        from traces.text import stems

        def work() -> list[MemoryEntry]:
            self._catch_up(user)
            backend = self.memory.user(user)
            entries = list(backend.entries()) if isinstance(backend, Inspectable) else []
            wanted = set(stems(words))
            return [e for e in entries if wanted <= {*stems(e.text), *stems(e.speaker)}]

        return self.run(user, work)

    def forget(self, user: str, entry_ids: Sequence[str] | None = None) -> int:
        """Forget entries, or (None) all that is known of a user; return how many entries.

        Entries are deleted from memory, by an operation that is recorded; the record of past
        turns stays. Forgetting all erases the record too.
        """

        def work() -> int:
            if entry_ids is None:
                gone = self.memory.forget(user)
                erase_user(self.log.database, user)
                return gone
            self._catch_up(user)
            return self._forget_some(user, entry_ids)

        return self.run(user, work)

    def _forget_some(self, user: str, entry_ids: Sequence[str]) -> int:
        backend = self.memory.user(user)
        known = {e.id: e for e in backend.entries()} if isinstance(backend, Inspectable) else {}
        wanted = [known[id] for id in dict.fromkeys(entry_ids) if id in known]
        if not wanted:
            return 0
        now = self._now()
        recorder = Recorder()
        ctx = self._context(user, f"forget-{now.isoformat()}", now, recorder)
        outputs = ctx.perform(
            "update",
            name="forget",
            identity=[e.id for e in wanted],
            inputs={"near": [e.as_variable() for e in wanted]},
            call=lambda _: {
                "changes": [change("delete", e.id, "the user had it forgotten") for e in wanted]
            },
        )
        gone = self.memory.forget(user, [v.value["target"] for v in outputs["changes"]])
        self.log.forgotten(user, self.prompts.hash, self.parameters, recorder)
        return gone


def _line(error: Exception) -> str:
    return f"{getattr(error, 'code', type(error).__name__)}: {error}"[:500]
