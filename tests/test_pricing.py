"""What calls cost: known prices, the user's own, and what nobody knows."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from agent.loop.runner import run, settings_of
from agent.models.gateway import ROLES
from agent.models.pricing import (
    DEFAULT_MAX_USD,
    FREE,
    Prices,
    cap,
    models_of,
    price_of,
    prices_of,
)
from agent.settings import Price, load_settings
from evals.report import wording
from tests.loop_fixture import small
from traces.errors import SettingsError
from traces.ledger import Spending

TINY: dict[str, Any] = {"conversations": 3, "limit_questions": 6, "optimizer": "noop"}


@pytest.mark.parametrize("model", ["sim/rules-1", "sim-server/rules-1", "openai/sim/rules-1:judge"])
def test_a_simulated_model_costs_nothing(model: str) -> None:
    """In process, over its server, and behind an endpoint of one's own."""
    assert price_of(model, {}) == FREE


@pytest.mark.parametrize(
    "model", ["openai/gpt-4o-mini", "gpt-4o-mini", "azure/gpt-4o", "openai/text-embedding-3-small"]
)
def test_listed_prices_are_dollars_a_million_tokens(model: str) -> None:
    """They are LiteLLM's own for the same model, whichever way it is written."""
    from agent.models.litellm_module import litellm

    found = price_of(model, {})
    assert found is not None
    expected = litellm().cost_per_token(
        model=model, prompt_tokens=1_000_000, completion_tokens=1_000_000
    )
    assert (found.input, found.output) == pytest.approx(expected)


@pytest.mark.parametrize(
    "model",
    ["ollama/llama3", "ollama_chat/llama3:8b", "hosted_vllm/mine", "openai/my-own", "nonsense",
     "tests.chat:model", "openai/azure/gpt-4o", "mistral/gpt-4o-mini"],
)  # fmt: skip
def test_what_is_not_listed_has_no_price(model: str) -> None:
    """A local model, a name that the list has under another vendor only, a chat model of the
    user's own: unknown, not free; the user's price is taken by exactly that name."""
    assert price_of(model, {}) is None
    own = Price(input=1, output=2)
    assert price_of(model, {model: own}) == own
    assert price_of(model, {model + "x": own}) is None


def test_the_users_price_comes_first() -> None:
    """Over the list, and over the simulated model's nothing."""
    own = Price(input=7, output=8)
    for model in ("openai/gpt-4o-mini", "sim/rules-1"):
        assert price_of(model, {model: own}) == own


def test_a_budget_in_dollars_needs_every_price(tmp_path: Path) -> None:
    """A model without one, the embedding model too, is named with the line to add, which then
    does; without a budget nobody asks."""
    for given in (
        {"judge_model": "hosted_vllm/j"},
        {"embedding_model": "hosted_vllm/j"},
    ):
        settings = load_settings(max_usd=5, **given)
        with pytest.raises(SettingsError, match=r'"hosted_vllm/j" = \{ input = 0\.15') as refused:
            prices_of(settings, models_of(settings, ROLES))
        line = str(refused.value).split("free): ")[1]
        (tmp_path / "memtune.toml").write_text(f"[prices]\n{line}\n")
        import tomllib

        prices = tomllib.loads((tmp_path / "memtune.toml").read_text())["prices"]
        settings = load_settings(max_usd=5, prices=prices, **given)
        found = prices_of(settings, models_of(settings, ROLES))
        role = "judge" if "judge_model" in given else "embedding"
        assert found.cost(role, 1_000_000, 0) == 0.15
        settings = load_settings(**given)
        assert prices_of(settings, models_of(settings, ROLES)).cost(role, 1, 1) is None


def test_a_model_with_a_price_has_a_budget_of_ten_dollars() -> None:
    """Unless one was given; where nothing costs anything there is none."""
    priced = load_settings(prices={"sim/rules-1": {"input": 1, "output": 1}})
    found = prices_of(priced, models_of(priced, ROLES))
    assert cap(priced, found) == DEFAULT_MAX_USD == 10
    given = priced.model_copy(update={"max_usd": 3.0})
    assert cap(given, found) == 3
    free = load_settings()
    assert cap(free, prices_of(free, models_of(free, ROLES))) is None


def test_unknown_is_null_never_zero() -> None:
    """The total is null as soon as a role's price is unknown; what is known is still said."""
    prices = Prices({"agent": Price(input=1, output=10), "judge": None})
    spent = {"agent": Spending(3, 500_000, 20_000), "judge": Spending(1, 10, 10)}
    assert prices.summary(spent) == {"total": None, "by_role": {"agent": 0.7, "judge": None}}
    assert prices.known(spent) == pytest.approx(0.7)
    assert Prices.from_json(json.loads(json.dumps(prices.to_json()))).summary(spent) == (
        prices.summary(spent)
    )
    assert wording.usd({**prices.summary(spent), "limit": 10}) == (
        "at least 0.70 USD; not known for judge; limit 10.00"
    )
    assert wording.usd({"total": 0.0, "by_role": {"agent": 0.0}, "limit": None}) == ""


def test_a_run_says_what_it_cost(tmp_path: Path) -> None:
    """By role and in all, from the ledger's tokens, in `done`, status and report; the default
    budget is announced once, and a resumed run goes on counting."""
    from agent.cli.recorded import RecordedRun
    from agent.cli.recorded_summary import summary_of
    from agent.cli.report import build
    from agent.cli.status import overview

    prices = {"sim/rules-1": {"input": 2.0, "output": 8.0}}
    stopped = run(small(tmp_path, prices=prices, max_calls=60, **TINY))
    done = run(settings_of(tmp_path / "run", max_calls=10**6)).done
    tokens = done["tokens"]
    expected = (tokens["input"] * 2 + tokens["output"] * 8) / 1e6
    assert done["usd"]["total"] == pytest.approx(expected, abs=1e-5)
    assert sum(done["usd"]["by_role"].values()) == pytest.approx(expected, abs=1e-5)
    assert done["usd"]["limit"] == 10
    assert 0 < stopped.done["usd"]["total"] < done["usd"]["total"]
    events = [json.loads(line) for line in (tmp_path / "run/events.jsonl").read_text().splitlines()]
    announced = [event for event in events if event["event"] == "default_budget"]
    assert [event["max_usd"] for event in announced] == [10]
    with RecordedRun(tmp_path / "run") as recorded:
        assert overview(recorded)["usd"] == done["usd"]
        assert build(recorded)["usd"] == done["usd"]
        # Read from the ledger, as while it runs.
        (tmp_path / "run" / "summary.json").unlink()
        assert summary_of(recorded)["usd"]["by_role"] == done["usd"]["by_role"]


def test_prices_cost_no_import_where_none_is_needed() -> None:
    """A simulated run, and one whose prices are given, never load LiteLLM."""
    script = (
        "import sys; from agent.settings import Price; from agent.models.pricing import price_of;"
        "price_of('sim/rules-1', {}); price_of('a/b', {'a/b': Price(input=1, output=1)});"
        "price_of('ollama/x', {}); price_of('m.n:o', {}); assert 'litellm' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
