"""The memory agent as a LangGraph graph over messages.

    START -> answer -> remember -> END

answer: retrieve from the user's memory, respond, write the turn down. remember: take in
what the user said. State holds the thread's messages and handles; memories stay in memory.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Annotated, Any, Self, TypedDict

from langchain_core.messages import AIMessage, AnyMessage, BaseMessage, HumanMessage, SystemMessage
from langchain_core.runnables import RunnableConfig, RunnableLambda
from langgraph.config import get_stream_writer
from langgraph.graph import END, START, StateGraph
from langgraph.graph.message import add_messages
from langgraph.graph.state import CompiledStateGraph

from agent.chat.counting import TURN, TurnCount, acounted, counted
from agent.chat.gate import ClosedError
from agent.chat.record import Turn
from agent.chat.speaking import AnswerModel, Say
from agent.chat.turns import Asked, Recent, Turns
from agent.response import ASSISTANT
from traces.errors import SettingsError
from traces.schema import MemoryEntry

# How many earlier messages of a thread go with a question.
RECENT = 6
_ANSWER = "-answer"
# LangGraph keeps keys that begin so out of checkpoints.
_CUSTOM = "__memtune_custom"
# What `invoke` tells `stream`: nobody but itself reads.
_WHOLE = "memtune_whole"


class ChatState(TypedDict, total=False):
    """The thread's messages, and handles of its latest turn.

    `user_id`: whose thread it is. `turn`: `t000012`. `retrieved`: ids of the entries that
    the answer was made from. `answer`: id of its variable. `remembered` and, where it is
    False, `problem`: why what was said is not in memory yet.
    """

    messages: Annotated[list[AnyMessage], add_messages]
    user_id: str
    turn: str
    retrieved: list[str]
    answer: str
    remembered: bool
    problem: str


class MemoryAgent(CompiledStateGraph[Any, Any, Any, Any]):
    """The compiled graph, and what else there is to do with a memory.

    `config["configurable"]` names the user (`user_id`), the thread where there is a
    checkpointer (`thread_id`), and optionally what the user is called (`user_name`).
    A context manager; `close` lets the memory directory go.
    """

    def __init__(self, *, turns: Turns, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.turns = turns

    def invoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:
        """As in LangGraph."""
        return super().invoke(input, config, **{**kwargs, _WHOLE: True})

    async def ainvoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:
        """As in LangGraph."""
        return await super().ainvoke(input, config, **{**kwargs, _WHOLE: True})

    def stream(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:
        """As in LangGraph. `custom` yields `{"answer": piece}`."""
        turn = TurnCount(self.turns.gate, whole=kwargs.pop(_WHOLE, False))
        return counted(turn, super().stream(input, _marked(config, kwargs), **kwargs))

    def astream(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:
        """As in LangGraph. `custom` yields `{"answer": piece}`."""
        whole = kwargs.pop(_WHOLE, False)
        chunks = super().astream(input, _marked(config, kwargs), **kwargs)
        return acounted(self.turns.gate, chunks, whole=whole)

    def memories(self, user_id: str, words: str = "") -> list[MemoryEntry]:
        """Return what is remembered of a user; with `words` the entries that hold them."""
        return self.turns.memories(user_id, words)

    def forget(self, user_id: str, entry_ids: Sequence[str] | None = None) -> int:
        """Forget entries, or (None) all that is known of a user, the record too.

        Returns how many entries are gone. A checkpointer's threads are its owner's business.
        """
        return self.turns.forget(user_id, entry_ids)

    def close(self) -> None:
        """End the turns that have begun and let the directory go; twice is no error.

        A turn whose stream nobody reads at the moment is not waited for beyond the operation
        under way, nor one that needs the event loop of this thread (`async with` waits for
        those): the state then says `problem`, and the user's next turn remembers it.
        """
        self.turns.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        import asyncio

        await asyncio.to_thread(self.close)


def build_graph(turns: Turns, checkpointer: Any = None) -> MemoryAgent:
    """Compile the graph over `turns`."""
    nodes = _Nodes(turns)
    graph = StateGraph(ChatState)
    graph.add_node("answer", RunnableLambda(nodes.answer, nodes.aanswer, name="answer"))
    graph.add_node("remember", RunnableLambda(nodes.remember, nodes.aremember, name="remember"))
    graph.add_edge(START, "answer")
    graph.add_edge("answer", "remember")
    graph.add_edge("remember", END)
    compiled = graph.compile(checkpointer=checkpointer, name="memtune")
    return MemoryAgent(turns=turns, **vars(compiled))


class _Nodes:
    def __init__(self, turns: Turns) -> None:
        self._turns = turns

    def answer(self, state: ChatState, config: RunnableConfig) -> ChatState:
        one = _Answering(self._turns, state, config)
        _begin()
        return self._turns.run(one.asked.user, one)

    async def aanswer(self, state: ChatState, config: RunnableConfig) -> ChatState:
        one = _Answering(self._turns, state, config)
        _begin()
        return await self._turns.arun(one.asked.user, one)

    def remember(self, state: ChatState) -> ChatState:
        try:
            return self._turns.run(state["user_id"], lambda: self._remembered(state), first=True)
        except ClosedError as error:
            return _missed(error)
        finally:
            _end()

    async def aremember(self, state: ChatState) -> ChatState:
        user = state["user_id"]
        try:
            return await self._turns.arun(user, lambda: self._remembered(state), first=True)
        except ClosedError as error:
            return _missed(error)
        finally:
            _end()

    def _remembered(self, state: ChatState) -> ChatState:
        problem = self._turns.remember(state["user_id"], int(state["turn"][1:]))
        return {"remembered": not problem, "problem": problem}


def _begin() -> None:
    turn = TURN.get()
    if turn is not None:
        turn.begin()


def _end() -> None:
    turn = TURN.get()
    if turn is not None:
        turn.end()


def _missed(error: ClosedError) -> ChatState:
    """Return the state of a turn that was answered before the agent was closed."""
    turn = TURN.get()
    if turn is None or not turn.begun:
        raise error
    return {"remembered": False, "problem": f"{error}; the user's next turn remembers it"}


class _Answering:
    """One run of the node `answer`."""

    def __init__(self, turns: Turns, state: ChatState, config: RunnableConfig) -> None:
        self._turns = turns
        self._config = config
        self.asked = _asked(state, config)
        self._turn: Turn | None = None
        writer = get_stream_writer()
        self._hear: Say | None = None
        if config.get("configurable", {}).get(_CUSTOM):
            self._hear = lambda piece: writer({"answer": piece})

    def __call__(self) -> ChatState:
        id = f"{self.asked.key}{_ANSWER}"
        model = AnswerModel(make=self._make, hear=self._hear, message_id=id)
        model.invoke([HumanMessage("\n".join(self.asked.texts))], self._config)
        turn = self._turn
        assert turn is not None
        about = {"turn": turn.id, "model": self._turns.model, "simulated": turn.simulated}
        return {
            "messages": [AIMessage(turn.prediction, id=id, response_metadata=about)],
            "user_id": turn.user,
            "turn": turn.id,
            "retrieved": list(turn.retrieved),
            "answer": turn.answer_id,
            "remembered": False,
            "problem": "",
        }

    def _make(self, say: Say | None) -> str:
        self._turn = self._turns.answer(self.asked, say)
        return self._turn.prediction


def _marked(config: RunnableConfig | None, kwargs: Mapping[str, Any]) -> RunnableConfig | None:
    """Return the config, telling the nodes when somebody listens to `custom`."""
    modes = kwargs.get("stream_mode") or ()
    if "custom" not in ([modes] if isinstance(modes, str) else modes):
        return config
    given: dict[str, Any] = dict(config or {})
    given["configurable"] = {**given.get("configurable", {}), _CUSTOM: True}
    return given  # type: ignore[return-value]


# messages ------------------------------------------------------------------------


def _asked(state: ChatState, config: RunnableConfig) -> Asked:
    """Read the turn: the messages since the last answer, and the last ones before them."""
    configurable = config.get("configurable", {})
    user = configurable.get("user_id")
    if not isinstance(user, str) or not user.strip():
        raise SettingsError(
            'config["configurable"]["user_id"] is missing: say whose memory it is, for example '
            'config={"configurable": {"user_id": "ana"}}'
        )
    if not user.isascii() and user.encode("utf-8", "replace").decode() != user:
        raise SettingsError(f"user id {user!a}: is no UTF-8; choose another")
    owner = state.get("user_id", user)
    if owner != user:
        raise SettingsError(
            f"this thread belongs to user '{owner}', not to '{user}'; give each user threads of "
            "their own (thread_id)"
        )
    messages = state.get("messages", [])
    begin = len(messages)
    while begin > 0 and isinstance(messages[begin - 1], HumanMessage):
        begin -= 1
    if any(isinstance(message, SystemMessage) for message in messages):
        raise SettingsError(
            "system messages are not used: the agent is instructed by its prompts; put it into "
            "the prompt 'response' and leave the SystemMessage out"
        )
    new = messages[begin:]
    texts = tuple(text for text in map(_text, new) if text)
    if not texts:
        raise SettingsError(
            "there is nothing to answer: the last message has to be a HumanMessage with text"
        )
    given = (new[-1].name, configurable.get("user_name"), user)
    name = next(found for found in (str(one or "").strip() for one in given) if found)
    recent = [r for r in (_recent(m, name) for m in messages[:begin]) if r is not None]
    return Asked(user, name, str(new[-1].id), texts, tuple(recent[-RECENT:]))


def _recent(message: BaseMessage, speaker: str) -> Recent | None:
    text = _text(message)
    if not text or not isinstance(message, HumanMessage | AIMessage):
        return None
    key = str(message.id or "")
    if isinstance(message, AIMessage):
        answered = key.endswith(_ANSWER)
        return Recent(ASSISTANT, text, key.removesuffix(_ANSWER), answered)
    return Recent(message.name or speaker, text, key, False)


def _text(message: BaseMessage) -> str:
    return str(message.text).strip()
