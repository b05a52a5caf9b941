"""What one invocation of the agent works on, beside the graph's state of handles."""

from __future__ import annotations

from dataclasses import dataclass, field

from memory_backends.protocol import MemoryBackend
from traces.domain import Question, Session
from traces.operation import OperationContext
from traces.schema import MemoryEntry, Variable


@dataclass
class Turn:
    """What one invocation works on. `ctx` is the session's or question's own context."""

    backend: MemoryBackend
    ctx: OperationContext
    session: Session | None = None
    question: Question | None = None
    entries: list[MemoryEntry] = field(default_factory=list)
    answer: Variable | None = None
