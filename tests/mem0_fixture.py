"""A scripted model that extracts as mem0 asks for it, passes over mem0's memory, and a spy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from evals.simulation.request import Request
from memory_backends.registry import create_backend
from tests.backend_fixture import Scripted, context, ingest
from traces.operation import OperationContext


def section(prompt: str, name: str) -> str:
    """Return what stands under a heading of mem0's prompt."""
    return prompt.partition(f"## {name}\n")[2].partition("\n\n## ")[0].partition("\n\n#")[0]


class Extracting(Scripted):
    """Keeps each message as a memory, in the third person; decides on updates as told."""

    def __init__(self, **decision: Any) -> None:
        super().__init__(self._reply)
        self.decision = {"action": "add", "target": None, "text": "", "reason": "", **decision}

    def _reply(self, request: Request) -> Mapping[str, Any]:
        if "action" in request.outputs:
            return self.decision
        said = section(self.texts[-1][1], "New Messages").splitlines()
        kept = [line.partition(": ")[2].replace(": I ", " does ") for line in said]
        return {"memory": [{"id": str(i), "text": text} for i, text in enumerate(kept)]}


def passed(
    model: Scripted, *sessions: Any, config: Mapping[str, Any] | None = None
) -> tuple[Any, OperationContext]:
    """Return a backend that took in sessions, and the pass that did it."""
    backend = create_backend("mem0", config)
    ctx = context(model, "mem0", {"update": "Decide."})
    ingest(backend, ctx, *sessions)
    return backend, ctx


TALK = ("I keep bees in Faro.", "I bought a green canoe.")


def driven(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any]]:
    """Return a list that notes each call of mem0's Memory from now on, and what it is about:
    messages, a question, or an entry's id. The calls are made."""
    from memory_backends.mem0.package import imported

    memory = imported().Memory
    calls: list[tuple[str, Any]] = []

    def noting(name: str) -> Any:
        real = getattr(memory, name)

        def call(self: Any, about: Any, *more: Any, **given: Any) -> Any:
            calls.append((name, about))
            return real(self, about, *more, **given)

        return call

    for name in ("add", "search", "update", "delete"):
        monkeypatch.setattr(memory, name, noting(name))
    return calls
