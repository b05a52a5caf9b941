"""The memory agent in one's own program: turns, threads, streams, errors."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import subprocess
import sys
import threading
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage, SystemMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import START, MessagesState, StateGraph

from agent import create_memory_agent
from agent.models.providers import SimulatedProvider
from agent.settings import Settings
from tests.chat_fixture import Clock, Model, agent_at, config, said, told
from tests.model_endpoint import delta, events, serving
from tests.model_endpoint import said as endpoint_said
from traces.errors import (
    BudgetExceeded,
    LockedError,
    MemtuneError,
    ProviderError,
    SettingsError,
)

README = (Path(__file__).parents[1] / "README.md").read_text("utf-8")
EXAMPLE = README.split("```python\n")[1].split("```")[0]


def test_the_readme_example_runs_as_it_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    """The ten lines of the README answer from memory, in a directory of their own; importing
    the package alone loads nothing heavy."""
    monkeypatch.chdir(tmp_path)
    exec(EXAMPLE, {})
    answer, memories = capsys.readouterr().out.splitlines()
    assert answer == "Lisbon"
    assert "Lisbon" in memories
    heavy = "('langgraph', 'dspy', 'chromadb', 'agent.chat')"
    light = f"import sys, agent; print([m for m in {heavy} if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", light], capture_output=True, text=True)
    assert out.stdout == "[]\n"


def test_a_turn_answers_from_memory_and_says_what_it_did(tmp_path: Path) -> None:
    """An answer rests on what the user said in other turns and threads; the state holds
    handles, the message says that it is simulated."""
    with agent_at(tmp_path) as agent:
        told(agent, "Ana", "I live in Lisbon.")
        state = agent.invoke(said("Where do I live?"), config("Ana"))
        (entry,) = agent.memories("Ana")
        last = state["messages"][-1]
        assert isinstance(last, AIMessage)
        assert last.content == "Lisbon"
        assert last.response_metadata == {
            "turn": "t000002", "model": "sim/rules-1", "simulated": True,
        }  # fmt: skip
        assert state["retrieved"] == [entry.id]
        assert (state["user_id"], state["turn"], state["remembered"], state["problem"]) == (
            "Ana", "t000002", True, "",
        )  # fmt: skip
        assert entry.date == "2024-05-02"  # the clock's day, not the wall's
        assert agent.memories("Ana", "lisbon") == [entry]
        assert agent.memories("Ana", "porto") == []
        assert agent.memories("Ben") == []


def test_what_the_agent_said_is_remembered_only_where_asked_for(tmp_path: Path) -> None:
    """An answer is no source of memories, unless `remember_answers` says so."""
    for directory, given in (("a", {}), ("b", {"remember_answers": True})):
        with agent_at(tmp_path / directory, Model(), backend="rag", **given) as agent:
            told(agent, "Ana", "I live in Lisbon.")
            speakers = {entry.speaker for entry in agent.memories("Ana")}
            assert speakers == ({"Ana", "Assistant"} if given else {"Ana"})


@pytest.mark.parametrize("mode", ["invoke", "ainvoke", "stream", "astream"])
def test_every_way_in_gives_the_same_turn(tmp_path: Path, mode: str) -> None:
    """invoke, ainvoke, stream and astream end in the same state."""
    with agent_at(tmp_path) as agent:
        told(agent, "Ana", "I live in Lisbon.")
        question, ana = said("Where do I live?"), config("Ana")

        async def last() -> Any:
            return [s async for s in agent.astream(question, ana, stream_mode="values")][-1]

        state = {
            "invoke": lambda: agent.invoke(question, ana),
            "ainvoke": lambda: asyncio.run(agent.ainvoke(question, ana)),
            "stream": lambda: list(agent.stream(question, ana, stream_mode="values"))[-1],
            "astream": lambda: asyncio.run(last()),
        }[mode]()
        assert state["messages"][-1].content == "Lisbon"
        assert state["remembered"] is True


@pytest.mark.parametrize("pieces", [0, 3])
def test_the_answer_streams_as_it_comes(tmp_path: Path, pieces: int) -> None:
    """`messages` and `custom` give the answer's pieces where the provider streams, else one;
    together they are the final message, under its id; nothing of other operations shows."""
    with agent_at(tmp_path, Model(pieces=pieces)) as agent:
        told(agent, "Ana", "I live in Lisbon.")
        modes = ["messages", "custom", "values"]

        def heard(found: list[Any]) -> None:
            final = found[-1][1]["messages"][-1]
            chunks = [c[0] for m, c in found if m == "messages"]
            assert all(isinstance(c, AIMessageChunk) for c in chunks)
            assert {c.id for c in chunks} == {final.id}
            custom = [c["answer"] for m, c in found if m == "custom"]
            assert "".join(c.content for c in chunks) == "".join(custom) == final.content
            assert final.content == "Lisbon"
            assert (len(custom) > 1) == bool(pieces)

        heard(list(agent.stream(said("Where do I live?"), config("Ana"), stream_mode=modes)))
        only = list(agent.stream(said("And where do I live?"), config("Ana"), stream_mode="custom"))
        assert "".join(c["answer"] for c in only) == "Lisbon"

        async def over() -> list[Any]:
            stream = agent.astream(
                said("Tell me: where do I live?"), config("Ana"), stream_mode=modes
            )
            return [c async for c in stream]

        heard(asyncio.run(over()))


def test_an_answer_is_heard_before_its_reply_has_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over HTTP, through LiteLLM: the endpoint sends each chunk of the reply only when the
    piece before it has been heard at the other end of the graph."""
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    heard = threading.Semaphore()
    reply = ['{"answer": "No', "ted", ", than", 'ks"}']

    def answer(path: str, body: Any) -> Any:
        prompt = "".join(message["content"] for message in body["messages"])
        if "[[ ## memories ## ]]" not in prompt:
            empty = {"facts": [], "queries": [], "after": "", "before": "", "require": []}
            return endpoint_said(json.dumps(empty))
        assert body["stream"] is True
        sent = events(*map(delta, reply), delta(None, "stop"))
        return replace(sent, pause=lambda: heard.acquire(timeout=60))

    with serving(answer) as endpoint:
        settings = Settings(model="openai/m", api_base=endpoint.url)
        with create_memory_agent(memory=tmp_path, settings=settings, clock=Clock()) as agent:
            pieces = []
            stream = agent.stream(said("Hello."), config("Ana"), stream_mode="messages")
            for chunk, _ in stream:
                pieces.append(chunk.content)
                heard.release()
                if len(pieces) == len(reply):
                    heard.release(3)  # the end of the stream says nothing
            assert [p for p in pieces if p] == ["No", "ted", ", than", "ks"]
            turn = agent.turns.log.last("Ana")
            assert turn is not None
            assert (turn.prediction, turn.simulated) == ("Noted, thanks", False)


def test_nobody_streams_who_was_not_asked(tmp_path: Path) -> None:
    """A plain `invoke` opens no sink: the provider is asked for one whole reply."""
    model = Model(pieces=1)
    opened: list[bool] = []

    def look(task: str) -> None:
        from agent.models.streaming import text_sink

        opened.append(text_sink() is not None)

    model.fault = look
    with agent_at(tmp_path, model) as agent:
        told(agent, "Ana", "I live in Lisbon.", "Where do I live?")
        assert opened
        assert not any(opened)
        list(agent.stream(said("Where do I live, then?"), config("Ana"), stream_mode="messages"))
        assert opened.count(True) == 1  # the answer's call alone


@pytest.mark.parametrize("saver", ["memory", "sqlite"])
def test_threads_live_in_any_checkpointer(tmp_path: Path, saver: str) -> None:
    """With a saver of the user's, a thread keeps its messages; its last ones go with the
    question, and the answer's operation is recorded as having used them."""
    connection = sqlite3.connect(tmp_path / "threads.db", check_same_thread=False)
    checkpointer = InMemorySaver() if saver == "memory" else SqliteSaver(connection)
    model = Model()
    with agent_at(tmp_path / "memory", model, checkpointer=checkpointer) as agent:
        for text in ("I live in Lisbon.", "Where do I live?"):
            state = agent.invoke(said(text), config("Ana", "one"))
        assert [m.content for m in state["messages"]] == [
            "I live in Lisbon.", "Not mentioned", "Where do I live?", "Lisbon",
        ]  # fmt: skip
        asked = next(r for r in reversed(model.requests) if "[[ ## recent ## ]]" in r)
        assert "Ana: I live in Lisbon.\nAssistant: Not mentioned" in asked
        graph = agent.turns.log.graph("Ana")
        (respond,) = graph.of_scope("t000002-q", "response")
        used = [v.id for v in graph.inputs(respond.id) if v.kind in ("message", "answer")]
        first = agent.turns.log.turn("Ana", 1)
        assert first is not None
        assert used == ["message/t000001-1", first.answer_id]
        fresh = agent.invoke(said("Where do I live?"), config("Ana", "two"))
        assert len(fresh["messages"]) == 2
        assert fresh["messages"][-1].content == "Lisbon"
        with pytest.raises(SettingsError, match=r"thread belongs to user 'Ana', not to 'Ben'"):
            agent.invoke(said("Where does Ana live?"), config("Ben", "one"))
    connection.close()


def test_it_is_a_langgraph_graph_like_any_other(tmp_path: Path) -> None:
    """It draws itself, takes defaults by `with_config`, batches, reports events, and serves as
    a node of another graph, whose thread it then speaks in."""
    with agent_at(tmp_path) as agent:
        assert list(agent.get_graph().nodes) == ["__start__", "answer", "remember", "__end__"]
        ana = agent.with_config(config("Ana"))
        ana.invoke(said("I live in Lisbon."))
        (state,) = ana.batch([said("Where do I live?")])
        assert state["messages"][-1].content == "Lisbon"

        async def heard() -> list[str]:
            events = agent.astream_events(said("And where do I live?"), config("Ana"))
            return [
                str(event["data"]["chunk"].content)
                async for event in events
                if event["event"] == "on_chat_model_stream"
            ]

        assert "".join(asyncio.run(heard())) == "Lisbon"
        outer = StateGraph(MessagesState)
        outer.add_node("memory", agent)
        outer.add_edge(START, "memory")
        whole = outer.compile(checkpointer=InMemorySaver())
        for text in ("I collect stamps.", "What do I collect?"):
            state = whole.invoke(said(text), config("Ana", "t"))
        assert [m.content for m in state["messages"]][-1] == "stamps"
        assert len(state["messages"]) == 4
        streamed = whole.stream(
            said("Where do I live, then?"), config("Ana", "t"), stream_mode="messages",
            subgraphs=True,
        )  # fmt: skip
        assert "".join(str(chunk[1][0].content) for chunk in streamed) == "Lisbon"


def test_all_that_was_said_since_the_last_answer_is_the_turn(tmp_path: Path) -> None:
    """Several messages in a row are one turn; earlier ones of a history that the caller
    brings along are context, not remembered again; text comes out of content parts."""
    model = Model()
    with agent_at(tmp_path, model) as agent:
        history = [
            HumanMessage("I moved to Oslo."),
            AIMessage("Noted."),
            HumanMessage("I live in Lisbon."),
            HumanMessage([{"type": "text", "text": "I collect stamps."}]),
        ]
        agent.invoke({"messages": history}, config("u-17", user_name="Ana"))
        turn = agent.turns.log.last("u-17")
        assert turn is not None
        assert [(m.id, m.speaker, m.text) for m in turn.session.messages] == [
            ("t000001-1", "Ana", "I live in Lisbon."),
            ("t000001-2", "Ana", "I collect stamps."),
        ]
        assert turn.question.text == "Ana: I live in Lisbon.\nI collect stamps."
        texts = {entry.text for entry in agent.memories("u-17")}
        assert texts == {"Ana lives in Lisbon.", "Ana has a collection of stamps."} or all(
            "Ana" in text and "Oslo" not in text for text in texts
        )
        asked = next(r for r in model.requests if "[[ ## recent ## ]]" in r)
        assert "Ana: I moved to Oslo.\nAssistant: Noted." in asked


def test_any_text_can_be_said(tmp_path: Path) -> None:
    """Control characters, half surrogate pairs, markup of prompts and long texts are said,
    remembered and shown again like any other."""
    texts = ["\x00 \ud800 \x1b[31m", "[[ ## answer ## ]]", '{"answer": "no"}', "word " * 20_000]
    with agent_at(tmp_path, backend="rag") as agent:
        for text in texts:
            state = agent.invoke(said(text), config("Ana"))
            assert state["remembered"] is True
        turns = agent.turns.log.turns("Ana")
        assert [t.session.messages[0].text for t in turns] == [text.strip() for text in texts]
        assert len(agent.memories("Ana")) == len(texts)
        agent.turns.log.graph("Ana")


def test_the_same_message_again_is_the_same_turn(tmp_path: Path) -> None:
    """A message that comes again under its id (a client that repeats, a graph that resumes)
    is answered from the record: no call, no second memory."""
    model = Model()
    with agent_at(tmp_path, model) as agent:
        message = HumanMessage("I live in Lisbon.", id="m1")
        first = agent.invoke({"messages": [message]}, config("Ana"))
        calls = model.tasks.total()
        again = agent.invoke({"messages": [message]}, config("Ana"))
        assert again["turn"] == first["turn"]
        assert again["messages"][-1] == first["messages"][-1]
        assert model.tasks.total() == calls
        edited = agent.invoke({"messages": [HumanMessage("I left.", id="m1")]}, config("Ana"))
        assert edited["turn"] == "t000002"


def test_wrong_use_is_one_clear_line(tmp_path: Path) -> None:
    """A missing user, nothing to answer, a system message, a directory in use and a closed
    agent are told in one line each, before anything is paid for."""
    model = Model()
    with agent_at(tmp_path, model) as agent:
        wrong: list[tuple[Any, Any, str]] = [
            (said("Hello"), {}, r'"user_id"\] is missing'),
            (said("Hello"), config(""), "user_id.* is missing"),
            (said("Hello"), config("a\ud800"), "is no UTF-8"),
            ({"messages": []}, config("Ana"), "nothing to answer"),
            ({"messages": [AIMessage("Hello")]}, config("Ana"), "nothing to answer"),
            (said("  "), config("Ana"), "nothing to answer"),
            ({"messages": [SystemMessage("Be brief."), *said("Hi")["messages"]]}, config("Ana"),
             "system messages are not used"),
        ]  # fmt: skip
        for given, about, line in wrong:
            with pytest.raises(SettingsError, match=line) as caught:
                agent.invoke(given, about)
            assert "\n" not in str(caught.value)
            with pytest.raises(SettingsError, match=line):
                asyncio.run(agent.ainvoke(given, about))
        with pytest.raises(LockedError):
            agent_at(tmp_path)
        assert model.tasks.total() == 0
    agent.close()
    with pytest.raises(SettingsError, match="is closed"):
        agent.invoke(said("Hello"), config("Ana"))


# errors --------------------------------------------------------------------------


def test_a_failed_memory_costs_no_answer_and_is_tried_again(tmp_path: Path) -> None:
    """When what was said cannot be remembered, the answer stands, the state says why, and the
    next turn of that user remembers it first, under its own date."""
    broken = {"extraction"}

    def fault(task: str) -> None:
        if task in broken:
            raise ProviderError("the provider refuses")

    with agent_at(tmp_path, Model(fault)) as agent:
        state = agent.invoke(said("I live in Lisbon."), config("Ana"))
        assert state["messages"][-1].content == "Not mentioned"
        assert state["remembered"] is False
        assert "the provider refuses; the next turn tries again" in state["problem"]
        assert agent.turns.log.passes("Ana") == [1]
        second = agent.invoke(said("I collect stamps."), config("Ana"))
        assert second["problem"].startswith("waits for t000001")
        broken.clear()
        third = agent.invoke(said("Where do I live?"), config("Ana"))
        assert third["messages"][-1].content == "Lisbon"
        assert third["remembered"] is True
        dates = {entry.text: entry.date for entry in agent.memories("Ana")}
        assert dates["Ana lives in Lisbon."] == "2024-05-02"
        assert agent.turns.log.pending("Ana") == []
        # The order of the graph is the order in which things happened.
        graph = agent.turns.log.graph("Ana")
        order = list(dict.fromkeys(o.scope for o in graph.operations.values()))
        assert order == ["t000001-q", "t000002-q", "t000001", "t000002", "t000003-q", "t000003"]


def test_a_turn_that_cannot_be_read_is_given_up_and_said_so(tmp_path: Path) -> None:
    """A turn whose extraction never comes out readable is tried three times, each time with
    other samples, then recorded as given up; later turns are remembered."""

    def reply(task: str) -> str | None:
        return "no JSON" if task == "extraction" and bad else None

    bad = True
    model = Model(reply=reply)
    with agent_at(tmp_path, model) as agent:
        problems = []
        for text in ("one", "two", "three"):
            state = agent.invoke(said(text), config("Ana"))
            problems.append(agent.turns.remembering.problem("Ana", 1))
        assert "content" in problems[0]
        assert "given up after 3 attempts" in problems[2]
        first = agent.turns.log.turn("Ana", 1)
        assert first is not None
        assert (first.status, first.attempts) == ("failed", 3)
        bad = False
        state = agent.invoke(said("I live in Lisbon."), config("Ana"))
        assert state["remembered"] is True
        assert next(t.status for t in agent.turns.log.turns("Ana")) == "failed"
        assert told(agent, "Ana", "Where do I live?") == "Lisbon"


def test_a_broken_answer_raises_and_leaves_nothing(tmp_path: Path) -> None:
    """A provider's error in the answer is raised as it is; no turn is written, nothing is
    remembered, and the next turn goes on as if it had not been."""
    broken = {"response"}

    def fault(task: str) -> None:
        if task in broken:
            raise ProviderError("the provider refuses")

    with agent_at(tmp_path, Model(fault)) as agent:
        for call in (
            lambda: agent.invoke(said("I live in Lisbon."), config("Ana")),
            lambda: asyncio.run(agent.ainvoke(said("I live in Lisbon."), config("Ana"))),
            lambda: list(
                agent.stream(said("I live in Lisbon."), config("Ana"), stream_mode="messages")
            ),
        ):
            with pytest.raises(ProviderError, match="the provider refuses"):
                call()
        assert agent.turns.log.turns("Ana") == []
        assert agent.memories("Ana") == []
        broken.clear()
        state = agent.invoke(said("I live in Lisbon."), config("Ana"))
        assert state["turn"] == "t000001"


def test_a_foreign_error_becomes_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A defect in a backend is raised as an OperationError that names user and turn."""
    with agent_at(tmp_path) as agent:
        backend = agent.turns.memory.user("Ana")

        def broken(*_: Any) -> Any:
            raise ValueError("wrong shape")

        monkeypatch.setattr(backend, "retrieve", broken)
        with pytest.raises(MemtuneError, match="Ana, t000001: ValueError: wrong shape"):
            agent.invoke(said("Hello"), config("Ana"))


def test_a_budget_holds_over_restarts(tmp_path: Path) -> None:
    """`max_calls` counts the calls of all turns ever made in the directory."""
    settings = Settings(max_calls=5)
    with agent_at(tmp_path, settings=settings) as agent:
        told(agent, "Ana", "I live in Lisbon.", "I collect stamps.")
    with agent_at(tmp_path, settings=settings) as agent, pytest.raises(BudgetExceeded):
        told(agent, "Ana", "One.", "Two.", "Three.")


def test_the_models_of_other_roles_are_not_asked_for(tmp_path: Path) -> None:
    """A judge that needs a key keeps no agent from speaking."""
    settings = Settings(judge_model="openai/gpt-4o-mini", reflection_model="openai/gpt-4o")
    with create_memory_agent("sim/rules-1", memory=tmp_path, settings=settings) as agent:
        assert told(agent, "Ana", "I live in Lisbon.", "Where do I live?") == "Lisbon"


def test_evaluation_asks_as_before(tmp_path: Path) -> None:
    """The answer's request in evaluation has no field of a chat; in a chat it has one more,
    and the instruction is the same."""
    from agent.response import respond, response_slot
    from traces.domain import PromptSet, Question
    from traces.operation import OperationContext

    model = Model()
    with agent_at(tmp_path, model) as agent:
        ctx = OperationContext(
            "c", "q", datetime(2024, 5, 1), PromptSet({"response": response_slot().seed}),
            agent.turns.parts.gateway.bind,
        )  # fmt: skip
        from agent.models.language_model import dspy_scope

        with dspy_scope():
            respond(Question("q", "Where?", None), [], ctx)
            respond(Question("q", "Where?", None), [], ctx, [])
    plain, chat = model.requests
    assert "recent" not in plain
    assert "[[ ## recent ## ]]\n(none)" in chat
    for request in (plain, chat):
        assert all(line in request for line in response_slot().seed.splitlines())


def test_a_provider_of_ones_own_is_used_as_it_is(tmp_path: Path) -> None:
    """Stand-ins by role take the models' place; the identity of the model marks the record."""
    provider = SimulatedProvider(7, 0.0)
    with create_memory_agent(
        memory=tmp_path, settings=Settings(), providers={"agent": provider}, clock=Clock()
    ) as agent:
        told(agent, "Ana", "I live in Lisbon.")
        other = agent.turns.parts.parameters
    with agent_at(tmp_path) as agent:
        assert agent.turns.parts.parameters != other
