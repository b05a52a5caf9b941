"""LangGraph stores as a user would name them: `tests.langgraph_stores:SHARED` and others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from langgraph.store.base import BaseStore
from langgraph.store.memory import InMemoryStore
from langgraph.store.sqlite import SqliteStore

closed: list[BaseStore] = []


def letters(texts: Sequence[str]) -> list[list[float]]:
    """Embed texts as counts of letters: many different texts have the same vector."""
    return [[float(text.lower().count(chr(97 + i))) for i in range(26)] for text in texts]


def negative(texts: Sequence[str]) -> list[list[float]]:
    """Embed all that says 'cat' opposite to everything else."""
    return [[-1.0, 0.0] if "cat" in text else [1.0, 0.0] for text in texts]


SHARED = InMemoryStore(index={"dims": 26, "embed": letters})
NEGATIVE = InMemoryStore(index={"dims": 2, "embed": negative})
PLAIN = InMemoryStore()
NO_STORE = {"a": "dictionary"}


def fresh() -> BaseStore:
    """Return a store with semantic search."""
    return InMemoryStore(index={"dims": 26, "embed": letters})


@contextmanager
def sqlite() -> Iterator[BaseStore]:
    """Give a store without semantic search, and note when it is given back."""
    with SqliteStore.from_conn_string(":memory:") as store:
        store.setup()
        yield store
        closed.append(store)


def no_store() -> str:
    """Return what is no store."""
    return "no store"


def broken() -> BaseStore:
    """Fail as a function of a user's does."""
    raise RuntimeError("no\ndisk")


@contextmanager
def unreachable() -> Iterator[BaseStore]:
    """Fail as a server does that is not there."""
    import psycopg

    with psycopg.connect("host=/nowhere user=nobody dbname=postgres"):
        yield SHARED
