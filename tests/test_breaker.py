"""The circuit breaker: it opens, probes one at a time, closes gently, and gives up in the end."""

from __future__ import annotations

import itertools
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from math import inf
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.models import gateway as gateway_module
from agent.models.breaker import Breaker, BreakerSettings
from agent.models.budget import Budget, Limits
from agent.models.gateway import Gateway
from tests.clock import Clock
from tests.test_gateway import Scripted
from traces.database import Database
from traces.errors import ContentError, ProviderError, TransientProviderError
from traces.ledger import Ledger

SETTINGS = BreakerSettings(failures=3, first_pause=1, longest_pause=8, outage=100)


def made(clock: Clock, **changes: Any) -> Breaker:
    return Breaker("model m", SETTINGS, now=clock.now, **changes)


def opened(clock: Clock) -> Breaker:
    breaker = made(clock)
    for key in "abc":
        assert breaker.enter(key) == 0
        breaker.failed(key, "HTTP 503")
    return breaker


def test_it_opens_after_failures_in_a_row_only() -> None:
    """A success in between starts the count anew, from whatever thread it comes."""
    breaker = made(Clock())
    for key in "abxcd":
        assert breaker.enter(key) == 0
        breaker.answered(key) if key == "x" else breaker.failed(key)
    assert breaker.enter("e") == 0
    breaker.failed("e")
    assert breaker.enter("f") > 0


def test_one_probe_after_each_growing_pause() -> None:
    """Open, nobody goes before the pause is over, then one; its failure doubles the pause."""
    clock = Clock()
    breaker = opened(clock)
    pauses = []
    for _ in range(5):
        pauses.append(breaker.enter("a"))
        clock.sleep(pauses[-1] - 0.01)
        assert breaker.enter("b") == pytest.approx(0.01)
        clock.sleep(0.02)
        assert breaker.enter("a") == 0
        assert breaker.enter("b") == SETTINGS.poll
        breaker.failed("a")
    assert pauses == pytest.approx([1, 2, 4, 8, 8])


def test_the_provider_is_asked_no_earlier_than_it_said() -> None:
    """A Retry-After longer than the pause is waited for."""
    clock = Clock()
    breaker = made(clock)
    for key in "abc":
        breaker.enter(key)
        breaker.failed(key, retry_after=30.0)
    assert breaker.enter("a") == 30
    clock.sleep(30)
    assert breaker.enter("a") == 0
    breaker.failed("a", retry_after=5.0)
    assert breaker.enter("a") == 5


def test_calls_come_back_a_few_at_a_time() -> None:
    """After a success one call goes, then two, four, eight; from the ramp on all of them."""
    clock = Clock()
    breaker = opened(clock)
    clock.sleep(1)
    assert breaker.enter("probe") == 0
    breaker.answered("probe")
    at_a_time = []
    for turn in range(6):
        going = [k for k in (f"{turn}-{n}" for n in range(100)) if breaker.enter(k) == 0]
        at_a_time.append(len(going))
        for key in going:
            breaker.answered(key)
    assert at_a_time == [1, 2, 4, 8, 100, 100]


def test_a_probe_that_never_asked_hands_over() -> None:
    """A probe whose call was stopped before it went out teaches nothing: the next may go."""
    clock = Clock()
    breaker = opened(clock)
    clock.sleep(1)
    assert breaker.enter("a") == 0
    breaker.left("a")
    assert breaker.enter("b") == 0


def test_after_the_outage_every_call_gets_one_clear_line() -> None:
    """When the probe at the outage's end fails, the error says what, since when, what now."""
    clock = Clock()
    breaker = made(clock, today=lambda: datetime(2026, 1, 1, 12, 0, 0))
    for key in "abc":
        breaker.enter(key)
        breaker.failed(key, "HTTP 503")
    probes = 0
    while True:
        try:
            wait = breaker.enter("a")
        except ProviderError:
            break
        if wait:
            clock.sleep(wait)
            continue
        probes += 1
        breaker.failed("a", "HTTP 503")
    assert clock.time == pytest.approx(100)
    for key in "ab":
        with pytest.raises(
            ProviderError, match=r"down since 2026-01-01 11:58:20.*HTTP 503.*resume"
        ):
            breaker.enter(key)
    # 1, 2, 4, then 8 s apart, and the last when the outage ends.
    assert probes == 15


def fail_until_over(breaker: Breaker, clock: Clock, key: str) -> float:
    """Fail with one request until it is given up; return how many attempts it took."""
    attempts = 0
    while True:
        wait = breaker.enter(key)
        if wait:
            clock.sleep(wait)
            continue
        breaker.failed(key)
        attempts += 1
        if breaker.strikes(key) == inf:
            return attempts


def test_a_failure_costs_a_call_nothing_while_the_provider_is_down() -> None:
    """Closed, each failure counts against the call; open, none does."""
    clock = Clock()
    breaker = made(clock)
    counted = []
    for _ in range(2):
        breaker.enter("a")
        breaker.failed("a")
        counted.append(breaker.strikes("a"))
    breaker.enter("b")
    breaker.failed("b")
    counted += [breaker.strikes("b"), breaker.strikes("a")]
    assert counted == [1, 1, 0, 0]


def test_a_request_that_fails_alone_does_not_end_the_run() -> None:
    """Nobody else asked while it failed: when the outage is over, that request is given up. The
    next may go at once; if it is answered, the fault was the request's, and the like of it is
    given up after the usual attempts; if it fails, the provider is down."""
    clock = Clock()
    breaker = made(clock)
    assert fail_until_over(breaker, clock, "poison") > 10
    assert clock.time == pytest.approx(100)
    assert breaker.enter("good") == 0
    breaker.answered("good")
    for _ in range(5):
        while wait := breaker.enter("poison 2"):
            clock.sleep(wait)
        breaker.failed("poison 2")
        assert breaker.strikes("poison 2") == 1

    clock = Clock()
    breaker = made(clock)
    fail_until_over(breaker, clock, "first")
    assert breaker.enter("second") == 0
    breaker.failed("second")
    with pytest.raises(ProviderError, match="has been down since"):
        breaker.enter("third")


@given(
    st.lists(st.tuples(st.sampled_from(["enter", "ok", "fail", "left", "wait"]), st.integers(0, 9)))
)
def test_whatever_happens_there_is_one_probe_and_no_leak(steps: list[tuple[str, int]]) -> None:
    """In any order of events, while it is open at most one call is let in at a time, and when
    all calls are back, one can be let in again."""
    clock = Clock()
    breaker = made(clock)
    flying: dict[str, bool] = {}
    for step, number in steps:
        key = f"k{number}"
        if step == "wait":
            clock.sleep(number)
        elif step == "enter" and key not in flying:
            is_open = breaker._opened is not None
            if breaker.enter(key) == 0:
                assert not (is_open and any(flying.values()))
                flying[key] = is_open
        elif step != "enter" and key in flying:
            del flying[key]
            {"ok": breaker.answered, "fail": breaker.failed, "left": breaker.left}[step](key)
            if step == "ok":
                flying = dict.fromkeys(flying, False)
    for key in flying:
        breaker.answered(key)
    assert breaker._flights == 0
    wait = breaker.enter("new")
    if wait:
        clock.sleep(wait)
        assert breaker.enter("new") == 0


# through the gateway, with threads ---------------------------------------------------


def ask_all(made: Gateway, number: int, threads: int) -> list[Any]:
    def one(n: int) -> Any:
        try:
            return made.complete("agent", [("user", str(n))], 0)[1].text
        except ProviderError as error:
            return error

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(one, range(number)))


def test_an_outage_loses_no_call_and_hardly_asks(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twelve requests are refused, then the provider is back: all of 40 calls are answered, it
    opened once, and each request is counted."""
    monkeypatch.setattr(gateway_module, "BREAKER", BreakerSettings(outage=1e9))
    numbers = itertools.count(1)

    def reply(*_: Any) -> Any:
        number = next(numbers)
        time.sleep(0.001)
        return TransientProviderError("HTTP 503") if number <= 12 else "back"

    clock = Clock()
    provider = Scripted(reply)
    ledger = Ledger(database)
    made = Gateway({"agent": provider}, ledger, Budget(Limits(), **clock.both), concurrency=4)
    assert ask_all(made, 40, 8) == ["back"] * 40
    assert len(provider.calls) == ledger.spending()["agent"].calls == 52
    assert next(iter(made._lanes.values())).breaker.openings == 1


def test_a_provider_that_stays_down_ends_the_run_with_its_line(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With several calls waiting, none becomes a bad sample: all end in the same ProviderError."""
    monkeypatch.setattr(gateway_module, "BREAKER", BreakerSettings(outage=300))
    together = threading.Barrier(4)

    def reply(*_: Any) -> Any:
        if len(provider.calls) <= 4:
            together.wait(10)
        return TransientProviderError("HTTP 503")

    provider = Scripted(reply)
    made = Gateway(
        {"agent": provider}, Ledger(database), Budget(Limits(), **Clock().both), concurrency=4
    )
    found = ask_all(made, 6, 6)
    assert {type(error) for error in found} == {ProviderError}
    assert all("model agent: has been down since" in str(error) for error in found)


def test_one_poisoned_request_does_not_stop_the_others(database: Database) -> None:
    """A request that the provider always chokes on becomes one bad sample."""
    provider = Scripted(
        lambda messages, _: (
            TransientProviderError("HTTP 500") if messages[0][1] == "3" else "answer"
        )
    )
    made = Gateway(
        {"agent": provider}, Ledger(database), Budget(Limits(), **Clock().both), concurrency=2
    )
    found = ask_all(made, 10, 2)
    assert [type(one) for one in found].count(TransientProviderError) == 1
    assert found.count("answer") == 9


@pytest.mark.parametrize("error", [ProviderError("HTTP 401"), ContentError("refused")])
def test_a_refusal_is_an_answer(database: Database, error: Exception) -> None:
    """A provider that says no is not down: the breaker stays closed."""
    provider = Scripted(lambda *_: error)
    made = Gateway({"agent": provider}, Ledger(database), Budget(Limits(), **Clock().both))
    assert {str(found) for found in ask_all(made, 10, 1)} == {str(error)}
    assert next(iter(made._lanes.values())).breaker.openings == 0
    assert len(provider.calls) == 10
