"""What there is: conversations and questions from a data set, prompts to be tuned.

Everything here is immutable and made of JSON-native values, so that it can be
hashed, stored and compared between processes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Literal

from traces.hashing import content_hash, sequence_hash

OperationKind = Literal["extraction", "update", "retrieval", "response"]
# The order in which information passes them.
PIPELINE: tuple[OperationKind, ...] = ("extraction", "update", "retrieval", "response")


@dataclass(frozen=True, slots=True)
class Message:
    """One utterance. `id` is unique within its conversation."""

    id: str
    speaker: str
    text: str


@dataclass(frozen=True, slots=True)
class Session:
    """A dated list of messages. `date` is naive local time, as the data set gives it."""

    id: str
    date: datetime
    messages: tuple[Message, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """A question with its gold answer.

    `answer` is None when the data set gives no gold answer. `unanswerable` means
    that the right behaviour is to abstain. `evidence` holds message ids, empty when
    unknown. `asked_after` is a session id; None means after the last session. `asked_on`
    is naive local time; None means the date of that session.
    """

    id: str
    text: str
    answer: str | None
    category: str = ""
    evidence: tuple[str, ...] = ()
    asked_after: str | None = None
    unanswerable: bool = False
    asked_on: datetime | None = None


@dataclass(frozen=True, slots=True)
class GoldFact:
    """What an ideal memory holds, where the data set knows it (stage scores).

    `value` is the answer-bearing string; `alive` is False for a fact that was
    superseded or retracted by the end of the conversation. `sources` are message ids.
    """

    id: str
    subject: str
    value: str
    sources: tuple[str, ...]
    alive: bool = True


@dataclass(frozen=True, slots=True)
class Conversation:
    """A history and the questions about it; run and scored as one episode."""

    id: str
    sessions: tuple[Session, ...]
    questions: tuple[Question, ...]
    gold_facts: tuple[GoldFact, ...] = ()

    def message(self, message_id: str) -> Message | None:
        """Return the message with this id, or None."""
        for session in self.sessions:
            for message in session.messages:
                if message.id == message_id:
                    return message
        return None

    def session_of(self, message_id: str) -> Session | None:
        """Return the session that holds this message, or None."""
        for session in self.sessions:
            if any(message.id == message_id for message in session.messages):
                return session
        return None


@dataclass(frozen=True, slots=True)
class Dataset:
    """Loaded conversations, what was wrong with the file, and where it came from.

    `problems` are human-readable lines (nothing is dropped silently). `simulated`
    labels conversations that a program made. `ceiling` is, where one is known, the
    instruction text by slot name that asks for exactly what the data need; `beyond_ceiling`
    says what they need and no slot can ask for.
    """

    name: str
    conversations: tuple[Conversation, ...]
    problems: tuple[str, ...] = ()
    simulated: bool = False
    ceiling: Mapping[str, str] | None = None
    beyond_ceiling: str = ""

    @property
    def hash(self) -> str:
        """Content hash of the conversations; independent of path and problems."""
        return sequence_hash(conversation_json(c) for c in self.conversations)


def conversation_json(conversation: Conversation) -> dict[str, object]:
    """Return the conversation as JSON-native values (dates in ISO 8601)."""
    return {
        "id": conversation.id,
        "sessions": [
            {
                "id": s.id,
                "date": s.date.isoformat(),
                "messages": [[m.id, m.speaker, m.text] for m in s.messages],
            }
            for s in conversation.sessions
        ],
        "questions": [
            [
                *(q.id, q.text, q.answer, q.category, list(q.evidence), q.asked_after),
                q.unanswerable,
                # Only where it is known: hashes of data without it stay what they were.
                *([q.asked_on.isoformat()] if q.asked_on is not None else []),
            ]
            for q in conversation.questions
        ],
        "gold_facts": [
            [f.id, f.subject, f.value, list(f.sources), f.alive] for f in conversation.gold_facts
        ],
    }


@dataclass(frozen=True, slots=True)
class PromptSlot:
    """The instruction text of one operation that may be rewritten.

    `required` lists strings (placeholders, output field names) that an instruction
    must keep; `max_chars` is its greatest length.
    """

    name: str
    kind: OperationKind
    seed: str
    required: tuple[str, ...] = ()
    max_chars: int = 4000


@dataclass(frozen=True)
class PromptSet:
    """Immutable mapping slot name -> instruction, with content hash and parent's hash."""

    instructions: Mapping[str, str]
    parent: str | None = None
    hash: str = field(init=False)

    def __post_init__(self) -> None:
        frozen = MappingProxyType(dict(sorted(self.instructions.items())))
        object.__setattr__(self, "instructions", frozen)
        object.__setattr__(self, "hash", content_hash(dict(frozen)))

    def with_changes(self, changes: Mapping[str, str]) -> PromptSet:
        """Return a child in which the named slots hold new instructions."""
        unknown = set(changes) - set(self.instructions)
        if unknown:
            raise KeyError(f"no such prompt slot: {', '.join(sorted(unknown))}")
        return PromptSet({**self.instructions, **changes}, parent=self.hash)
