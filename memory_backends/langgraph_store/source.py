"""Which store: memtune's own in memory, one of the user's, or PostgreSQL."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from memory_backends.options import installed, source
from memory_backends.places import place
from memory_backends.retrieval.embeddings import Embedder, query_vector, text_vectors
from memory_backends.retrieval.ngram_vectors import DIMENSIONS, ngram_vectors
from traces.errors import SettingsError
from traces.plugins import is_plugin, load_object

if TYPE_CHECKING:
    from langgraph.store.base import BaseStore
    from langgraph.store.postgres import PostgresStore

Open = Callable[[], "AbstractContextManager[BaseStore]"]

IN_MEMORY = "memory"
# Those that hold `langgraph.store`.
_PACKAGE, _POSTGRES = "langgraph-checkpoint", "langgraph-checkpoint-postgres"
_OPTION = "option 'store' of memory backend 'langgraph_store'"
# Tables are made once a process and database: two at a time get into each other's way.
_SETUP = threading.Lock()
_set_up: set[str] = set()


def source_of(option: str, embedder: Embedder | None) -> Open:
    """Return what opens the store that the option `store` names; each memory opens its own.

    `embedder` is what the store in memory searches with (None: character n-grams). Raises
    SettingsError for what names no store, or one that is not installed.
    """
    if option == IN_MEMORY:
        return lambda: nullcontext(_in_memory(embedder))
    if option.startswith(("postgresql://", "postgres://")):
        return _postgres(option)
    if is_plugin(option):
        return _own(option)
    # Not repeated: it may be another database's address, with its password.
    raise SettingsError(
        f"{_OPTION} names no store: give {IN_MEMORY}, module:attr of a store or of a function that "
        "returns one, or postgresql://..."
    )


def rests_on(option: str) -> list[str]:
    """Return what a store's results depend on beside what it is named and holds: the package's
    version, and of one of the user's the source files of its module and of what makes it. To be
    called after `source_of`; raises SettingsError for a file that cannot be read."""
    if option == IN_MEMORY:
        return [installed(_PACKAGE)]
    if not is_plugin(option):
        return [installed(_PACKAGE), installed(_POSTGRES)]
    found = load_object(option, _OPTION)
    made_by = getattr(found, "__module__", "")
    return [installed(_PACKAGE), source(option.partition(":")[0]), source(made_by)]


def _in_memory(embedder: Embedder | None) -> BaseStore:
    from langchain_core.embeddings import Embeddings
    from langgraph.store.memory import InMemoryStore

    class Vectors(Embeddings):
        """Rows of arrays: what InMemoryStore needs of lists, at a fraction of their size."""

        def embed_documents(self, texts: list[str]) -> Any:
            return list(_padded(texts) if embedder is None else text_vectors(embedder, texts))

        def embed_query(self, text: str) -> Any:
            if embedder is None:
                (vector,) = _padded([text])
                # A query without words is unrelated to all; a cosine with zero is no number.
                vector[-1] = not vector.any()
                return vector
            # In double precision, and the store's sums with it.
            return np.asarray(query_vector(embedder, text), dtype=np.float64)

    # The store takes any number of dimensions for what is declared here.
    return InMemoryStore(index={"dims": DIMENSIONS + 1, "embed": Vectors(), "fields": ["text"]})


def _padded(texts: Sequence[str]) -> NDArray[np.float32]:
    return np.pad(ngram_vectors(texts), ((0, 0), (0, 1)))


def _own(option: str) -> Open:
    from langgraph.store.base import BaseStore

    found = load_object(option, _OPTION)
    if isinstance(found, BaseStore):
        return lambda: nullcontext(found)
    if isinstance(found, type) or not callable(found) or not _takes_nothing(found):
        raise SettingsError(
            f"{_OPTION}: {option} is a {type(found).__name__}; give a LangGraph BaseStore, or a "
            "function without arguments that returns one"
        )

    @contextmanager
    def open_own() -> Iterator[BaseStore]:
        with ExitStack() as opened:
            try:
                made = found()
                if isinstance(made, AbstractContextManager) and not isinstance(made, BaseStore):
                    made = opened.enter_context(made)
            except Exception as error:
                raise SettingsError(
                    f"{_OPTION}: {option}() raised {type(error).__name__}: {_line(error)} "
                    f"({place(error)}); mend it"
                ) from error
            if not isinstance(made, BaseStore):
                raise SettingsError(
                    f"{_OPTION}: {option}() returned a {type(made).__name__}; let it return a "
                    "LangGraph BaseStore, or a context manager that gives one"
                )
            yield made

    return open_own


def _takes_nothing(function: Callable[..., Any]) -> bool:
    """Say whether a function can be called without arguments; of some, only a call tells."""
    try:
        inspect.signature(function).bind()
    except TypeError:
        return False
    except ValueError:
        return True
    return True


def _postgres(url: str) -> Open:
    try:
        import psycopg
        from psycopg.conninfo import conninfo_to_dict

        if find_spec("langgraph.store.postgres") is None:
            raise ImportError
    except ImportError as error:
        raise SettingsError(
            f"{_OPTION}: PostgreSQL needs 'pip install memtune[postgres]', which brings "
            "langgraph-checkpoint-postgres and psycopg"
        ) from error
    try:
        parts = conninfo_to_dict(url)
    except (psycopg.Error, UnicodeError):
        parts = {"port": "none"}
    if "password" in parts or "sslpassword" in parts:
        raise SettingsError(
            f"{_OPTION} holds a password, which would be kept in the run's directory: leave it "
            "out, and set PGPASSWORD or write it into ~/.pgpass"
        )
    ports = str(parts.get("port") or "5432").split(",")
    if not all(port.isdecimal() and 0 < int(port) < 65_536 for port in ports):
        # Neither the address nor the reason is repeated: what is not understood may be a password.
        raise SettingsError(
            f"{_OPTION} is no address that PostgreSQL understands: write it as "
            "postgresql://USER@HOST:5432/DATABASE, an IPv6 address in [ ], and any of : / ? # [ ] "
            "@ within a name as %3A, %2F, ..."
        )

    @contextmanager
    def open_postgres() -> Iterator[BaseStore]:
        from langgraph.store.postgres import PostgresStore

        with PostgresStore.from_conn_string(url) as store:
            with _SETUP:
                if url not in _set_up:
                    _make_tables(store)
                    _set_up.add(url)
            yield store

    return open_postgres


def _make_tables(store: PostgresStore) -> None:
    import psycopg

    try:
        store.setup()
    except psycopg.ProgrammingError as error:
        raise SettingsError(
            f"{_OPTION}: the store's tables cannot be made ({_line(error)}); let the user create "
            "tables there, or let another one run PostgresStore.setup() once"
        ) from error


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
