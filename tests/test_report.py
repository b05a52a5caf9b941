"""Reports from plain data: the facts are there, foreign text stays text."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from evals.report import build_report, render_markdown, wording
from evals.report.build import prompt_diffs, rejected_edits
from evals.report.causes import not_seen
from evals.report.tables import fenced, plain


def _scored(score: float, interval: list[float] | None) -> dict[str, Any]:
    return {
        "score": score,
        "n": 36,
        "conversations": 2,
        "interval": interval,
        "by_category": {"temporal": {"score": score, "n": 36}},
        "f1": 0.5,
        "stages": {"extraction": 0.75},
    }


def _gate(decision: str, mode: str) -> dict[str, Any]:
    return {
        "round": 1,
        "incumbent": "a" * 32,
        "candidate": "b" * 32,
        "gate": {
            "mode": mode, "decision": decision, "reason": "gain +0.1000", "alpha": 0.01,
            "claim": wording.CLAIMS[mode], "minimum_gain": 0.0, "p_value": 0.004, "p_other": 0.02,
            "gain": 0.1, "n": 36, "conversations": 2, "better": 5, "worse": 1, "missing": 0,
            "vetoed": [],
        },
        "incumbent_selection": {"score": 0.4},
        "candidate_selection": {"score": 0.5},
    }  # fmt: skip


@pytest.fixture
def data() -> dict[str, Any]:
    """A run of one round that promoted something, in mode these_conversations."""
    splits = {"train": ["c1"], "selection": ["c2", "c3"], "test": ["c4", "c5"]}
    edit = {"slot": "update", "action": "add", "clause": "Never <b>merge</b> | `x`.",
            "replaces": "", "cluster": "k"}  # fmt: skip
    found = {
        "failures": 3,
        "by_error_type": {"ExtractionError": 2},
        "by_sub_type": {"ExtractionError/omission": 2},
        "abstained": {"no_evidence": 1},
    }
    return {
        "run": "night",
        "status": "done",
        "stop_reason": "rounds",
        "simulated": {"data": True, "model": True},
        "identity": {"data_hash": "d" * 32, "backend": "fact_store", "models": {}},
        "models": {"agent": "sim/rules-1"},
        "limits": {"max_calls": None},
        "dataset": {"name": "locomo", "hash": "d" * 32, "splits": splits,
                    "problems": ["c1, question q2: no such evidence D1:9"]},
        "rounds": [
            {
                "round": 1,
                "evaluate": {"round": 1, "score": 0.4, "missing": 0},
                "attribute": {"round": 1, **found},
                "optimize": {
                    "round": 1, "signals": 2, "uncounted": {}, "reason": "better", "edits": [],
                    "race": [{"edits": [edit], "kept": False, "why": "loses questions"}],
                },
                "gate": _gate("accepted", "these_conversations"),
            }
        ],
        "finish": {
            "test": {"ceiling": {"score": 0.9}},
            "selection_attributions": found,
            "test_attributions": found,
        },
        "done": {
            "baseline": {"test": _scored(0.4, None)},
            "final": {"test": _scored(0.55, None)},
            "gain": {"score": 0.15, "interval": None, "headroom_closed": 0.3},
            "gate_mode": "these_conversations",
            "calls": {"made": 1234, "saved": 567, "by_role": {}},
            "tokens": {"input": 10, "output": 2},
            "prompts": {"seed": "a" * 32, "final": "b" * 32},
            "seconds": 61.0,
            "test_openings": 2,
        },
        "prompts": {
            "seed": {"update": "Merge.\nKeep names."},
            "final": {"update": "Merge.\nKeep names.\nKeep dates."},
        },
        "spent": {"agent": {"calls": 1234, "input": 10, "output": 2}},
    }  # fmt: skip


def test_the_report_holds_the_facts_of_the_run(data: dict[str, Any]) -> None:
    """Scores, gain, headroom, gate, causes, diffs, cost and openings are all in the text."""
    text = render_markdown(build_report(data))
    for fact in (
        "SIMULATED", "all rounds were used", "0.400", "0.550", "+0.150", "30%", "0.900",
        "promoted", "0.004", "ExtractionError", "omission 2", "no_evidence", "+Keep dates.",
        "loses questions", "1,234 model calls", "567 saved", "1m01s",
        "1 problem found", "D1:9", "temporal", "extraction", "fact_store", "1 train",
    ):  # fmt: skip
        assert fact in text, fact


def test_these_conversations_makes_no_claim_beyond_them(data: dict[str, Any]) -> None:
    """The mode's claim is in report and text, and no interval is."""
    built = build_report(data)
    assert built["claim"] == "no claim beyond these conversations"
    assert render_markdown(built).count("no claim beyond these conversations") >= 2


def test_population_shows_intervals(data: dict[str, Any]) -> None:
    """In mode population scores and gain carry their intervals over conversations."""
    data["done"] |= {"gate_mode": "population"}
    data["done"]["final"]["test"]["interval"] = [0.5, 0.6]
    data["done"]["gain"]["interval"] = [0.05, 0.25]
    text = render_markdown(build_report(data))
    assert "0.500 to 0.600" in text
    assert "+0.050 to +0.250" in text


def test_foreign_text_cannot_leave_its_cell(data: dict[str, Any]) -> None:
    """Pipes, tags, backticks and line breaks of an edit do not become Markdown."""
    text = render_markdown(build_report(data))
    (row,) = [line for line in text.splitlines() if "loses questions" in line]
    assert row.count(" | ") == 3
    assert "\\<b>" in row
    assert plain("a\n# b\x1b[31m|") == "a \\# b \\[31m\\|"
    assert fenced(["+ ```", "- x"])[0] == "````"


def test_the_same_data_give_the_same_report(data: dict[str, Any]) -> None:
    """Nothing in a report depends on the moment, and it is JSON-native."""
    one, two = build_report(data), build_report(copy.deepcopy(data))
    assert json.dumps(one, sort_keys=True) == json.dumps(two, sort_keys=True)
    assert json.loads(json.dumps(one)) == one
    assert render_markdown(one) == render_markdown(two)


def test_a_run_that_was_stopped_has_a_report_without_final_scores(data: dict[str, Any]) -> None:
    """What was never evaluated is said to be missing, not shown as zero."""
    data |= {"status": "stopped", "stop_reason": "budget", "finish": None, "rounds": []}
    gain = {"score": None, "interval": None, "headroom_closed": None}
    data["done"] |= {"final": None, "baseline": {"test": None, "train": None}, "gain": gain}
    data["prompts"]["final"] = data["prompts"]["seed"]
    text = render_markdown(build_report(data))
    assert "the budget is used up" in text
    assert "was not opened" in text
    assert "No candidate reached the gate" in text
    assert "Nothing was promoted" in text


def test_a_run_killed_before_its_first_summary_has_a_report(data: dict[str, Any]) -> None:
    """Only what the store knows is there; the rest is absent."""
    data |= {"status": "broken off", "stop_reason": "", "finish": None, "rounds": []}
    data["done"] = {"prompts": {"seed": "a", "final": "a"}, "calls": None}
    assert "broken off" in render_markdown(build_report(data))


@pytest.mark.parametrize(
    ("closed", "ceiling", "beyond", "slots", "said"),
    [
        (0.3, 0.9, "", ["update"], ""),
        (0.3, 0.9, "2 of 5 house rules need", ["update"], "2 of 5 house rules need"),
        (None, 0.4, "", ["update"], "no headroom: the ceiling is 0.400, not above the baseline"),
        (None, None, "", ["update"], "no ceiling: what the best prompts would reach is not known"),
        (None, None, "5 of 5 need", [], "no ceiling: this backend has no prompt to tune"),
    ],
)
def test_what_headroom_there_is_or_why_there_is_none_is_said(
    data: dict[str, Any], closed: float | None, ceiling: float | None, beyond: str,
    slots: list[str], said: str,
) -> None:  # fmt: skip
    """In the text of the report, and of the screen; nothing before the test split is opened."""
    data["done"]["gain"]["headroom_closed"] = closed
    data["identity"]["slots"] = slots
    data["finish"] |= {"beyond_ceiling": beyond, "test": {"ceiling": {"score": ceiling}}}
    built = build_report(data)
    assert wording.headroom(built) == said
    assert (said[1:] + "." in render_markdown(built)) or not said
    data["done"]["gain"] = {"score": None, "interval": None, "headroom_closed": None}
    assert wording.headroom(build_report(data)) == ""


def test_how_often_the_test_split_was_opened_is_said_where_it_matters(
    data: dict[str, Any],
) -> None:
    """Of real data that other runs were tested on too; a first opening alarms nobody, and of
    a generated world there is always another."""
    assert "opened" not in render_markdown(build_report(data))
    data["simulated"] = {"data": False, "model": True}
    assert "has been opened 2 times, by this and other runs" in render_markdown(build_report(data))
    data["done"]["test_openings"] = 1
    assert "opened" not in render_markdown(build_report(data))


def test_what_a_memory_must_show_for_causes_to_be_found_is_said(data: dict[str, Any]) -> None:
    """Where failures were left without a cause for that reason; not for another."""
    assert not_seen(build_report(data)) == ""
    data["finish"]["test_attributions"]["abstained"] = {"not_intervenable": 3}
    built = build_report(data)
    assert "Offer entries()" in not_seen(built)
    assert f"memtune backends check {data['identity']['backend']}" in render_markdown(built)


def test_real_data_and_models_get_no_banner(data: dict[str, Any]) -> None:
    """The label of simulated figures is there exactly where something was simulated."""
    data["simulated"] = {"data": False, "model": False}
    built = build_report(data)
    assert built["banner"] is None
    assert "SIMULATED" not in render_markdown(built)
    data["simulated"] = {"data": False, "model": True}
    assert "the model" in build_report(data)["banner"]


def test_banners_fit_a_terminal() -> None:
    """Each banner is one line of at most 80 columns."""
    for data, model in ((True, True), (True, False), (False, True)):
        assert len(wording.banner(data, model)) <= 80


def test_a_diff_names_only_slots_that_changed() -> None:
    """Unchanged slots have no diff; changed ones show old and new lines."""
    diffs = prompt_diffs({"a": "x\ny", "b": "z"}, {"a": "x\nw", "b": "z"})
    assert [d["slot"] for d in diffs] == ["a"]
    assert {"-y", "+w"} <= set(diffs[0]["lines"])


def test_kept_edits_are_not_among_the_rejected() -> None:
    """A record of the race that was kept is left out, one without edits stays."""
    race = [{"edits": [{"slot": "a"}], "kept": True, "why": "gains"},
            {"edits": [], "kept": False, "why": "no edit of a: is not an object"}]  # fmt: skip
    (row,) = rejected_edits([{"round": 2, "optimize": {"race": race}}])
    assert (row["round"], row["edits"]) == (2, [])


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.4, "0s"), (59.6, "1m00s"), (3599.7, "1h00m"), (7620, "2h07m")]
)
def test_durations_never_show_sixty(seconds: float, said: str) -> None:
    """Rounding carries over into minutes and hours."""
    assert wording.duration(seconds) == said
