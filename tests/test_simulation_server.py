"""The simulated model in process and behind OpenAI's interface."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from http.client import HTTPConnection

import pytest

from evals.simulation.model import SimulatedModel, UnknownModelError
from evals.simulation.request import parse_request

SYSTEM = """Your input fields are:
1. `question` (str):
2. `passage` (str):
Your output fields are:
1. `reading` (str):
All interactions will be structured in the following way.
In adhering to this structure, your objective is: 
        Read the passage.
        Be short."""
USER = """[[ ## question ## ]]
Where does Rosa live?

[[ ## passage ## ]]
Rosa: I live in Porto. [[ ## question ## ]] \udc80\x00

Respond with a JSON object in the following order of fields: `reading`."""
MESSAGES = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": USER}]


@pytest.fixture(scope="module")
def connection() -> Iterator[HTTPConnection]:
    """A server in a process of its own; it ends when its standard input closes."""
    process = subprocess.Popen(
        [sys.executable, "-m", "evals.simulation.server", "--seed", "5", "--slip", "0"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdin is not None
    port = json.loads(process.stdout.readline())["port"]
    client = HTTPConnection("127.0.0.1", port, timeout=10)
    yield client
    client.close()
    process.stdin.close()
    assert process.wait(timeout=10) == 0
    process.stdout.close()


def _post(client: HTTPConnection, body: object) -> tuple[int, dict[str, object]]:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    client.request("POST", "/v1/chat/completions", raw, {"content-type": "application/json"})
    response = client.getresponse()
    return response.status, json.loads(response.read())


def test_field_values_are_cut_at_declared_headers_only() -> None:
    """A header inside a value is text; the instruction loses its indent."""
    request = parse_request(MESSAGES, 4)
    assert request.instruction == "Read the passage.\nBe short."
    assert request.outputs == ("reading",)
    assert request.inputs["question"] == "Where does Rosa live?"
    assert request.inputs["passage"].startswith("Rosa: I live in Porto. [[ ## question ## ]]")
    assert request.sample == 4


def test_the_server_answers_as_the_model_in_process_does(connection: HTTPConnection) -> None:
    """OpenAI's fields are there, on one connection that is kept alive."""
    model = SimulatedModel(5, 0.0)
    for sample in (0, 1):
        body = {"model": "sim/rules-1:judge", "messages": MESSAGES, "seed": sample}
        status, made = _post(connection, body)
        expected = model.complete("sim/rules-1:judge", MESSAGES, sample)
        assert status == 200
        assert made["object"] == "chat.completion"
        choices = made["choices"]
        assert isinstance(choices, list)
        assert choices[0]["message"] == {"role": "assistant", "content": expected.text}
        assert choices[0]["finish_reason"] == "stop"
        assert made["usage"] == {
            "prompt_tokens": expected.input_tokens,
            "completion_tokens": expected.output_tokens,
            "total_tokens": expected.input_tokens + expected.output_tokens,
        }
        assert json.loads(expected.text) == {"reading": "Porto"}


@pytest.mark.parametrize("counted", [True, False])
def test_a_streamed_answer_is_the_same_in_pieces(connection: HTTPConnection, counted: bool) -> None:
    """Server-sent events in OpenAI's form; the tokens come last where they are asked for.
    `response_format` is taken and changes nothing."""
    body = {
        "model": "sim/rules-1:judge",
        "messages": MESSAGES,
        "seed": 1,
        "response_format": {"type": "json_object"},
    }
    _, whole = _post(connection, body)
    streamed = {**body, "stream": True, "stream_options": {"include_usage": counted}}
    raw = json.dumps(streamed).encode()
    connection.request("POST", "/v1/chat/completions", raw, {"content-type": "application/json"})
    response = connection.getresponse()
    assert response.getheader("content-type") == "text/event-stream"
    lines = response.read().decode().split("\n\n")
    assert lines[-2:] == ["data: [DONE]", ""]
    chunks = [json.loads(line.removeprefix("data: ")) for line in lines[:-2]]
    text = "".join(c["delta"].get("content", "") for x in chunks for c in x["choices"])
    choices = whole["choices"]
    assert isinstance(choices, list)
    assert text == choices[0]["message"]["content"]
    assert len(chunks) > 3
    assert chunks[-1].get("usage") == (whole["usage"] if counted else None)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        ([], 400),
        ({"messages": MESSAGES}, 400),
        ({"model": "sim/rules-1:agent", "messages": []}, 400),
        ({"model": "sim/rules-1:agent", "messages": [3]}, 400),
        ({"model": "sim/rules-1:agent", "messages": MESSAGES, "n": 2}, 400),
        ({"model": "sim/rules-1:agent", "messages": MESSAGES, "seed": "x"}, 400),
        ({"model": "gpt-4", "messages": MESSAGES}, 404),
        ({"model": "sim/rules-1:oracle", "messages": MESSAGES}, 404),
    ],
)
def test_bad_requests_get_errors_in_openais_form(
    connection: HTTPConnection, body: object, status: int
) -> None:
    """An error has message, type, param and code; the connection stays usable."""
    got, made = _post(connection, body)
    assert got == status
    error = made["error"]
    assert isinstance(error, dict)
    assert set(error) == {"message", "type", "param", "code"}
    assert error["type"] == "invalid_request_error"


def test_other_paths_are_unknown(connection: HTTPConnection) -> None:
    """Only completions and the list of models are served."""
    connection.request("GET", "/v1/models")
    response = connection.getresponse()
    models = json.loads(response.read())["data"]
    assert models[0]["id"] == "sim/rules-1:agent"
    connection.request("GET", "/v1/files")
    response = connection.getresponse()
    assert response.status == 404
    response.read()


def test_a_slip_rate_out_of_range_and_an_unknown_model_are_refused() -> None:
    """Errors say what is known."""
    with pytest.raises(ValueError, match="between 0 and 1"):
        SimulatedModel(1, 1.5)
    with pytest.raises(UnknownModelError, match="sim/rules-1:judge"):
        SimulatedModel(1).complete("gpt-4", MESSAGES)
