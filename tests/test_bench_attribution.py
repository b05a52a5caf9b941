"""`memtune bench attribution`: methods side by side on failures with planted causes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from agent import benchmark_attribution
from agent.benchmark_attribution import Bench, attribute, run_bench, wrong_tests
from agent.cli.main import main
from evals.benchmarks.attribution import by_method, figures
from evals.benchmarks.attribution_metrics import Outcome, outcome
from evals.benchmarks.attribution_plot import HEIGHT, WIDTH, accuracy_against_cost
from evals.benchmarks.attribution_targets import Conditions, checks
from evals.benchmarks.loop import Check
from evals.faults.cases import FaultCase
from evals.faults.plan import FaultPlan
from tests.attribution_fixture import Reader
from tests.fault_case_fixture import Abstains, Names, case
from traces.attribution.carries import Carries
from traces.attribution.index import index_of
from traces.attribution.targets import Item
from traces.errors import SettingsError
from traces.protocols import Attribute

STALE = ("update", "stale")
MISSED = ("retrieval", "missed")
METHODS = ("provenance", "last_operation", "random")
PLAIN = Conditions(slip=0.0, evidence=True, test_error=0.0)


def cases() -> list[FaultCase]:
    """One hand-made case of each group."""
    return [
        case(STALE, id="single/1"),
        case(STALE, MISSED, group="pair", id="pair/1"),
        case(STALE, group="harmless", harmless=MISSED, id="harmless/1"),
        case(group="wrong_gold", harmless=MISSED, id="gold/1"),
        case(group="judge_flip", id="flip/1"),
    ]


@pytest.fixture
def planted(monkeypatch: pytest.MonkeyPatch) -> list[FaultPlan]:
    """Hand-made cases in the place of planted ones, all in the first part; the plans asked for."""
    plans: list[FaultPlan] = []

    def made(plan: FaultPlan) -> Iterator[FaultCase]:
        plans.append(plan)
        yield from cases() if plan.part == 0 else ()

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
        (made.id, method) for made in cases() for method in METHODS
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
    bad = outcome(case(STALE), Names(("retrieval",), "RetrievalError")(*_asked()), 30, 90_000, 1.0)
    pair = outcome(case(STALE, MISSED, group="pair"), Names()(*_asked()), 1, 1, 1.0)
    found = [_of(bad, method="replay")] * 400 + [_of(pair, method="replay")] * 150
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
        sorted((_of(one, seconds=0.0) for one in run_bench(made, processes)), key=str)
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
    assert True in straight
    assert False in straight
    assert flipped == [not one for one in straight]
    assert paid == paid_flipped


def test_wrong_tests_mislead_the_methods_that_test() -> None:
    """Provenance names the stale update; with every test wrong it no longer does."""
    assert attribute("provenance", case(STALE), bench("provenance")).right
    assert not attribute("provenance", case(STALE), bench("provenance", test_error=1.0)).right


# targets --------------------------------------------------------------------------------


def _asked() -> tuple[Any, Any]:
    made = case(STALE)
    return made.failure, made.graph


def _of(one: Outcome, **changes: Any) -> Outcome:
    return Outcome.from_json({**one.to_json(), **changes})


def scored(method: Attribute, made: FaultCase, **changes: Any) -> Outcome:
    found = outcome(made, method(made.failure, made.graph), 3, 1000, 0.1)
    return _of(found, method="replay", **changes)


SINGLE, PAIR, HARMLESS, GOLD, FLIP = cases()
HIT = Names(("update",), "UpdateError", 0.98)
GOOD = {
    "single": scored(HIT, SINGLE),
    "pair": scored(Names(("update", "retrieval"), "UpdateError", 0.98), PAIR),
    "harmless": scored(HIT, HARMLESS),
    "wrong_gold": scored(Names((), "AnnotationError", 0.98), GOLD),
    "judge_flip": scored(Names((), "JudgeError", 0.98), FLIP),
}


def judged(
    outcomes: Mapping[str, Outcome],
    conditions: Conditions = PLAIN,
    other: Mapping[str, Outcome] | None = None,
) -> dict[str, Check]:
    found = {"replay": figures(list(outcomes.values()))}
    if other is not None:
        found["provenance"] = found["model_judged"] = figures(list(other.values()))
    return {check.name: check for check in checks(found, conditions)}


DEAR = {name: _of(one, tokens=5000) for name, one in GOOD.items()}


def test_a_method_that_reaches_everything_meets_every_target() -> None:
    """Nine of the table, and cheaper than asking a model."""
    found = judged(GOOD, other=DEAR)
    assert len(found) == 10
    assert all(check.holds for check in found.values())


@pytest.mark.parametrize(
    ("group", "bad", "name"),
    [
        ("single", scored(Names(("retrieval",), "UpdateError"), SINGLE),
         "operation accuracy, single"),
        ("single", scored(Names(("update",), "RetrievalError"), SINGLE),
         "error type accuracy, single"),
        ("pair", scored(HIT, PAIR), "pairs: set F1"),
        ("wrong_gold", scored(Names(("update",)), GOLD), "blame for a wrong label or flip"),
        ("judge_flip", scored(Names(("retrieval",)), FLIP), "blame for a wrong label or flip"),
        ("harmless", scored(Names(("retrieval",), "RetrievalError"), HARMLESS),
         "blame of a harmless fault"),
        ("single", scored(Names(("retrieval",), "UpdateError", 0.98), SINGLE),
         "Brier score of confidence"),
        ("single", _of(GOOD["single"], calls=25), "calls, 95th percentile"),
    ],
)  # fmt: skip
def test_each_target_bites(group: str, bad: Outcome, name: str) -> None:
    """A method that errs in one thing misses that target."""
    assert not judged({**GOOD, group: bad})[name].holds


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"calls": 9}, "calls, median"),
        ({"tokens": 20_001}, "tokens, median"),
        ({"tokens": 5_000}, "mean tokens, model judged"),
        ({"confidence": None}, "Brier score of confidence"),
    ],
)
def test_cost_and_confidence_bite(changes: Mapping[str, Any], name: str) -> None:
    """Dearer than allowed, as dear as asking a model, or without any confidence."""
    bad = {group: _of(one, **changes) for group, one in GOOD.items()}
    assert not judged(bad, other=DEAR)[name].holds


def test_always_naming_the_harmless_operation_is_blame_1() -> None:
    """The planted violation of the measure itself."""
    found = figures([scored(Names(("retrieval",)), HARMLESS)] * 3)
    assert found["blame_on_harmless"].value == 1
    assert found["harmless_operation_accuracy"].value == 0


def test_targets_follow_the_conditions() -> None:
    """The slip rate chooses the column; without evidence ids and with wrong tests other rows
    are asked; for other conditions there are none."""
    at_slip = judged(GOOD, Conditions(0.05, True, 0.0))
    assert at_slip["operation accuracy, single"].asked == ">= 0.92"
    assert at_slip["error type accuracy, single"].asked == ">= 0.94"
    bare = judged(GOOD, Conditions(0.0, False, 0.0))
    assert {name: check.asked for name, check in bare.items()} == {
        "operation accuracy, no evidence": ">= 0.93"
    }
    spoilt = judged(GOOD, Conditions(0.0, True, 0.2), other=GOOD)
    assert spoilt["operation accuracy, wrong tests"].asked == ">= 0.9"
    assert not spoilt["the same, above provenance"].holds
    worse = {**GOOD, "single": scored(Names(("retrieval",)), SINGLE)}
    assert judged(GOOD, Conditions(0.0, True, 0.2), worse)["the same, above provenance"].holds
    assert judged(GOOD, Conditions(0.06, True, 0.0)) == {}
    assert judged(GOOD, Conditions(0.0, True, 0.3)) == {}
    assert checks({"provenance": figures([GOOD["single"]])}, PLAIN) == []


# the plot -------------------------------------------------------------------------------

_SVG = "{http://www.w3.org/2000/svg}"


def drawn(outcomes: Sequence[Outcome]) -> ElementTree.Element:
    return ElementTree.fromstring(accuracy_against_cost(by_method(outcomes), "SIMULATED: a & <b>"))


def test_the_plot_puts_the_better_higher_and_the_dearer_further_right() -> None:
    """Two methods, two panels: four points; text from outside is escaped."""
    good = scored(HIT, SINGLE)
    bad = _of(scored(Names(("retrieval",)), SINGLE), method="other", calls=40, tokens=90_000)
    found = drawn([good, bad])
    points = [(float(c.get("cx", 0)), float(c.get("cy", 0))) for c in found.iter(f"{_SVG}circle")]
    assert len(points) == 4
    for mine, theirs in (points[:2], points[2:]):
        assert mine[0] < theirs[0]
        assert mine[1] < theirs[1]
    texts = [text.text for text in found.iter(f"{_SVG}text")]
    assert texts.count("replay") == texts.count("other") == 2
    assert "SIMULATED: a & <b>" in texts


def test_names_of_methods_at_one_place_are_moved_apart() -> None:
    """Six methods with the same figures: no name lies on another, none leaves the picture."""
    names = ["replay", *METHODS, "model_judged", "model_judged_stepwise"]
    found = drawn([_of(GOOD["single"], method=name, tokens=10**6) for name in names])
    boxes = []
    for text in found.iter(f"{_SVG}text"):
        if text.text not in names:
            continue
        width, x, y = 7 * len(text.text), float(text.get("x", 0)), float(text.get("y", 0))
        left = x - width if text.get("text-anchor") == "end" else x
        assert left >= 0
        assert left + width <= WIDTH
        assert 0 < y < HEIGHT
        boxes.append((left, left + width, y))
    assert len(boxes) == 12
    for at, (start, end, height) in enumerate(boxes):
        for other_start, other_end, other_height in boxes[at + 1 :]:
            beside = end <= other_start or other_end <= start
            assert beside or abs(height - other_height) >= 12


def test_a_method_without_single_faults_has_no_point() -> None:
    """Nothing measured, nothing drawn, and no error."""
    assert list(drawn([GOOD["pair"]]).iter(f"{_SVG}circle")) == []
