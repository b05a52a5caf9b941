"""Whole runs with models behind LiteLLM and LangChain: the same figures, nothing paid twice."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from agent.loop import runner
from agent.loop.services import Services
from agent.settings import Settings
from evals.simulation.seeds import model_seed
from tests.loop_fixture import opened, small
from tests.model_endpoint import Body, Endpoint, Reply, refused, serving
from traces.database import Database
from traces.errors import ProviderError
from traces.ledger import Ledger

ROLES = ("agent", "judge", "reflection")
PLUGIN = """
from langchain_openai import ChatOpenAI

def _made(role):
    return ChatOpenAI(
        model=f"sim/rules-1:{role}", base_url="BASE", api_key="none", max_retries=0
    )

agent = _made("agent")

class judge(ChatOpenAI):
    def __init__(self):
        super().__init__(
            model="sim/rules-1:judge", base_url="BASE", api_key="none", max_retries=0
        )

def reflection():
    return _made("reflection")
"""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The simulated model behind OpenAI's interface, in a process of its own."""
    process = subprocess.Popen(
        [sys.executable, "-m", "evals.simulation.server", "--seed", str(model_seed(0))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdin is not None
    port = json.loads(process.stdout.readline())["port"]
    yield f"http://127.0.0.1:{port}/v1"
    process.stdin.close()
    assert process.wait(timeout=10) == 0
    process.stdout.close()


def settings(path: Path, **changes: Any) -> Settings:
    """A run of three conversations with four questions each."""
    path.mkdir(exist_ok=True)
    return small(path, conversations=3, limit_questions=4, **changes)


def over_litellm(base: str) -> dict[str, Any]:
    return {f"{role}_model": f"openai/sim/rules-1:{role}" for role in ROLES} | {"api_base": base}


def figures(done: dict[str, Any], path: Path) -> Any:
    """What a run found out: its scores, its gates and every verdict, and what it cost."""
    database = Database(path / "run" / "memtune.db")
    verdicts = database.rows(
        "SELECT p.conversation, p.prompt_set, p.purpose, a.question, a.record "
        "FROM answers a JOIN passes p ON p.id = a.pass ORDER BY 1, 2, 3, 4"
    )
    database.close()
    assert len(verdicts) > 20
    kept = ("baseline", "final", "gain", "gates", "rounds", "calls", "tokens", "simulated")
    return {name: done.get(name) for name in kept}, verdicts


@pytest.fixture(scope="module")
def in_process(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The run with the simulated model in process."""
    path = tmp_path_factory.mktemp("in-process")
    return figures(runner.run(settings(path)).done, path)


def test_a_run_over_litellm_finds_exactly_what_one_in_process_finds(
    server: str, in_process: Any, tmp_path: Path
) -> None:
    """The same seed and slip behind the server: the same scores, verdicts, calls and tokens,
    and the label of the simulated model."""
    done = runner.run(settings(tmp_path, **over_litellm(server))).done
    assert done["simulated"] is True
    assert figures(done, tmp_path) == in_process


def test_a_run_over_langchain_finds_exactly_what_one_in_process_finds(
    server: str, in_process: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ChatOpenAI as an instance, a class and a factory, each in a role; schemas are asked for
    (and ignored by this server), which changes nothing."""
    (tmp_path / "chat_models.py").write_text(PLUGIN.replace("BASE", server))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    models = {f"{role}_model": f"chat_models:{role}" for role in ROLES}
    try:
        done = runner.run(settings(tmp_path, **models)).done
    finally:
        sys.modules.pop("chat_models", None)
    assert done["simulated"] is True
    assert figures(done, tmp_path) == in_process


class Gate:
    """An endpoint before the server that may answer first; it counts what it lets through."""

    def __init__(self, server: str) -> None:
        self.server = server
        self.passed: list[str] = []
        self.first: Callable[[Body], Reply | None] = lambda body: None
        self._client = httpx.Client()

    def __call__(self, path: str, body: Body) -> Reply:
        reply = self.first(body)
        if reply is not None:
            return reply
        self.passed.append(json.dumps(body, sort_keys=True))
        response = self._client.post(self.server.removesuffix("/v1") + path, json=dict(body))
        return Reply(response.status_code, [response.content])


@pytest.fixture
def gate(server: str) -> Gate:
    return Gate(server)


@pytest.fixture
def endpoint(gate: Gate) -> Iterator[Endpoint]:
    with serving(gate) as found:
        yield found


def episode(services: Services) -> Any:
    """Run one conversation; return its predictions."""
    conversation = services.conversations("train")[0]
    return services.evaluator.run_episode(conversation, services.seed_prompts).predictions


def test_a_run_that_a_wrong_key_stopped_resumes_and_pays_nothing_twice(
    gate: Gate, endpoint: Endpoint, in_process: Any, tmp_path: Path
) -> None:
    """One line that names the variable; the same command with a right key goes on where it
    was, and ends with the figures of a run that was never stopped."""
    gate.first = lambda body: refused(401, "Incorrect key") if len(gate.passed) >= 30 else None
    with pytest.raises(ProviderError, match=r"HTTP 401: Incorrect key\); set OPENAI_API_KEY"):
        runner.run(settings(tmp_path, **over_litellm(endpoint.url)))
    assert len(gate.passed) == 30
    gate.first = lambda body: None
    done = runner.run(settings(tmp_path, **over_litellm(endpoint.url))).done
    assert sorted(gate.passed) == sorted(set(gate.passed))
    found, verdicts = figures(done, tmp_path)
    assert verdicts == in_process[1]
    assert found["final"] == in_process[0]["final"]
    database = Database(tmp_path / "run" / "memtune.db")
    spent = Ledger(database).spending()
    database.close()
    assert sum(one.calls for one in spent.values()) == len(gate.passed) + 1


def test_an_input_that_is_too_long_is_one_bad_sample(
    gate: Gate, endpoint: Endpoint, tmp_path: Path
) -> None:
    """The question that met it is left unanswered and says what to lower; the others are
    answered, and the run goes on."""
    refusals: list[str] = []

    def first(body: Body) -> Reply | None:
        text = body["messages"][-1]["content"]
        if "[[ ## memories ## ]]" not in text or (refusals and refusals[0] != text):
            return None
        refusals.append(text)
        return refused(400, "maximum context length is 10 tokens", "context_length_exceeded")

    gate.first = first
    with ExitStack() as stack:
        predictions = episode(opened(settings(tmp_path, **over_litellm(endpoint.url)), stack))
    failed = [error for text, error in predictions.values() if text is None]
    assert len(failed) == 1
    assert "input is too long" in failed[0]
    assert "top_k" in failed[0]
    assert len(predictions) == 4
    assert len(refusals) == 1


def test_a_server_without_json_mode_costs_one_request_more(
    gate: Gate, endpoint: Endpoint, tmp_path: Path
) -> None:
    """It refuses the schema once, is asked by prompt from then on, and the log says so; a
    process that comes later finds in the ledger what this one paid for."""
    gate.first = lambda body: (
        refused(400, "response_format: json_schema is not supported")
        if "response_format" in body
        else None
    )
    # LiteLLM believes that this model takes schemas.
    changes = {"agent_model": "openai/gpt-4o-mini", "agent_api_base": endpoint.url}
    gate.first = _renamed(gate.first)
    with ExitStack() as stack:
        first = episode(opened(settings(tmp_path, **changes), stack))
    with ExitStack() as stack:
        assert episode(opened(settings(tmp_path, **changes), stack)) == first
    assert ["response_format" in body for body in endpoint.bodies].count(True) == 1
    assert len(endpoint.requests) == len(gate.passed) + 1
    log = (tmp_path / "run" / "events.jsonl").read_text("utf-8")
    assert log.count("json_schema_refused") == 1


def _renamed(first: Callable[[Body], Reply | None]) -> Callable[[Body], Reply | None]:
    """Give the requests the simulated model's name."""

    def answer(body: Body) -> Reply | None:
        reply = first(body)
        if reply is None:
            body["model"] = "sim/rules-1:agent"  # type: ignore[index]
        return reply

    return answer
