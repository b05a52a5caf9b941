"""One user's memory on disk."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from memory_backends.protocol import MemoryBackend, Snapshottable
from memory_backends.retrieval.chroma_directory import MemoryDirectory
from memory_backends.retrieval.chroma_records import UserRecords
from memory_backends.retrieval.embeddings import Embedder
from memory_backends.state import Snapshot
from traces.domain import PromptSlot, Question, Session
from traces.operation import OperationContext
from traces.schema import MemoryEntry


class Memories(Protocol):
    """What one user's memory is part of: `directory` holds them all."""

    name: str
    slots: tuple[PromptSlot, ...]
    fingerprint: str
    directory: MemoryDirectory

    def create(self, embedder: Embedder | None) -> MemoryBackend:
        """Return a new, empty backend of their kind, in memory."""


class UserMemory:
    """One user's memory on disk. Implements MemoryBackend, Inspectable and Snapshottable.

    Threads may share it: its calls run one after the other. Entries are read from disk
    when they are first needed; searches rank as the in-memory backend does.
    """

    def __init__(self, memory: Memories, user_id: str) -> None:
        self.user_id = user_id
        self.name: str = memory.name
        self.slots: tuple[PromptSlot, ...] = memory.slots
        self.fingerprint: str = memory.fingerprint
        self._memory = memory
        self._lock = threading.RLock()
        self._loaded: tuple[MemoryBackend, UserRecords] | None = None
        self._elsewhere = False

    def ingest(self, session: Session, ctx: OperationContext) -> None:
        """Take in one session as one turn: all of it or nothing.

        When this returns, the turn is on disk. When it raises, memory and disk hold
        nothing of it; only after an error of writing (StoreError) it may have been kept,
        and `PersistentMemory.sessions` tells. A memory that `restore` has taken elsewhere is
        not written. Raises what `perform` and the embedder raise, and StoreError.
        """
        with self._lock:
            backend, _ = self._load()
            before = _state(backend)
            try:
                backend.ingest(session, ctx)
                if not self._elsewhere:
                    self._commit(session.id)
            except BaseException:
                if self._loaded is not None:
                    _restore(backend, before)
                raise

    def retrieve(
        self, question: Question, asked_on: datetime, ctx: OperationContext
    ) -> Sequence[MemoryEntry]:
        """Return entries for a question, best first: those that the in-memory backend of
        the same entries returns, in its order. Raises what `perform` raises, StoreError."""
        with self._lock:
            return self._load()[0].retrieve(question, asked_on, ctx)

    def entries(self) -> Sequence[MemoryEntry]:
        """Return the current version of every entry that is alive, in order of arrival."""
        with self._lock:
            return [entry for entry, _ in _state(self._load()[0]).items]

    def snapshot(self) -> object:
        """Return the present state: opaque, cheap, unaffected by what follows.

        Any backend of the same name can restore it, one of `create_backend` too: replay
        works on such a copy, in memory.
        """
        with self._lock:
            return _state(self._load()[0])

    def restore(self, snapshot: object) -> None:
        """Return to a state, in this process only.

        From here on nothing is written, not by `ingest` either, until
        `PersistentMemory.commit` makes the disk agree with the memory; closing drops it.
        Raises OperationError for a snapshot of another backend.
        """
        with self._lock:
            _restore(self._load()[0], snapshot)
            self._elsewhere = True

    def commit(self) -> None:
        """Make the disk agree with this memory, all of it or nothing."""
        with self._lock:
            self._load()
            self._commit(None)
            self._elsewhere = False

    def forget(self, entry_ids: Sequence[str] | None = None) -> int:
        """Delete entries (None: all that is known of the user) from memory and disk.

        Returns how many entries there were. With any entry goes all that the backend keeps
        beside its entries, such as the last messages. Raises StoreError.
        """
        with self._lock:
            backend, records = self._load()
            held = _state(backend).items
            known = records.kept.keys() | {entry.id for entry, _ in held}
            gone = known if entry_ids is None else known & set(entry_ids)
            if not gone and entry_ids is not None:
                return 0
            elsewhere, self._loaded = self._elsewhere, None
            self._memory.directory.forget(
                self.user_id, records, None if entry_ids is None else gone
            )
            if elsewhere and entry_ids is not None:
                left = tuple(item for item in held if item[0].id not in gone)
                self.restore(Snapshot(self.name, left))
            return len(gone)

    def _load(self) -> tuple[MemoryBackend, UserRecords]:
        self._memory.directory.require_open()
        if self._loaded is None:
            records = self._memory.directory.load(self.user_id)
            backend = self._memory.create(records.vectors)
            _restore(backend, Snapshot(self.name, records.items(), records.beside))
            self._loaded, self._elsewhere = (backend, records), False
        return self._loaded

    def _commit(self, session_id: str | None) -> None:
        backend, records = self._load()
        state = _state(backend)
        change = records.change(state.items, state.beside)
        # Should writing fail, the next call asks the disk what it holds.
        self._loaded = None
        self._memory.directory.commit(self.user_id, records, change, session_id)
        self._loaded = backend, records


def _state(backend: MemoryBackend) -> Snapshot:
    assert isinstance(backend, Snapshottable)
    state = backend.snapshot()
    assert isinstance(state, Snapshot)
    return state


def _restore(backend: MemoryBackend, state: object) -> None:
    assert isinstance(backend, Snapshottable)
    backend.restore(state)
