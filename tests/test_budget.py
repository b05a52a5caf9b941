"""Budgets: never over by more than the calls in flight; a stopped run goes on as if never."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.loop.runner import run, settings_of
from agent.models.budget import Budget, Limits
from agent.models.gateway import Gateway
from agent.models.pricing import Prices
from agent.settings import Price
from tests.clock import Clock
from tests.loop_fixture import small
from traces.database import Database
from traces.errors import (
    BudgetExceeded,
    ContentError,
    DeadlineExceeded,
    StopRequested,
    TransientProviderError,
)
from traces.hashing import text_hash
from traces.ledger import Completion, Ledger

THREADS, AT_A_TIME = 10, 4
PRICES = Prices({"agent": Price(input=1000, output=3000), "judge": Price(input=500, output=0)})
SPENT = (BudgetExceeded, DeadlineExceeded, ContentError, TransientProviderError)


class Random:
    """A provider whose replies take tokens, fail and are cut off by a hash of the request."""

    simulated = True

    def __init__(self, clock: Clock | None = None) -> None:
        self.lock = threading.Lock()
        self.asked: list[float] = []
        self.largest: Completion = Completion("", 0, 0)
        self._tries: dict[str, int] = {}
        self._clock = clock

    def identity(self, role: str) -> Mapping[str, Any]:
        return {"model": role}

    def accepts_schema(self, role: str) -> bool:
        return False

    def complete(self, role: str, messages: Any, sample_index: int, schema: Any = None) -> Any:
        text = messages[0][1]
        drawn = int(text_hash(text, 6), 16)
        done = Completion(text, drawn % 97 + 1, drawn % 89 + 1)
        with self.lock:
            self.asked.append(self._clock.time if self._clock else 0.0)
            tries = self._tries[text] = self._tries.get(text, 0) + 1
            self.largest = max(self.largest, done, key=lambda c: c.input_tokens + c.output_tokens)
        time.sleep(0.0005)
        if self._clock is not None:
            self._clock.sleep(1)
        if drawn % 7 == 0 and tries == 1:
            raise TransientProviderError("reset")
        if drawn % 11 == 0:
            raise ContentError("cut off", done.input_tokens, done.output_tokens)
        return done

    def close(self) -> None:
        pass


def spend(
    limits: Limits, folder: Path, starts: int = 1, clock: Clock | None = None
) -> tuple[Random, Ledger, list[str]]:
    """Ask 120 questions from ten threads, in so many processes' lives, on a real file."""
    provider, ended = Random(clock), []
    for _ in range(starts):
        database = Database(folder / "memtune.db")
        ledger = Ledger(database)
        spent = ledger.spending()
        budget = Budget(
            limits,
            sum(s.calls for s in spent.values()),
            sum(s.tokens for s in spent.values()),
            usd=PRICES.known(spent),
            **(clock or Clock()).both,
        )
        gateway = Gateway(
            dict.fromkeys(("agent", "judge"), provider), ledger, budget, AT_A_TIME, prices=PRICES
        )

        def one(number: int, gateway: Gateway = gateway) -> None:
            role = "judge" if number % 3 == 0 else "agent"
            with suppress(ContentError, TransientProviderError):
                gateway.complete(role, [("user", f"{role} {number}")], 0)

        with ThreadPoolExecutor(THREADS) as pool:
            futures = [pool.submit(one, number) for number in range(120)]
            errors = [future.exception() for future in futures]
        ended += sorted({type(error).__name__ for error in errors if error is not None})
    return provider, ledger, ended


@settings(max_examples=12, deadline=None)
@given(st.integers(1, 150), st.integers(1, 3))
def test_calls_are_never_over(most: int, starts: int) -> None:
    """Attempts made, failed ones too, are exactly the limit where there is more to ask; a
    restart changes nothing."""
    with tempfile.TemporaryDirectory() as folder:
        provider, ledger, ended = spend(Limits(max_calls=most), Path(folder), starts)
        made = sum(s.calls for s in ledger.spending().values())
        assert made == len(provider.asked) <= most
        assert (made == most) == bool(ended) or made == most


@settings(max_examples=12, deadline=None)
@given(st.integers(1, 12_000), st.integers(1, 3))
def test_tokens_are_over_by_the_calls_in_flight_at_most(most: int, starts: int) -> None:
    """What the ledger holds passes the limit by no more than four calls' tokens."""
    with tempfile.TemporaryDirectory() as folder:
        provider, ledger, ended = spend(Limits(max_tokens=most), Path(folder), starts)
        used = sum(s.tokens for s in ledger.spending().values())
        largest = provider.largest.input_tokens + provider.largest.output_tokens
        assert used < most + AT_A_TIME * largest
        assert used >= most or not ended


@settings(max_examples=12, deadline=None)
@given(st.floats(0.01, 20), st.integers(1, 3))
def test_dollars_are_over_by_the_calls_in_flight_at_most(most: float, starts: int) -> None:
    """Over both roles with their own prices, counted from the ledger, replies that were cut
    off included."""
    with tempfile.TemporaryDirectory() as folder:
        _, ledger, ended = spend(Limits(max_usd=most), Path(folder), starts)
        spent = PRICES.known(ledger.spending())
        dearest = (97 * 1000 + 89 * 3000) / 1e6
        assert spent < most + AT_A_TIME * dearest
        assert spent >= most - 1e-9 or not ended


@settings(max_examples=12, deadline=None)
@given(st.integers(1, 100))
def test_after_the_deadline_only_calls_in_flight_end(most: int) -> None:
    """Each call takes a second: no more than four are asked after the deadline."""
    with tempfile.TemporaryDirectory() as folder:
        clock = Clock()
        provider, _, ended = spend(Limits(deadline=float(most)), Path(folder), 1, clock)
        assert sum(at > most for at in provider.asked) <= AT_A_TIME
        assert ended in ([], ["DeadlineExceeded"])


def test_a_wait_ends_at_once() -> None:
    """A stop is seen within a quarter of a second, the deadline when it passes."""
    clock = Clock()
    stopping = Budget(Limits(), stop_requested=lambda: clock.time > 3, **clock.both)
    with pytest.raises(StopRequested):
        stopping.wait(100)
    assert clock.time <= 3.5
    clock = Clock()
    with pytest.raises(DeadlineExceeded):
        Budget(Limits(deadline=5), **clock.both).wait(100)
    assert clock.time == pytest.approx(5, abs=0.01)
    clock = Clock()
    Budget(Limits(deadline=500), **clock.both).wait(100)
    assert clock.time == pytest.approx(100)


# whole runs --------------------------------------------------------------------------

TINY: dict[str, Any] = {
    "conversations": 3, "limit_questions": 8, "seed": 6, "concurrency": 2,
    "prices": {"sim/rules-1": {"input": 10, "output": 40}},
}  # fmt: skip
DECISIONS = ("baseline", "final", "gain", "promoted", "rejected", "prompts", "attributions")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A run that nothing stopped."""
    return run(small(tmp_path_factory.mktemp("whole"), max_usd=1000, **TINY)).done


@pytest.mark.parametrize(
    ("limits", "more", "reason"),
    [
        ({"max_usd": 0.7}, {"max_usd": 1000.0}, "budget"),
        ({"max_calls": 100, "max_usd": 1000.0}, {"max_calls": 10**6}, "budget"),
        ({"max_tokens": 50_000, "max_usd": 1000.0}, {"max_tokens": 10**9}, "budget"),
        ({"deadline": 0.25, "max_usd": 1000.0}, {"deadline": 3600.0}, "deadline"),
    ],
    ids=["usd", "calls", "tokens", "time"],
)
def test_a_run_that_was_stopped_ends_like_one_that_was_not(
    tmp_path: Path, whole: dict[str, Any], limits: Any, more: Any, reason: str
) -> None:
    """Each limit stops it with exit code 101, hardly over; resumed it decides the same, and no
    call was paid twice."""
    stopped = run(small(tmp_path, **TINY, **limits))
    done = stopped.done
    assert (stopped.exit_code, done["status"], done["stop_reason"]) == (101, "stopped", reason)
    assert done["final"] is None
    assert done["calls"]["made"] < whole["calls"]["made"]
    assert done["calls"]["made"] <= limits.get("max_calls", 10**9)
    # Two calls in flight, of less than 4,000 tokens each.
    used = done["tokens"]["input"] + done["tokens"]["output"]
    assert used < limits.get("max_tokens", 10**9) + 8_000
    assert done["usd"]["total"] < limits["max_usd"] + 8_000 * 40 / 1e6
    resumed = run(settings_of(tmp_path / "run", **more))
    assert resumed.exit_code == 0
    assert {n: resumed.done[n] for n in DECISIONS} == {n: whole[n] for n in DECISIONS}
    for name in ("made", "by_role"):
        assert resumed.done["calls"][name] == whole["calls"][name]
    assert resumed.done["usd"]["total"] == whole["usd"]["total"]
    # Work that was done again after the restart is no call saved.
    assert resumed.done["calls"]["saved"] <= whole["calls"]["saved"]


def test_many_restarts_save_no_more_calls(tmp_path: Path, whole: dict[str, Any]) -> None:
    """Stopped every 40 calls, the run says of no more calls that they were saved: those behind
    reused operations all the same, of the ledger's answers those that are sure to be none
    of work done again."""
    settings = small(tmp_path, **TINY, max_usd=1000, max_calls=40)
    outcome, starts = run(settings), 1
    while outcome.exit_code == 101:
        starts += 1
        outcome = run(settings_of(tmp_path / "run", max_calls=40 * starts))
    assert starts > 5
    saved = outcome.done["calls"]["saved"]
    assert whole["calls"]["saved"] / 2 < saved <= whole["calls"]["saved"]
    assert outcome.done["calls"]["made"] == whole["calls"]["made"]
