"""What a memory backend is, and the capabilities that it may have besides.

A backend runs every operation through `OperationContext.perform` and applies what
`perform` returned, never what it computed itself; so recording, replay and planted
faults work without its knowledge. The caller owns budget, retries and deadlines.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol, runtime_checkable

from traces.domain import PromptSlot, Question, Session
from traces.operation import OperationContext
from traces.schema import MemoryEntry


class MemoryBackend(Protocol):
    """One memory of one conversation. A new conversation gets a new backend.

    `slots` declares the instructions that may be rewritten; they are read from the
    context's prompt set. `fingerprint` is a hash of name, version and configuration:
    part of what an operation's result depends on.
    """

    name: str
    slots: tuple[PromptSlot, ...]
    fingerprint: str

    def ingest(self, session: Session, ctx: OperationContext) -> None:
        """Take in one session; sessions come in order. `ctx` is the session's context.

        Raises what `perform` raises; the memory then holds what was applied so far.
        """

    def retrieve(
        self, question: Question, asked_on: datetime, ctx: OperationContext
    ) -> Sequence[MemoryEntry]:
        """Return entries for a question, best first. `ctx` is the question's context.

        Read-only, and never sees more of the question than id and text. Raises what
        `perform` raises.
        """


@runtime_checkable
class Inspectable(Protocol):
    """Shows what is in memory."""

    def entries(self) -> Sequence[MemoryEntry]:
        """Return the current version of every entry that is alive."""


@runtime_checkable
class Snapshottable(Protocol):
    """Can go back to an earlier state, also in another instance of the same backend."""

    def snapshot(self) -> object:
        """Return the present state: opaque, cheap, unaffected by what follows."""

    def restore(self, snapshot: object) -> None:
        """Return to a state; the snapshot stays usable.

        Raises OperationError for a snapshot of another backend.
        """


@runtime_checkable
class Reachable(Protocol):
    """Keeps its entries somewhere that may be out of reach, such as a server."""

    def reach(self) -> None:
        """Open that place now, where it is not open yet. Raises StoreError, SettingsError."""


@runtime_checkable
class Closable(Protocol):
    """Holds something that has to be released."""

    def close(self) -> None:
        """Release it; a second call does nothing."""
