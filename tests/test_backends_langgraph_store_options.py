"""Options of the memory that lies in a LangGraph store, and what it shares with others."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from memory_backends.episodic.options import EpisodicOptions
from memory_backends.fact_store.backend import FactStoreOptions
from memory_backends.langgraph_store.backend import LangGraphStoreOptions
from memory_backends.linked_notes.backend import LinkedNotesOptions
from memory_backends.long_context import LongContextOptions
from memory_backends.mem0.backend import Mem0Options
from memory_backends.persistent import PersistentMemory
from memory_backends.rag import RagOptions
from memory_backends.registry import create_backend, own_names
from tests.backend_fixture import Scripted, context, ingest, one_fact_a_message, session
from tests.upgrade_fixture import upgraded
from traces.errors import SettingsError, StoreError
from traces.operation import OperationContext

OWN = "tests.langgraph_stores:"


@pytest.fixture(autouse=True)
def _scope() -> Iterator[None]:
    from agent.models.language_model import dspy_scope

    with dspy_scope():
        yield


def memory(store: str) -> Any:
    return create_backend("langgraph_store", {"store": store})


def passing() -> OperationContext:
    return context(Scripted(), "langgraph_store")


@pytest.mark.parametrize(
    ("option", "says"),
    [
        ("", "a text"),
        (3, "a text"),
        ("redis", "module:attr"),
        ("no_such_module:store", "cannot be imported"),
        (OWN + "missing", "has no 'missing'"),
        (OWN + "NO_STORE", "BaseStore"),
        (OWN + "InMemoryStore", "without arguments"),
        ("json:dumps", "json:dumps is a function; give"),
        ("postgresql+psycopg://me:secret@localhost/db", "names no store: give"),
        ("postgresql://me:secret@localhost/db", "PGPASSWORD"),
        ("postgresql://me:sec?ret@localhost/db", "PGPASSWORD"),
        ("postgresql://localhost/db?password=secret", "PGPASSWORD"),
        ("postgresql://localhost/db?sslpassword=secret", "PGPASSWORD"),
        ("postgresql://[bad", "write it as postgresql://USER@HOST"),
        ("postgresql://me:secret/1@localhost/db", "write it as postgresql://USER@HOST"),
        ("postgresql://localhost:99999/db", "write it as postgresql://USER@HOST"),
        ("postgresql://localhost/db?secret", "write it as postgresql://USER@HOST"),
        ("postgresql://localhost/\ud800", "write it as postgresql://USER@HOST"),
    ],
)
def test_what_names_no_store_is_refused_when_the_memory_is_made(option: Any, says: str) -> None:
    """The message names backend and option and says what to give; a password is not repeated."""
    if str(option).startswith("postgresql://"):
        pytest.importorskip("psycopg", reason="psycopg is not installed")
    with pytest.raises(SettingsError) as error:
        create_backend("langgraph_store", {"store": option})
    assert all(part in str(error.value) for part in ("langgraph_store", "'store'", says))
    assert "secret" not in str(error.value)
    assert "ret@" not in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("no_store", r"no_store\(\) returned a str"),
        ("broken", r"broken\(\) raised RuntimeError: no disk .*langgraph_stores.py:\d+ in broken"),
    ],
)
def test_a_function_that_returns_no_store_is_told_so_before_a_model_is_asked(
    name: str, says: str
) -> None:
    """It is known when the store is first used: nothing is paid for what cannot be kept."""
    model = Scripted(one_fact_a_message)
    with pytest.raises(SettingsError, match=says) as error:
        ingest(memory(OWN + name), context(model, "langgraph_store"), session("hello"))
    assert "\n" not in str(error.value)
    assert model.texts == []


def test_a_database_that_is_gone_is_an_error_of_the_store() -> None:
    """It ends the run, which can be resumed, instead of failing every conversation."""
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    model = Scripted(one_fact_a_message)
    for store in ("postgresql:///postgres?host=/nowhere&user=nobody", OWN + "unreachable"):
        backend = memory(store)
        with pytest.raises(StoreError, match=r"(?s)cannot be reached.*same command") as error:
            ingest(backend, context(model, "langgraph_store"), session("hello"))
        assert "\n" not in str(error.value)
        backend.close()
    assert model.texts == []


NUMBERS = [
    (name, field.name, field.default)
    for name, options in {
        "episodic": EpisodicOptions, "fact_store": FactStoreOptions,
        "langgraph_store": LangGraphStoreOptions, "linked_notes": LinkedNotesOptions,
        "long_context": LongContextOptions, "mem0": Mem0Options, "rag": RagOptions,
    }.items()
    for field in fields(options) if type(field.default) in (int, float)
]  # fmt: skip


@pytest.mark.parametrize(("name", "option", "default"), NUMBERS)
def test_a_number_that_is_out_of_range_is_refused(name: str, option: str, default: Any) -> None:
    """Of every backend: what is no number, without end, below the least, or so great that scores
    are no numbers any more."""
    for wrong in (float("inf"), float("nan"), -1, 1e308, 10**400):
        with pytest.raises(SettingsError, match=f"option '{option}' of .*'{name}' is .*give a"):
            create_backend(name, {option: wrong})
    create_backend(name, {option: default})


def test_a_directory_does_not_keep_what_another_store_holds(tmp_path: Path) -> None:
    """The agent's memory on disk is not for this backend; the message names those it is for,
    and each of them is kept."""
    with pytest.raises(SettingsError, match=r"langgraph_store.*use one of ") as error:
        PersistentMemory(tmp_path / "memory", "langgraph_store")
    named = str(error.value).rpartition("use one of ")[2].split(", ")
    assert named == [name for name in own_names() if name != "langgraph_store"]
    for name in named:
        with PersistentMemory(tmp_path / name, name) as memory:
            assert memory.name == name


def test_slots_and_prompts_are_those_of_the_fact_store() -> None:
    """What is learned for one serves the other; the fingerprint tells them apart."""
    facts, other = create_backend("fact_store"), create_backend("langgraph_store")
    assert facts.slots == other.slots
    assert facts.fingerprint != other.fingerprint
    assert other.fingerprint != memory(OWN + "SHARED").fingerprint


def _written(directory: Path, source: str) -> str:
    """Return the fingerprint of a memory in a store of the user's, whose module says this."""
    (directory / "my_store.py").write_text(source)
    sys.modules.pop("my_store", None)
    importlib.invalidate_caches()
    return str(memory("my_store:make").fingerprint)


def test_the_source_of_a_store_is_part_of_the_fingerprint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was recorded over another version of the user's module is not reused: of the module
    that the option names, and of the one that a function comes from."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    made = (
        "from langgraph.store.memory import InMemoryStore\ndef make():\n    return InMemoryStore()"
    )
    one, other = _written(tmp_path, made), _written(tmp_path, f"{made}  # another\n")
    assert one == _written(tmp_path, made) != other
    held = "from langgraph.store.memory import InMemoryStore\nmake = InMemoryStore()\n"
    assert _written(tmp_path, held) != _written(tmp_path, f"{held}# another\n")
    (tmp_path / "my_parts.py").write_text(made)
    passed_on = _written(tmp_path, "from my_parts import make")
    (tmp_path / "my_parts.py").write_text(f"{made}  # another\n")
    assert _written(tmp_path, "from my_parts import make") != passed_on
    for module in ("my_store", "my_parts"):
        sys.modules.pop(module)


@pytest.mark.parametrize(
    ("store", "package", "counts"),
    [
        ("memory", "langgraph-checkpoint", True),
        (OWN + "SHARED", "langgraph-checkpoint", True),
        ("postgresql:///nowhere", "langgraph-checkpoint", True),
        ("postgresql:///nowhere", "langgraph-checkpoint-postgres", True),
        ("memory", "langgraph-checkpoint-postgres", False),
    ],
)
def test_the_version_of_langgraphs_stores_is_part_of_the_fingerprint(
    store: str, package: str, counts: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After an upgrade nothing is reused that the stores' code may have decided."""
    if store.startswith("postgresql"):
        pytest.importorskip("psycopg", reason="psycopg is not installed")
    before = memory(store).fingerprint
    with upgraded(package, tmp_path, monkeypatch):
        assert (memory(store).fingerprint != before) == counts
    assert memory(store).fingerprint == before


def test_the_model_is_asked_what_it_is_asked_by_the_fact_store() -> None:
    """Extraction and update are the same operations: equal requests for equal facts."""
    asked = []
    for name in ("fact_store", "langgraph_store"):
        model = Scripted(one_fact_a_message)
        backend = create_backend(name)
        ingest(backend, context(model, name), session("my home is Lisbon", "my home is Porto"))
        asked.append(model.texts)
    assert asked[0] == asked[1]
