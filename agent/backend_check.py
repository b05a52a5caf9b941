"""The conformance suite with what `memory_backends` has not: a model, and another process.

    python -m agent.backend_check PATH NAME CONFIG DAYS LEVEL OUT

records a backend in this process, on another day (`memory_backends.conformance.elsewhere`).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from agent.models.budget import Budget, Limits
from agent.models.gateway import ROLES, Gateway
from agent.models.providers import SimulatedProvider
from memory_backends.coarse import Coarse
from memory_backends.conformance import Result, Subject, check
from memory_backends.conformance.elsewhere import move_wall, record
from memory_backends.conformance.subject import Hung
from memory_backends.protocol import MemoryBackend
from memory_backends.registry import create_backend
from traces.database import Database
from traces.errors import OperationError
from traces.ledger import Ledger

SECONDS = 20.0
STARTING = 60.0  # s that a process may take to import what it needs
_ROOT = Path(__file__).resolve().parent.parent


def check_backend(
    name: str,
    config: Mapping[str, Any] | None = None,
    seconds: float = SECONDS,
    processes: bool = True,
) -> Iterator[Result]:
    """Yield the result of each check of a backend, with the simulated model for its operations.

    `seconds` is granted to each pass over a small conversation; without `processes` determinism
    on different days is not checked. Raises SettingsError for a backend that cannot be found or
    made.
    """
    yield from check(_subject(name, config, seconds, processes))


def _subject(
    name: str, config: Mapping[str, Any] | None, seconds: float, processes: bool
) -> Subject:
    def make() -> MemoryBackend:
        return create_backend(name, config)

    probe = Subject(name, make, seconds=STARTING)
    try:
        coarse = isinstance(probe.new(), Coarse)
    except (Hung, OperationError):
        coarse = True  # the first check will name it
    probe.release()

    def elsewhere(days: int) -> Mapping[str, Any]:
        return _elsewhere(name, config, days, "coarse" if coarse else "fine", seconds)

    if not coarse:
        _scope()  # takes seconds to import, which no check shall pay
    gateway = Gateway(
        dict.fromkeys(ROLES, SimulatedProvider(0, 0.0)), Ledger(Database(":memory:")),
        Budget(Limits()),
    )  # fmt: skip
    return Subject(
        name, make, gateway.bind, nullcontext if coarse else _scope,
        elsewhere if processes else None, seconds,
    )  # fmt: skip


def _scope() -> AbstractContextManager[None]:
    from agent.models.language_model import dspy_scope

    return dspy_scope()


def _elsewhere(
    name: str, config: Mapping[str, Any] | None, days: int, level: str, seconds: float
) -> Mapping[str, Any]:
    with TemporaryDirectory(prefix="memtune-check-") as directory:
        out = Path(directory) / "recorded.json"
        given = [name, json.dumps(config or {}), str(days), level, str(out)]
        environment = {**environment_of_ours(), "PYTHONHASHSEED": str(days % 7 + 1)}
        limit = 4 * seconds + STARTING
        try:
            ended = subprocess.run(
                command_of_ours("agent.backend_check", *given), env=environment, timeout=limit,
                check=False, capture_output=True, text=True,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise Hung(limit, "") from None
        if ended.returncode != 0 or not out.exists():
            said = ended.stderr.strip().splitlines()[-1:] or [f"exit code {ended.returncode}"]
            raise OperationError(f"a process of another day ended with: {said[0][:300]}")
        found: Mapping[str, Any] = json.loads(out.read_text("utf-8"))
        return found


def command_of_ours(module: str, *arguments: str) -> list[str]:
    """Return the command that runs a module of memtune's; it is handed this process's path, which
    it takes over once memtune's own packages are imported."""
    return [sys.executable, "-P", "-m", module, json.dumps(sys.path), *arguments]


def environment_of_ours() -> dict[str, str]:
    """Return an environment in which a folder `agent` of the user's does not hide ours."""
    others = [path for path in [os.environ.get("PYTHONPATH")] if path]
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(_ROOT), *others])}


def _main(arguments: list[str]) -> None:
    path, name, config, days, level, out = arguments
    sys.path[:] = json.loads(path)
    if level == "fine":
        _scope()
    # What was imported before this keeps the real clock.
    move_wall(int(days))
    subject = _subject(name, json.loads(config), STARTING, False)
    recorded = record(subject)
    subject.release()
    Path(out).write_text(json.dumps(recorded), "utf-8")
    os._exit(0)  # whatever threads it has


if __name__ == "__main__":
    _main(sys.argv[1:])
