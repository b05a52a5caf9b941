"""LangChain chat models of the user's own, by `module:attribute`."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from math import ceil
from pathlib import Path
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_openai import ChatOpenAI

from agent.models.choose import make_providers
from agent.models.langchain_provider import LangChainProvider
from agent.models.streaming import streaming_to
from agent.models.timeouts import Timeouts
from agent.settings import load_settings
from tests.model_endpoint import (
    Body,
    Endpoint,
    Reply,
    as_json,
    delta,
    events,
    html,
    refused,
    said,
    serving,
)
from traces.errors import ContentError, ProviderError, SettingsError, TransientProviderError
from traces.ledger import Completion

SCHEMA = {
    "type": "object",
    "properties": {"a": {"type": "string"}},
    "required": ["a"],
    "additionalProperties": False,
}
USAGE = {
    "id": "c1",
    "object": "chat.completion.chunk",
    "created": 1,
    "model": "m",
    "choices": [],
    "usage": {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10},
}
PLUGIN = """
from langchain_core.language_models import FakeListChatModel
from langchain_openai import ChatOpenAI

instance = FakeListChatModel(responses=["from an instance"])

class Kind(FakeListChatModel):
    responses: list[str] = ["from a class"]

def factory():
    return FakeListChatModel(responses=["from a factory"])

def needs_more(number):
    return None

def gives_text():
    return "a model"

number = 3
"""


class Local(BaseChatModel):
    """A model without tokens, seed or name, that answers what it is told to."""

    answer: Callable[[], str] = lambda: "hello"

    @property
    def _llm_type(self) -> str:
        return "local"

    def _generate(self, messages: Any, *args: Any, **kwargs: Any) -> ChatResult:
        message = AIMessage(content=self.answer())
        return ChatResult(generations=[ChatGeneration(message=message)])


@pytest.fixture
def replies() -> list[Any]:
    return [said("hello")]


@pytest.fixture
def endpoint(replies: list[Any]) -> Iterator[Endpoint]:
    def answer(path: str, body: Body) -> Reply:
        reply: Reply = replies[0](body) if callable(replies[0]) else replies[0]
        return reply

    with serving(answer) as found:
        yield found


def openai(endpoint: Endpoint, **options: Any) -> ChatOpenAI:
    return ChatOpenAI(model="m", base_url=endpoint.url, api_key="none", max_retries=0, **options)


def ask(made: LangChainProvider, sample: int = 0, schema: Any = None) -> Completion:
    return made.complete("agent", [("system", "Be short."), ("user", "hi")], sample, schema)


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A module of models in the working directory."""
    (tmp_path / "my_models.py").write_text(PLUGIN)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    yield
    sys.modules.pop("my_models", None)


@pytest.mark.usefixtures("plugin")
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("instance", "from an instance"),
        ("Kind", "from a class"),
        ("factory", "from a factory"),
    ],
)
def test_an_instance_a_class_or_a_factory_plays_a_role(name: str, text: str) -> None:
    """Each is found in the working directory and asked; its tokens are estimated."""
    made = make_providers(load_settings(model=f"my_models:{name}"))["judge"]
    done = made.complete("judge", [("user", "hello there")], 0)
    assert done == Completion(text, 3, ceil(len(text) / 4))
    assert made.simulated is False


@pytest.mark.usefixtures("plugin")
@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("number", "is a builtins.int; name a LangChain BaseChatModel"),
        ("gives_text", "gives a builtins.str"),
        ("needs_more", "calling it failed (TypeError"),
        ("missing", "has no 'missing'"),
    ],
)
def test_anything_else_is_refused_with_what_was_found(name: str, says: str) -> None:
    """One line that names the option and what stands behind the name."""
    with pytest.raises(SettingsError) as found:
        make_providers(load_settings(judge_model=f"my_models:{name}"))
    assert f"--judge-model my_models:{name}" in str(found.value)
    assert says in str(found.value)


@pytest.mark.usefixtures("plugin")
def test_options_for_a_model_that_brings_its_own_are_refused() -> None:
    """They would be dropped silently otherwise."""
    with pytest.raises(SettingsError, match="has options of its own"):
        make_providers(load_settings(model="my_models:instance", model_options={"temperature": 1}))


def test_messages_tokens_and_seed_travel(endpoint: Endpoint) -> None:
    """Roles become LangChain's messages; the sample index is the seed where there is one."""
    made = LangChainProvider("mine:model", openai(endpoint, temperature=0.4))
    done = made.complete("agent", [("system", "s"), ("user", "u"), ("assistant", "a")], 4)
    assert done == Completion("hello", 7, 3)
    (sent,) = endpoint.bodies
    assert [m["role"] for m in sent["messages"]] == ["system", "user", "assistant"]
    assert (sent["seed"], sent["temperature"]) == (4, 0.4)


def test_an_identity_changes_with_the_model_and_holds_no_key(endpoint: Endpoint) -> None:
    """Another temperature or address is another model; another key is not."""

    def identity(**options: Any) -> Any:
        made = ChatOpenAI(**{"model": "m", "base_url": endpoint.url, "api_key": "k1"} | options)
        return LangChainProvider("mine:model", made).identity("agent")

    assert identity() == identity(api_key="another-key-123")
    assert identity() != identity(temperature=0.1)
    assert identity() != identity(base_url="http://127.0.0.1:9/v1")
    assert identity() != identity(model="n")
    assert "k1" not in str(identity())


def test_the_simulated_model_is_known_by_its_name(endpoint: Endpoint) -> None:
    """Figures made with it are labelled, whoever's client asks it."""
    made = ChatOpenAI(model="sim/rules-1:judge", base_url=endpoint.url, api_key="none")
    assert LangChainProvider("mine:model", made).simulated is True
    assert LangChainProvider("mine:model", openai(endpoint)).simulated is False


@pytest.mark.parametrize(
    ("reply", "kind", "says"),
    [
        (refused(401, "Incorrect API key"), ProviderError, "give the model a valid key"),
        (refused(404, "no model m"), ProviderError, "no such model or address"),
        (refused(400, "x", "context_length_exceeded"), ContentError, "input is too long"),
        (refused(429, "slow", retry_after="2"), TransientProviderError, "slow"),
        (refused(500, "oops"), TransientProviderError, "oops"),
        (html(200), ProviderError, "an HTML page"),
        (html(503), TransientProviderError, "HTTP 503 with an HTML page"),
        (Reply(200, [b"{"]), TransientProviderError, "not the API's JSON"),
        (Reply(200, [b'{"id":'], length=500), TransientProviderError, "without sending complete"),
        (as_json({"choices": None}), TransientProviderError, "choices"),
        (said("half", finish="length"), ContentError, "raise it where the model is made"),
        (said("", finish="content_filter"), ContentError, "refused for its content"),
        (said(None, refusal="I will not"), ContentError, "I will not"),
    ],
)
def test_errors_of_the_client_below_are_translated(
    replies: list[Any], endpoint: Endpoint, reply: Reply, kind: type[ProviderError], says: str
) -> None:
    """By what they carry: the provider knows no vendor's classes."""
    replies[0] = reply
    with pytest.raises(ProviderError) as found:
        ask(LangChainProvider("mine:model", openai(endpoint)))
    assert type(found.value) is kind, found.value
    assert says in str(found.value)
    assert "\n" not in str(found.value)


def test_a_defect_in_the_users_own_model_is_not_retried() -> None:
    """It would fail again: the run ends with the exception's class in the line."""

    def fail() -> str:
        raise KeyError("weights")

    with pytest.raises(ProviderError, match="KeyError: 'weights'") as found:
        ask(LangChainProvider("mine:model", Local(answer=fail)))
    assert type(found.value) is ProviderError


def test_a_model_that_hangs_ends_with_the_total() -> None:
    """Whatever a model of the user's own does, the call ends by the wall clock."""
    release = threading.Event()

    def hang() -> str:
        release.wait(30)
        return ""

    made = LangChainProvider("mine:model", Local(answer=hang), timeouts=Timeouts(1, 1, 0.1))
    try:
        with pytest.raises(TransientProviderError, match="total_timeout"):
            ask(made)
    finally:
        release.set()


def test_schemas_go_to_chatopenai_only(endpoint: Endpoint) -> None:
    """Of another class nobody knows how it is asked for one, even where it is always wanted."""
    made = LangChainProvider("mine:model", openai(endpoint))
    assert made.accepts_schema("agent") is True
    ask(made, 0, SCHEMA)
    assert endpoint.bodies[-1]["response_format"]["json_schema"]["schema"] == SCHEMA
    never = LangChainProvider("mine:model", openai(endpoint), json_schema="never")
    assert never.accepts_schema("agent") is False
    always = LangChainProvider("mine:model", Local(), json_schema="always")
    assert always.accepts_schema("agent") is False


@pytest.mark.filterwarnings("ignore:This model does not support:UserWarning")
def test_an_endpoint_without_json_mode_is_asked_by_prompt(
    replies: list[Any], endpoint: Endpoint
) -> None:
    """ChatOpenAI is also a client of servers that know no schemas."""
    replies[0] = lambda body: (
        refused(400, "response_format is not supported")
        if "response_format" in body
        else said("hello")
    )
    made = LangChainProvider("mine:model", openai(endpoint))
    assert [ask(made, sample, SCHEMA).text for sample in range(2)] == ["hello", "hello"]
    assert ["response_format" in body for body in endpoint.bodies] == [True, False, False]


@pytest.mark.parametrize("schema", [None, SCHEMA])
def test_pieces_reach_the_sink(replies: list[Any], endpoint: Endpoint, schema: Any) -> None:
    """With a sink open the reply is streamed, and the completion is the same."""
    replies[0] = lambda body: (
        events(delta("hel"), delta("lo"), delta(None, "stop"), USAGE)
        if body.get("stream")
        else said("hello")
    )
    made, pieces = LangChainProvider("mine:model", openai(endpoint)), list[str]()
    whole = ask(made, 0, schema)
    with streaming_to(pieces.append):
        assert ask(made, 0, schema) == whole == Completion("hello", 7, 3)
    assert "".join(pieces) == "hello"
    assert len(pieces) == 2


def test_a_stream_that_breaks_off_is_no_reply(replies: list[Any], endpoint: Endpoint) -> None:
    """Half a reply is never taken for a whole one."""
    replies[0] = events(delta("hel"), done=False)
    with streaming_to(lambda _: None), pytest.raises(TransientProviderError, match="broke off"):
        ask(LangChainProvider("mine:model", openai(endpoint)))
