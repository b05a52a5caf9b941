"""A directory of memories: whose it is, what is committed, and the way into Chroma."""

from __future__ import annotations

import threading
from collections.abc import Container, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from memory_backends.retrieval.chroma_hold import JOURNAL, hold
from memory_backends.retrieval.chroma_journal import Journal, Pending, UserRow
from memory_backends.retrieval.chroma_records import (
    Change,
    UserRecords,
    apply,
    digest,
    embedded,
    printable,
)
from memory_backends.retrieval.chroma_store import ChromaStore, Collection, damaged
from memory_backends.retrieval.embeddings import Embedder
from traces.errors import IdentityError, StoreError
from traces.hashing import text_hash

CHROMA = "chroma"
# Chroma keeps all that was ever written to a collection and reads it again at each start; a
# collection is copied when that is this many times its records (and a bit).
_WASTE = 4
_FEW = 1000


class MemoryDirectory:
    """Held by one process. Threads may share it; calls about one user must not overlap.

    Raises LockedError, StoreError and IdentityError as PersistentMemory does.
    """

    def __init__(
        self, path: Path, identity: Mapping[str, Any], embedder: Embedder | None, adopt: bool
    ) -> None:
        self.path = path
        self._embedder = embedder
        self._model = None if embedder is None else embedder.name
        self._writing = threading.RLock()
        self._closed = False
        with ExitStack() as held:
            held.callback(hold(path).release)
            self._journal = Journal(path / JOURNAL)
            held.callback(self._journal.close)
            self._identify({**identity, "embedder": self._model}, adopt)
            self._store = ChromaStore(path / CHROMA)
            held.callback(self._store.close)
            self._finish(self._journal.pending())
            self._held = held.pop_all()

    def _identify(self, wanted: Mapping[str, Any], adopt: bool) -> None:
        known = self._journal.identity()
        if known and not (self.path / CHROMA).is_dir() and self._journal.users():
            raise damaged(self.path, f"{CHROMA}/ is missing")
        if known and known.get("backend") != wanted["backend"]:
            raise IdentityError(
                f"{self.path}: holds memories of the backend '{known.get('backend')}', not of "
                f"'{wanted['backend']}'; open it with that backend or choose another directory"
            )
        differing = [
            f"{name} was {known[name]!r}, now {wanted[name]!r}"
            for name in sorted(known.keys() & wanted.keys())
            if known[name] != wanted[name]
        ]
        if differing and not adopt:
            raise IdentityError(
                f"{self.path}: holds memories of another configuration ({'; '.join(differing)}); "
                "open it with the old one, choose another directory, or adopt the new one "
                "(adopt=True; where the embedder differs, everything is embedded again)"
            )
        with self._journal.transaction():
            self._journal.set_identity(wanted)

    def users(self) -> list[str]:
        """Return the ids of all users, sorted."""
        self.require_open()
        return sorted(user.id for user in self._journal.users())

    def sessions(self, user_id: str) -> list[str]:
        """Return the ids of a user's committed sessions, oldest first."""
        self.require_open()
        return self._journal.sessions(_key(user_id))

    def load(self, user_id: str) -> UserRecords:
        """Return a user's committed entries: none for one who is not known."""
        self.require_open()
        key = _key(user_id)
        with self._writing:
            self._finish(self._journal.pending(key))
            row = self._journal.user(key)
            if row is None:
                # Who is only asked about leaves no trace.
                return UserRecords(None, self._embedder)
            records = UserRecords(self._collection(row), self._embedder)
            records.load()
            records.beside = row.beside
            if digest(records.kept.values()) != row.digest:
                raise damaged(self.path, f"the entries of user {user_id!r} are not those committed")
            if row.embedder != self._model or row.written > _FEW + _WASTE * len(records.kept):
                records.collection = self._rebuild(row)
            return records

    def commit(
        self, user_id: str, records: UserRecords, change: Change, session: str | None
    ) -> None:
        """Write a change of a user's records and note the session: all or nothing.

        After an error it may or may not be committed: `load` finds out, and finishes it.
        """
        if not change.size and change.beside == records.beside and session is None:
            return
        with self._writing:
            self.require_open()
            key = _key(user_id)
            row = self._journal.user(key) or self._new(user_id)
            row = replace(
                row, digest=change.digest, written=row.written + change.size, beside=change.beside
            )
            with self._journal.transaction():
                pending = self._journal.add(key, "write", row.collection, change.steps)
                self._journal.set_user(row)
                if session is not None:
                    self._journal.add_session(key, session)
            if records.collection is None:
                records.collection = self._collection(row)
            apply(records.collection, change.steps)
            with self._journal.transaction():
                self._journal.strike([pending])
        records.kept, records.beside = change.kept, change.beside

    def forget(self, user_id: str, records: UserRecords, entry_ids: Container[str] | None) -> None:
        """Remove entries of a user (None: the user), from free space in the files too.

        The records are to be loaded again. After an error `load` finishes what is committed.
        """
        with self._writing:
            self.require_open()
            key = _key(user_id)
            row = self._journal.user(key)
            if row is None:
                return
            with self._journal.transaction():
                if entry_ids is None:
                    self._journal.remove_user(key)
                    pending = [self._journal.add(key, "drop", row.collection, {})]
                else:
                    change = records.without(entry_ids)
                    pending = [self._journal.add(key, "write", row.collection, change.steps)]
                    self._journal.set_user(replace(row, digest=change.digest, beside=change.beside))
                pending.append(self._journal.add(key, "erase", row.collection, {}))
            self._finish(pending)

    def close(self) -> None:
        """Let the directory go, once nobody is writing; a second call does nothing."""
        with self._writing:
            if not self._closed:
                self._closed = True
                self._held.close()

    def _finish(self, pending: Sequence[Pending]) -> None:
        """Do what is committed and not yet done."""
        # What is dropped is to be erased too.
        for one in sorted(pending, key=lambda one: one.action == "erase"):
            row = self._journal.user(one.key)
            if one.action == "drop":
                # A copy that was cut short may since have been made whole under its name.
                if row is None or row.collection != one.collection:
                    self._store.drop(one.collection)
            elif one.action == "write":
                if row is not None:
                    apply(self._collection(row), one.change)
            else:
                if row is not None:
                    self._rebuild(row)
                self._store.erase()
            with self._journal.transaction():
                self._journal.strike([one])
            if one.action == "erase":
                self._journal.erase()

    def _rebuild(self, row: UserRow) -> Collection:
        """Copy a user's records into a new collection, embedded again where that is needed."""
        generation = row.generation + 1
        new = replace(row, generation=generation, collection=_name(row.key, generation))
        with self._journal.transaction():
            # Should this be cut short, what there is of the copy goes.
            undo = self._journal.add(row.key, "drop", new.collection, {})
        self._store.drop(new.collection)
        records = self._collection(row).records()
        if row.embedder != self._model:
            records = embedded(records, self._embedder)
        copy = self._collection(new)
        copy.put(records)
        with self._journal.transaction():
            self._journal.strike([undo])
            self._journal.set_user(replace(new, embedder=self._model, written=len(records)))
            dropped = self._journal.add(row.key, "drop", row.collection, {})
        self._finish([dropped])
        return copy

    def _collection(self, row: UserRow) -> Collection:
        return self._store.collection(row.collection, printable(row.id))

    def _new(self, user_id: str) -> UserRow:
        key = _key(user_id)
        return UserRow(key, user_id, _name(key, 1), 1, self._model, digest([]), 0, "")

    def require_open(self) -> None:
        """Raise StoreError when this has been closed."""
        if self._closed:
            raise StoreError(f"{self.path}: the memory is closed; open it again")


def _key(user_id: str) -> str:
    return text_hash(user_id)


def _name(key: str, generation: int) -> str:
    return f"memory-{key}-{generation}"
