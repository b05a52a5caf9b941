"""Many users at once: their memories never cross, and each one's turns come in order."""

from __future__ import annotations

import asyncio
import contextvars
import random
import threading
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.chat.graph import MemoryAgent
from tests.chat_fixture import Model, agent_at, config, said

USERS = 50
PLACES = [f"{a}{b}" for a in ("Nor", "Sud", "Wes", "Ost") for b in ("ville", "burg", "ham", "by")]


@pytest.fixture(scope="module")
def agent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MemoryAgent]:
    with agent_at(tmp_path_factory.mktemp("memory")) as made:
        yield made


NUMBERS = count(1)


def words_of(agent: MemoryAgent, user: str) -> str:
    """All that memory holds of a user, and all that the user's record holds."""
    held = [f"{entry.speaker}: {entry.text}" for entry in agent.memories(user)]
    turns = [str(turn) for turn in agent.turns.log.turns(user)]
    graph = agent.turns.log.graph(user)
    kinds = ("message", "fact", "entry", "retrieved", "answer")
    return "\n".join(held + turns + [v.json for kind in kinds for v in graph.variables(kind)])


def test_fifty_users_at_once_never_meet(agent: MemoryAgent) -> None:
    """Fifty users tell random facts at the same time, each with a code of their own: every
    user's memories, answers and recorded operations hold their own codes and no other."""
    draw = random.Random(5)
    marks = {
        f"User{n}": [
            f"{draw.choice(PLACES)}{n}x{draw.randrange(10**6)}",
            f"ZZ{n:03d}{draw.randrange(10)}",
        ]
        for n in range(USERS)
    }

    async def user(name: str) -> str:
        place, code = marks[name]
        told = said(f"I live in {place}. My locker has the code {code}.")
        state = await agent.ainvoke(told, config(name))
        assert state["remembered"], state["problem"]
        state = await agent.ainvoke(said("Where do I live?"), config(name))
        return str(state["messages"][-1].content)

    async def all_of_them() -> list[str]:
        return await asyncio.gather(*(user(name) for name in marks))

    answers = dict(zip(marks, asyncio.run(all_of_them()), strict=True))
    for name, own in marks.items():
        words = words_of(agent, name)
        assert all(mark in words for mark in own), name
        others = [m for other, ms in marks.items() if other != name for m in ms if m in words]
        assert others == [], name
        assert answers[name] in (own[0], "Not mentioned")
    assert sum(answers[name] == marks[name][0] for name in marks) >= USERS * 0.9
    assert set(marks) <= set(agent.turns.log.users())


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(st.text(min_size=1, max_size=12).filter(str.strip), min_size=2, max_size=4,
             unique=True),
    st.randoms(use_true_random=False),
)  # fmt: skip
def test_whatever_users_are_called_they_are_apart(
    agent: MemoryAgent, names: list[str], draw: random.Random
) -> None:
    """User ids of any text, told things in any order at once, sync and async, share nothing."""
    names = [f"{name}#{next(NUMBERS)}" for name in names]
    marks = {name: [f"QX{next(NUMBERS):09d}" for _ in range(2)] for name in names}
    plan = [(name, mark) for name, own in marks.items() for mark in own]
    draw.shuffle(plan)

    async def run() -> None:
        async def one(name: str, mark: str) -> None:
            given = said(f"My favourite number is {mark}.")
            if draw.random() < 0.5:
                await agent.ainvoke(given, config(name, user_name="Ana"))
            else:
                await asyncio.to_thread(agent.invoke, given, config(name, user_name="Ana"))

        await asyncio.gather(*(one(name, mark) for name, mark in plan))

    asyncio.run(run())
    for name in names:
        words = words_of(agent, name)
        for other, own in marks.items():
            assert all((mark in words) == (other == name) for mark in own)


def test_one_users_turns_come_one_after_the_other(tmp_path: Path) -> None:
    """Turns of one user that are begun at once never overlap, and each is remembered before
    the next one is answered; those of two users do overlap."""
    inside: dict[str, int] = {}
    most: dict[str, int] = {}
    together = threading.Barrier(2)
    met: list[bool] = []
    who: contextvars.ContextVar[str] = contextvars.ContextVar("who")

    def fault(task: str) -> None:
        name = who.get()
        inside[name] = inside.get(name, 0) + 1
        most[name] = max(most.get(name, 0), inside[name])
        if task == "response" and not met:
            try:  # Both users are in their first answer at the same time.
                together.wait(timeout=20)
                met.append(True)
            except threading.BrokenBarrierError:
                pass
        inside[name] -= 1

    with agent_at(tmp_path, Model(fault)) as agent:

        async def turn(name: str, text: str) -> None:
            who.set(name)
            await agent.ainvoke(said(text), config(name))

        async def run() -> None:
            await asyncio.gather(
                *(turn(name, f"I like number {n}.") for n in range(4) for name in ("Ana", "Ben"))
            )

        asyncio.run(run())
        assert met
        assert most == {"Ana": 1, "Ben": 1}
        for name in ("Ana", "Ben"):
            order = [o.scope for o in agent.turns.log.graph(name).operations.values()]
            scopes = list(dict.fromkeys(order))
            assert scopes == [f"t{n:06d}{end}" for n in range(1, 5) for end in ("-q", "")]


def test_the_event_loop_goes_on_while_a_model_thinks(tmp_path: Path) -> None:
    """During an async turn the loop runs other tasks: the model waits for one of them."""
    go = threading.Event()

    def fault(task: str) -> None:
        assert go.wait(timeout=30)

    with agent_at(tmp_path, Model(fault)) as agent:

        async def run() -> Any:
            turn = asyncio.create_task(agent.ainvoke(said("Hello there."), config("Ana")))
            await asyncio.sleep(0)
            go.set()  # only reached when the loop is not held up
            return await turn

        assert asyncio.run(run())["remembered"] is True


def test_a_turn_nobody_waits_for_is_ended_all_the_same(tmp_path: Path) -> None:
    """A cancelled turn that has begun is answered and written down, and remembered by the
    user's next turn; the user is not locked out."""
    begun, go = threading.Event(), threading.Event()

    def fault(task: str) -> None:
        begun.set()
        assert go.wait(timeout=30)

    with agent_at(tmp_path, Model(fault)) as agent:

        async def run() -> Any:
            turn = asyncio.create_task(agent.ainvoke(said("I live in Lisbon."), config("Ana")))
            await asyncio.to_thread(begun.wait, 30)
            turn.cancel()
            with pytest.raises(asyncio.CancelledError):
                await turn
            go.set()
            return await agent.ainvoke(said("Where do I live?"), config("Ana"))

        state = asyncio.run(run())
        assert state["turn"] == "t000002"
        assert state["messages"][-1].content == "Lisbon"


def test_a_stream_that_is_left_half_way_locks_nobody_out(tmp_path: Path) -> None:
    """A caller that stops listening after the first piece leaves the turn to end by itself."""
    with agent_at(tmp_path, Model(pieces=2)) as agent:
        agent.invoke(said("I live in Lisbon."), config("Ana"))
        for _ in agent.stream(said("Where do I live?"), config("Ana"), stream_mode="messages"):
            break
        state = agent.invoke(said("Where do I live?"), config("Ana"))
        assert state["messages"][-1].content == "Lisbon"
        assert [t.status for t in agent.turns.log.turns("Ana")] == ["remembered"] * 3
