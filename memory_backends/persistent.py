"""Memory that outlives the process: the memories of many users in one directory."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict, is_dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from memory_backends.protocol import Closable, MemoryBackend, Snapshottable
from memory_backends.registry import create_backend, open_backend, own_names
from memory_backends.retrieval.chroma_directory import MemoryDirectory
from memory_backends.retrieval.embeddings import Embedder
from memory_backends.state import Snapshot
from memory_backends.user_memory import UserMemory
from traces.domain import PromptSlot
from traces.errors import SettingsError


def keepable(backend: MemoryBackend) -> bool:
    """Say whether a directory can keep what a backend holds."""
    # One that has to be closed holds its entries elsewhere too.
    if isinstance(backend, Closable) or not isinstance(backend, Snapshottable):
        return False
    return isinstance(backend.snapshot(), Snapshot)


def keepable_names() -> list[str]:
    """Return the names of memtune's own backends that a directory can keep, sorted."""
    found = []
    for name in own_names():
        with open_backend(name) as backend:
            if keepable(backend):
                found.append(name)
    return found


class PersistentMemory:
    """Memories of many users in one directory, in Chroma.

    One process at a time holds the directory. Each user has a collection of their own.
    Threads may share this and every user's backend: calls of one user run one after the
    other, those of different users side by side, writing excepted.

    What is on disk: `memory.db` (SQLite: users, ids of ingested sessions, what a backend keeps
    beside entries, the change under way) and `chroma/`. A turn is committed by one SQLite
    transaction and then brought into Chroma; a process killed in between finishes that when
    it opens the directory.

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
        if not keepable(probe):
            if isinstance(probe, Closable):
                probe.close()
            raise SettingsError(
                f"memory backend '{backend}' keeps its entries in its own way and cannot be kept "
                f"in a directory; use one of {', '.join(keepable_names())}"
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
