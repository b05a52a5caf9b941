"""Backends by name. A backend's module is imported when it is first asked for."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, cast

from memory_backends.protocol import MemoryBackend
from memory_backends.retrieval.embeddings import Embedder
from traces.domain import PromptSlot
from traces.errors import SettingsError

_CLASSES: dict[str, tuple[str, str]] = {
    "fact_store": ("memory_backends.fact_store.backend", "FactStore"),
    "long_context": ("memory_backends.long_context", "LongContext"),
    "rag": ("memory_backends.rag", "Rag"),
}


def backend_names() -> list[str]:
    """Return the names of all backends, sorted."""
    return sorted(_CLASSES)


def create_backend(
    name: str, config: Mapping[str, Any] | None = None, embedder: Embedder | None = None
) -> MemoryBackend:
    """Return a new, empty backend.

    `config` holds the backend's options; `embedder` takes the place of character
    n-grams in its search. Raises SettingsError for an unknown name or option.
    """
    return cast(MemoryBackend, _class(name)(config, embedder))


def slots_of(name: str) -> tuple[PromptSlot, ...]:
    """Return the prompt slots that a backend declares. Raises SettingsError."""
    return cast("tuple[PromptSlot, ...]", _class(name).slots)


def _class(name: str) -> Any:
    if name not in _CLASSES:
        raise SettingsError(
            f"unknown memory backend '{name}': choose one of {', '.join(backend_names())}"
        )
    module, attribute = _CLASSES[name]
    return getattr(import_module(module), attribute)
