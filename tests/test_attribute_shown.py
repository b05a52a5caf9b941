"""Certificates on screen and in reports: complete, in order, and harmless whatever they hold."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.attributing import counts
from agent.cli import certificate, trace_tree
from agent.cli.screen import console, grid
from evals.report import causes
from traces.results import Attribution

REPAIR = {
    "operation": "o1", "name": "extract", "scope": "s1", "kind": "own_extraction",
    "what": "facts: Ana keeps a heron.", "before": "(nothing)", "after": "Ana keeps a heron.",
}  # fmt: skip
HELD: dict[str, Any] = {
    "kind": "replay",
    "repairs": [REPAIR],
    "answer_before": "Not mentioned",
    "answer_after": "a heron",
    "rescue": {"draws": 3, "right": 2},
    "control": {"draws": 1, "right": 0, "same_answer": True},
    "placebo": {"operation": "o9", "name": "update", "what": "the same elsewhere", "right": False},
    "replays": 5,
    "failed_replays": ["operation_error: no answer"],
    "alternatives": [{"operations": ["o2"], "names": ["update"], "what": "add beside"}],
    "swept": True,
    "deterministic": True,
    "features": {},
    "of a later version": {"unknown": 1},
}
FOUND = Attribution(
    "c1", "q1", "replay", "certified", "ExtractionError", "omission", ("o1",), ("extract",),
    "extraction", "extraction", "the answer became right when repaired", ("m1",),
    certificate=HELD, confidence=0.93, calls=6, tokens=2400,
)  # fmt: skip


def lines(found: Attribution) -> list[str]:
    return [f"{label} {text.plain}".strip() for label, text in certificate.rows(found)]


def held(**changes: Any) -> Attribution:
    return replace(FOUND, certificate={**HELD, **changes})


# on screen ----------------------------------------------------------------------


def test_a_certificate_is_shown_in_full() -> None:
    """What was repaired, what the answer became, control, placebo, failed replays, how it was
    found, alternatives, confidence and cost, in this order."""
    assert lines(FOUND) == [
        "proof with the operation repaired, replay gives the right answer",
        "repaired extract in s1: facts: Ana keeps a heron.",
        "before (nothing)",
        "after Ana keeps a heron.",
        "became a heron  (was: Not mentioned), right in 2 of 3 draws",
        "control not repaired, the same answer again",
        "placebo the same elsewhere, at 'update': still wrong",
        "failed a replay: operation_error: no answer",
        "found by trying every operation on the path: none was suspected before",
        "or update: add beside",
        "sure 93%",
        "cost 5 replays, 6 calls, 2,400 tokens",
    ]


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("facts: Ana keeps a heron.", [("lost", "facts: Ana keeps a heron.")]),
        ("not returned: Pavel: no.", [("misled", "Pavel: no.")]),
        ("returned: a heron; not returned: a crane",
         [("lost", "returned: a heron"), ("misled", "a crane")]),
    ],
)  # fmt: skip
def test_what_misled_is_not_called_lost(what: str, said: list[tuple[str, str]]) -> None:
    """What was returned and should not have been has a label of its own."""
    shown = [(label, text.plain) for label, text in trace_tree.cause(replace(FOUND, lost=what))]
    assert shown[1 : 1 + len(said)] == said
    distracted = replace(FOUND, sub_type="distractor", lost="an entry that is not asked for: x")
    assert trace_tree.cause(distracted)[1][0] == "misled"


def test_a_changed_text_stands_behind_what_is_known_of_it() -> None:
    """Of date and speaker, what is empty is left out."""
    texts = "(, ) a heron | (2024-07-30, ) a crane | (, Ana) a stork | (2024-07-30, Ana) an ibis"
    told = "a heron | (2024-07-30) a crane | (Ana) a stork | (2024-07-30, Ana) an ibis"
    shown = lines(held(repairs=[{**REPAIR, "before": texts}]))
    assert shown[2] == f"before {told}"


def test_a_table_in_a_pipe_has_no_blanks_at_its_lines_ends(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Blanks within a line stay."""
    table = grid(("name", "left"), ("much wider than its cells", "left"))
    table.add_row("a", "b")
    console().print(table)
    shown = capsys.readouterr().out
    assert shown.splitlines() == ["name  much wider than its cells", "a     b"]


def test_what_speaks_against_a_repair_is_shown() -> None:
    """A control that answers otherwise, and a placebo that helps too, are said."""
    found = replace(
        held(
            control={"draws": 1, "right": 0, "same_answer": False},
            placebo={"name": "update", "what": "the same elsewhere", "right": True},
        ),
        verdict="suspected",
        reason="not_deterministic: the unrepaired replay gives another answer",
    )
    text = "\n".join(lines(found))
    assert "proof none: not_deterministic" in text
    assert "control the unrepaired replay gives another answer" in text
    assert "so the repair proves nothing" in text


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"kind": "entailment", "rescue": {"draws": 2, "right": 2}}, "a reader gets the answer"),
        ({"kind": "triage", "repairs": []}, "the answer became right when repaired"),
        ({"placebo": None}, "no unrelated operation to change"),
        ({"repairs": [REPAIR, {**REPAIR, "name": "update"}]}, "with the 2 operations repaired"),
        ({"alternatives": [{"names": ["x"], "what": "y"}] * 5}, "and 2 more"),
    ],
)
def test_each_kind_of_certificate_has_its_words(changes: dict[str, Any], said: str) -> None:
    """Entailment, triage, several repairs, no placebo, many alternatives."""
    assert any(said in line for line in lines(held(**changes)))


def test_without_a_certificate_nothing_is_shown() -> None:
    """Methods that replay nothing have none; an abstention shows only what it cost."""
    assert lines(replace(FOUND, certificate=None)) == []
    empty = {"kind": "none", "repairs": [], "replays": 2}
    abstained = replace(FOUND, verdict="abstained", certificate=empty, confidence=None)
    assert lines(abstained) == ["cost 2 replays, 6 calls, 2,400 tokens"]


def test_texts_of_conversations_cannot_command_the_terminal() -> None:
    """Control characters and line breaks of a repair never reach the screen."""
    nasty = {**REPAIR, "after": "\x1b[31mred\nsecond line [bold]"}
    (line,) = [line for line in lines(held(repairs=[nasty])) if line.startswith("after")]
    assert "\x1b" not in line
    assert "\n" not in line
    assert "[bold]" in line


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*HELD, *REPAIR, "draws", "right"]), inner, max_size=5)
    ),
    max_leaves=25,
)


@given(ANY, st.sampled_from(["certified", "suspected", "abstained"]))
def test_a_certificate_of_any_form_is_shown_or_left_out(value: Any, verdict: Any) -> None:
    """What another version wrote breaks neither screen nor report."""
    for record in (value, dict.fromkeys(HELD, value), {**HELD, "repairs": value}):
        found = replace(FOUND, verdict=verdict, certificate=record)
        for line in lines(found):
            assert "\n" not in line
        assert "\n" not in causes.proof({**found.to_json(), "certificate": record})


# in reports ---------------------------------------------------------------------


def test_a_report_counts_verdicts_and_proves_examples_in_a_line() -> None:
    """Certified, suspected and abstained are told apart in all and by type; an example says
    what was repaired and what the answer became."""
    suspected = replace(FOUND, question="q2", verdict="suspected", certificate=None)
    unknown = replace(
        FOUND, question="q3", verdict="abstained", error_type=None, reason="no_evidence: at all"
    )
    found = [FOUND, suspected, unknown]
    counted = {"failures": 3, **counts(found)}
    report = {
        "attributions": {"training": counted, "selection": None, "test": None},
        "examples": causes.examples([one.to_json() for one in found[:2]]),
    }
    text = "\n".join(causes.render(report))
    assert "3 failures: 1 certified, 1 suspected, 1 without a named cause." in text
    assert "| ExtractionError | 2 | 1 | omission 2 |" in text
    assert "| no_evidence | 1 |" in text
    assert "certified (93%)" in text
    assert (
        'extract: (nothing) -> Ana keeps a heron.; the answer "Not mentioned" became "a heron"'
        in text
    )


def test_a_report_of_a_run_that_counted_no_verdicts_shows_none() -> None:
    """Records of earlier versions have types only."""
    counted = {
        "failures": 2, "by_error_type": {"UpdateError": 2}, "by_sub_type": {}, "abstained": {},
    }  # fmt: skip
    attributions = {"training": counted, "selection": None, "test": None}
    text = "\n".join(causes.render({"attributions": attributions, "examples": []}))
    assert "2 failures." in text
    assert "certified" not in text


def test_rounds_that_worked_on_the_same_prompts_count_once() -> None:
    """The verdicts are added up as the types are."""
    record = {"prompts": "p1", "failures": 3, "by_verdict": {"certified": 2, "suspected": 1}}
    other = {"prompts": "p2", "failures": 1, "by_verdict": {"certified": 1}}
    found = causes.merged([record, record, other])
    assert found["failures"] == 4
    assert found["by_verdict"] == {"certified": 3, "suspected": 1}
