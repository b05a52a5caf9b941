"""Runs beside each other: figures as recorded, questions fixed and broken, nothing opened."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.cli.compare_data import answers, same_conversations
from agent.cli.compare_screen import print_comparison
from agent.cli.main import main
from agent.cli.recorded import RecordedRun
from agent.loop.nodes.finish import ceiling_prompts
from agent.loop.runner import run
from agent.loop.services import Progress, Services
from evals.report.compare import compare_answers, label
from evals.report.compare_markdown import MOST_COLUMNS, render_comparison
from evals.report.tables import plain
from evals.splits import TestSeal
from optimizers.protocol import Assignment, Proposal
from tests.loop_fixture import small
from traces.database import Database
from traces.domain import PromptSet


class ProposesCeiling:
    """An optimizer that knows what the world needs, so that the gate promotes it."""

    name = "attribution_guided"

    def __init__(self, candidate: PromptSet) -> None:
        self.candidate = candidate

    def propose(self, assignment: Assignment) -> Proposal:
        """Return the known candidate."""
        return Proposal(self.candidate, (), (), {}, "known beforehand")


def promoting(_: Progress, services: Services) -> None:
    """Put that optimizer into a run that begins."""
    services.optimizer = ProposesCeiling(ceiling_prompts(services))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A working directory with four runs of few questions: `a` promoted something, `b` has the
    same data and no optimizer, `more` one conversation more, `short` was stopped."""
    path = tmp_path_factory.mktemp("place")
    runs = path / "runs"
    few = {"conversations": 6, "limit_questions": 6, "seed": 3}
    run(small(path, **few, out=runs / "a"), on_progress=promoting)
    run(small(path, **few, optimizer="noop", out=runs / "b"))
    run(small(path, **few | {"conversations": 7}, optimizer="noop", out=runs / "more"))
    run(small(path, **few, optimizer="noop", max_calls=150, out=runs / "short"))
    before = Path.cwd()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", "80")
        patch.setenv("MEMTUNE__STATE_DIR", str(path / "state"))
        os.chdir(path)
        yield path
    os.chdir(before)


def compared(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    """What `compare --json` prints."""
    assert main(["compare", *arguments, "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


# figures ---------------------------------------------------------------------------


def test_figures_are_those_of_the_runs_own_summaries(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Scores, stages, calls, tokens, dollars and seconds, whether a run has ended or not."""
    found = compared(capsys, "a", "b", "short")
    for row in found["runs"]:
        done = json.loads((place / "runs" / row["run"] / "summary.json").read_text("utf-8"))
        for name in ("baseline", "final"):
            for split, figures in (done[name] or {}).items():
                mine = row["scores"][name][split]
                if figures is None:
                    assert mine is None
                    continue
                for field in ("score", "interval", "n", "conversations", "stages"):
                    assert mine[field] == figures[field]
        assert row["calls"] == done["calls"]
        assert row["tokens"] == done["tokens"]
        assert row["usd"] == done["usd"]
        assert row["seconds"] == done["seconds"]
    assert found["simulated"] is True
    assert found["banner"].startswith("SIMULATED")
    assert [r["label"] for r in found["runs"]] == ["A", "B", "C"]


def test_a_run_that_was_stopped_shows_what_it_has(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No test score, but the splits that were run to their end; and nothing else is made up."""
    (_, short) = compared(capsys, "a", "short")["runs"]
    assert (short["status"], short["stop_reason"]) == ("stopped", "budget")
    assert short["scores"]["baseline"]["train"] is not None
    assert short["scores"]["baseline"]["test"] is None
    assert main(["compare", "a", "short"]) == 0
    shown = capsys.readouterr().out
    assert "score, sealed test split" in shown
    assert "score, train split" in shown


def test_a_run_that_has_recorded_nothing_is_a_row_of_dashes(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its directory is there, and no figure."""
    (place / "runs" / "new").mkdir(exist_ok=True)
    shutil.copy(place / "runs" / "a" / "config.json", place / "runs" / "new")
    found = compared(capsys, "a", "new")
    assert found["runs"][1]["status"] == "not begun"
    assert found["pairs"] == []
    assert main(["compare", "a", "new"]) == 0
    assert "not begun" in capsys.readouterr().out


def test_it_reads_while_another_process_writes(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An open transaction blocks nothing, and no file of the run changes."""
    files = {p: p.read_bytes() for p in (place / "runs" / "a").iterdir() if p.suffix == ".json"}
    database = Database(place / "runs" / "b" / "memtune.db")
    try:
        with database.transaction() as connection:
            connection.execute("UPDATE run_state SET value = '0' WHERE key = 'seconds'")
            assert len(compared(capsys, "a", "b")["pairs"]) == 1
            connection.execute("ROLLBACK")
            connection.execute("BEGIN")
    finally:
        database.close()
    assert files == {p: p.read_bytes() for p in files}


# questions -------------------------------------------------------------------------


def test_questions_fixed_and_broken_are_named(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ids, text, both answers; turned around, what was fixed is broken, with the same p."""
    (there,) = compared(capsys, "b", "a")["pairs"]
    (back,) = compared(capsys, "a", "b")["pairs"]
    seen = 0
    for split in ("train", "selection", "test"):
        forth, reverse = there["splits"][split], back["splits"][split]
        for kind, other in (("fixed", "broken"), ("broken", "fixed")):
            names = [(c["conversation"], c["question"]) for c in forth[kind]]
            assert names == [(c["conversation"], c["question"]) for c in reverse[other]]
            seen += len(names)
            for change in forth[kind]:
                assert change["text"].endswith("?")
                assert change["old"] != change["new"]
        assert forth["p"] == reverse["p"]
        assert forth["difference"] == pytest.approx(-reverse["difference"])
        counts = (forth["right_in_both"], forth["wrong_in_both"])
        assert sum(counts) + len(forth["fixed"]) + len(forth["broken"]) == forth["questions"]
    assert seen


def test_a_run_against_itself_shows_what_its_prompts_changed(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """--prompts seed,final of one run; the difference is the gain that the run reports."""
    (pair,) = compared(capsys, "a", "a", "--prompts", "seed,final")["pairs"]
    done = json.loads((place / "runs" / "a" / "summary.json").read_text("utf-8"))
    assert done["promoted"]
    assert pair["splits"]["test"]["difference"] == pytest.approx(done["gain"]["score"])
    (same,) = compared(capsys, "a", "a", "--prompts", "final")["pairs"]
    for found in same["splits"].values():
        assert found["fixed"] == found["broken"] == []
        assert found["p"] == 1.0


def test_only_what_both_have_recorded_is_compared(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A run that was stopped has opened no test split: there is nothing of it, and comparing
    opens none."""
    seal = TestSeal(place / "state")
    with RecordedRun(place / "runs" / "a") as recorded:
        data_hash = recorded.identity["data_hash"]
    before = seal.openings(data_hash)
    (pair,) = compared(capsys, "a", "short")["pairs"]
    assert pair["splits"]["test"] is None
    assert pair["splits"]["train"]["questions"] == 6
    assert seal.openings(data_hash) == before


def test_other_data_are_comparable_in_part(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Only conversations whose messages are the same, where both have them in the same split."""
    found = compared(capsys, "b", "more")
    assert any("different data" in note for note in found["notes"])
    with RecordedRun(place / "runs" / "b") as old, RecordedRun(place / "runs" / "more") as new:
        same = same_conversations((old, old.seed), (new, new.seed))
        assert same_conversations((old, old.seed), (old, old.final)) is None
        ids = set(answers(old, old.seed)["test"]) & set(answers(new, new.seed)["test"])
    # Six of the seven are word for word the same.
    assert same is not None
    assert len(same) == 6
    test = found["pairs"][0]["splits"]["test"]
    assert (test["conversations"] if test else 0) == len(ids & same)


Verdict = st.sampled_from([True, False, None])


@given(st.lists(st.tuples(Verdict, Verdict, st.booleans()), max_size=40))
@settings(max_examples=80, deadline=None)
def test_every_question_with_two_verdicts_is_counted_once(
    drawn: list[tuple[bool | None, bool | None, bool]],
) -> None:
    """Right in both, wrong in both, fixed or broken; the others, and conversations that are
    not the same, count nowhere."""
    sides: list[dict[str, dict[str, dict[str, Any]]]] = [{}, {}]
    for number, (old, new, same) in enumerate(drawn):
        for side, correct in zip(sides, (old, new), strict=True):
            held = side.setdefault("alike" if same else "other", {})
            held[f"q{number}"] = {"prediction": "x", "correct": correct, "category": ""}
    found = compare_answers(
        (0, 1), {"test": sides[0]}, {"test": sides[1]}, same={"alike"}, interval=True
    )["splits"]
    both = [(old, new) for old, new, same in drawn if same and None not in (old, new)]
    assert found["train"] is None
    if not both:
        assert found["test"] is None
        return
    test = found["test"]
    assert test["questions"] == len(both)
    assert test["right_in_both"] == both.count((True, True))
    assert test["wrong_in_both"] == both.count((False, False))
    assert len(test["fixed"]) == both.count((False, True))
    assert len(test["broken"]) == both.count((True, False))
    assert 0 < test["p"] <= 1
    assert test["difference"] == pytest.approx(
        (both.count((False, True)) - both.count((True, False))) / len(both), abs=1e-6
    )


def test_p_is_mcnemars_exact_and_two_sided() -> None:
    """9 fixed and 1 broken: 2 * (10 + 1) / 1024."""
    verdicts = [(False, True)] * 9 + [(True, False)]
    sides = [
        {"c": {f"q{n}": {"prediction": "", "correct": pair[side], "category": ""}
               for n, pair in enumerate(verdicts)}}
        for side in (0, 1)
    ]  # fmt: skip
    found = compare_answers(
        (0, 1), {"test": sides[0]}, {"test": sides[1]}, same=None, interval=False
    )
    assert found["splits"]["test"]["p"] == pytest.approx(22 / 1024)


# shown -----------------------------------------------------------------------------


def test_two_runs_fit_into_80_columns(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The label, a run a column, and the questions that changed."""
    assert main(["compare", "b", "a"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("SIMULATED: ")
    for part in ("sealed test split", "calls made", "McNemar p", "Fixed", "why wrong"):
        assert part in shown
    assert max(map(len, shown.splitlines())) <= 80


def test_many_runs_are_rows(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Beyond what fits as columns; questions only when asked for, of the first against each."""
    names = ["a", "b", "more", "short", "a", "b"]
    assert len(names) > MOST_COLUMNS
    assert main(["compare", *names]) == 0
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= 80
    assert "Questions" not in shown
    found = compared(capsys, *names, "--questions")
    assert [(p["old"], p["new"]) for p in found["pairs"]] == [
        ("A", label(n)) for n in range(1, len(names))
    ]


BACKENDS = [
    "fact_store", "rag", "long_context", "mem0", "episodic", "linked_notes", "langgraph_store",
]  # fmt: skip


def test_runs_of_seven_backends_are_named_by_them_in_80_columns(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Score, stages, causes, calls, tokens and seconds, each section with a row a backend; every
    kind of error is in one table; a long name of somebody's own is cut."""
    found = compared(capsys, *["a", "b", "short", "a", "b", "a", "b"])
    for one, backend in zip(found["runs"], BACKENDS, strict=True):
        one["backend"] = backend
        known = ("Extraction", "Update", "Deletion", "Retrieval", "Response")
        one["causes"]["training"] = {f"{name}Error": 1234 for name in known}
        one["causes"]["training"]["(no cause named)"] = 12
    print_comparison(found)
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= 80
    names = [f"{label(n)} {backend}" for n, backend in enumerate(BACKENDS)]
    for section in ("score, sealed", "stages", "why wrong, test", "why wrong, training", "cost"):
        rows = shown.split(f"\n{section}")[1].split("\n\n")[0].splitlines()
        assert [row for row in rows if row.startswith(names[6])], section
    training = shown.split("why wrong, training")[1].split("\n\n")[0]
    assert [training.count(name) for name in names] == [1] * 7
    written = render_comparison(found)
    assert all(f"| {plain(name)} |" in written for name in names)
    found["runs"][0]["backend"] = "my_package.memories:TheOneWithAName"
    print_comparison(found)
    shown = capsys.readouterr().out
    assert "A my_package.memories…" in shown
    assert max(map(len, shown.splitlines())) <= 80


def test_markdown_is_written_whole_and_foreign_text_stays_text(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The file has every changed question; answers cannot break out of their cells."""
    path = tmp_path / "c.md"
    assert main(["compare", "b", "a", "--out", str(path)]) == 0
    assert str(path) in capsys.readouterr().out
    found = compared(capsys, "b", "a")
    text = path.read_text("utf-8")
    assert text == render_comparison(found)
    assert "**SIMULATED" in text
    (pair,) = found["pairs"]
    changes = [c for f in pair["splits"].values() for k in ("fixed", "broken") for c in f[k]]
    assert changes
    assert all(f"| {c['conversation']}/{c['question']} |" in text for c in changes)
    changes[0]["new"] = "a | b <b>\n# c"
    assert "a \\| b \\<b> \\# c" in render_comparison(found)
    assert main(["compare", "b", "a", "--out", str(tmp_path / "no" / "c.md")]) == 1
    assert "cannot be written" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["a"], 2, "two runs or more"),
        (["a", "nobody"], 1, "nobody"),
        (["a", "b", "--prompts", "seed,final,seed"], 2, "3 prompt sets for 2 runs"),
        (["a", "b", "--prompts", "zzz"], 1, "zzz"),
    ],
)
def test_what_cannot_be_compared_is_one_line(
    place: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, said: str
) -> None:
    """It says what is wrong, and nothing is printed."""
    assert main(["compare", *arguments]) == code
    found = capsys.readouterr()
    assert said in found.err
    assert len(found.err.splitlines()) == 1
    assert found.out == ""
