"""Memory that outlives the process: the memories of many users in one directory."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict, is_dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from memory_backends.protocol import Closable, MemoryBackend, Snapshottable
from memory_backends.registry import create_backend
from memory_backends.retrieval.chroma_directory import MemoryDirectory
from memory_backends.retrieval.chroma_records import UserRecords
from memory_backends.retrieval.embeddings import Embedder
from memory_backends.state import Snapshot
from traces.domain import PromptSlot, Question, Session
from traces.errors import SettingsError
from traces.operation import OperationContext
from traces.schema import MemoryEntry


class UserMemory:
    """One user's memory on disk. Implements MemoryBackend, Inspectable and Snapshottable.

    Threads may share it: its calls run one after the other. Entries are read from disk
    when they are first needed; searches rank as the in-memory backend does.
    """

    def __init__(self, memory: PersistentMemory, user_id: str) -> None:
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

        Returns how many there were. Raises StoreError.
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
            _restore(backend, Snapshot(self.name, records.items()))
            self._loaded, self._elsewhere = (backend, records), False
        return self._loaded

    def _commit(self, session_id: str | None) -> None:
        backend, records = self._load()
        change = records.change(_state(backend).items)
        # Should writing fail, the next call asks the disk what it holds.
        self._loaded = None
        self._memory.directory.commit(self.user_id, records, change, session_id)
        self._loaded = backend, records


class PersistentMemory:
    """Memories of many users in one directory, in Chroma.

    One process at a time holds the directory. Each user has a collection of their own.
    Threads may share this and every user's backend: calls of one user run one after the
    other, those of different users side by side, writing excepted.

    What is on disk: `memory.db` (SQLite: users, ids of ingested sessions, the change under
    way) and `chroma/`. A turn is committed by one SQLite transaction and then brought
    into Chroma; a process killed in between finishes that when it opens the directory.

    Raises LockedError when another process (or another PersistentMemory) holds the
    directory; StoreError for one that is not a memory, is damaged or cannot be written;
    IdentityError for one of another backend, or of other options or another embedder
    unless `adopt` (then the options change, and a user's entries are embedded again when
    they are next used); SettingsError for an unknown backend or option, or a backend that
    cannot be kept.
    """

    def __init__(
        self,
        directory: Path | str,
        backend: str = "fact_store",
        config: Mapping[str, Any] | None = None,
        embedder: Embedder | None = None,
        adopt: bool = False,
    ) -> None:
        self._create = (backend, config)
        probe = self.create(embedder)
        self.name: str = probe.name
        self.slots: tuple[PromptSlot, ...] = probe.slots
        self.fingerprint: str = probe.fingerprint
        # One that has to be closed holds its entries elsewhere too.
        if (
            isinstance(probe, Closable)
            or not isinstance(probe, Snapshottable)
            or not isinstance(probe.snapshot(), Snapshot)
        ):
            raise SettingsError(
                f"memory backend '{backend}' keeps its entries in its own way and cannot be kept "
                "in a directory; use fact_store or rag"
            )
        options = getattr(probe, "options", None)
        named = asdict(options) if is_dataclass(options) and not isinstance(options, type) else {}
        identity = {"backend": backend, **{f"option {name}": named[name] for name in named}}
        self.directory = MemoryDirectory(Path(directory), identity, embedder, adopt)
        self._users: dict[str, UserMemory] = {}
        self._lock = threading.Lock()

    def create(self, embedder: Embedder | None) -> MemoryBackend:
        """Return a new, empty backend in memory, of the same name and options."""
        name, config = self._create
        return create_backend(name, config, embedder)

    def user(self, user_id: str) -> UserMemory:
        """Return the user's backend, the same one at each call.

        `user_id` is any text but the empty one (SettingsError); no two texts share a
        memory. A user exists on disk from the first ingested session on.
        """
        if not isinstance(user_id, str) or not user_id:
            raise SettingsError(f"{user_id!r} is no user id: give a text that is not empty")
        with self._lock:
            return self._users.setdefault(user_id, UserMemory(self, user_id))

    def commit(self, user_id: str) -> None:
        """Make the disk agree with the user's memory, all of it or nothing.

        Only needed after `restore`: `ingest` commits by itself. Raises StoreError.
        """
        self.user(user_id).commit()

    def sessions(self, user_id: str) -> list[str]:
        """Return the ids of the sessions whose ingest is on disk, oldest first, with repeats.

        After a crash this says whether the last session has to be ingested again.
        """
        return self.directory.sessions(user_id)

    def forget(self, user_id: str, entry_ids: Sequence[str] | None = None) -> int:
        """Delete some entries of a user, or with None all that is known of the user.

        When this returns they are gone from disk, their texts from free space in its
        files too (which rewrites Chroma's file: slow where memories are large). Returns how
        many entries there were; unknown ids are no error. Raises StoreError.
        """
        return self.user(user_id).forget(entry_ids)

    def users(self) -> list[str]:
        """Return the ids of the users on disk, sorted. Raises StoreError."""
        return self.directory.users()

    def close(self) -> None:
        """Let the directory go, once a write under way is done; a second call does nothing.

        Backends of users can no longer be used (StoreError).
        """
        self.directory.close()

    def __enter__(self) -> PersistentMemory:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _state(backend: MemoryBackend) -> Snapshot:
    assert isinstance(backend, Snapshottable)
    state = backend.snapshot()
    assert isinstance(state, Snapshot)
    return state


def _restore(backend: MemoryBackend, state: object) -> None:
    assert isinstance(backend, Snapshottable)
    backend.restore(state)
