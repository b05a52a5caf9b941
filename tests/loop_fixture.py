"""Small runs of the loop on the synthetic world, and a provider that counts by task."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from agent.loop.opening import open_run
from agent.loop.services import Services
from agent.settings import Settings, load_settings
from evals.simulation.request import parse_request
from traces.ledger import Completion


def small(tmp_path: Path, **changes: Any) -> Settings:
    """Settings of a small run in process: five conversations, one round."""
    values: dict[str, Any] = {
        "conversations": 5,
        "rounds": 1,
        "concurrency": 1,
        "out": tmp_path / "run",
        "state_dir": tmp_path / "state",
    }
    return load_settings(**{**values, **changes})


def opened(settings: Settings, stack: ExitStack) -> Services:
    """Open a run without driving its loop."""
    services, _ = open_run(settings, stack)
    return services


class Counting:
    """A provider that passes on and counts the calls by task and remembers the requests."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.simulated = True
        self.tasks: Counter[str] = Counter()

    def identity(self, role: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self._inner.identity(role)
        return found

    def accepts_schema(self, role: str) -> bool:
        return False

    def complete(
        self, role: str, messages: Any, sample_index: int, schema: Any = None
    ) -> Completion:
        chat = [{"role": role_, "content": text} for role_, text in messages]
        outputs = parse_request(chat, sample_index).outputs
        task = {
            "facts": "extraction", "action": "update", "queries": "retrieval",
            "answer": "response", "correct": "judge", "edits": "reflection",
        }.get(outputs[0], outputs[0])  # fmt: skip
        self.tasks[task] += 1
        found: Completion = self._inner.complete(role, messages, sample_index)
        return found

    def close(self) -> None:
        self._inner.close()


def count_calls(services: Services) -> Counter[str]:
    """Put a counting provider under the services' gateway; return its live counter."""
    inner = services.gateway._providers["agent"]
    counting = Counting(inner)
    services.gateway._providers = dict.fromkeys(("agent", "judge", "reflection"), counting)
    return counting.tasks
