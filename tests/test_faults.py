"""A model server that misbehaves changes what a run costs in retries, and nothing else."""

from __future__ import annotations

import json
import sqlite3
import sys
import threading
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from pydantic import SecretStr

from agent.loop import parts
from agent.loop.runner import run, settings_of
from agent.models import gateway as gateway_module
from agent.models.breaker import BreakerSettings
from agent.models.budget import Budget, Limits
from agent.models.gateway import ROLES, Gateway
from agent.models.providers import OpenAIProvider, SimulatedProvider
from agent.models.retrying import Backoff
from agent.settings import Settings
from tests.clock import Clock
from tests.faulty_server import FAULTS, FaultyServer, serving
from tests.loop_fixture import small
from tests.test_gateway import Scripted
from traces.database import Database
from traces.errors import (
    BudgetExceeded,
    DeadlineExceeded,
    ProviderError,
    StopRequested,
    TransientProviderError,
)
from traces.ledger import Ledger

SEED = 6
TINY: dict[str, Any] = {"conversations": 3, "limit_questions": 8, "seed": SEED, "concurrency": 4}
DECISIONS = ("baseline", "final", "gain", "promoted", "rejected", "prompts", "attributions")
# Long against what a request takes, short against a test.
READ = 0.5


@pytest.fixture(autouse=True)
def no_long_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway_module, "BACKOFF", Backoff(first=0.001, longest=0.01))
    monkeypatch.setattr(
        gateway_module, "BREAKER", BreakerSettings(first_pause=0.01, longest_pause=0.1, poll=0.005)
    )


def answers(out: Path) -> list[tuple[Any, ...]]:
    """Every answer of a run with its verdict, by conversation, prompt set and question."""
    with sqlite3.connect(out / "memtune.db") as connection:
        return connection.execute(
            "SELECT conversation, prompt_set, question, record FROM answers JOIN passes ON "
            "passes.id = answers.pass ORDER BY 1, 2, 3"
        ).fetchall()


@pytest.fixture(scope="module")
def inside(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Any]:
    """The same run with the model in process."""
    folder = tmp_path_factory.mktemp("inside")
    return run(small(folder, **TINY)).done, answers(folder / "run")


def openai(monkeypatch: pytest.MonkeyPatch, server: FaultyServer) -> dict[str, Any]:
    """Put the `openai` client before the server; return the settings that it needs."""

    def make(settings: Settings) -> dict[str, Any]:
        provider = OpenAIProvider(
            {role: f"sim/rules-1:{role}" for role in ROLES},
            server.url,
            identity=SimulatedProvider(settings.seed, settings.slip)._identity,
            simulated=True,
            timeout=READ,
        )
        return dict.fromkeys(ROLES, provider)

    monkeypatch.setattr(parts, "make_providers", make)
    return {}


def litellm(monkeypatch: pytest.MonkeyPatch, server: FaultyServer) -> dict[str, Any]:
    """The settings of a run whose models LiteLLM calls at the server."""
    monkeypatch.setenv("OPENAI_API_KEY", "unused")
    models = {f"{role}_model": f"openai/sim/rules-1:{role}" for role in ROLES}
    return {**models, "api_base": server.url, "first_byte_timeout": READ}


def langchain(monkeypatch: pytest.MonkeyPatch, server: FaultyServer) -> dict[str, Any]:
    """The settings of a run whose models are ChatOpenAI's at the server, without its retries."""
    from langchain_openai import ChatOpenAI

    module = ModuleType("faulty_chat_models")
    for role in ROLES:
        made = ChatOpenAI(
            model=f"sim/rules-1:{role}", base_url=server.url, api_key=SecretStr("none"),
            max_retries=0, timeout=READ,
        )  # fmt: skip
        setattr(module, role, made)
    monkeypatch.setitem(sys.modules, "faulty_chat_models", module)
    return {f"{role}_model": f"faulty_chat_models:{role}" for role in ROLES}


@pytest.mark.parametrize("through", [openai, litellm, langchain])
def test_a_fifth_of_the_requests_fail_and_nothing_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, inside: Any, through: Any
) -> None:
    """Every score, verdict and decision is as in process; each retry is counted, no more and
    no less: the ledger's attempts are the requests that the server saw."""
    with serving(SEED, stall=READ + 2) as server:
        done = run(small(tmp_path, **TINY, **through(monkeypatch, server))).done
    assert {n: done[n] for n in DECISIONS} == {n: inside[0][n] for n in DECISIONS}
    assert answers(tmp_path / "run") == inside[1]
    assert done["calls"]["made"] == server.requests
    # More only where a busy machine answered too late.
    assert done["calls"]["made"] >= inside[0]["calls"]["made"] + server.faults.total()
    assert done["tokens"] == inside[0]["tokens"]
    assert set(server.faults) == set(FAULTS)
    assert 0.1 < server.faults.total() / server.requests < 0.3


def test_a_server_that_goes_away_for_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, inside: Any
) -> None:
    """From its 100th to its 130th request the server is down: no answer is lost, and while it
    was down one request at a time asked."""
    server: FaultyServer
    with serving(
        SEED, share=0.0, down=lambda: 100 <= server.requests < 130
    ) as server:  # fmt: skip
        done = run(small(tmp_path, **TINY, **openai(monkeypatch, server))).done
    assert {n: done[n] for n in DECISIONS} == {n: inside[0][n] for n in DECISIONS}
    assert done["calls"]["made"] == server.requests == inside[0]["calls"]["made"] + 30
    events = [json.loads(line) for line in (tmp_path / "run/events.jsonl").read_text().splitlines()]
    told = [event["event"] for event in events if event["event"].startswith("provider_")]
    assert told == ["provider_down", "provider_back"]


def test_a_server_that_does_not_come_back_ends_the_run_resumably(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, inside: Any
) -> None:
    """After the longest outage the run ends with the provider's error, not with wrong answers;
    resumed when the server is back, it decides as if nothing had happened."""
    monkeypatch.setattr(
        gateway_module,
        "BREAKER",
        BreakerSettings(first_pause=0.01, longest_pause=0.05, poll=0.005, outage=0.3),
    )
    back = threading.Event()
    server: FaultyServer
    with serving(
        SEED, share=0.0, down=lambda: server.requests > 150 and not back.is_set()
    ) as server:  # fmt: skip
        settings = small(tmp_path, **TINY, **openai(monkeypatch, server))
        with pytest.raises(ProviderError, match="down"):
            run(settings)
        back.set()
        outcome = run(settings_of(tmp_path / "run"))
    assert outcome.exit_code == 0
    done = outcome.done
    assert {n: done[n] for n in DECISIONS} == {n: inside[0][n] for n in DECISIONS}
    assert done["calls"]["made"] == server.requests


# one call at a time, on a clock that stands still -------------------------------------


def failing(
    database: Database, clock: Clock, error: Exception, times: int, **options: Any
) -> tuple[Gateway, Scripted]:
    """A gateway whose provider fails so often before it answers."""
    provider = Scripted(lambda *_: error if len(provider.calls) <= times else "yes")
    budget = Budget(options.pop("limits", Limits()), **clock.both, **options)
    return Gateway({"agent": provider}, Ledger(database), budget), provider


def test_retry_after_is_waited_for(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    """At least as long as the provider asked, each time, and not much longer."""
    monkeypatch.setattr(gateway_module, "BACKOFF", Backoff())
    clock = Clock()
    made, provider = failing(database, clock, TransientProviderError("429", 40.0), 3)
    made.complete("agent", [("user", "q")], 0)
    assert 120 <= clock.time <= 120 + 0.5 + 1 + 2
    assert len(provider.calls) == made.ledger.spending()["agent"].calls == 4


def test_a_retry_after_of_hours_ends_the_run_with_its_line(database: Database) -> None:
    """Nothing is waited for; the line says how long the provider wants to be left alone."""
    clock = Clock()
    made, provider = failing(database, clock, TransientProviderError("HTTP 429", 3600.0), 3)
    with pytest.raises(ProviderError, match=r"asks to wait 3600 s.*resume the run then") as found:
        made.complete("agent", [("user", "q")], 0)
    assert not isinstance(found.value, TransientProviderError)
    assert (len(provider.calls), clock.time) == (1, 0)


def test_pauses_grow_and_are_drawn(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over many calls each pause lies below its doubling bound, and no two are the same."""
    monkeypatch.setattr(gateway_module, "BACKOFF", Backoff(first=1, longest=4))
    monkeypatch.setattr(gateway_module, "BREAKER", BreakerSettings(failures=100))
    seen: list[list[float]] = []
    for number in range(20):
        clock = Clock()
        made, _ = failing(database, clock, TransientProviderError("500"), 4)
        waits: list[float] = []
        monkeypatch.setattr(made.budget, "wait", waits.append)
        made.complete("agent", [("user", str(number))], 0)
        seen.append(waits)
    for column, bound in zip(zip(*seen, strict=True), (1, 2, 4, 4), strict=True):
        assert bound / 2 < max(column) <= bound
        assert len(set(column)) == 20


@pytest.mark.parametrize("what", ["stop", "deadline", "calls"])
def test_a_stop_ends_a_retry_at_once(
    database: Database, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """A stop file, the deadline and a spent budget end a call between its attempts, as what
    they are: no bad sample, and only what was asked is counted."""
    monkeypatch.setattr(gateway_module, "BACKOFF", Backoff(first=100, longest=100))
    clock = Clock()
    options: dict[str, Any] = {
        "stop": {"stop_requested": lambda: clock.time > 0.6},
        "deadline": {"limits": Limits(deadline=10)},
        "calls": {"limits": Limits(max_calls=1)},
    }[what]
    error: type[Exception] = {
        "stop": StopRequested, "deadline": DeadlineExceeded, "calls": BudgetExceeded,
    }[what]  # fmt: skip
    made, provider = failing(database, clock, TransientProviderError("429", 50.0), 9, **options)
    with pytest.raises(error):
        made.complete("agent", [("user", "q")], 0)
    assert clock.time < 10.1
    assert len(provider.calls) == made.ledger.spending()["agent"].calls == 1
    assert made.ledger.in_flight() == 0
