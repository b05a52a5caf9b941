"""The memory agent on other backends than the default: kept on disk, or refused."""

from __future__ import annotations

import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest
from langchain_core.messages import HumanMessage

from agent import create_memory_agent
from agent.settings import load_settings
from memory_backends.registry import backend_names
from memory_backends.retrieval.chroma_hold import backend_of
from tests.chat_fixture import Clock
from traces.errors import IdentityError, SettingsError

KEPT = ("episodic", "fact_store", "linked_notes", "long_context", "mem0", "rag")


@pytest.mark.parametrize("backend", KEPT)
def test_what_was_said_is_known_after_the_memory_was_opened_again(
    backend: str, tmp_path: Path
) -> None:
    """Everything that an entry holds comes back from disk: the answer rests on it."""
    said, known = [], []
    clock = Clock()  # what the simulated model slips on changes with the day
    for text in ("I live in Lisbon.", "Where do I live?"):
        memory = str(tmp_path / "m")
        with create_memory_agent(memory=memory, backend=backend, clock=clock) as agent:
            state = agent.invoke(
                {"messages": [HumanMessage(text)]}, {"configurable": {"user_id": "ana"}}
            )
            said.append(str(state["messages"][-1].content))
            known.append([entry.text for entry in agent.memories("ana")])
    assert "Lisbon" in said[-1]
    assert known[0]
    assert set(known[0]) <= set(known[1])


def test_a_memory_that_lives_elsewhere_is_refused(tmp_path: Path) -> None:
    """A LangGraph store keeps its entries itself; the refusal names what can be kept."""
    assert set(backend_names()) - set(KEPT) == {"langgraph_store"}
    with pytest.raises(SettingsError, match="cannot be kept in a directory; use one of "):
        create_memory_agent(memory=str(tmp_path / "m"), backend="langgraph_store")


def test_a_memory_is_opened_with_its_own_backend(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nothing names a backend; one that is named, wherever, is refused as before."""
    memory = tmp_path / "m"
    assert backend_of(memory) is None
    create_memory_agent(memory=memory, backend="rag").close()
    before = sorted(memory.iterdir())
    assert backend_of(memory) == "rag"
    assert sorted(memory.iterdir()) == before
    with create_memory_agent(memory=memory) as agent:
        assert agent.turns.parts.memory.name == "rag"
    with pytest.raises(IdentityError, match="backend 'rag', not of 'fact_store'"):
        create_memory_agent(memory=memory, backend="fact_store")
    monkeypatch.setenv("MEMTUNE__BACKEND", "linked_notes")
    with pytest.raises(IdentityError, match="backend 'rag', not of 'linked_notes'"):
        create_memory_agent(memory=memory, settings=load_settings())


def test_no_module_is_imported_because_a_directory_names_it(tmp_path: Path) -> None:
    """What a memory says of itself chooses among the backends that are installed only."""
    memory = tmp_path / "m"
    create_memory_agent(memory=memory, backend="rag").close()
    with closing(sqlite3.connect(memory / "memory.db")) as journal, journal:
        journal.execute("UPDATE identity SET value = '\"this:d\"' WHERE name = 'backend'")
    assert backend_of(memory) == "this:d"
    with pytest.raises(IdentityError, match="backend 'this:d', not of 'fact_store'"):
        create_memory_agent(memory=memory)
    assert "this" not in sys.modules
