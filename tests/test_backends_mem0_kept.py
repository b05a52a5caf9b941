"""mem0's last messages on disk: kept with the entries, and gone with what is forgotten."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from agent import create_memory_agent
from agent.chat.graph import MemoryAgent
from agent.chat.replaying import TurnReplayer
from agent.models.gateway import metered
from agent.settings import Settings
from evals.simulation.request import Request
from memory_backends.persistent import PersistentMemory
from memory_backends.registry import create_backend
from memory_backends.retrieval.chroma_hold import JOURNAL
from tests.backend_fixture import context, ingest, session
from tests.chat_fixture import Clock, told
from tests.mem0_fixture import TALK, Extracting, section
from tests.persistent_fixture import files_of, texts_of

LATER = session("I keep goats too.", id="s2"), session("I sold my canoe.", id="s3")


pytestmark = pytest.mark.usefixtures("json_adapter")


def shown(model: Extracting) -> str:
    """Return the last messages that the model was shown with its last request."""
    return section(model.texts[-1][1], "Last k Messages")


def test_what_is_extracted_does_not_hang_on_a_restart(tmp_path: Path) -> None:
    """Opened again before every session, the model is asked what it is asked in one process."""
    plain, disk = Extracting(), Extracting()
    backend, ctx = create_backend("mem0"), context(plain, "mem0")
    other = context(disk, "mem0")
    for one in (session(*TALK), *LATER):
        ingest(backend, ctx, one)
        with PersistentMemory(tmp_path, "mem0") as memory:
            ingest(memory.user("Rosa"), other, one)
            assert memory.user("Rosa").snapshot() == backend.snapshot()  # type: ignore[attr-defined]
    assert disk.texts == plain.texts
    assert "green canoe" in shown(disk)
    assert "goats" in shown(disk)


class Undecided(Extracting):
    """Extracts, and then breaks where it has to decide on an update."""

    def _reply(self, request: Request) -> Mapping[str, Any]:
        if "action" in request.outputs:
            raise RuntimeError("cut off")
        return super()._reply(request)


def test_a_failed_turn_leaves_the_last_messages_as_they_were(tmp_path: Path) -> None:
    """mem0 has noted the turn's messages when its update fails: they are taken back, in memory
    and on disk."""
    config = {"update": True}
    with PersistentMemory(tmp_path, "mem0", config) as memory:
        user = memory.user("Rosa")
        ingest(user, context(Extracting(), "mem0", {"update": "Decide."}), session(*TALK))
        before = user.snapshot()
        with pytest.raises(Exception, match="cut off"):
            ingest(user, context(Undecided(), "mem0", {"update": "Decide."}), LATER[0])
        assert user.snapshot() == before
    with PersistentMemory(tmp_path, "mem0", config) as memory:
        assert memory.user("Rosa").snapshot() == before


def test_what_was_said_is_not_shown_after_anything_of_it_is_forgotten(tmp_path: Path) -> None:
    """With an entry go all of the last messages, at once, after reopening, and in the files:
    nobody can tell which of them speak of it. The other entries stay."""
    model = Extracting()
    with PersistentMemory(tmp_path, "mem0") as memory:
        user, ctx = memory.user("Rosa"), context(model, "mem0")
        ingest(user, ctx, session(*TALK))
        ingest(memory.user("Ben"), ctx, session("I like chess."))
        (bees, _) = user.entries()
        assert [name for name, held in files_of(tmp_path).items() if b"I keep bees" in held]
        assert memory.forget("Rosa", ["unknown"]) == 0
        assert memory.forget("Rosa", [bees.id]) == 1
        assert [name for name, held in files_of(tmp_path).items() if b"bees" in held] == []
        ingest(user, ctx, LATER[0])
        assert shown(model) == ""
    with PersistentMemory(tmp_path, "mem0") as memory:
        ingest(memory.user("Rosa"), ctx, LATER[1])
        assert "bees" not in model.texts[-1][1]
        assert "goats" in shown(model)
        assert "Ben does bought a green canoe." in texts_of(memory, "Rosa")
        ingest(memory.user("Ben"), ctx, LATER[1])
        assert "chess" in shown(model)


def test_a_restored_memory_brings_its_last_messages_to_disk(tmp_path: Path) -> None:
    """`commit` writes them, also where the entries are what they were."""
    with PersistentMemory(tmp_path, "mem0") as memory:
        user, ctx = memory.user("Rosa"), context(Extracting(), "mem0")
        ingest(user, ctx, session(*TALK))
        early = user.snapshot()
        ingest(user, ctx, session(TALK[0], id="s2"))
        assert len(user.entries()) == 2
        assert user.snapshot() != early
        user.restore(early)
        memory.commit("Rosa")
    with PersistentMemory(tmp_path, "mem0") as memory:
        assert memory.user("Rosa").snapshot() == early


def test_a_memory_of_before_they_were_kept_opens(tmp_path: Path) -> None:
    """Its entries are there, and the next messages are the first that are shown."""
    model = Extracting()
    with PersistentMemory(tmp_path, "mem0") as memory:
        ingest(memory.user("Rosa"), context(model, "mem0"), session(*TALK))
    with sqlite3.connect(tmp_path / JOURNAL) as connection:
        connection.execute("ALTER TABLE users DROP COLUMN beside")
        connection.execute("PRAGMA user_version = 1")
    connection.close()
    with PersistentMemory(tmp_path, "mem0") as memory:
        assert len(texts_of(memory, "Rosa")) == 2
        for one in LATER:
            ingest(memory.user("Rosa"), context(model, "mem0"), one)
        assert shown(model).strip() == "user: Rosa: I keep goats too."


def _agent(directory: Path, clock: Clock) -> MemoryAgent:
    return create_memory_agent(memory=directory, settings=Settings(), clock=clock, backend="mem0")


def test_every_turn_is_answered_again_from_the_record(tmp_path: Path) -> None:
    """Over a restart and a forgetting, in one process or two, replays ask for what was asked:
    each recorded answer comes again at no call."""
    clock = Clock()
    with _agent(tmp_path, clock) as agent:
        told(agent, "Ana", "I live in Lisbon.", "My sister Mia collects stamps.")
    with _agent(tmp_path, clock) as agent:
        told(agent, "Ana", "I moved to Porto.", "Where do I live?")
        entry = next(e for e in agent.memories("Ana") if "stamps" in e.text)
        agent.forget("Ana", [entry.id])
        told(agent, "Ana", "My cat is called Tom.")
    with _agent(tmp_path, clock) as agent:
        told(agent, "Ana", "What is my cat called?")
        turns = agent.turns
        for turn in turns.log.turns("Ana"):
            graph = turns.log.graph("Ana", turn.answer_pass)
            with metered() as meter:
                # Refuses what does not give the recorded answer.
                TurnReplayer.opened(turns.parts, turn, graph, turns.embedder).close()
            assert meter.calls == 0
