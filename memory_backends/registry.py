"""Where a name becomes a backend: one of memtune's, an installed package's, or `module:attr`.

A backend's module is imported when it is first asked for.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any, cast

from memory_backends.foreign import make_foreign
from memory_backends.protocol import Closable, MemoryBackend
from memory_backends.retrieval.embeddings import Embedder
from traces.errors import SettingsError
from traces.plugins import is_plugin, load_object

GROUP = "memtune.memory_backends"
_CLASSES: dict[str, tuple[str, str]] = {
    "episodic": ("memory_backends.episodic.backend", "Episodic"),
    "fact_store": ("memory_backends.fact_store.backend", "FactStore"),
    "langgraph_store": ("memory_backends.langgraph_store.backend", "LangGraphStore"),
    "linked_notes": ("memory_backends.linked_notes.backend", "LinkedNotes"),
    "long_context": ("memory_backends.long_context", "LongContext"),
    "mem0": ("memory_backends.mem0.backend", "Mem0"),
    "rag": ("memory_backends.rag", "Rag"),
}


@dataclass(frozen=True, slots=True)
class Found:
    """A backend that was found by its name. `source` says where, in words; `spec` is its
    `module:attr`; `own` is one of memtune's."""

    name: str
    spec: str
    source: str
    own: bool

    def load(self) -> Any:
        """Return the class, or what else makes a backend. Raises SettingsError."""
        if self.own:
            module, _, attribute = self.spec.partition(":")
            return getattr(import_module(module), attribute)
        return load_object(self.spec, "--backend")


def own_names() -> list[str]:
    """Return the names of memtune's own backends, sorted."""
    return sorted(_CLASSES)


def backend_names() -> list[str]:
    """Return the names of all backends, sorted."""
    return sorted({*_CLASSES, *(point.name for point in _installed())})


def find_backend(name: str) -> Found:
    """Return the backend of a name: memtune's own first, then what installed packages offer
    as entry points of the group `memtune.memory_backends`, then `module:attr`.

    Raises SettingsError for a name that nobody or more than one package offers.
    """
    if name in _CLASSES:
        return Found(name, ":".join(_CLASSES[name]), "memtune", True)
    offered = {point.value: point for point in _installed() if point.name == name}
    if len(offered) > 1:
        raise SettingsError(
            f"memory backend '{name}' is offered by {' and '.join(map(_package, offered.values()))}"
            f": uninstall one of them, or name it as {next(iter(offered))}"
        )
    for point in offered.values():
        return Found(name, point.value.partition(" ")[0], _package(point), False)
    if is_plugin(name):
        return Found(name, name, "module:attr", False)
    raise SettingsError(
        f"unknown memory backend '{name}': choose one of {', '.join(backend_names())}, or one of "
        f"your own as module:attr; installed packages are looked for in {sys.prefix}"
    )


def create_backend(
    name: str, config: Mapping[str, Any] | None = None, embedder: Embedder | None = None
) -> MemoryBackend:
    """Return a new, empty backend.

    `config` holds the backend's options; `embedder` takes the place of character
    n-grams in its search. Raises SettingsError for an unknown name or option, and for one
    that cannot be made.
    """
    found = find_backend(name)
    if found.own:
        return cast(MemoryBackend, found.load()(config, embedder))
    return make_foreign(name, found.load(), config, embedder)


@contextmanager
def open_backend(
    name: str, config: Mapping[str, Any] | None = None, embedder: Embedder | None = None
) -> Iterator[MemoryBackend]:
    """Lend a new, empty backend as `create_backend` makes it; it is closed at the end."""
    backend = create_backend(name, config, embedder)
    try:
        yield backend
    finally:
        if isinstance(backend, Closable):
            backend.close()


@lru_cache(maxsize=1)
def _installed() -> tuple[EntryPoint, ...]:
    # What is installed does not change while a command runs; looking takes milliseconds.
    return tuple(entry_points(group=GROUP))


def _package(point: EntryPoint) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist is not None else point.value
