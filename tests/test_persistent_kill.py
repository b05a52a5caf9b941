"""kill -9 at random moments: every committed turn is there, and none by half."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from memory_backends.persistent import PersistentMemory
from memory_backends.retrieval.index import HybridIndex
from tests.persistent_fixture import Hashed, entry, plain_index, state
from traces.schema import MemoryEntry

ROUNDS = int(os.environ.get("KILL_ROUNDS", "2"))
USERS = ("Rosa", "Ben", "Ana")


def after(user: str, turn: int, forgotten: bool = False) -> list[MemoryEntry]:
    """A user's entries after a turn: each turn changes some texts, gives every entry a new
    version, adds one, deletes one, and brings back the one that is forgotten at times."""
    if turn == 0:
        return []
    entries = [
        entry("same", f"{user} plays chess", turn, variable="op/entries/0"),
        entry("changed", f"{user} said {turn}", turn),
        *(entry(f"n{n}", f"{user} number {n}", turn) for n in range(max(1, turn - 3), turn + 1)),
    ]
    return entries if forgotten else [*entries, entry("forgotten", f"secret of {user}", turn)]


def live(directory: str) -> None:
    """What the killed process does: turns of three users in three threads, for ever."""
    from threading import Thread

    print("ready", flush=True)
    memory = PersistentMemory(directory, embedder=Hashed())

    def turns(user: str) -> None:
        mine = memory.user(user)
        turn = max((one.version for one in mine.entries()), default=0)
        while True:
            turn += 1
            mine.restore(state(*after(user, turn)))
            mine.commit()
            print(user, turn, flush=True)
            if turn % 4 == 0:
                memory.forget(user, ["forgotten"])

    for user in USERS:
        Thread(target=turns, args=[user]).start()


def test_killed_at_random_moments(tmp_path: Path) -> None:
    """After each kill every acknowledged turn is on disk, at most the one in flight besides,
    whole; an entry is forgotten or not; and searches rank as in memory."""
    seed = time.time_ns()
    draw = random.Random(seed)
    acknowledged = dict.fromkeys(USERS, 0)
    command = [
        sys.executable,
        "-c",
        f"from tests.test_persistent_kill import *; live('{tmp_path}')",
    ]
    for number in range(ROUNDS):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        moment = draw.choice([0, *draw.sample(range(1, 30), 2)])
        for _ in range(moment):
            note(process.stdout.readline(), acknowledged)
        time.sleep(draw.uniform(0, 0.3 if moment == 0 else 0.03))
        process.send_signal(signal.SIGKILL)
        for line in process.stdout.read().splitlines(keepends=True):
            note(line, acknowledged)
        process.wait()
        check(tmp_path, acknowledged, f"round {number}, seed {seed}")


def note(line: str, acknowledged: dict[str, int]) -> None:
    if line.endswith("\n"):
        user, turn = line.split()
        acknowledged[user] = int(turn)


def check(directory: Path, acknowledged: dict[str, int], where: str) -> None:
    with PersistentMemory(directory, embedder=Hashed()) as memory:
        for user in USERS:
            kept = memory.user(user).entries()
            turn = max((one.version for one in kept), default=0)
            assert turn in (acknowledged[user], acknowledged[user] + 1), where
            acknowledged[user] = turn
            possible = [after(user, turn), *([after(user, turn, True)] if turn % 4 == 0 else [])]
            assert kept in possible, where
            assert [one.variable for one in kept][:1] == [
                one.variable for one in after(user, turn)[:1]
            ]
            records = memory.directory.load(user)
            index = HybridIndex(records.vectors)
            for one in kept:
                index.put(one.id, one.text)
            plain = plain_index({one.id: one.text for one in kept}, Hashed(), 0.25)
            for query in ("chess", "secret number", "said"):
                assert index.search([query], 9) == plain.search([query], 9), where
