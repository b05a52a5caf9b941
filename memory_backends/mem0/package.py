"""The installed mem0 package: imported quietly, constructed over our own model and store."""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from tempfile import TemporaryDirectory
from typing import Any

from traces.errors import SettingsError

_lock = threading.Lock()


def imported() -> Any:
    """Return the mem0 package, imported so that it writes and sends nothing.

    Its telemetry can only be turned off, and the directory that it writes to only be chosen,
    by the environment it is imported under. Raises SettingsError where it is missing, not 2.x,
    or was imported with telemetry before.
    """
    with _lock:
        if "mem0" not in sys.modules:
            # A start-up file is written even without telemetry; it is of no use to anybody.
            with (
                TemporaryDirectory() as aside,
                _environment(MEM0_TELEMETRY="False", MEM0_DIR=aside),
            ):
                _import()
        return _quiet(_import())


def _import() -> Any:
    try:
        import mem0
    except ImportError as error:
        raise SettingsError(
            f"memory backend 'mem0' needs the package mem0ai ({error}): pip install 'mem0ai>=2,<3'"
        ) from error
    return mem0


def _quiet(mem0: Any) -> Any:
    if not mem0.__version__.startswith("2."):
        raise SettingsError(
            f"memory backend 'mem0' drives mem0ai 2.x, and {mem0.__version__} is installed: "
            "pip install 'mem0ai>=2,<3'"
        )
    from mem0.memory import telemetry
    from mem0.utils import spacy_models

    if telemetry.MEM0_TELEMETRY:
        raise SettingsError(
            "mem0 was imported with its telemetry on before memtune used it: set "
            "MEM0_TELEMETRY=False where your program imports it"
        )
    # With spaCy installed and its English model not, mem0 would download the model; and what it
    # finds would depend on what else is installed. So it does without, as it can.
    spacy_models._load_failed_full = spacy_models._load_failed_lemma = True
    # What fails is raised or recorded by memtune; mem0 logs it besides, with the texts.
    logging.getLogger("mem0").setLevel(logging.CRITICAL)
    return mem0


@contextmanager
def _environment(**values: str) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def make_memory(parts: Mapping[str, Any], collection: str) -> Any:
    """Return a mem0 `Memory` over these parts: `llm`, `embedding_model`, `vector_store`, `db`.

    Its own constructor runs, with our providers registered under a name of their own: none of
    those that it knows can be made without a key, a server or a download.
    """
    mem0 = imported()
    from mem0.configs.base import MemoryConfig
    from mem0.embeddings.configs import EmbedderConfig
    from mem0.llms.configs import LlmConfig
    from mem0.utils.factory import EmbedderFactory, LlmFactory, VectorStoreFactory
    from mem0.vector_stores.configs import VectorStoreConfig

    place = f"{__name__}.Unused"
    EmbedderFactory.provider_to_class["memtune"] = place
    VectorStoreFactory.provider_to_class["memtune"] = place
    LlmFactory.register_provider("memtune", place)
    # Unchecked: mem0's own check knows its own providers only.
    config = MemoryConfig.model_construct(
        embedder=EmbedderConfig.model_construct(provider="memtune", config={}),
        vector_store=VectorStoreConfig.model_construct(
            provider="memtune", config=_Collection(collection_name=collection)
        ),
        llm=LlmConfig.model_construct(provider="memtune", config={}),
        history_db_path=":memory:",
    )
    memory = mem0.Memory(config)
    memory.close()
    for name, part in parts.items():
        setattr(memory, name, part)
    return memory


class _Collection(dict[str, Any]):
    """A vector store's configuration as mem0 reads it: by key, and the name as an attribute."""

    @property
    def collection_name(self) -> str:
        """The collection's name."""
        name: str = self["collection_name"]
        return name


class Unused:
    """Stands where mem0 constructs a provider, until the real part takes its place."""

    def __init__(self, *_: Any, **__: Any) -> None: ...
