"""Requests and tokens a minute: never over, corrected afterwards, one window a model."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.models.budget import Budget, Limits
from agent.models.gateway import Gateway, Rates
from agent.models.rate_limits import FIRST_OUTPUT, RateLimits
from tests.clock import Clock
from tests.test_gateway import Scripted
from traces.database import Database
from traces.errors import DeadlineExceeded, StopRequested
from traces.ledger import Completion, Ledger


@given(
    st.lists(
        st.tuples(
            st.floats(0, 30), st.integers(0, 400), st.integers(0, 400), st.booleans()
        ),
        max_size=60,
    )
)  # fmt: skip
def test_no_minute_holds_more_than_the_limit(
    calls: list[tuple[float, int, int, bool]],
) -> None:
    """At whatever times calls come, whatever they turn out to use: a call is let in only where
    the last minute's calls, each with what is known of it then, leave room; and after the
    wait that it is told, it is let in at the latest when the window is empty."""
    clock = Clock()
    limits = RateLimits(7, 300, now=clock.now)
    entered: list[list[float]] = []
    for number, (pause, estimated, used, settled) in enumerate(calls):
        clock.sleep(pause)
        waits = 0
        while wait := limits.enter(str(number), estimated):
            assert 0 < wait <= 60.001
            clock.sleep(wait)
            waits += 1
            assert waits <= 2 * len(entered) + 2  # twice: rounding may cost another hundredth
        window = [amount for at, amount in entered if at > clock.time - 60]
        assert len(window) < 7
        assert sum(window) + min(estimated, 300) <= 300
        entered.append([clock.time, min(estimated, 300)])
        if settled:
            limits.settle(str(number), used, used // 2)
            entered[-1][1] = used


def test_estimates_learn_what_calls_put_out() -> None:
    """Four characters a token, and the mean output of the calls so far."""
    limits = RateLimits(tokens_per_minute=1000)
    assert limits.estimate(400) == 100 + FIRST_OUTPUT
    for number, output in enumerate((10, 30)):
        limits.enter(str(number), 1)
        limits.settle(str(number), 50, output)
    assert limits.estimate(400) == 120


def test_a_call_larger_than_the_limit_goes_alone() -> None:
    """It waits for an empty window, and then nothing else goes for a minute."""
    clock = Clock()
    limits = RateLimits(tokens_per_minute=100, now=clock.now)
    assert limits.enter("small", 10) == 0
    assert limits.enter("large", 5000) == 60
    clock.sleep(60)
    assert limits.enter("large", 5000) == 0
    limits.settle("large", 5000, 0)
    assert limits.enter("small", 1) == 60


def test_a_correction_after_the_minute_is_over_changes_nothing() -> None:
    """A call that took longer than a minute has left the window already."""
    clock = Clock()
    limits = RateLimits(tokens_per_minute=100, now=clock.now)
    limits.enter("slow", 100)
    clock.sleep(61)
    assert limits.enter("next", 100) == 0
    limits.settle("slow", 1, 0)
    assert limits.enter("more", 50) > 0


# through the gateway -----------------------------------------------------------------


class Two(Scripted):
    """Another provider, of which the clock's readings at its calls are kept."""

    def __init__(self, clock: Clock, output: int = 5) -> None:
        super().__init__(lambda *_: "x")
        self.clock, self.output = clock, output
        self.times: list[float] = []

    def complete(self, role: str, messages: Any, sample_index: int, schema: Any = None) -> Any:
        self.times.append(self.clock.time)
        return Completion("x", 10, self.output)


def made(
    database: Database, providers: Mapping[str, Any], clock: Clock, rates: Rates, **options: Any
) -> Gateway:
    budget = Budget(options.pop("limits", Limits()), **clock.both, **options)
    return Gateway(providers, Ledger(database), budget, concurrency=4, rates=rates)


@pytest.mark.parametrize("threads", [1, 8])
def test_requests_keep_to_the_minute(database: Database, threads: int) -> None:
    """35 calls at 10 a minute are each made once, ten at once and ten more a minute later; from
    several threads they take no less time."""
    clock = Clock()
    provider = Two(clock)
    gateway = made(database, {"agent": provider}, clock, Rates(requests_per_minute=10))
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(lambda n: gateway.complete("agent", [("user", str(n))], 0), range(35)))
    assert clock.time >= 180
    if threads == 1:
        assert provider.times == pytest.approx([n // 10 * 60 for n in range(35)])
    assert len(provider.times) == 35
    assert gateway.ledger.spending()["agent"].calls == 35


def test_roles_of_one_provider_share_its_window(database: Database) -> None:
    """Agent and judge on one model at one endpoint share its rate; another has its own."""
    clock = Clock()
    one, other = Two(clock), Two(clock)
    gateway = made(
        database, {"agent": one, "judge": one, "reflection": other}, clock, Rates(2)
    )  # fmt: skip
    for n in range(2):
        gateway.complete("agent", [("user", str(n))], 0)
        gateway.complete("reflection", [("user", str(n))], 0)
    assert clock.time == 0
    gateway.complete("judge", [("user", "j")], 0)
    assert clock.time >= 60
    assert other.times == [0, 0]


def test_tokens_are_counted_as_used_not_as_expected(database: Database) -> None:
    """Ten calls were expected to need more than the limit, and needed a tenth of it."""
    clock = Clock()
    gateway = made(
        database, {"agent": Two(clock)}, clock, Rates(tokens_per_minute=FIRST_OUTPUT + 50)
    )
    for n in range(10):
        gateway.complete("agent", [("user", str(n))], 0)
    assert clock.time == 0


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"limits": Limits(deadline=20)}, DeadlineExceeded),
        ({"stop_requested": lambda: True}, StopRequested),
    ],
)
def test_waiting_for_a_rate_ends_with_stop_and_deadline(
    database: Database, options: dict[str, Any], error: type[Exception]
) -> None:
    """A call that would wait a minute ends at once where a stop is asked for, and at the
    deadline; it was never made and is not counted."""
    clock, stop = Clock(), options.pop("stop_requested", None)
    stopped: list[bool] = []
    if stop is not None:
        options["stop_requested"] = lambda: bool(stopped)
    provider = Two(clock)
    gateway = made(database, {"agent": provider}, clock, Rates(1), **options)
    gateway.complete("agent", [("user", "1")], 0)
    stopped.append(True)
    with pytest.raises(error):
        gateway.complete("agent", [("user", "2")], 0)
    assert clock.time <= 20.1
    assert len(provider.times) == gateway.ledger.spending()["agent"].calls == 1
