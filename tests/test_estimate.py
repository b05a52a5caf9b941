"""The estimate: what a dry pass foretells, what it leaves alone, and how it is scaled."""

from __future__ import annotations

import json
import sys
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.cli.main import main
from agent.estimate import dry_pass as dry_module
from agent.estimate import duration
from agent.estimate.amounts import Amount, Usage, added, total
from agent.estimate.build import build
from agent.estimate.cost_model import Phase, baseline, changed, phases
from agent.estimate.dry_pass import DryPass, dry_pass
from agent.estimate.sample import Scale, messages, order, strata
from agent.estimate.stand_in import SEED, StandIn, stand_in
from agent.loop.runner import run
from agent.settings import Price, Settings, load_settings
from evals.splits import TestSeal
from tests.loop_fixture import opened, small
from traces.domain import Conversation, Message, Question, Session
from traces.errors import ContentError
from traces.ledger import Completion


@dataclass(frozen=True)
class Both:
    """A dry pass, and what a run of the same settings then took."""

    settings: Settings
    dry: DryPass
    baseline_calls: int
    baseline_tokens: int
    done: dict[str, Any]


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Both:
    """Five conversations, two rounds."""
    place = tmp_path_factory.mktemp("both")
    wanted = small(place, rounds=2, seed=7)
    dry = dry_pass(wanted)
    with ExitStack() as stack:
        services = opened(small(place / "first", rounds=2, seed=7), stack)
        for split in ("train", "selection"):
            services.evaluate(services.seed_prompts, services.conversations(split), 1, "evaluate")
        spent = services.gateway.ledger.spending().values()
        calls, tokens = sum(s.calls for s in spent), sum(s.tokens for s in spent)
    return Both(wanted, dry, calls, tokens, run(wanted).done)


def ends(dry: DryPass, rounds: int, patience: int = 3) -> tuple[Amount, Amount]:
    """The low and the high end of a whole run."""
    parts = phases(dry, rounds, patience)
    return total(added(*(p.low for p in parts))), total(added(*(p.high for p in parts)))


# what it foretells ---------------------------------------------------------------


def test_the_baseline_is_within_15_percent_of_what_a_run_uses(both: Both) -> None:
    """Calls and tokens of the first evaluation of train and selection; the stand-in's draws are
    not the run's."""
    found = total(baseline(both.dry))
    assert found.calls == pytest.approx(both.baseline_calls, rel=0.15)
    assert found.tokens == pytest.approx(both.baseline_tokens, rel=0.15)


def test_the_whole_run_lies_in_a_range_at_most_threefold_wide(both: Both) -> None:
    """Calls and tokens that the run then used lie between the ends. The width is said of five
    conversations with two rounds and this seed; `memtune bench estimate` measures others."""
    low, high = ends(both.dry, 2)
    tokens = sum(both.done["tokens"].values())
    assert low.calls <= both.done["calls"]["made"] <= high.calls <= 3 * low.calls
    assert low.tokens <= tokens <= high.tokens <= 3 * low.tokens


def test_more_rounds_can_only_cost_more(both: Both) -> None:
    """The high end rises with the rounds; the low end not beyond what patience allows."""
    found = [ends(both.dry, rounds) for rounds in (1, 2, 3, 5, 10, 20)]
    assert [high.calls for _, high in found] == sorted(high.calls for _, high in found)
    lows = [low.calls for low, _ in found]
    assert lows == sorted(lows)
    assert lows[2] == lows[-1]


def test_without_an_optimizer_there_is_no_race(both: Both) -> None:
    """noop: only the first evaluations, the ceiling and the attributions; nearly one figure."""
    low, high = ends(replace(both.dry, optimizer="noop"), 5)
    assert high.calls <= 1.4 * low.calls
    assert high.calls < ends(both.dry, 5)[1].calls


def test_rag_has_nothing_to_tune(tmp_path: Path) -> None:
    """A backend without prompts: no reflection, no gate; the run lies in the range."""
    wanted = small(tmp_path, backend="rag", conversations=3, limit_questions=6)
    dry = dry_pass(wanted)
    assert dry.slots == ()
    assert dry.reflection.calls == 0
    low, high = ends(dry, 1)
    assert low.calls <= run(wanted).done["calls"]["made"] <= high.calls


# what it leaves alone --------------------------------------------------------------


def test_nothing_is_written_or_opened_and_no_key_is_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No run directory, no test opening, no file in the working directory; a model that
    nobody could reach is not asked."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    wanted = small(
        tmp_path,
        conversations=3,
        limit_questions=3,
        model="openai/gpt-4o-mini",
        api_base="http://127.0.0.1:1/v1",
    )
    dry = dry_pass(wanted)
    assert list(tmp_path.iterdir()) == []
    assert TestSeal(wanted.state_directory()).openings(dry.dataset.hash) == 0


def test_the_test_split_is_measured_but_never_run(both: Both) -> None:
    """Its conversations are in no sample, and its cost is scaled from the others."""
    sealed = {c.id for c in both.dry.splits["test"]}
    assert sealed
    assert not sealed & set(both.dry.scale.measured)
    assert both.dry.scale.margin(both.dry.splits["test"]) > 0
    assert both.dry.scale.margin(both.dry.splits["train"]) == 0


def test_the_stand_in_never_has_the_runs_seed() -> None:
    """A prediction by the run's own draws would be none."""
    for seed in (0, 7, SEED):
        wanted = load_settings(seed=seed)
        assert stand_in(wanted).identity("agent")["seed"] != wanted.seed


def test_a_dry_pass_is_the_same_twice(tmp_path: Path) -> None:
    """Calls and tokens are a function of the settings."""
    wanted = small(tmp_path, conversations=3, limit_questions=4)
    first, second = dry_pass(wanted), dry_pass(wanted)
    assert first.scale.measured == second.scale.measured
    assert first.reflection == second.reflection


def test_embeddings_are_counted(tmp_path: Path) -> None:
    """Where texts are embedded by a model, its requests are part of the estimate."""
    wanted = small(
        tmp_path,
        conversations=3,
        limit_questions=3,
        embedding_model="openai/text-embedding-3-small",
    )
    found = baseline(dry_pass(wanted))
    assert found["embedding"].calls > 0
    assert found["embedding"].output == 0
    assert "embedding" not in baseline(dry_pass(small(tmp_path, conversations=3)))


# the sample ------------------------------------------------------------------------


def conversation(name: str, length: int, questions: int) -> Conversation:
    """A conversation of one session."""
    said = tuple(Message(f"m{i}", "Ada", "Hello.") for i in range(length))
    asked = tuple(Question(f"q{i}", "What?", "Hello.") for i in range(questions))
    return Conversation(name, (Session("s1", datetime(2024, 5, 12), said),), asked)


shapes = st.lists(st.tuples(st.integers(1, 60), st.integers(1, 20)), min_size=1, max_size=24)


@given(shapes, st.integers(1, 24))
@settings(max_examples=60, deadline=None)
def test_what_is_proportional_is_scaled_exactly(sizes: list[tuple[int, int]], sampled: int) -> None:
    """Where every message and every question costs the same, any sample gives the truth."""
    everything = [conversation(f"c{i}", *size) for i, size in enumerate(sizes)]
    sample = order(everything, set())[:sampled]
    measured = {
        c.id: {
            ("extraction", "extraction"): Amount(2, 10, 1) * messages(c),
            ("response", "response"): Amount(1, 5, 1) * len(c.questions),
        }
        for c in sample
    }
    found = Scale(sample, measured).parts(everything)
    assert found["extraction", "extraction"].calls == pytest.approx(2 * sum(s for s, _ in sizes))
    assert found["response", "response"].input == pytest.approx(5 * sum(q for _, q in sizes))


@given(shapes)
@settings(max_examples=60, deadline=None)
def test_the_order_takes_every_stratum_by_turns(sizes: list[tuple[int, int]]) -> None:
    """Each conversation once; the foremost is one of training; then a stratum at a time."""
    everything = [conversation(f"c{i}", *size) for i, size in enumerate(sizes)]
    groups = [{c.id for c in group} for group in strata(everything)]
    assert sorted(id for group in groups for id in group) == sorted(c.id for c in everything)
    found = [c.id for c in order(everything, {"c0"})]
    assert sorted(found) == sorted(c.id for c in everything)
    assert found[0] == "c0"
    first = found[: len(groups) + 1]
    assert all(group & set(first) for group in groups)


def test_a_large_data_set_is_sampled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, both: Both
) -> None:
    """Once enough calls are made no further conversation is run; the baseline still holds."""
    monkeypatch.setattr(dry_module, "MOST_CALLS", 1)
    monkeypatch.setattr(dry_module, "FEWEST", 2)
    dry = dry_pass(small(tmp_path, rounds=2, seed=7))
    assert len(dry.scale.sample) == 2
    assert dry.scale.sample[0].id in {c.id for c in dry.splits["train"]}
    assert total(baseline(dry)).calls == pytest.approx(both.baseline_calls, rel=0.15)
    found = build(both.settings, dry)
    assert (found["sample"]["conversations"], found["sample"]["of"]["conversations"]) == (2, 3)


def test_an_edited_prompt_is_asked_again_and_what_follows_in_part() -> None:
    """What lies upstream of the edited prompt costs nothing; requests for a retrieval do not
    show the memory."""
    parts = {
        ("extraction", "extraction"): Amount(4, 40, 4),
        ("update", "update"): Amount(10, 100, 10),
        ("retrieval", "retrieval"): Amount(6, 60, 6),
        ("response", "response"): Amount(6, 60, 6),
        ("judge", ""): Amount(2, 20, 2),
    }
    found = changed(parts.items(), ["update"], 0.5)
    assert found == {"agent": Amount(13, 130, 13), "judge": Amount(1, 10, 1)}
    assert total(changed(parts.items(), ["extraction"], 0.0)).calls == 4
    assert total(changed(parts.items(), ["retrieval", "update"], 1.0)).calls == 24


# time and money --------------------------------------------------------------------


def figures(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Baseline and both ends."""
    return {"baseline": found["baseline"], **found["run"]}


def test_dollars_are_the_tokens_at_the_models_prices(both: Both) -> None:
    """By role and in all; unknown, not 0, where one price is missing."""
    prices = {"openai/a": Price(input=1, output=2), "ollama/b": Price(input=10, output=0)}
    wanted = both.settings.model_copy(
        update={"model": "openai/a", "judge_model": "ollama/b", "prices": prices}
    )
    for row in figures(build(wanted, both.dry)).values():
        roles = row["by_role"]
        agent, judge = roles["agent"], roles["judge"]
        assert agent["usd"] == pytest.approx((agent["input"] + 2 * agent["output"]) / 1e6, abs=1e-4)
        assert judge["usd"] == pytest.approx(10 * judge["input"] / 1e6, abs=1e-4)
        assert row["usd"] == pytest.approx(sum(r["usd"] for r in roles.values()), abs=1e-3)
    missing = wanted.model_copy(update={"prices": {"openai/a": prices["openai/a"]}})
    found = build(missing, both.dry)
    assert all(row["usd"] is None for row in figures(found).values())
    assert found["run"]["low"]["usd_known"] > 0
    assert any("no price for ollama/b" in line for line in found["warnings"])


def test_what_a_run_cost_in_dollars_lies_in_the_range(tmp_path: Path) -> None:
    """With prices in the settings, input and output priced apart: what the run says it cost."""
    prices = {"sim/rules-1": Price(input=3, output=15)}
    wanted = small(tmp_path, rounds=2, seed=7, prices=prices, max_usd=1e6)
    found = build(wanted, dry_pass(wanted))
    cost = run(wanted).done["usd"]["total"]
    assert 0 < found["run"]["low"]["usd"] <= cost <= found["run"]["high"]["usd"]
    assert found["baseline"]["usd"] < cost


def test_limits_that_would_stop_the_run_are_named(both: Both) -> None:
    """Below the low end, between the ends, above; the default cap in dollars, too."""
    low, high = ends(both.dry, 2)
    for calls, verdict in (
        (int(low.calls) - 1, "too_low"),
        (int(low.calls) + 2, "tight"),
        (int(high.calls) + 1, "enough"),
    ):
        wanted = both.settings.model_copy(update={"max_calls": calls})
        found = build(wanted, both.dry)
        assert [one["verdict"] for one in found["limits"]] == [verdict]
        assert bool(found["warnings"]) is (verdict != "enough")
    first = build(both.settings.model_copy(update={"max_tokens": 10}), both.dry)
    assert "before the baseline" in first["warnings"][0]
    dear = {"model": "openai/a", "prices": {"openai/a": Price(input=1000, output=1000)}}
    found = build(both.settings.model_copy(update=dear), both.dry)
    assert [(one["limit"], one["value"]) for one in found["limits"]] == [("max_usd", 10.0)]
    assert "the default of 10.00 USD" in found["warnings"][0]
    late = build(both.settings.model_copy(update={"deadline": 1.0}), both.dry, latency=5.0)
    assert "--deadline 1s" in late["warnings"][0]


def usage(calls: float) -> Usage:
    """An agent's calls of 100 tokens."""
    return {"agent": Amount(calls, 90 * calls, 10 * calls)}


def test_time_goes_by_latency_concurrency_and_the_limits_a_minute() -> None:
    """Calls wait for each other where they have to; a limit a minute cannot be undercut."""
    free = Phase("wide", usage(100), usage(200), 1000.0)
    chain = Phase("narrow", usage(100), usage(200), 1.0)
    four, eight = load_settings(concurrency=4), load_settings(concurrency=8)
    assert duration.seconds([free], four, 2.0, 0.0) == (50.0, 100.0)
    assert duration.seconds([free], eight, 2.0, 0.0) == (25.0, 50.0)
    assert duration.seconds([chain], eight, 2.0, 0.0) == (200.0, 400.0)
    limited = load_settings(concurrency=8, requests_per_minute=10)
    assert duration.seconds([free], limited, 2.0, 0.0) == (600.0, 1200.0)
    tokens = load_settings(concurrency=8, tokens_per_minute=1000)
    assert duration.seconds([free], tokens, 0.0, 0.0) == (600.0, 1200.0)
    assert duration.seconds([free], eight, 0.0, 0.5)[0] == pytest.approx(50 * duration.OWN_WORK[0])


def test_latency_is_taken_from_an_earlier_run_with_these_models(tmp_path: Path) -> None:
    """What is given goes first, then a measured run, then the assumption; a program waits for
    nobody, and a damaged run says nothing."""
    wanted = load_settings(model="openai/a", concurrency=4)
    parts = [Phase("wide", usage(100), usage(100), 1000.0)]
    assert duration.latency(wanted, 0.5, parts, tmp_path) == (0.5, "given")
    assert duration.latency(load_settings(), None, parts, tmp_path) == (0.0, "simulated")
    assert duration.latency(wanted, None, parts, tmp_path) == (duration.ASSUMED, "assumed")
    for name, model in (("same", "openai/a"), ("other", "ollama/b"), ("damaged", "openai/a")):
        there = tmp_path / name
        there.mkdir()
        saved = load_settings(model=model, concurrency=2).model_dump(mode="json")
        (there / "config.json").write_text(
            json.dumps({"identity": {}, "settings": saved}) if name != "damaged" else "{", "utf-8"
        )
        done = {"calls": {"made": 1000}, "seconds": 400.0 if name == "same" else 9.0}
        (there / "summary.json").write_text(json.dumps(done), "utf-8")
    # 0.4 s a call of the whole, two at a time.
    seconds, source = duration.latency(wanted, None, parts, tmp_path)
    assert (round(seconds, 6), source) == (0.8, "measured")


CHAT_MODELS = """
from langchain_core.language_models import FakeListChatModel


class Named(FakeListChatModel):
    model_name: str


served = Named(responses=["{}"], model_name="sim/rules-1:agent")
other = Named(responses=["{}"], model_name="gpt-4o-mini")
"""


@pytest.mark.parametrize(
    ("model", "simulated", "seconds"),
    [
        ("sim/rules-1", True, 0.0),
        ("sim-server/rules-1", True, duration.LOOPBACK_SECONDS),
        ("openai/sim/rules-1:agent", True, duration.LOOPBACK_SECONDS),
        ("estimate_chat_models:served", True, duration.LOOPBACK_SECONDS),
        ("estimate_chat_models:other", False, duration.ASSUMED),
        ("estimate_chat_models:missing", False, duration.ASSUMED),
        ("hosted_vllm/llama", False, duration.ASSUMED),
    ],
)
def test_the_simulated_model_is_known_whatever_serves_it(
    both: Both,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    model: str,
    simulated: bool,
    seconds: float,
) -> None:
    """Label, notes, latency and local time go by what plays the roles, not by how it is
    reached; the dry pass is the simulated model's in any case."""
    (tmp_path / "estimate_chat_models.py").write_text(CHAT_MODELS, "utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "estimate_chat_models", raising=False)
    monkeypatch.chdir(tmp_path)
    own = replace(both.dry, dataset=replace(both.dry.dataset, simulated=False))
    found = build(both.settings.model_copy(update={"model": model}), own)
    assert found["simulated"] is simulated
    assert (found["banner"] is not None) is simulated
    assert any("a real model may extract" in line for line in found["notes"]) is not simulated
    assert found["latency"]["seconds"] == seconds
    assert found["dry_pass"] == {"model": "sim/rules-1"}


def test_a_program_that_runs_here_takes_this_machines_time() -> None:
    """The simulated model's own time is added where it plays some role, and nowhere else."""
    assert duration.local_seconds({"agent": False, "judge": True}, 0.25, 0.5) == 0.75
    assert duration.local_seconds({"agent": False, "judge": False}, 0.25, 0.5) == 0.25


def test_the_gate_says_what_it_can_see(both: Both) -> None:
    """More rounds test each at a stricter level: the smallest gain found grows."""
    found = [
        build(both.settings.model_copy(update={"rounds": rounds}), both.dry)["gate"]
        for rounds in (1, 20)
    ]
    assert found[0]["mode"] == "these_conversations"
    assert found[0]["alpha"] == pytest.approx(0.05)
    assert 0 < found[0]["smallest_gain"] < found[1]["smallest_gain"] <= 1
    assert found[0]["power"] == 0.8


def test_conversations_that_break_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in that a backend's prompts confuse makes the estimate too low, and it says so."""

    def refused(*_: Any) -> Completion:
        raise ContentError("the reply cannot be read")

    monkeypatch.setattr(StandIn, "complete", refused)
    wanted = small(tmp_path, conversations=3, limit_questions=3)
    dry = dry_pass(wanted)
    assert len(dry.broken) == len(dry.scale.sample)
    found = build(wanted, dry)
    assert found["sample"]["broken"] == len(dry.broken)
    assert any("broke with the stand-in" in line for line in found["warnings"])


# the command -----------------------------------------------------------------------


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory of its own, 80 columns wide."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MEMTUNE__STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("COLUMNS", "80")
    return tmp_path


TINY = ["--conversations", "3", "--limit-questions", "4", "--rounds", "2"]


def test_the_command_prints_figures_at_80_columns(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Label, baseline, both ends, roles, gate, what it rests on, and warnings."""
    arguments = ["estimate", *TINY, "--max-calls", "30", "--reflection-model", "ollama_chat/none"]
    assert main(arguments) == 0
    shown = capsys.readouterr()
    assert shown.out.startswith("SIMULATED: ")
    for part in (
        "baseline", "whole run, ends early", "whole run, in full", "reflection", "2 s a call",
        "first evaluation of train and selection", "--max-calls 30", "no claim beyond",
        "Dollars unknown", "2 of 2 training and selection conversations",
        "The simulated model (sim/rules-1) plays the dry pass, for real models too",
    ):  # fmt: skip
        assert part in " ".join(shown.out.split())
    assert max(map(len, shown.out.splitlines())) <= 80
    assert "dry pass" in shown.err
    assert not (place / "runs").exists()


def test_the_command_prints_json(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One JSON document on stdout, the same figures."""
    assert main(["estimate", *TINY, "--json", "--latency", "0.5"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["simulated"] is True
    assert found["latency"] == {"seconds": 0.5, "source": "given", "concurrency": 4}
    assert found["baseline"]["calls"] < found["run"]["low"]["calls"] < found["run"]["high"]["calls"]
    assert sum(found["run"]["low"]["by_role"][r]["calls"] for r in found["models"]) == (
        pytest.approx(found["run"]["low"]["calls"], abs=2)
    )
    assert found["data"]["splits"]["test"]["conversations"] == 1


def test_a_wrong_flag_is_one_line(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What a run refuses, its estimate refuses: before anything is done."""
    assert main(["estimate", "--slots", "nothing"]) == 2
    assert main(["estimate", "--dataset", "locomo", "--data", "none.json"]) == 1
    assert len(capsys.readouterr().err.strip().splitlines()) == 2
