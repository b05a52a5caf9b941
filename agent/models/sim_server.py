"""The simulated model in a process of its own, behind OpenAI's interface on loopback.

Its only arguments are seed and slip, so what it answers rests on the messages alone.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from agent.models.providers import Messages, OpenAIProvider, SimulatedProvider
from traces.errors import ProviderError
from traces.ledger import Completion


class SimulatedServer:
    """Starts the server on a free loopback port; a Provider that talks to it.

    The server ends with `close`, and by itself when this process dies (its standard
    input closes).
    """

    simulated = True

    def __init__(self, seed: int, slip: float) -> None:
        from evals.simulation.seeds import model_seed

        self._process = subprocess.Popen(
            [sys.executable, "-m", "evals.simulation.server",
             "--seed", str(model_seed(seed)), "--slip", str(slip)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )  # fmt: skip
        assert self._process.stdout is not None
        line = self._process.stdout.readline().strip()
        try:
            port = int(json.loads(line)["port"])
        except (ValueError, KeyError, TypeError):
            self.close()
            raise ProviderError(
                f"the simulated model's server did not start (it said {line!r})"
            ) from None
        roles = ("agent", "judge", "reflection")
        self._provider = OpenAIProvider(
            {role: f"sim/rules-1:{role}" for role in roles},
            f"http://127.0.0.1:{port}/v1",
            identity=SimulatedProvider(seed, slip)._identity,
            simulated=True,
        )

    def identity(self, role: str) -> Any:
        """The same as in process."""
        return self._provider.identity(role)

    def accepts_schema(self, role: str) -> bool:
        """The simulated model reads the wanted fields from its messages."""
        return False

    def complete(
        self,
        role: str,
        messages: Messages,
        sample_index: int,
        schema: Mapping[str, Any] | None = None,
    ) -> Completion:
        """Return the server's completion."""
        return self._provider.complete(role, messages, sample_index, schema)

    def close(self) -> None:
        """End the server's process."""
        if hasattr(self, "_provider"):
            self._provider.close()
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.terminate()
            self._process.wait(timeout=5)
        if self._process.stdout is not None:
            self._process.stdout.close()
