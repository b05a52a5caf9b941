"""What a turn returned is on disk: kills, crashes between the stores, and forgetting."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from agent.chat.graph import MemoryAgent
from tests.chat_fixture import Model, agent_at, config, said, told
from traces.errors import StoreError

# For each line of input a process of its own that says one new thing a turn, and prints each
# turn when it has its final state. Forked from one that has imported everything.
TALKER = """
import os, sys
from pathlib import Path
import chromadb, agent.chat.graph, agent.models.language_model, memory_backends.persistent
import memory_backends.fact_store.signatures, traces.text
from tests.chat_fixture import Model, agent_at, config, said
Model()

def talk():
    with agent_at(Path(sys.argv[1])) as agent:
        last = agent.turns.log.last("Ana")
        for n in range(last.number if last else 0, 1000):
            digits = (n // 144, n // 12 % 12, n % 12)
            name = "".join("bdfglmnprstv"[d] + "aeiou"[d % 5] for d in digits).title()
            state = agent.invoke(said(f"{name} works as a baker."), config("Ana"))
            print(name, state["turn"], state["remembered"], flush=True)

for _ in sys.stdin:
    child = os.fork()
    if not child:
        print("pid", os.getpid(), flush=True)
        talk()
    os.waitpid(child, 0)
    print("dead", flush=True)
"""


def killed(directory: Path, rounds: int, draw: random.Random) -> list[tuple[str, str]]:
    """Let processes talk and kill each in the middle of a turn; return what they had said."""
    talker = subprocess.Popen(
        [sys.executable, "-c", TALKER, str(directory)], text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert talker.stdout is not None
    assert talker.stdin is not None
    seen: list[tuple[str, str]] = []
    for _ in range(rounds):
        talker.stdin.write("go\n")
        talker.stdin.flush()
        pid = int(talker.stdout.readline().split()[1])
        wanted = len(seen) + draw.randrange(1, 4)
        for line in talker.stdout:
            if line == "dead\n":
                break
            name, turn, remembered = line.split()
            assert remembered == "True"
            seen.append((name, turn))
            if len(seen) == wanted:
                time.sleep(draw.uniform(0, 0.08))  # somewhere in the next turn
                os.kill(pid, signal.SIGKILL)
    talker.stdin.close()
    assert talker.wait() == 0
    return seen


def require_whole(agent: MemoryAgent, user: str = "Ana") -> None:
    """Memory and record agree: every entry was made by a recorded operation, every turn is
    remembered once, and no operation is there twice."""
    turns = agent.turns.log.turns(user)
    assert [turn.number for turn in turns] == list(range(1, len(turns) + 1))
    assert agent.turns.memory.sessions(user) == [t.id for t in turns if t.status == "remembered"]
    graph = agent.turns.log.graph(user)
    for entry in agent.memories(user):
        (version,) = [v for v in graph.versions(entry.id) if v.ended_by is None]
        assert version.variable.value["text"] == entry.text
    store = agent.turns.log.store
    ids = [o.id for p in agent.turns.log.passes(user) for o in store.operations(p)]
    assert len(ids) == len(set(ids))


def test_a_killed_process_forgets_nothing(tmp_path: Path) -> None:
    """kill -9 at random moments, again and again: every turn that had returned is in memory and
    record, and talking goes on where it ended."""
    said_ = killed(tmp_path, int(os.environ.get("MEMTUNE_KILLS", "3")), random.Random())
    with agent_at(tmp_path) as agent:
        assert told(agent, "Ana", "Hello there.") is not None
        held = " ".join(entry.text for entry in agent.memories("Ana"))
        assert [name for name, _ in said_ if name not in held] == []
        known = {turn.id: turn.status for turn in agent.turns.log.turns("Ana")}
        assert all(known[turn] == "remembered" for _, turn in said_)
        require_whole(agent)


class Crash(BaseException):
    """The process ends here."""


def crash(*_: Any, **__: Any) -> None:
    raise Crash


@pytest.mark.parametrize("moment", ["before", "within", "after"])
def test_a_crash_at_the_seams_loses_and_doubles_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    """A crash between answer and memory, within remembering, or between memory and record:
    the next turn remembers what was said, once, and its operations are recorded, once."""
    with agent_at(tmp_path) as agent:
        told(agent, "Ana", "I collect stamps.")
        backend = agent.turns.memory.user("Ana")
        if moment == "before":
            monkeypatch.setattr(backend, "ingest", crash)
        elif moment == "within":
            journal = agent.turns.log.journal

            def half(*given: Any) -> None:
                journal(*given)
                raise Crash

            monkeypatch.setattr(agent.turns.log, "journal", half)
        else:
            monkeypatch.setattr(agent.turns.log, "remembered", crash)
        with pytest.raises(Crash):
            agent.invoke(said("I live in Lisbon."), config("Ana"))
    monkeypatch.undo()
    model = Model()
    with agent_at(tmp_path, model) as agent:
        (pending,) = agent.turns.log.pending("Ana")
        assert pending.id == "t000002"
        assert told(agent, "Ana", "Where do I live?") == "Lisbon"
        require_whole(agent)
        # The calls of a crashed turn are in the ledger: none is made twice.
        assert model.tasks["extraction"] == (2 if moment == "before" else 1)


def test_a_memory_that_may_have_been_written_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a StoreError the memory may hold the turn all the same: it is then not told twice,
    and its operations stay recorded."""
    with agent_at(tmp_path) as agent:
        backend = agent.turns.memory.user("Ana")
        ingest = backend.ingest

        def kept_but_broken(*given: Any) -> None:
            ingest(*given)
            raise StoreError("the disk is full")

        monkeypatch.setattr(backend, "ingest", kept_but_broken)
        state = agent.invoke(said("I live in Lisbon."), config("Ana"))
        assert "the disk is full" in state["problem"]
        monkeypatch.undo()
        assert told(agent, "Ana", "Where do I live?") == "Lisbon"
        require_whole(agent)


# forgetting ----------------------------------------------------------------------


def test_one_memory_is_forgotten_by_a_recorded_operation(tmp_path: Path) -> None:
    """A forgotten entry is not retrieved any more, also after a restart; the graph shows which
    operation ended it; other entries and other users stay."""
    with agent_at(tmp_path) as agent:
        told(agent, "Ana", "I live in Lisbon.", "I collect stamps.")
        told(agent, "Ben", "I live in Oslo.")
        lisbon = next(e for e in agent.memories("Ana") if "Lisbon" in e.text)
        assert agent.forget("Ana", [lisbon.id, "nothing"]) == 1
        assert agent.forget("Ana", [lisbon.id]) == 0
        (version,) = agent.turns.log.graph("Ana").versions(lisbon.id)
        ended = agent.turns.log.graph("Ana").operations[version.ended_by or ""]
        assert (ended.kind, ended.name) == ("update", "forget")
    with agent_at(tmp_path) as agent:
        assert told(agent, "Ana", "Where do I live?") == "Not mentioned"
        assert [e.text for e in agent.memories("Ana") if "Lisbon" in e.text] == []
        assert len(agent.memories("Ben")) == 1
        require_whole(agent)


def test_forgetting_a_user_leaves_no_word_on_disk(tmp_path: Path) -> None:
    """After `forget` of all, no file of the directory holds a word that only this user said or
    was told: not in memory, turns, operations or calls, not in free pages either. What others
    said stays, and the user can begin anew."""
    with agent_at(tmp_path) as agent:
        told(agent, "Ana", "I live in Qwertzuiop.", "My brother plays the Yxcvbnmlk.")
        told(agent, "Ben", "I live in Asdfghjkl.", "Where do I live?")
        spent = agent.turns.parts.gateway.ledger.spending()["agent"]
        assert agent.forget("Ana") == 2
        assert agent.memories("Ana") == []
        assert agent.turns.log.users() == ["Ben"]
        assert agent.turns.parts.gateway.ledger.spending()["agent"] == spent
        words = [b"Qwertzuiop", b"Yxcvbnmlk", b"Asdfghjkl"]
        files = [path for path in tmp_path.rglob("*") if path.is_file()]
        held = {word: [p.name for p in files if word in p.read_bytes()] for word in words}
        assert held[b"Qwertzuiop"] == held[b"Yxcvbnmlk"] == []
        assert "memtune.db" in held[b"Asdfghjkl"]
        # The numbers begin anew, and are no excuse for not remembering.
        state = agent.invoke(said("I live in Rome."), config("Ana"))
        assert (state["turn"], state["remembered"]) == ("t000001", True)
        assert told(agent, "Ana", "Where do I live?") == "Rome"
        assert told(agent, "Ben", "Where do I live now?") == "Asdfghjkl"
        require_whole(agent)
        require_whole(agent, "Ben")
