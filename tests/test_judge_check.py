"""Checking a judge: labels read and sampled, figures, criteria, and the verb itself."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.cli.judge_check import judged_answers
from agent.cli.main import main
from agent.cli.recorded import RecordedRun
from agent.loop import runner
from evals.judge_check import Drawn, Item, draw_verdicts, kappa, measured, share
from evals.judge_labels import Judged, Label, read_labels, sample_to_label
from evals.judge_trust import criteria, most_changed, recommendation
from tests.loop_fixture import small
from traces.domain import Question
from traces.errors import BudgetExceeded, ContentError, DataError

ROW = {"question": "Where is she?", "answer": "Sweden", "prediction": "Norway", "correct": False}


def written(path: Path, *rows: Any) -> Path:
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


# labels ------------------------------------------------------------------------------


def test_labels_are_read_in_the_forms_that_people_write(tmp_path: Path) -> None:
    """Gold by three names, numbers, questions without an answer, blank lines, categories."""
    path = written(
        tmp_path / "l.jsonl",
        {**ROW, "category": 4, "note": "mine"},
        "",
        {"question": "How many?", "gold": 3, "prediction": "", "correct": False},
        {"question": "Who?", "gold_answer": " Ann ", "prediction": "Ann", "correct": True},
        {"question": "Why?", "answer": None, "unanswerable": True, "prediction": "No idea",
         "correct": True, "category": "abs"},
        {**ROW, "prediction": "Oslo", "correct": None},
        {**ROW, "prediction": "Bergen", "correct": ""},
        {**ROW, "category": "4"},
    )  # fmt: skip
    found = read_labels(path)
    assert [(r.line, r.question.answer, r.question.category, r.correct) for r in found.rows] == [
        (1, "Sweden", "4", False), (3, "3", "", False), (4, "Ann", "", True), (5, None, "abs", True)
    ]  # fmt: skip
    assert (found.waiting, found.repeated) == (2, 1)
    assert found.rows[3].question.unanswerable


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("{", "line 2: is not JSON"),
        ("[1]", "line 2: is a list; expected an object"),
        ({**ROW, "question": " "}, "line 2, question: is empty"),
        ({**ROW, "question": None}, "line 2, question: is missing"),
        ({**ROW, "prediction": 7}, "line 2, prediction: is a number"),
        ({**ROW, "answer": None}, "line 2, answer: is missing"),
        ({**ROW, "gold": "Norway"}, "line 2, gold: stands beside answer"),
        ({**ROW, "correct": "yes"}, "line 2, correct: is 'yes'; write true or false"),
        ({**ROW, "correct": 1}, "line 2, correct: is 1"),
        ({**ROW, "unanswerable": "no"}, "line 2, unanswerable"),
        ({**ROW, "category": [1]}, "line 2, category: is a list"),
        ({**ROW, "correct": True}, "line 2: labels the answer of line 1 otherwise"),
    ],
)
def test_a_bad_row_is_named_by_line_and_field(tmp_path: Path, row: Any, said: str) -> None:
    """Nothing is guessed: the line, the field and what to write."""
    with pytest.raises(DataError, match=rf"l\.jsonl: {said}"):
        read_labels(written(tmp_path / "l.jsonl", ROW, row))


_VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8)),
    lambda inner: st.lists(inner, max_size=2),
    max_leaves=3,
)


@given(
    st.one_of(
        st.binary(max_size=60),
        st.fixed_dictionaries({}, optional=dict.fromkeys([*ROW, "unanswerable", "gold"], _VALUES)),
    )
)
def test_any_file_is_read_or_refused_in_one_line(
    tmp_path_factory: pytest.TempPathFactory, content: bytes | dict[str, Any]
) -> None:
    """Whatever the rows hold, either labels come of it or one line that says where."""
    path = tmp_path_factory.getbasetemp() / "any.jsonl"
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    try:
        found = read_labels(path)
    except DataError as error:
        refused = str(error)
    else:
        refused = ""
        assert all(isinstance(row.correct, bool) for row in found.rows)
    assert "\n" not in refused


def test_a_file_without_labels_says_so(tmp_path: Path) -> None:
    """Unlabelled, empty, missing and wrongly encoded files."""
    blank = written(tmp_path / "blank.jsonl", {**ROW, "correct": None})
    with pytest.raises(DataError, match="none of its 1 rows is labelled"):
        read_labels(blank)
    with pytest.raises(DataError, match="holds no rows"):
        read_labels(written(tmp_path / "empty.jsonl"))
    with pytest.raises(DataError, match="cannot be read"):
        read_labels(tmp_path / "missing.jsonl")
    (tmp_path / "latin.jsonl").write_bytes(b"\n\xe9")
    with pytest.raises(DataError, match="line 2: is not UTF-8"):
        read_labels(tmp_path / "latin.jsonl")


def answers(right: int, wrong: int) -> list[Judged]:
    return [
        Judged(f"c/q{i}", Question(f"q{i}", f"?{i}", "x", "4"), f"p{i}", i < right)
        for i in range(right + wrong)
    ]


@given(st.integers(0, 40), st.integers(0, 40), st.integers(2, 60))
def test_a_sample_is_half_and_half_as_far_as_there_are(right: int, wrong: int, size: int) -> None:
    """It is as large as asked for where it can be, and takes more of one kind only for want
    of the other."""
    rows = sample_to_label(answers(right, wrong), size)
    chosen_right = sum(int(row["prediction"][1:]) < right for row in rows)
    assert len(rows) == min(size, right + wrong)
    chosen_wrong = len(rows) - chosen_right
    assert chosen_right >= min(right, size // 2)
    assert chosen_wrong >= min(wrong, size // 2)


def test_a_sample_does_not_tell_the_verdicts() -> None:
    """No field holds them, rows of both kinds have the same fields, and they are mixed."""
    rows = sample_to_label(answers(20, 20), 30)
    assert rows == sample_to_label(list(reversed(answers(20, 20))), 30)
    assert all(row["correct"] is None for row in rows)
    assert len({tuple(row) for row in rows}) == 1
    first = [int(row["prediction"][1:]) < 20 for row in rows[:15]]
    assert 3 < sum(first) < 12


# figures -----------------------------------------------------------------------------


def items(*counted: tuple[bool, bool | None, int]) -> list[Item]:
    """Items by (label, verdict) and how many there are of each."""
    made = []
    for label, verdict, number in counted:
        for _ in range(number):
            row = Label(len(made) + 1, Question("q", f"?{len(made)}", "x"), "p", label)
            made.append(Item(row, (Drawn(verdict, "because", True),) * 3))
    return made


def test_the_interval_is_wilsons() -> None:
    """As by the formula (Wilson 1927), and within 0..1 at its ends."""
    z, n, p = 1.959963984540054, 30, 28 / 30
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    found = share(28, 30)["interval"]
    assert found == pytest.approx([middle - half, middle + half], abs=1e-6)
    assert share(0, 30)["interval"][0] == 0
    assert share(30, 30)["interval"][1] == 1
    assert share(0, 0)["share"] is None


def test_kappa_is_cohens() -> None:
    """Agreement of 35 of 50 where chance gives 25 is 0.4; without variety there is none."""
    pairs = [(True, True)] * 20 + [(True, False)] * 5 + [(False, True)] * 10
    pairs += [(False, False)] * 15
    assert kappa(pairs) == pytest.approx(0.4)
    assert kappa([(True, True)] * 9) is None
    assert kappa([(True, False), (False, True)]) == pytest.approx(-1)


def test_the_table_separates_the_two_kinds_of_error() -> None:
    """What the judge lets pass and what it refuses, what it gave no verdict on, and where."""
    found = measured(
        items((True, True, 20), (True, False, 1), (False, True, 9), (False, False, 10),
              (False, None, 2))
    )  # fmt: skip
    assert found["table"] == {
        "label_right": {"judged_right": 20, "judged_wrong": 1, "no_verdict": 0},
        "label_wrong": {"judged_right": 9, "judged_wrong": 10, "no_verdict": 2},
    }
    assert (found["agreement"]["hits"], found["agreement"]["n"]) == (30, 40)
    assert found["judged_right_is_right"]["share"] == pytest.approx(20 / 29, abs=1e-6)
    assert found["judged_wrong_is_wrong"]["share"] == pytest.approx(10 / 11, abs=1e-6)
    assert found["errors"]["lenient"] == 9
    assert found["errors"]["p_value"] == pytest.approx(22 / 1024)  # 2 * P(X >= 9), 10 fair coins
    assert [d["line"] for d in found["disagreements"]] == list(range(21, 31))
    assert [d["line"] for d in found["no_verdict"]] == [41, 42]


def test_flips_are_counted_over_items_and_over_pairs() -> None:
    """One item of four changes: a quarter of the items, and a sixth of all pairs of draws."""
    made = items((True, True, 3))
    drawn = (Drawn(True, ""), Drawn(False, ""), Drawn(True, ""))
    made.append(Item(made[0].label, drawn))
    made.append(Item(made[0].label, (Drawn(True, ""), Drawn(None, "no"), Drawn(True, ""))))
    flips = measured(made)["flips"]
    assert (flips["changed"]["hits"], flips["changed"]["n"]) == (1, 4)
    assert flips["pairs_differing"] == pytest.approx(2 / 3 / 4, abs=1e-6)


def verdict_on(*counted: tuple[bool, bool | None, int]) -> tuple[str, dict[str, str], str]:
    found = measured(items(*counted))
    checks = criteria(found)
    advice = recommendation(found, checks)
    return advice["verdict"], {c["name"]: c["state"] for c in checks}, advice["advice"]


def test_a_judge_that_agrees_on_enough_labels_is_recommended() -> None:
    """All criteria hold, and their intervals with them."""
    verdict, states, _ = verdict_on((True, True, 25), (False, False, 24), (True, False, 1))
    assert verdict == "trust"
    assert set(states.values()) == {"holds"}


def test_a_lenient_judge_is_not_recommended() -> None:
    """Its agreement alone would leave it open; all its errors are on one side."""
    verdict, states, advice = verdict_on((True, True, 25), (False, True, 8), (False, False, 17))
    assert verdict == "do_not_trust"
    assert states["agreement"] == "open"
    assert states["errors"] == "fails"
    assert "errors" in advice


def test_a_judge_without_verdicts_is_not_recommended() -> None:
    """Missing verdicts over the gate's share would stop every promotion."""
    verdict, states, _ = verdict_on((True, True, 25), (False, False, 20), (True, None, 5))
    assert verdict == "do_not_trust"
    assert states["verdicts"] == "fails"


def test_too_few_labels_show_nothing_either_way() -> None:
    """Twelve labels that all agree are no evidence yet; the line says how many would do."""
    verdict, states, advice = verdict_on((True, True, 6), (False, False, 6))
    assert verdict == "not_shown"
    assert states["labels"] == "open"
    assert "label about 18 more" in advice


def test_labels_of_one_kind_show_nothing_either_way() -> None:
    """A judge that calls everything right agrees with forty right answers."""
    verdict, states, advice = verdict_on((True, True, 40))
    assert verdict == "not_shown"
    assert states["kappa"] == "open"
    assert "right and wrong ones" in advice


def test_a_judge_that_cannot_make_up_its_mind_is_not_recommended() -> None:
    """Many of its verdicts change between draws, whatever the first ones say."""
    made = items((True, True, 20), (False, False, 20))
    flipped = (Drawn(True, ""), Drawn(False, ""), Drawn(True, ""))
    found = measured([*made[14:], *(Item(i.label, flipped) for i in made[:14])])
    checks = {c["name"]: c["state"] for c in criteria(found)}
    assert checks["agreement"] == "holds"
    assert checks["steadiness"] == "fails"


def test_the_bound_on_changes_follows_from_the_bound_on_draws() -> None:
    """A verdict that strays once in twenty draws changes within three draws in 14%."""
    assert most_changed(1) == pytest.approx(0)
    assert most_changed(2) == pytest.approx(2 * 0.05 * 0.95)
    assert most_changed(3) == pytest.approx(0.1425)


def test_one_bad_draw_is_a_record_and_a_spent_budget_ends_the_check() -> None:
    """As in a run: content errors cost one verdict, budgets raise."""
    labels = [i.label for i in items((True, True, 4))]

    def moody(question: Question, prediction: str, index: int) -> tuple[bool, str, bool]:
        if question.text == "?2" and index:
            raise ContentError("prose")
        return True, str(index), True

    found = draw_verdicts(labels, moody, 3, concurrency=3)
    assert [[d.correct for d in i.draws] for i in found] == [
        [True] * 3, [True] * 3, [True, None, None], [True] * 3
    ]  # fmt: skip
    assert len({d.reason for d in found[0].draws}) == 3

    def spent(*_: Any) -> tuple[bool, str, bool]:
        raise BudgetExceeded("spent")

    with pytest.raises(BudgetExceeded):
        draw_verdicts(labels, spent, 3)


# the verb ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of a small finished run."""
    path = tmp_path_factory.mktemp("check")
    settings = small(path, optimizer="noop", conversations=3, limit_questions=6)
    return Path(runner.run(settings).done["out"])


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("COLUMNS", "80")
    return tmp_path


def labelled(path: Path, right: Callable[[dict[str, Any]], bool]) -> None:
    """Fill in the blanks of a sampled file."""
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    written(path, *({**row, "correct": right(row)} for row in rows))


def test_a_runs_answers_are_labelled_and_its_judge_checked(
    night: Path, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Sampled without verdicts, labelled by a rule, judged three times; simulated and said to
    be so; a repeat makes no call."""
    assert main(["judge-check", str(night), "--sample", "12", "--out", "l.jsonl"]) == 0
    said = capsys.readouterr().out
    with RecordedRun(night) as recorded:
        known = judged_answers(recorded)
        sealed = recorded.lock_file()["splits"]["test"]
    rows = [json.loads(line) for line in (place / "l.jsonl").read_text("utf-8").splitlines()]
    assert len(rows) == min(12, len({(a.id, a.prediction) for a in known}))
    assert not any(row["id"].split("/")[0] in sealed for row in rows)
    assert f"{len(rows)} answers" in said
    labelled(
        place / "l.jsonl",
        lambda row: (row["answer"] or "not mentioned").lower() in row["prediction"].lower(),
    )
    assert main(["judge-check", "l.jsonl", "--json"]) == 0
    first = json.loads(capsys.readouterr().out)
    assert first["simulated"] is True
    assert first["flips"]["draws"] == 3
    assert sum(sum(row.values()) for row in first["table"].values()) == len(rows)
    assert first["calls"]["made"] == 3 * first["asked_of_model"]["n"]
    assert (place / first["out"] / "judge-check.json").is_file()
    assert main(["judge-check", "l.jsonl", "--json"]) == 0
    again = json.loads(capsys.readouterr().out)
    assert again["calls"] == {"made": first["calls"]["made"], "now": 0}
    assert main(["judge-check", "l.jsonl"]) == 0
    shown = capsys.readouterr().out
    for fact in ("SIMULATED", "Wilson", "Cohen's kappa", "fewer than 30", "NOT SHOWN", "Criteria"):
        assert fact in shown


def test_labels_are_never_written_over(night: Path, place: Path) -> None:
    """A person's work lies there."""
    (place / "l.jsonl").write_text("mine", "utf-8")
    assert main(["judge-check", str(night), "--sample", "12", "--out", "l.jsonl"]) == 2
    assert (place / "l.jsonl").read_text("utf-8") == "mine"


def test_a_spent_budget_can_be_raised(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The check stops resumably and goes on where it was: nothing is asked twice."""
    rows = [{**ROW, "prediction": f"somewhere {i}", "correct": False} for i in range(6)]
    written(place / "l.jsonl", *rows)
    limited = ["judge-check", "l.jsonl", "--draws", "1", "--concurrency", "1", "--json"]
    assert main([*limited, "--max-calls", "4"]) == 101
    assert "goes on" in capsys.readouterr().err
    assert main([*limited, "--max-calls", "6"]) == 0
    assert json.loads(capsys.readouterr().out)["calls"] == {"made": 6, "now": 2}


def test_a_scorer_of_ones_own_is_checked_without_a_model(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its verdicts change between draws here, and one of them raises; no model is asked."""
    (place / "fickle_judge.py").write_text(
        "def judge(question, prediction, sample_index):\n"
        "    if prediction == 'p3':\n"
        "        raise ValueError('three')\n"
        "    return prediction == 'p0' or sample_index > 0, 'so'\n",
        "utf-8",
    )
    rows = [{**ROW, "prediction": f"p{i}", "correct": i == 0} for i in range(4)]
    written(place / "l.jsonl", *rows)
    assert main(["judge-check", "l.jsonl", "--scorer", "fickle_judge:judge", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["simulated"], found["model"], found["calls"]["made"]) == (False, None, 0)
    assert found["agreement"]["hits"] == 3
    assert (found["flips"]["changed"]["hits"], found["flips"]["changed"]["n"]) == (2, 3)
    assert "raised ValueError: three" in found["no_verdict"][0]["reason"]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["a-run"], 2, "a-run: is no file of labels"),
        (["missing.jsonl"], 1, "cannot be read"),
        (["a-run", "--sample", "9"], 2, "give --out"),
        (["l.jsonl", "--out", "night"], 1, "holds a run"),
        (["l.jsonl", "--scorer", "f2"], 2, "--scorer f2: is unknown"),
        (["l.jsonl", "--judge-prompt", "p.md"], 2, "--judge-prompt p.md: cannot be read"),
    ],
)
def test_what_cannot_be_checked_is_one_clear_line(
    night: Path, place: Path, capsys: pytest.CaptureFixture[str],
    arguments: list[str], code: int, said: str,
) -> None:  # fmt: skip
    """Wrong targets, files, directories and scorers."""
    written(place / "l.jsonl", ROW)
    shutil.copytree(night, place / "night")
    assert main(["judge-check", *arguments]) == code
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
