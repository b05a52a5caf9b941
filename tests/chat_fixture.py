"""Memory agents for tests: the simulated model with faults planted, a clock that is set."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from langchain_core.messages import HumanMessage

from agent import create_memory_agent
from agent.chat.graph import MemoryAgent
from agent.models.providers import SimulatedProvider
from agent.models.streaming import text_sink
from agent.settings import Settings
from evals.simulation.request import parse_request
from traces.ledger import Completion

TASKS = {
    "facts": "extraction", "action": "update", "queries": "retrieval", "answer": "response",
    "reading": "reading", "correct": "judge",
}  # fmt: skip


class Model:
    """The simulated model as a provider; `fault(task)` may raise in its place.

    `reply(task)` may return another reply. Where `pieces` is set, replies are streamed in
    pieces of that many characters to whoever listens.
    """

    simulated = True

    def __init__(
        self,
        fault: Callable[[str], None] = lambda task: None,
        reply: Callable[[str], str | None] = lambda task: None,
        pieces: int = 0,
    ) -> None:
        self._inner = SimulatedProvider(0, 0.0)
        self.fault, self.reply, self.pieces = fault, reply, pieces
        self.tasks: Counter[str] = Counter()
        self.requests: list[str] = []
        self.threads: set[int] = set()
        self._lock = threading.Lock()

    def identity(self, role: str) -> Mapping[str, Any]:
        return self._inner.identity(role)

    def accepts_schema(self, role: str) -> bool:
        return False

    def complete(
        self, role: str, messages: Any, sample_index: int, schema: Any = None
    ) -> Completion:
        chat = [{"role": role_, "content": text} for role_, text in messages]
        task = TASKS[parse_request(chat, sample_index).outputs[0]]
        with self._lock:
            self.tasks[task] += 1
            self.threads.add(threading.get_ident())
            self.requests.append("\n".join(text for _, text in messages))
        self.fault(task)
        told = self.reply(task)
        text = told or self._inner.complete(role, messages, sample_index).text
        sink = text_sink() if self.pieces else None
        if sink is not None:
            for start in range(0, len(text), self.pieces):
                sink(text[start : start + self.pieces])
        return Completion(text, 1, 1)

    def close(self) -> None:
        self._inner.close()


class Clock:
    """A local clock that goes on by a day with each reading."""

    def __init__(self, start: datetime = datetime(2024, 5, 1, 9)) -> None:
        self.now = start

    def __call__(self) -> datetime:
        self.now += timedelta(days=1)
        return self.now


def agent_at(directory: Path, model: Model | None = None, **given: Any) -> MemoryAgent:
    """A memory agent in `directory` without settings of the surroundings."""
    return create_memory_agent(
        memory=directory,
        settings=given.pop("settings", None) or Settings(),
        clock=given.pop("clock", None) or Clock(),
        providers={"agent": model or Model()},
        **given,
    )


def config(user: str, thread: str | None = None, **more: Any) -> Any:
    """The config of a user's turn."""
    found = {"user_id": user, **more}
    return {"configurable": found if thread is None else {**found, "thread_id": thread}}


def said(*texts: str) -> Any:
    """The input of a turn in which somebody says this."""
    return {"messages": [HumanMessage(text) for text in texts]}


def told(agent: MemoryAgent, user: str, *texts: str) -> str:
    """Say things one after the other; return the last answer."""
    answer = ""
    for text in texts:
        answer = str(agent.invoke(said(text), config(user))["messages"][-1].content)
    return answer
