"""Models by LiteLLM string: choosing them, asking them, and what they do wrong."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from agent.models.choose import make_providers
from agent.models.litellm_provider import LiteLLMProvider
from agent.models.providers import is_simulated_name
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

# Said once, while LiteLLM's client builds its types; outside of tests it is silenced.
pytestmark = pytest.mark.filterwarnings("ignore:Item .* on TypedDict class:UserWarning")

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


class Scripted:
    """What the endpoint answers; a test sets it."""

    def __init__(self) -> None:
        self.reply: Reply | Callable[[Body], Reply] = said("hello")

    def __call__(self, path: str, body: Body) -> Reply:
        return self.reply(body) if callable(self.reply) else self.reply


@pytest.fixture
def script() -> Scripted:
    return Scripted()


@pytest.fixture
def endpoint(script: Scripted) -> Iterator[Endpoint]:
    with serving(script) as found:
        yield found


def provider(endpoint: Endpoint, model: str = "openai/m", **options: Any) -> LiteLLMProvider:
    return LiteLLMProvider(
        model, api_base=endpoint.url, api_key="none", key="OPENAI_API_KEY", **options
    )


def ask(made: LiteLLMProvider, sample: int = 0, schema: Any = None) -> Completion:
    return made.complete("agent", [("system", "Be short."), ("user", "hi")], sample, schema)


# choosing ------------------------------------------------------------------------


@pytest.fixture
def no_keys(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An empty directory, and an environment without anybody's keys and addresses."""
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.endswith(("_API_KEY", "_API_BASE", "_BASE_URL")):
            monkeypatch.delenv(name)


@pytest.mark.usefixtures("no_keys")
@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"model": "nonsense"}, "--model nonsense: unknown model; known: sim/rules-1"),
        ({"judge_model": "foo/bar"}, "--judge-model foo/bar: unknown model"),
        ({"model": "sim/rules-9"}, "openai/gpt-4o-mini"),
        ({"model": "openai/"}, "names no model"),
        ({"model": "openai/gpt-4o-mini"}, "no key: set OPENAI_API_KEY"),
        ({"model": "anthropic/claude-x"}, "no key: set ANTHROPIC_API_KEY"),
        ({"model": "hosted_vllm/x"}, "give --api-base"),
        ({"model": "openai/x", "api_base": "localhost:8000"}, "is no address"),
        ({"model": "openai/text-embedding-3-small"}, "is a model for embedding"),
        ({"embedding_model": "openai/gpt-4o-mini"}, "is a model for chat"),
        ({"embedding_model": "sim/rules-1"}, "is no embedding model"),
        ({"embedding_model": "openai/text-embedding-3-small"}, "set OPENAI_API_KEY"),
        (
            {"model": "openai/m", "api_base": "http://h/v1", "model_options": {"api_key": "k"}},
            "put keys into the environment",
        ),
        (
            {"model": "openai/m", "api_base": "http://h/v1", "model_options": {"seed": 3}},
            "seed: is set by memtune itself",
        ),
        (
            {
                "model": "openai/m",
                "api_base": "http://h/v1",
                "model_options": {"extra_headers": {"Authorization": "x"}},
            },
            "Authorization: options are stored",
        ),
    ],
)
def test_what_cannot_work_is_refused_before_anything_is_paid_for(
    settings: dict[str, Any], says: str
) -> None:
    """A wrong string, a missing key or address: one line that names the option and the way out."""
    with pytest.raises(SettingsError) as found:
        make_providers(load_settings(**settings))
    assert says in str(found.value)
    assert "\n" not in str(found.value)


@pytest.mark.usefixtures("no_keys")
def test_an_endpoint_of_ones_own_needs_no_key() -> None:
    """Where an address is given, a missing key is not asked for; Ollama needs neither."""
    made = make_providers(
        load_settings(
            model="openai/local",
            api_base="http://127.0.0.1:9/v1",
            judge_model="ollama_chat/llama3:8b",
        )
    )
    assert made["agent"].identity("agent")["api_base"] == "http://127.0.0.1:9/v1"
    assert made["agent"] is made["reflection"]
    assert made["judge"] is not made["agent"]


@pytest.mark.usefixtures("no_keys")
def test_roles_of_the_same_model_and_endpoint_share_a_provider() -> None:
    """The same model elsewhere is another provider with another identity."""
    made = make_providers(
        load_settings(
            model="openai/m",
            api_base="http://127.0.0.1:9/v1",
            judge_api_base="http://127.0.0.1:8/v1",
        )
    )
    assert made["agent"] is made["reflection"]
    assert made["judge"] is not made["agent"]
    assert made["judge"].identity("judge") != made["agent"].identity("judge")


@pytest.mark.usefixtures("no_keys")
def test_vendors_keys_are_read_from_dotenv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key in `.env` counts where the environment has none; memtune's own variables and
    what is set already are left as they are."""
    (tmp_path / ".env").write_text(
        "OPENAI_API_KEY=from-the-file\nANTHROPIC_API_KEY=from-the-file\nMEMTUNE__SEED=7\n"
    )
    monkeypatch.setenv("OPENAI_API_KEY", "taken away again at the end of the test")
    monkeypatch.delenv("OPENAI_API_KEY")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "set-before")
    settings = load_settings(model="openai/gpt-4o-mini")
    make_providers(settings)
    assert settings.seed == 7
    assert os.environ["OPENAI_API_KEY"] == "from-the-file"
    assert os.environ["ANTHROPIC_API_KEY"] == "set-before"
    assert "MEMTUNE__SEED" not in os.environ


@pytest.mark.usefixtures("no_keys")
def test_an_identity_holds_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """Model, address and options fix what a model is; passwords and keys do not."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret-123456")
    settings = load_settings(
        model="openai/m", api_base="http://me:pw@host/v1", model_options={"temperature": 0.5}
    )
    identity = make_providers(settings)["agent"].identity("agent")
    assert identity["options"] == {"temperature": 0.5}
    assert identity["api_base"] == "http://host/v1"
    stored = json.dumps([dict(identity), settings.model_dump(mode="json")])
    assert "secret" not in stored
    assert "pw" not in stored


@pytest.mark.parametrize(
    ("name", "simulated"),
    [
        ("sim/rules-1", True),
        ("openai/sim/rules-1:agent", True),
        ("hosted_vllm/sim/rules-1", True),
        ("openai/gpt-4o-mini", False),
        ("openai/my-sim/rules-1", False),
    ],
)
def test_the_simulated_model_is_known_behind_any_provider(name: str, simulated: bool) -> None:
    """Its figures are labelled simulated, whatever serves it."""
    assert is_simulated_name(name) is simulated


# asking --------------------------------------------------------------------------


def test_a_completion_carries_text_tokens_options_and_seed(
    script: Scripted, endpoint: Endpoint
) -> None:
    """What is sent is what was given; the sample index travels as the seed."""
    made = provider(endpoint, options={"temperature": 0.3, "max_tokens": 50})
    assert ask(made, 4) == Completion("hello", 7, 3)
    (sent,) = endpoint.bodies
    assert sent["messages"] == [
        {"role": "system", "content": "Be short."},
        {"role": "user", "content": "hi"},
    ]
    assert (sent["model"], sent["seed"], sent["temperature"]) == ("m", 4, 0.3)
    assert sent["max_tokens"] == 50


def test_a_wrong_answer_is_never_repeated_behind_the_gateways_back(
    script: Scripted, endpoint: Endpoint
) -> None:
    """One request a call, whatever comes back: retries and their counting are the gateway's."""
    made = provider(endpoint)
    for status in (400, 401, 404, 422, 429, 500, 503):
        script.reply = refused(status, "no")
        with pytest.raises(ProviderError):
            ask(made)
    assert len(endpoint.requests) == 7


@pytest.mark.parametrize("model", ["openai/m", "hosted_vllm/m"])
@pytest.mark.parametrize(
    ("reply", "kind", "says"),
    [
        (refused(401, "Incorrect API key"), ProviderError, "set OPENAI_API_KEY to a valid key"),
        (refused(404, "The model `m` does not exist"), ProviderError, "no such model or address"),
        (
            refused(400, "maximum context length is 8192", "context_length_exceeded"),
            ContentError,
            "input is too long",
        ),
        (refused(400, "no", "content_policy_violation"), ContentError, "refused for its content"),
        (refused(429, "slow down", retry_after_ms="6500"), TransientProviderError, "slow down"),
        (refused(429, "quota", "insufficient_quota"), ProviderError, "no credit is left"),
        (refused(503, "busy"), TransientProviderError, "HTTP 503: busy"),
        (html(200), ProviderError, "answered an HTML page, not the API's JSON"),
        (html(502), TransientProviderError, "HTTP 502 with an HTML page"),
        (Reply(200, [b"not json"]), TransientProviderError, "not the API's JSON"),
        (Reply(200, [b'{"id":'], length=500), TransientProviderError, "without sending complete"),
        (as_json({"choices": None}), TransientProviderError, "choices"),
        (as_json({"id": "c", "choices": []}), TransientProviderError, "without choices"),
        (said("half", finish="length"), ContentError, "cut off at the model's max_tokens"),
        (said("", finish="content_filter"), ContentError, "refused for its content"),
        (said(None, refusal="I will not"), ContentError, "I will not"),
    ],
)
def test_what_an_endpoint_does_wrong_is_one_clear_line(
    script: Scripted,
    endpoint: Endpoint,
    model: str,
    reply: Reply,
    kind: type[ProviderError],
    says: str,
) -> None:
    """Over a real connection, on both of LiteLLM's paths: its class and what it says."""
    script.reply = reply
    with pytest.raises(ProviderError) as found:
        ask(provider(endpoint, model))
    assert type(found.value) is kind, found.value
    assert says in str(found.value)
    assert "\n" not in str(found.value)
    if "slow down" in str(found.value):
        assert isinstance(found.value, TransientProviderError)
        assert found.value.retry_after == 6.5


def test_an_empty_reply_is_a_reply(script: Scripted, endpoint: Endpoint) -> None:
    """It is recorded, and drawn anew by whoever cannot read it."""
    script.reply = said(None)
    assert ask(provider(endpoint)) == Completion("", 7, 3)


def test_nothing_of_litellms_reaches_the_terminal(
    script: Scripted, endpoint: Endpoint, capfd: pytest.CaptureFixture[str]
) -> None:
    """Neither its help for errors nor its log."""
    made = provider(endpoint)
    ask(made)
    script.reply = refused(500, "oops")
    with pytest.raises(TransientProviderError):
        ask(made)
    with pytest.raises(SettingsError):
        make_providers(load_settings(model="nonsense"))
    captured = capfd.readouterr()
    assert captured.out == ""
    assert captured.err == ""


# time ----------------------------------------------------------------------------


def _calls_end() -> bool:
    """Wait for the threads of calls that were given up; say whether all have ended."""
    calls = [thread for thread in threading.enumerate() if thread.name == "model-call"]
    for thread in calls:
        thread.join(5)
    return not any(thread.is_alive() for thread in calls)


def test_a_body_that_trickles_for_ever_ends_with_the_total(
    script: Scripted, endpoint: Endpoint
) -> None:
    """No single read is late, the whole is: the call ends by the wall clock, and its thread at
    the next byte."""
    never = threading.Event()
    script.reply = Reply(200, [b" "] * 2000, pause=lambda: never.wait(0.02) and None)
    made = provider(endpoint, timeouts=Timeouts(5, 5, 0.3))
    with pytest.raises(TransientProviderError, match=r"within 0.3 s \(total_timeout\)"):
        ask(made)
    assert _calls_end()


def test_a_stalled_answer_ends_with_the_first_byte_timeout(
    script: Scripted, endpoint: Endpoint
) -> None:
    """A server that takes the request and says nothing is not waited for longer than told."""
    release = threading.Event()
    script.reply = Reply(200, [b"{}"], pause=lambda: release.wait(10) and None)
    made = provider(endpoint, timeouts=Timeouts(5, 0.2, 30))
    try:
        with pytest.raises(TransientProviderError, match="no answer in time"):
            ask(made)
    finally:
        release.set()


def test_a_server_that_is_not_there_is_said_so() -> None:
    """A refused connection is transient and says what was refused."""
    made = LiteLLMProvider("openai/m", api_base="http://127.0.0.1:9/v1", api_key="none")
    with pytest.raises(TransientProviderError, match="refused"):
        ask(made)


# schemas -------------------------------------------------------------------------


def test_a_schema_is_sent_where_it_is_wanted(script: Scripted, endpoint: Endpoint) -> None:
    """`always` sends it in OpenAI's strict form, `never` does not, `auto` not to a stranger."""
    ask(provider(endpoint, json_schema="always"), 0, SCHEMA)
    assert endpoint.bodies[-1]["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "reply", "schema": SCHEMA, "strict": True},
    }
    assert provider(endpoint, json_schema="never").accepts_schema("agent") is False
    assert provider(endpoint, json_schema="auto").accepts_schema("agent") is False
    assert provider(endpoint, "openai/gpt-4o-mini").accepts_schema("agent") is True


def test_an_endpoint_without_json_mode_is_asked_by_prompt_from_then_on(
    script: Scripted, endpoint: Endpoint
) -> None:
    """It refuses a schema once; the log hears of it once; ledger keys stay what they were."""
    script.reply = lambda body: (
        refused(400, "'response_format' of type 'json_schema' is not supported")
        if "response_format" in body
        else said("hello")
    )
    made, heard = provider(endpoint, "openai/gpt-4o-mini"), []
    made.log = lambda event, **values: heard.append(event)
    for sample in range(3):
        assert ask(made, sample, SCHEMA).text == "hello"
    assert ["response_format" in body for body in endpoint.bodies] == [True, False, False, False]
    assert heard == ["json_schema_refused"]
    assert made.accepts_schema("agent") is True


def test_a_schema_that_is_always_wanted_and_refused_is_an_error(
    script: Scripted, endpoint: Endpoint
) -> None:
    """The line says which setting lets the prompt alone do."""
    script.reply = refused(400, "response_format is not supported")
    with pytest.raises(ProviderError, match="set json_schema to auto or never"):
        ask(provider(endpoint, json_schema="always"), 0, SCHEMA)


# streaming -----------------------------------------------------------------------


def test_pieces_reach_the_sink_and_the_completion_is_the_same(
    script: Scripted, endpoint: Endpoint
) -> None:
    """With a sink open a reply is streamed; without one it is not. Text and tokens agree."""
    script.reply = lambda body: (
        events(delta("hel"), delta("lo"), delta(None, "stop"), USAGE)
        if body.get("stream")
        else said("hello")
    )
    made, pieces = provider(endpoint), list[str]()
    whole = ask(made)
    with streaming_to(pieces.append):
        assert ask(made) == whole
    assert pieces == ["hel", "lo"]
    assert [bool(body.get("stream")) for body in endpoint.bodies] == [False, True]
    assert endpoint.bodies[-1]["stream_options"] == {"include_usage": True}


@pytest.mark.parametrize(
    ("reply", "kind", "says"),
    [
        (events(delta("hel"), done=False), TransientProviderError, "broke off"),
        (events(delta("hel"), delta(None, "length"), USAGE), ContentError, "cut off"),
        (
            events(delta("hel"), {"error": {"message": "overloaded"}}),
            TransientProviderError,
            "over",
        ),
        (refused(429, "slow down", retry_after="3"), TransientProviderError, "slow down"),
    ],
)
def test_a_stream_that_goes_wrong_is_no_reply(
    script: Scripted, endpoint: Endpoint, reply: Reply, kind: type[ProviderError], says: str
) -> None:
    """Half a reply is never taken for a whole one."""
    script.reply = reply
    with streaming_to(lambda _: None), pytest.raises(ProviderError) as found:
        ask(provider(endpoint))
    assert type(found.value) is kind, found.value
    assert says in str(found.value)


def test_a_stream_that_never_ends_ends_with_the_total(script: Scripted, endpoint: Endpoint) -> None:
    """What comes after the call was given up reaches no sink."""
    never = threading.Event()
    reply = events(*[delta("x")] * 2000)
    reply.pause = lambda: never.wait(0.02) and None
    script.reply = reply
    pieces: list[str] = []
    made = provider(endpoint, timeouts=Timeouts(5, 5, 0.3))
    with streaming_to(pieces.append), pytest.raises(TransientProviderError, match="total_timeout"):
        ask(made)
    at_the_end = len(pieces)
    assert _calls_end()
    assert len(pieces) <= at_the_end + 1  # one may have been on its way


# vendors with an interface of their own --------------------------------------------


def _anthropic(text: str, stop: str) -> Reply:
    content = [{"type": "text", "text": text}]
    usage = {"input_tokens": 7, "output_tokens": 3}
    head = {"id": "m", "type": "message", "role": "assistant", "model": "c"}
    return as_json({**head, "content": content, "stop_reason": stop, "usage": usage})


def _ollama(text: str, stop: str) -> Reply:
    message = {"role": "assistant", "content": text}
    counts = {"prompt_eval_count": 7, "eval_count": 3}
    head = {"model": "m", "created_at": "2024-01-01T00:00:00Z", "done": True}
    return as_json({**head, "message": message, "done_reason": stop, **counts})


@pytest.mark.parametrize(
    ("model", "path", "reply", "whole", "cut"),
    [
        ("anthropic/claude-sonnet-4-5", "/v1/messages", _anthropic, "end_turn", "max_tokens"),
        ("ollama_chat/llama3:8b", "/api/chat", _ollama, "stop", "length"),
    ],
)
def test_other_interfaces_than_openais_are_spoken(
    script: Scripted,
    endpoint: Endpoint,
    model: str,
    path: str,
    reply: Callable[[str, str], Reply],
    whole: str,
    cut: str,
) -> None:
    """Text, tokens, schema and cut-off replies, as the vendor's own interface has them."""
    base = endpoint.url.removesuffix("/v1")
    made = LiteLLMProvider(model, api_base=base, api_key="none", json_schema="always")
    script.reply = reply("hello", whole)
    assert ask(made, 3, SCHEMA) == Completion("hello", 7, 3)
    sent_to, sent, _ = endpoint.requests[-1]
    assert sent_to == path
    assert SCHEMA in (sent.get("format"), (sent.get("output_format") or {}).get("schema"))
    script.reply = reply("hel", cut)
    with pytest.raises(ContentError, match="cut off"):
        ask(made, 3)
