"""What the graph's nodes do: answer a turn from memory, then remember it."""

from __future__ import annotations

import contextvars
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from agent.chat.counting import in_counted_turn
from agent.chat.forgetting import erase_user, forget_entries
from agent.chat.gate import Gate
from agent.chat.parts import Parts, Result, scoped
from agent.chat.pieces import SpokenAnswer
from agent.chat.record import Turn, question_id, turn_id
from agent.chat.remembering import Remembering
from agent.chat.turnstile import Turnstile
from agent.models.streaming import streaming_to
from agent.response import ASSISTANT, respond
from memory_backends.protocol import Inspectable
from traces.domain import Message, Question, Session
from traces.hashing import content_hash
from traces.operation import Recorder
from traces.schema import MemoryEntry, Variable, message_variable
from traces.schema import answer as answer_variable

if TYPE_CHECKING:
    from agent.models.embeddings import LiteLLMEmbedder

# Turns that may be under way at a time; most of their time they wait for a model.
THREADS = 32


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

    parts: Parts
    simulated: bool
    model: str
    resources: ExitStack
    remember_answers: bool = False
    turnstile: Turnstile = field(default_factory=Turnstile)
    gate: Gate = field(default_factory=Gate)
    embedder: LiteLLMEmbedder | None = None
    pool: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(THREADS, thread_name_prefix="memtune-turn")
    )

    def __post_init__(self) -> None:
        self.memory, self.log = self.parts.memory, self.parts.log
        self.remembering = Remembering(self.parts)

    def close(self) -> None:
        """Let the turns that have begun end, then the directory go. Twice is no error.

        In the thread of an event loop it cannot wait for what that loop has to bring to its
        end: such a turn is answered or refused, and remembered by the user's next one.
        """
        self.gate.close()
        self.pool.shutdown(wait=True)
        self.resources.close()

    # one at a time -----------------------------------------------------------------

    def run(self, user: str, work: Callable[[], Result], *, first: bool = False) -> Result:
        """Do a piece of a user's work in this thread, when it is its turn."""
        entry = self.gate.enter(begun=in_counted_turn())
        try:
            with self.turnstile.held(user, first=first), self.gate.inside():
                return work()
        finally:
            self.gate.leave(entry)

    async def arun(self, user: str, work: Callable[[], Result], *, first: bool = False) -> Result:
        """Do it in a thread of the pool, in a copy of this context.

        What has begun is ended even if nobody waits for it any more.
        """
        import asyncio

        def inside() -> Result:
            with self.gate.inside():
                return work()

        def ended(_: object = None) -> None:
            self.turnstile.leave(user)
            self.gate.leave(entry)

        entry = self.gate.enter(asyncio.get_running_loop(), begun=in_counted_turn())
        try:
            await self.turnstile.enter(user, first=first)
        except BaseException:
            self.gate.leave(entry)
            raise
        try:
            self.gate.on_its_own(entry)
            future = self.pool.submit(contextvars.copy_context().run, inside)
        except BaseException:
            ended()
            raise
        future.add_done_callback(ended)
        return await asyncio.wrap_future(future)

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
        self.remembering.catch_up(asked.user)
        last = self.log.last(asked.user)
        number = last.number + 1 if last is not None else 1
        now = self.parts.now()
        said = "\n".join(asked.texts)
        # Whoever asks is named, as in a line of chat: a question may say "I".
        question = Question(question_id(number), f"{asked.speaker}: {said}", None)
        recorder = Recorder()
        ctx = self.parts.context(asked.user, question.id, now, recorder)
        backend = self.memory.user(asked.user)

        def work() -> tuple[Sequence[MemoryEntry], Variable]:
            entries = backend.retrieve(question, ctx.now, ctx)
            recent = self._recent(asked, now)
            if spoken is None:
                return entries, respond(question, entries, ctx, recent)
            with streaming_to(spoken.feed, spoken.begin):
                return entries, respond(question, entries, ctx, recent)

        entries, answer = scoped(f"{asked.user}, {turn_id(number)}", work)
        prediction = str(answer.value["text"])
        messages = [
            Message(f"{turn_id(number)}-{i}", asked.speaker, text)
            for i, text in enumerate(asked.texts, start=1)
        ]
        if self.remember_answers:
            messages.append(Message(f"{turn_id(number)}-a", ASSISTANT, prediction))
        turn = Turn(
            asked.user,
            number,
            asked.key,
            Session(turn_id(number), now, tuple(messages)),
            question,
            prediction,
            answer.id,
            tuple(entry.id for entry in entries),
            self.parts.prompts.hash,
            self.simulated,
        )
        return self.log.add(turn, self.parts.parameters, recorder)

    def _recent(self, asked: Asked, now: datetime) -> list[Variable]:
        """Return the thread's last messages as variables: those that memory knows by theirs."""
        found = []
        for recent in asked.recent:
            turn = self.log.by_key(asked.user, recent.key)
            if turn is not None and recent.answered:
                found.append(answer_variable(turn.prediction).placed(turn.answer_id))
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

    def remember(self, user: str, number: int) -> str:
        """Remember what is pending; return why a turn is not in memory, or ''."""
        return self.remembering.remember(user, number)

    # looking and forgetting --------------------------------------------------------

    def memories(self, user: str, words: str = "") -> list[MemoryEntry]:
        """Return what is remembered of a user, in order of arrival; with `words` the entries
        that hold all of their stems."""
        from traces.text import stems

        def work() -> list[MemoryEntry]:
            self.remembering.catch_up(user)
            backend = self.memory.user(user)
            entries = list(backend.entries()) if isinstance(backend, Inspectable) else []
            wanted = set(stems(words))
            return [e for e in entries if wanted <= {*stems(e.text), *stems(e.speaker)}]

        return self.run(user, work)

    def forget(self, user: str, entry_ids: Sequence[str] | None = None) -> int:
        """Forget entries, or (None) all that is known of a user; return how many entries.

        Entries are deleted from memory, by an operation that is recorded; the record of past
        turns stays. Forgetting all erases the record too, while nobody else is at work: calls
        belong to no user before their operation is recorded.
        """
        if entry_ids is None:
            return self._forget_all(user)

        def work() -> int:
            self.remembering.catch_up(user)
            return forget_entries(self.parts, user, entry_ids)

        return self.run(user, work)

    def _forget_all(self, user: str) -> int:
        entry = self.gate.enter()
        try:
            with self.turnstile.held(user), self.gate.alone():
                gone = self.memory.forget(user)
                try:
                    erase_user(self.log.database, user)
                finally:
                    if self.embedder is not None:
                        self.embedder.forget_kept()
                return gone
        finally:
            self.gate.leave(entry)
