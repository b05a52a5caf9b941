"""A LangGraph store that several memories share: one thread at a time, whatever its class."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from typing import Any

from langgraph.store.base import Op, Result
from langgraph.store.memory import InMemoryStore

from memory_backends.langgraph_store import space
from memory_backends.langgraph_store.space import Space
from tests.persistent_fixture import entry


class Busy(InMemoryStore):
    """Notes how many threads are in it at a time, and stays a while. Equal to all of its kind,
    and not hashable."""

    __slots__ = ("_count", "_inside", "most")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__()
        self._count = threading.Lock()
        self._inside = self.most = 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Busy)

    def batch(self, ops: Iterable[Op]) -> list[Result]:
        with self._count:
            self._inside += 1
            self.most = max(self.most, self._inside)
        time.sleep(0.005)
        try:
            return super().batch(ops)
        finally:
            with self._count:
                self._inside -= 1


def used(*stores: Any) -> None:
    """Write to stores and search them in threads that begin together, each by a memory of its
    own."""
    gate = threading.Barrier(len(stores))

    def work(place: int) -> list[str]:
        mine = Space(lambda: nullcontext(stores[place]))
        gate.wait()
        for number in range(4):
            mine.write([entry(f"{place}-{number}", f"text {number}")])
        return sorted(item.key for item in mine.search(10))

    with ThreadPoolExecutor(len(stores)) as pool:
        found = list(pool.map(work, range(len(stores))))
    assert found == [[f"{place}-{number}" for number in range(4)] for place in range(len(stores))]


def test_a_shared_store_is_used_by_one_thread_at_a_time() -> None:
    """Also one that cannot be hashed: what a user's store can bear is not known."""
    store = Busy()
    used(store, store, store, store)
    assert store.most == 1


def test_the_watch_sees_threads_in_a_store_at_once() -> None:
    """The same store without memtune between: its own class lets everybody in."""
    store = Busy()
    with ThreadPoolExecutor(4) as pool:
        for _ in pool.map(lambda n: store.put(("a",), str(n), {}), range(16)):
            pass
    assert store.most > 1


def test_equal_stores_do_not_wait_for_each_other() -> None:
    """Each has a lock of its own, which goes with it."""
    gc.collect()
    before = len(space._locks)
    stores = [Busy(), Busy()]
    used(*stores)
    assert len(space._locks) == before + 2
    del stores
    gc.collect()
    assert len(space._locks) == before
