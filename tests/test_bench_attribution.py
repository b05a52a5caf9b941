"""`memtune bench attribution`: methods side by side on failures with planted causes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from agent import benchmark_attribution
from agent.benchmark_attribution import Bench, attribute, run_bench, wrong_tests
from agent.cli.main import main
from evals.faults.cases import FaultCase
from evals.faults.plan import FaultPlan
from tests.attribution_fixture import Reader
from tests.fault_case_fixture import (
    MISSED,
    STALE,
    Abstains,
    Names,
    case,
    changed,
    one_of_each,
    scored,
)  # fmt: skip
from traces.attribution.carries import Carries
from traces.attribution.index import index_of
from traces.attribution.targets import Item
from traces.errors import SettingsError

METHODS = ("provenance", "last_operation", "random")


@pytest.fixture
def planted(monkeypatch: pytest.MonkeyPatch) -> list[FaultPlan]:
    """Hand-made cases in the place of planted ones, all in the first part; the plans asked for."""
    plans: list[FaultPlan] = []

    def made(plan: FaultPlan) -> Iterator[FaultCase]:
        plans.append(plan)
        yield from one_of_each() if plan.part == 0 else ()

    monkeypatch.setattr(benchmark_attribution, "make_cases", made)
    monkeypatch.setenv("COLUMNS", "80")
    return plans


def bench(*methods: str, **changes: Any) -> Bench:
    return Bench(**{"methods": methods, "faults": 2, "pairs": 0, "others": 0, **changes})


# the command ----------------------------------------------------------------------------


def test_json_lines_end_with_the_promised_event(
    planted: list[FaultPlan], capsys: pytest.CaptureFixture[str]
) -> None:
    """A line an attribution, then `done` with every promised figure of each method; nothing
    else on stdout."""
    command = ["bench", "attribution", "--methods", ",".join(METHODS), "--processes", "1"]
    assert main([*command, "--json"]) == 0
    *lines, done = map(json.loads, capsys.readouterr().out.splitlines())
    assert {(line["case"], line["method"]) for line in lines} == {
        (made.id, method) for made in one_of_each() for method in METHODS
    }
    assert (done["event"], done["simulated"], done["faults"]) == ("done", True, 1)
    assert done["groups"] == dict.fromkeys(
        ("single", "pair", "harmless", "wrong_gold", "judge_flip"), 1
    )
    assert list(done["methods"]) == list(METHODS)
    promised = {"operation_accuracy", "type_accuracy", "pairs_f1", "abstained", "brier", "calls",
                "tokens", "interval"}  # fmt: skip
    assert all(promised <= set(one) for one in done["methods"].values())
    # The update that kept the old value is what is wrong in the hand-made case.
    assert done["methods"]["provenance"]["operation_accuracy"] == 1
    assert done["methods"]["last_operation"]["operation_accuracy"] == 0
    assert done["checks"] == []


def test_the_screen_is_80_columns_and_labelled(
    planted: list[FaultPlan], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Methods, hard sub-types, the matrix where asked for, the plot where asked for."""
    out = tmp_path / "cost.svg"
    command = ["bench", "attribution", "--methods", ",".join(METHODS), "--processes", "1"]
    assert main([*command, "--matrix", "--out", str(out)]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("SIMULATED:")
    assert max(map(len, shown.splitlines())) <= 80
    assert all(method in shown for method in METHODS)
    assert "overwritten" in shown
    assert "pair update + retrieval" in shown
    assert "none for these methods and conditions" in shown
    ElementTree.parse(out)
    assert "SIMULATED" in out.read_text("utf-8")
    assert main(command) == 0
    assert "pair update + retrieval" not in capsys.readouterr().out


def test_the_plan_is_what_was_asked_for(planted: list[FaultPlan]) -> None:
    """Every case is in one of the parts; pairs and the other groups come in proportion; parts
    plant in different worlds."""
    command = ["bench", "attribution", "--methods", "random", "--processes", "1", "--json"]
    flags = ["--faults", "41", "--slip", "0.05", "--no-evidence", "--seed", "7", "--backend", "rag"]
    assert main([*command, *flags]) == 0
    totals = [
        sum(getattr(plan, name) for plan in planted)
        for name in ("singles", "pairs", "harmless", "wrong_gold", "judge_flips")
    ]
    assert totals == [41, 15, 15, 15, 15]
    for number, plan in enumerate(planted):
        assert (plan.backend, plan.slip, plan.evidence, plan.seed) == ("rag", 0.05, False, 7)
        assert (plan.part, plan.parts) == (number, len(planted))
    planted.clear()
    assert main([*command, "--pairs", "0", "--others", "1"]) == 0
    assert [sum(getattr(p, n) for p in planted) for n in ("pairs", "harmless")] == [0, 1]


def test_a_full_bench_that_misses_a_target_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With 400 single faults and 150 pairs a target that is not met is exit code 1; with fewer
    it is shown, and only an indication."""
    monkeypatch.setenv("COLUMNS", "80")
    bad = scored(Names(("retrieval",)), case(STALE), method="replay", calls=30, tokens=90_000)
    pair = scored(Names(), case(STALE, MISSED, group="pair"), method="replay")
    found = [bad] * 400 + [pair] * 150
    monkeypatch.setattr(benchmark_attribution, "run_bench", lambda *_: iter(found))
    command = ["bench", "attribution", "--methods", "replay", "--processes", "1"]
    assert main(command) == 1
    shown = capsys.readouterr().out
    assert re.search(r"NOT MET +operation accuracy, single +>= 0.97 +0.000 \(", shown)
    assert re.search(r"NOT MET +calls, 95th percentile +<= 24 +30 \(", shown)
    assert max(map(len, shown.splitlines())) <= 80
    found[:] = found[1:]
    assert main(command) == 0
    assert "this is an indication" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--methods", "replay,guess"], "unknown attribution method 'guess'"),
        (["--methods", " , "], "--methods: names none"),
        (["--faults", "0"], "--faults"),
        (["--faults", "many"], "--faults"),
        (["--test-error", "1.5"], "--test-error 1.5: is no share"),
        (["--slip", "-0.1"], "--slip -0.1: is no share"),
        (["--slip", "nan"], "--slip nan: is no share"),
        (["--backend", "elephant"], "unknown memory backend 'elephant'"),
        (["--out", "cost.png"], "--out cost.png: only SVG"),
        (["--out", "nowhere/cost.svg"], "there is no directory nowhere"),
    ],
)
def test_bad_input_is_one_line_before_anything_is_planted(
    flags: Sequence[str],
    said: str,
    planted: list[FaultPlan],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What, where, what to do; exit code 2."""
    monkeypatch.chdir(tmp_path)
    assert main(["bench", "attribution", "--methods", "random", "--processes", "1", *flags]) == 2
    printed = capsys.readouterr()
    assert said in printed.err
    assert len(printed.err.splitlines()) == 1
    assert printed.out == ""
    assert planted == []


def test_a_bench_without_a_failure_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where nothing can be planted there is nothing to measure: a line, not an empty table."""
    monkeypatch.setattr(benchmark_attribution, "make_cases", lambda plan: iter(()))
    assert main(["bench", "attribution", "--methods", "random", "--processes", "1"]) == 1
    assert "no fault could be planted in fact_store" in capsys.readouterr().err


# running --------------------------------------------------------------------------------


def test_planted_failures_are_attributed_the_same_in_one_process_or_two() -> None:
    """Real faults in real memories, on a development seed: the same cases, names and costs."""
    made = bench("provenance", "last_operation", seed=402)
    alone, apart = (
        sorted((changed(one, seconds=0.0) for one in run_bench(made, processes)), key=str)
        for processes in (1, 2)
    )
    assert alone == apart
    assert [one.group for one in alone] == ["single"] * 4
    assert any(one.right for one in alone)
    assert all(one.cells for one in alone)


def test_a_part_that_fails_in_its_process_ends_the_bench(monkeypatch: pytest.MonkeyPatch) -> None:
    """With its own error, not with fewer cases than were asked for."""

    def broken(plan: FaultPlan) -> Iterator[FaultCase]:
        yield case(STALE)
        raise SettingsError("part: broken on purpose")

    monkeypatch.setattr(benchmark_attribution, "make_cases", broken)
    with pytest.raises(SettingsError, match="broken on purpose"):
        list(run_bench(bench("random"), 2))


def test_a_method_that_breaks_is_counted_and_not_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its failure is an abstention whose reason says that it broke."""

    class Breaks:
        name = "random"

        def __call__(self, *_: Any) -> Any:
            raise KeyError("x")

    monkeypatch.setattr(benchmark_attribution, "create", lambda *_: Breaks())
    found = attribute("random", case(STALE), bench("random"))
    assert found.verdict == "abstained"
    assert found.reason.startswith("internal_error: KeyError")


def test_a_method_pays_for_its_own_calls_and_not_for_the_recorded_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each method starts from the planted pass's ledger keys; what another one asked before
    is not free."""
    from agent.models import gateway

    class Asks:
        def __call__(self, failure: Any, graph: Any) -> Any:
            meter = gateway._meter.get()
            assert meter is not None
            assert meter.known == made.known_calls
            meter.calls, meter.tokens = meter.calls + 2, meter.tokens + 50
            return Abstains()(failure, graph)

    made = case(STALE)
    monkeypatch.setattr(benchmark_attribution, "create", lambda *_: Asks())
    for _ in range(2):
        found = attribute("random", made, bench("random"))
        assert (found.calls, found.tokens, found.method) == (2, 50, "random")


# tests answered wrongly -----------------------------------------------------------------


def test_a_share_of_tests_is_wrong_the_same_ones_each_time() -> None:
    """About the share, by seed; none at 0, all at 1."""
    flip = wrong_tests(0.2, 3)
    assert flip is not None
    tests = [f"passage {n}" for n in range(5000)]
    chosen = [flip(test) for test in tests]
    assert 0.18 < sum(chosen) / 5000 < 0.22
    again, other = wrong_tests(0.2, 3), wrong_tests(0.2, 4)
    assert again is not None
    assert other is not None
    assert chosen == [again(test) for test in tests]
    assert chosen != [other(test) for test in tests]
    assert wrong_tests(0.0, 3) is None
    every = wrong_tests(1.0, 3)
    assert every is not None
    assert all(every(test) for test in tests)


def test_a_flipped_test_says_the_opposite_and_costs_the_same() -> None:
    """Carried becomes lost and lost becomes carried; the reader is asked as often."""
    made = case(STALE)
    index = index_of(made.graph)
    question = made.failure.question
    results = []
    for flip in (None, lambda test: True):
        carries = Carries(index, question, Reader({"Porto": "Porto"}), None, 12, flip)
        target = carries.target(index.messages["m2"])
        readings = [
            carries.reading(Item.of(variable), target) for variable in made.graph.variables("fact")
        ]
        results.append(([r.carried for r in readings], carries.calls))
        assert all(bool(r.lost) != r.carried for r in readings) or flip is None
    (straight, paid), (flipped, paid_flipped) = results
    assert any(straight), "no fact of the case carries it: there is nothing to flip"
    assert not all(straight), "every fact of the case carries it: there is nothing to flip"
    assert flipped == [not one for one in straight]
    assert paid == paid_flipped


def test_wrong_tests_mislead_the_methods_that_test() -> None:
    """Provenance names the stale update; with every test wrong it no longer does."""
    assert attribute("provenance", case(STALE), bench("provenance")).right
    assert not attribute("provenance", case(STALE), bench("provenance", test_error=1.0)).right
