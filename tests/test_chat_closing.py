"""Closing waits for turns that have begun; erasing a user waits for everybody's."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

from agent import create_memory_agent
from agent.models.embeddings import EmbeddingModel
from agent.settings import Price, Settings
from tests.chat_fixture import Clock, Model, agent_at, config, said, told
from tests.model_endpoint import embedded, serving
from tests.model_endpoint import said as endpoint_said
from traces.errors import BudgetExceeded, SettingsError


class Held(Model):
    """A model that holds one task until it may go on."""

    def __init__(self, task: str) -> None:
        self.begun, self.go = threading.Event(), threading.Event()
        self.held = task
        super().__init__(self._hold)

    def _hold(self, task: str) -> None:
        if task == self.held:
            self.begun.set()
            assert self.go.wait(30)


@pytest.mark.parametrize("task", ["response", "extraction"])
def test_close_waits_for_a_turn_in_another_thread(tmp_path: Path, task: str) -> None:
    """A turn that has begun is answered and remembered; a new one is refused meanwhile."""
    model = Held(task)
    agent = agent_at(tmp_path, model)
    states: list[Any] = []
    turn = threading.Thread(
        target=lambda: states.append(agent.invoke(said("I live in Lisbon."), config("Ana")))
    )
    turn.start()
    assert model.begun.wait(30)
    closing = threading.Thread(target=agent.close)
    closing.start()
    while not agent.turns.gate.closing:
        threading.Event().wait(0.001)
    with pytest.raises(SettingsError, match="is closed"):
        agent.invoke(said("Hello."), config("Ben"))
    assert closing.is_alive()
    model.go.set()
    turn.join(30)
    closing.join(30)
    assert states[0]["remembered"] is True
    agent.close()
    with agent_at(tmp_path) as again:
        assert told(again, "Ana", "Where do I live?") == "Lisbon"
        assert again.turns.log.users() == ["Ana"]


def test_leaving_an_async_with_waits_for_its_turns(tmp_path: Path) -> None:
    """Async turns that have begun end whole: answered, remembered, nothing raised."""
    model = Held("response")

    async def run() -> Any:
        async with agent_at(tmp_path, model) as agent:
            turn = asyncio.create_task(agent.ainvoke(said("I live in Lisbon."), config("Ana")))
            assert await asyncio.to_thread(model.begun.wait, 30)

            async def release() -> None:
                while not agent.turns.gate.closing:
                    await asyncio.sleep(0.001)
                model.go.set()

            freeing = asyncio.create_task(release())
        await freeing
        return await turn

    assert asyncio.run(run())["remembered"] is True


def test_closing_in_the_loop_of_a_turn_loses_no_answer(tmp_path: Path) -> None:
    """A plain `close` in the event loop cannot wait for the loop: the answer comes all the
    same, the state says that it is not remembered, and the next turn remembers it."""
    model = Held("response")

    async def run() -> Any:
        agent = agent_at(tmp_path, model)
        turn = asyncio.create_task(agent.ainvoke(said("I live in Lisbon."), config("Ana")))
        assert await asyncio.to_thread(model.begun.wait, 30)
        model.go.set()
        agent.close()
        return await turn

    state = asyncio.run(run())
    assert state["messages"][-1].content == "Not mentioned"
    assert state["remembered"] is False
    assert "is closed" in state["problem"]
    with agent_at(tmp_path) as agent:
        assert told(agent, "Ana", "Where do I live?") == "Lisbon"


def test_a_stream_that_nobody_reads_does_not_hold_up_closing(tmp_path: Path) -> None:
    """A stream that is held and not read is not waited for; read on, it ends with a problem."""
    agent = agent_at(tmp_path)
    stream = agent.stream(said("I live in Lisbon."), config("Ana"), stream_mode="updates")
    assert "answer" in next(stream)
    assert agent.forget("Ben") == 0
    agent.close()
    (rest,) = list(stream)
    assert rest["remember"]["remembered"] is False


def test_erasing_a_user_waits_for_turns_of_others(tmp_path: Path) -> None:
    """The calls of another user's turn in flight are whole after a user was erased."""
    model = Held("")
    with agent_at(tmp_path, model) as agent:
        told(agent, "Ana", "I live in Porto.")
        model.held = "response"
        turn = threading.Thread(
            target=agent.invoke, args=(said("I live in Lisbon."), config("Ben"))
        )
        turn.start()
        assert model.begun.wait(30)
        erasing = threading.Thread(target=agent.forget, args=("Ana",))
        erasing.start()
        while not agent.turns.gate.claimed:
            threading.Event().wait(0.001)
        assert agent.turns.log.users() == ["Ana"]
        model.go.set()
        turn.join(30)
        erasing.join(30)
        assert agent.turns.log.users() == ["Ben"]
        log = agent.turns.log
        calls = {
            key
            for passed in log.passes("Ben")
            for operation in log.store.operations(passed)
            for key in operation.calls
        }
        statuses = dict(log.database.rows("SELECT key, status FROM calls"))
        assert calls
        assert {statuses[key] for key in calls} == {"recorded"}
        assert told(agent, "Ben", "Where do I live?") == "Lisbon"


def test_forgetting_a_user_leaves_the_others_their_vectors(tmp_path: Path) -> None:
    """With an embedding model, in this process and after reopening: another user is answered,
    and no vector of the forgotten one's words is left."""
    with serving(lambda path, body: embedded(body)) as endpoint:

        def opened() -> Any:
            embedding = EmbeddingModel("openai/words", api_base=endpoint.url, api_key="none")
            providers = {"agent": Model(), "embedding": embedding}
            return create_memory_agent(
                memory=tmp_path, settings=Settings(), providers=providers, clock=Clock()
            )

        with opened() as agent:
            told(agent, "Ana", "I live in Qwertzuiop.")
            told(agent, "Ben", "I live in Lisbon.", "Where do I live?")
            agent.forget("Ana")
            database = agent.turns.log.database
            dangling = "SELECT 1 FROM embeddings JOIN calls ON call = key WHERE response IS NULL"
            assert database.rows(dangling) == []
            assert agent.turns.embedder._kept == {}
            files = [path for path in tmp_path.rglob("*") if path.is_file()]
            assert [p.name for p in files if b"Qwertzuiop" in p.read_bytes()] == []
            assert told(agent, "Ben", "Where do I live?") == "Lisbon"
            # As a version before this one left it.
            database.write(
                "UPDATE calls SET status = 'forgotten', response = NULL WHERE role = 'embedding'"
            )
        asked = len(endpoint.bodies)
        with opened() as agent:
            assert told(agent, "Ben", "Where do I live?") == "Lisbon"
            assert len(endpoint.bodies) > asked


def test_priced_models_have_a_cap_over_all_turns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the price is known and no budget is given, ten dollars are the end, after reopening
    too; the line says what to raise, and raising it helps."""
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    reply = '{"answer": "x", "facts": [], "queries": [], "after": "", "before": "", "require": []}'
    with serving(lambda path, body: endpoint_said(reply)) as endpoint:
        # A call has 10 tokens: 1 USD each.
        price = {"openai/m": Price(input=100_000, output=100_000)}

        def opened(**more: Any) -> Any:
            settings = Settings(model="openai/m", api_base=endpoint.url, prices=price, **more)
            return create_memory_agent(memory=tmp_path, settings=settings, clock=Clock())

        def talk(agent: Any) -> None:
            for n in range(12):
                told(agent, "Ana", f"Hello {n}.")

        with (
            opened() as agent,
            pytest.raises(BudgetExceeded, match=r"10\.00 USD.* max_usd in"),
        ):
            talk(agent)
        assert len(endpoint.bodies) == 10
        with opened() as agent, pytest.raises(BudgetExceeded, match="max_usd"):
            talk(agent)
        assert len(endpoint.bodies) == 10
        with opened(max_usd=12.0) as agent, pytest.raises(BudgetExceeded, match=r"12\.00 USD"):
            talk(agent)
        assert len(endpoint.bodies) == 12
