"""The gateway: what stands before a call, retry at the same sample, repair and redraw."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import pytest

from agent.models.budget import Budget, Limits
from agent.models.gateway import Gateway
from tests.clock import Clock
from traces.database import Database
from traces.errors import (
    BudgetExceeded,
    ContentError,
    DeadlineExceeded,
    ProviderError,
    StopRequested,
    TransientProviderError,
)
from traces.ledger import Completion, Ledger
from traces.operation import BoundOperation


class Scripted:
    """A provider that answers by a function of (messages, sample index)."""

    simulated = True

    def __init__(self, reply: Any) -> None:
        self.reply = reply
        self.calls: list[int] = []

    def identity(self, role: str) -> Mapping[str, Any]:
        return {"model": role}

    def accepts_schema(self, role: str) -> bool:
        return False

    def complete(
        self, role: str, messages: Any, sample_index: int, schema: Any = None
    ) -> Completion:
        self.calls.append(sample_index)
        found = self.reply(messages, sample_index)
        if isinstance(found, Exception):
            raise found
        return Completion(found, 10, 5)

    def close(self) -> None:
        pass


def gateway(
    database: Database, reply: Any, limits: Limits | None = None, **options: Any
) -> tuple[Gateway, Scripted]:
    provider = Scripted(reply)
    made = Gateway(
        dict.fromkeys(("agent", "judge", "reflection"), provider),
        Ledger(database),
        Budget(limits or Limits(), **options),
    )
    return made, provider


ASK = ("judge", "Judge.", {"question": "q"}, {"correct": bool, "reason": str})


def test_a_typed_question_is_answered(database: Database) -> None:
    """A readable reply comes back with the asked types; asked again, no call is made."""
    made, provider = gateway(database, lambda *_: '{"correct": true, "reason": "same"}')
    assert made.ask("judge")(*ASK) == {"correct": True, "reason": "same"}
    assert made.ask("judge")(*ASK) == {"correct": True, "reason": "same"}
    assert provider.calls == [0]


def test_prose_is_drawn_again_at_the_next_sample(database: Database) -> None:
    """A reply without readable JSON is sent back once, then drawn anew, one index on."""
    made, provider = gateway(
        database,
        lambda _, sample: (
            "Well, I think so." if sample == 0 else '{"correct": false, "reason": ""}'
        ),
    )
    assert made.ask("judge")(*ASK)["correct"] is False
    assert provider.calls == [0, 0, 1]


def test_prose_for_ever_is_a_content_error(database: Database) -> None:
    """After three requests one line says what the model wrote; they are in the ledger."""
    made, provider = gateway(database, lambda *_: "I would rather talk.")
    with pytest.raises(ContentError, match="I would rather talk"):
        made.ask("judge")(*ASK)
    assert provider.calls == [0, 0, 1]
    assert made.ledger.spending()["judge"].calls == 3


def test_the_length_of_the_chain_is_recorded(database: Database) -> None:
    """An operation's record says how many requests its longest reply needed."""
    import dspy

    from agent.models.language_model import dspy_scope

    made, _ = gateway(database, lambda _, sample: '{"answer": "x"}' if sample == 1 else "prose")
    op = BoundOperation("o", "n", None, datetime(2024, 1, 1), "", 0, None, made.bind)
    with dspy_scope():
        prediction = dspy.Predict("question -> answer")(lm=op.lm, question="q")
    assert prediction.answer == "x"
    assert op.attempts == 3
    assert len(op.calls) == 3


def test_transport_failures_repeat_the_same_sample(database: Database) -> None:
    """A transport failure is retried at the same sample index and each try is spending."""
    tries: list[int] = []

    def reply(*_: Any) -> Any:
        tries.append(1)
        return (
            TransientProviderError("reset") if len(tries) < 3 else '{"correct": true, "reason": ""}'
        )

    made, provider = gateway(database, reply, **Clock().both)
    assert made.ask("judge")(*ASK)["correct"] is True
    assert provider.calls == [0, 0, 0]
    assert made.ledger.spending()["judge"].calls == 3


@pytest.mark.parametrize("broken", [OSError(28, "No space left"), TypeError("a defect")])
def test_what_breaks_below_the_engine_is_no_providers_failure(
    database: Database, monkeypatch: pytest.MonkeyPatch, broken: Exception
) -> None:
    """A full disk or a defect comes out of DSPy as itself, so that nobody records it as a
    question that a provider failed."""
    made, _ = gateway(database, lambda *_: "never asked")

    def fail(*_: Any) -> Any:
        raise broken

    monkeypatch.setattr(made.ledger, "call", fail)
    with pytest.raises(type(broken)) as found:
        made.ask("judge")(*ASK)
    assert found.value is broken


def test_a_request_that_always_fails_ends_in_its_own_error(database: Database) -> None:
    """Retries end; the provider's error comes out of DSPy unwrapped, each try is counted."""
    made, provider = gateway(database, lambda *_: TransientProviderError("down"), **Clock().both)
    with pytest.raises(TransientProviderError, match=r"down \(after \d+ attempts\)") as found:
        made.ask("judge")(*ASK)
    assert f"after {len(provider.calls)} attempts" in str(found.value)
    assert made.ledger.spending()["judge"].calls == len(provider.calls) < 30


def test_errors_that_will_not_pass_are_not_retried(database: Database) -> None:
    """A wrong key or unknown model is asked for once."""
    made, provider = gateway(database, lambda *_: ProviderError("no such model"))
    with pytest.raises(ProviderError, match="no such model"):
        made.ask("judge")(*ASK)
    assert len(provider.calls) == 1


def test_the_call_budget_is_exact(database: Database) -> None:
    """With many threads exactly max_calls calls are made, then BudgetExceeded."""
    made, provider = gateway(
        database, lambda *_: '{"correct": true, "reason": ""}', Limits(max_calls=7)
    )
    ask = made.ask("judge")

    def one(number: int) -> bool:
        try:
            ask("judge", "Judge.", {"question": str(number)}, {"correct": bool, "reason": str})
            return True
        except BudgetExceeded:
            return False

    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(one, range(30)))
    assert sum(done) == 7
    assert len(provider.calls) == 7


def test_the_token_budget_stops_the_next_call(database: Database) -> None:
    """Tokens are known after a call; the next one is refused."""
    made, provider = gateway(database, lambda m, _: "x", Limits(max_tokens=20))
    for text in ("a", "b"):
        made.complete("agent", [("user", text)], 0)
    with pytest.raises(BudgetExceeded, match="20 tokens"):
        made.complete("agent", [("user", "c")], 0)
    assert len(provider.calls) == 2


def test_what_the_ledger_holds_costs_nothing(database: Database) -> None:
    """A spent budget still answers recorded calls."""
    made, _ = gateway(database, lambda *_: "x", Limits(max_calls=1))
    made.complete("agent", [("user", "a")], 0)
    assert made.complete("agent", [("user", "a")], 0)[1].text == "x"


def test_deadline_and_stop_are_checked_before_a_call(database: Database) -> None:
    """After the deadline, or with a stop asked for, no call goes out."""
    made, provider = gateway(database, lambda *_: "x", Limits(deadline=0.001))
    time.sleep(0.01)
    with pytest.raises(DeadlineExceeded):
        made.complete("agent", [("user", "a")], 0)
    made, provider = gateway(database, lambda *_: "x", stop_requested=lambda: True)
    with pytest.raises(StopRequested):
        made.complete("agent", [("user", "a")], 0)
    assert provider.calls == []


def test_concurrency_is_limited(database: Database) -> None:
    """Never more calls are in flight than the limit allows."""
    now, most, lock = 0, 0, threading.Lock()

    def reply(*_: Any) -> str:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(0.005)
        with lock:
            now -= 1
        return "x"

    provider = Scripted(reply)
    made = Gateway({"agent": provider}, Ledger(database), Budget(Limits()), concurrency=3)
    with ThreadPoolExecutor(10) as pool:
        list(pool.map(lambda n: made.complete("agent", [("user", str(n))], 0), range(30)))
    assert 2 <= most <= 3
