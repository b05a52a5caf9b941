"""kill -9 in the middle of a round, then resume: the same decisions, the same bytes."""

from __future__ import annotations

import json
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

CONCURRENCY = 2
RUN = [
    "run", "--conversations", "8", "--rounds", "1", "--seed", "3", "--gate-mode",
    "these_conversations", "--concurrency", str(CONCURRENCY), "--json",
]  # fmt: skip


def memtune(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "agent", *arguments]


def environment(state: Path) -> dict[str, str]:
    import os

    return {**os.environ, "MEMTUNE__STATE_DIR": str(state)}


def calls(out: Path) -> int:
    """How many calls the ledger holds, read beside the running process."""
    path = out / "memtune.db"
    if not path.exists():
        return 0
    try:
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as connection:
            return int(connection.execute("SELECT COUNT(*) FROM calls").fetchone()[0])
    except sqlite3.Error:
        return 0


def finished(arguments: list[str], state: Path) -> dict[str, Any]:
    done = subprocess.run(
        arguments, env=environment(state), capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, done.stderr[-2000:]
    last: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return last


def exported(out: Path, state: Path, to: Path) -> dict[str, bytes]:
    subprocess.run(
        memtune("export", str(out), "--out", str(to)),
        env=environment(state), check=True, capture_output=True,
    )  # fmt: skip
    return {p.name: p.read_bytes() for p in sorted(to.iterdir())}


def test_two_random_kills_change_nothing(tmp_path: Path) -> None:
    """A run killed twice at random moments ends as the untouched one: decisions, exported
    bytes, scores; and it repeats at most the calls that were in flight."""
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    reference = finished(memtune(*RUN, "--out", str(whole)), tmp_path / "a")
    total = calls(whole)
    moments = sorted(random.Random(time.time_ns()).sample(range(total // 10, total - 150), 2))
    command = memtune(*RUN, "--out", str(killed))
    for number, moment in enumerate(moments):
        process = subprocess.Popen(
            command, env=environment(tmp_path / "b"), stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        while process.poll() is None and calls(killed) < moment:
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert calls(killed) >= moment, f"kill {number} came after the end"
        command = memtune("resume", str(killed), "--json")
    resumed = finished(command, tmp_path / "b")
    for name in ("baseline", "final", "gain", "promoted", "rejected", "attributions", "prompts"):
        assert resumed[name] == reference[name], (name, moments)
    assert resumed["calls"]["made"] - reference["calls"]["made"] <= 2 * CONCURRENCY
    assert exported(killed, tmp_path / "b", tmp_path / "x") == exported(
        whole, tmp_path / "a", tmp_path / "y"
    )
