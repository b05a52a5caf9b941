"""One memory's place in a LangGraph store: a namespace that nobody else uses."""

from __future__ import annotations

import re
import sys
import threading
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any
from weakref import finalize

from memory_backends.langgraph_store.source import Open
from traces.errors import StoreError
from traces.schema import MemoryEntry

if TYPE_CHECKING:
    from langgraph.store.base import BaseStore, PutOp, SearchItem

ROOT = "memtune"
# What PostgreSQL cannot hold in JSON.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")

# By identity: a user's store need not be hashable, and equal ones are two.
_locks: dict[int, threading.RLock] = {}
_locks_lock = threading.Lock()


class Space:
    """Entries of one memory in a store, by entry id. Thread-safe.

    The store is opened when it is first used. A store that several memories share is used by
    one thread at a time: not all of them can do otherwise. Raises StoreError where the store's
    server is lost, and what the store raises.
    """

    def __init__(self, open_store: Open) -> None:
        self._open = open_store
        # By chance, so that no two passes over a conversation, or processes, share one. It is
        # part of no operation.
        self._namespace = (ROOT, uuid.uuid4().hex)
        self._keys: set[str] = set()
        self._opened: BaseStore | None = None
        self._exit = ExitStack()
        self._opening = threading.Lock()

    def open(self) -> None:
        """Open the store now, where it is not open yet."""
        with self._store():
            pass

    def write(self, puts: Iterable[MemoryEntry], gone: Iterable[str] = ()) -> None:
        """Put entry versions, in place of those of the same ids, and delete others."""
        from langgraph.store.base import PutOp

        ops = [PutOp(self._namespace, id, None) for id in gone]
        for entry in puts:
            self._keys.add(entry.id)
            ops.append(PutOp(self._namespace, entry.id, _value(entry), ["text"]))
        with self._store() as store:
            for batch in _batches(ops):
                store.batch(batch)

    def search(self, limit: int, query: str | None = None) -> list[SearchItem]:
        """Return at most `limit` items: the nearest to the query, best first, where the store
        can tell; otherwise any."""
        with self._store() as store:
            cleaned = None if query is None else _storable(query)
            return store.search(self._namespace, query=cleaned, limit=limit)

    def close(self) -> None:
        """Delete the namespace, and close what was opened; a second call does nothing."""
        from langgraph.store.base import PutOp

        if self._opened is None:
            return
        try:
            with self._store() as store:
                store.batch([PutOp(self._namespace, id, None) for id in sorted(self._keys)])
        finally:
            self._keys.clear()
            self._opened = None
            self._exit.close()

    @contextmanager
    def _store(self) -> Iterator[BaseStore]:
        try:
            with self._opening:
                if self._opened is None:
                    self._opened = self._exit.enter_context(self._open())
                store = self._opened
            with _lock_of(store):
                yield store
        except Exception as error:
            if _is_lost(error):
                reason = " ".join(str(error).split())[:300]
                raise StoreError(
                    f"the memory's store cannot be reached ({type(error).__name__}: {reason}); "
                    "see that its server runs and lets this user in (PGPASSWORD or ~/.pgpass hold "
                    "the password), then run the same command again"
                ) from error
            raise


def _lock_of(store: BaseStore) -> threading.RLock:
    with _locks_lock:
        lock = _locks.get(id(store))
        if lock is None:
            lock = _locks[id(store)] = threading.RLock()
            finalize(store, _locks.pop, id(store)).atexit = False
        return lock


def _value(entry: MemoryEntry) -> dict[str, Any]:
    return {
        "text": _storable(entry.text),
        "speaker": _storable(entry.speaker),
        "date": _storable(entry.date),
        "sources": [_storable(source) for source in entry.sources],
        "version": entry.version,
    }


def _storable(text: str) -> str:
    return _UNSTORABLE.sub("�", text)


def _batches(ops: Sequence[PutOp]) -> list[list[PutOp]]:
    """Return the operations in batches none of which holds a text twice: InMemoryStore embeds
    a batch's texts once each and then misses vectors."""
    batches: list[list[PutOp]] = []
    seen: dict[str, int] = {}
    for op in ops:
        text = "" if op.value is None else f" {op.value['text']}"
        place = seen.get(text, 0) if text else 0
        seen[text] = place + 1
        if place == len(batches):
            batches.append([])
        batches[place].append(op)
    return batches


def _is_lost(error: Exception) -> bool:
    """Say whether it is a database that is gone, also in what opens a store; asked of its driver
    only where it is in use."""
    driver = sys.modules.get("psycopg")
    if driver is None:
        return False
    lost = driver.OperationalError | driver.InterfaceError
    return isinstance(error, lost) or isinstance(error.__cause__, lost)
