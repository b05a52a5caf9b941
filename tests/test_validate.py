"""`memtune validate`: every problem with its line, and what the data are good for."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agent.cli.main import main
from evals.loaders.jsonl import read_jsonl
from evals.loaders.overview import prospects
from evals.splits import split_counts
from tests.locomo_fixture import locomo_samples, write_locomo
from tests.planted_defects import EDITS, LINES, conversation, planted
from traces.domain import Dataset

Run = Callable[..., tuple[int, str]]


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory of its own."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run `memtune validate`; return its exit code and what it printed, errors included."""

    def called(*arguments: str) -> tuple[int, str]:
        capsys.readouterr()
        code = main(["validate", *arguments])
        output = capsys.readouterr()
        return code, output.out + output.err

    return called


def write(path: Path, conversations: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(c) + "\n" for c in conversations), "utf-8")
    return path


def test_every_planted_defect_is_found_on_its_line(place: Path, run: Run) -> None:
    """One defect of each kind in one file: exactly these are found, each on its line, with a
    field or the whole line as its place, a problem and a way out."""
    content, expected = planted()
    assert len(expected) == len(EDITS) + len(LINES) >= 20
    (place / "bad.jsonl").write_bytes(content)
    code, output = run("bad.jsonl", "--json")
    assert code == 1
    found = json.loads(output)
    assert {f["line"]: f["kind"] for f in found["findings"]} == expected
    assert len(found["findings"]) == len(expected)
    for finding in found["findings"]:
        assert finding["problem"]
        assert finding["fix"]
    places = {f["kind"]: f["place"] for f in found["findings"]}
    assert places["missing_text"] == "sessions[0].messages[0].text"
    assert places["unknown_evidence"] == "questions[0].evidence[0]"


def test_a_file_without_the_defect_has_no_finding(place: Path) -> None:
    """The conversations that defects are planted in are good ones: nothing is found there."""
    path = write(place / "good.jsonl", [conversation(n) for n in range(1, 6)])
    loaded = read_jsonl(path)
    assert loaded.findings == ()
    assert len(loaded.conversations) == 5


def test_all_defects_are_on_the_screen_within_80_columns(place: Path, run: Run) -> None:
    """The screen names line and way out of each, and no line is wider than 80 columns."""
    content, expected = planted()
    (place / "bad.jsonl").write_bytes(content)
    code, output = run("bad.jsonl")
    assert code == 1
    for line in expected:
        assert f"line {line}" in output
    assert max(map(len, output.splitlines())) <= 80
    assert "it can be run when the errors are mended" in output


def test_a_run_says_the_first_error_and_how_many_more(place: Path, run: Run) -> None:
    """Loading for a run stops with one line that leads here."""
    content, _ = planted()
    (place / "bad.jsonl").write_bytes(content)
    assert main(["run", "--data", "bad.jsonl"]) == 1
    errors = read_jsonl(Path("bad.jsonl")).errors
    with pytest.raises(Exception, match=f"{len(errors) - 1} more: 'memtune validate' lists them"):
        read_jsonl(Path("bad.jsonl")).dataset()


def test_the_example_has_one_question_of_each_type_and_no_finding(place: Path, run: Run) -> None:
    """What --example writes, prints and `init` gives loads without any finding and can be run."""
    code, _ = run("--example", "mine.jsonl")
    assert code == 0
    _, printed = run("--example")
    assert Path("mine.jsonl").read_text("utf-8") == printed
    loaded = read_jsonl(Path("mine.jsonl"))
    assert loaded.findings == ()
    questions = [q for c in loaded.conversations for q in c.questions]
    assert {q.category for q in questions} >= {
        "single-hop", "multi-hop", "temporal", "update", "yes-no", "unanswerable",
    }  # fmt: skip
    assert any(q.answer == "yes" for q in questions)
    assert any(q.unanswerable and q.answer is None for q in questions)
    assert any(q.answer and not q.evidence for q in questions)
    assert any(q.answer is None and not q.unanswerable for q in questions)
    assert any(q.asked_after for q in questions)
    code, output = run("mine.jsonl")
    assert code == 0
    assert "no problems" in output
    assert "memtune run --data mine.jsonl" in output
    # An existing file is somebody's work.
    assert run("--example", "mine.jsonl")[0] == 2


def test_counts_are_of_what_is_there(place: Path, run: Run) -> None:
    """Conversations, sessions, messages, questions by category, evidence and dates."""
    code, output = run(str(write_locomo(place / "locomo.json", locomo_samples())), "--json")
    assert code == 0
    found = json.loads(output)
    held = found["holds"]
    assert (found["dataset"], found["detected"]) == ("locomo", True)
    assert (held["conversations"], held["sessions"], held["questions"]) == (5, 20, 50)
    assert (held["unanswerable"], held["without_evidence"]) == (10, 5)
    by_category = {row["category"]: row["questions"] for row in held["categories"]}
    assert by_category == {"1": 10, "2": 5, "3": 5, "4": 20, "5": 10}
    assert found["warnings"] == len(found["findings"]) > 0
    assert all(finding["line"] for finding in found["findings"])


def test_what_a_run_could_find_out_is_said_with_its_assumptions(place: Path, run: Run) -> None:
    """Splits, gate mode, what 'population' would need, and the smallest gain at 80% power."""
    path = write(place / "d.jsonl", [conversation(n) for n in range(10)])
    code, output = run(str(path), "--rounds", "2")
    said = " ".join(output.split())
    assert code == 0
    assert "splits: 2 train, 4 selection, 4 test conversations" in said
    assert "'population' needs 8 selection conversations with 2 rounds, 19 in all" in said
    assert "smallest gain found in 80% of cases: +" in said
    assert "assumed: 2 rounds; 2 questions a conversation" in said
    assert split_counts(19)[1] == 8 > split_counts(18)[1]


def test_more_data_detect_smaller_gains() -> None:
    """The figure is computed from the data: it falls with the number of questions."""
    gains = []
    for count in (10, 40):
        path = write(Path(f"d{count}.jsonl"), [conversation(n) for n in range(count)])
        gains.append(prospects(read_jsonl(path).dataset(), 5, None)["smallest_gain"])
    assert gains[0] > gains[1] > 0


@pytest.mark.parametrize("asked", [None, "population", "these_conversations"])
def test_too_few_conversations_are_an_obstacle_not_a_crash(asked: Any) -> None:
    """Two conversations cannot be split; a mode with too few says how many it needs."""
    two = read_jsonl(write(Path("two.jsonl"), [conversation(n) for n in range(2)])).dataset()
    assert "cannot be split" in prospects(two, 5, asked)["obstacle"]
    five = read_jsonl(write(Path("five.jsonl"), [conversation(n) for n in range(5)])).dataset()
    obstacle = prospects(five, 5, asked)["obstacle"]
    assert ("needs at least 8" in obstacle) if asked == "population" else obstacle is None
    assert prospects(Dataset("none", ()), 5, asked)["obstacle"]


def test_a_file_that_cannot_be_run_is_exit_code_1(place: Path, run: Run) -> None:
    """Two good conversations are no error of the file, and still no run."""
    code, output = run(str(write(place / "two.jsonl", [conversation(1), conversation(2)])))
    assert code == 1
    assert "no problems" in output
    assert "add 1" in output


def test_a_log_without_questions_says_how_to_add_them(place: Path, run: Run) -> None:
    """Its messages are in order, which is said; a run needs questions, and is told how."""
    record = {"messages": [{"role": "user", "content": "Hello.", "timestamp": "2024-05-01"}]}
    path = write(place / "log.jsonl", [record])
    code, output = run(str(path))
    assert code == 1
    assert "nothing is wrong with the messages" in output
    assert "How to add questions" in output
    assert '"question": "Where do I live?"' in output
    assert main(["run", "--data", str(path)]) == 1


def test_fields_are_mapped_and_a_run_is_told_how(place: Path, run: Run) -> None:
    """--fields reads a file with other names; the settings line for a run is printed."""
    renamed = [conversation(n) for n in range(3)]
    for c in renamed:
        for session in c["sessions"]:
            for message in session["messages"]:
                message["meta"] = {"body": message.pop("text")}
    path = write(place / "d.jsonl", renamed)
    assert run(str(path))[0] == 1
    code, output = run(str(path), "--fields", "text=meta.body")
    assert code == 0
    assert 'fields = { text = "meta.body" }' in output
    assert run(str(path), "--fields", "texts=body")[0] == 2
    assert run(str(path), "--fields", "text")[0] == 2


def test_the_synthetic_world_is_labelled(run: Run) -> None:
    """Without a file it is the simulated data set that a run would use."""
    code, output = run("--dataset", "synthetic", "--json")
    found = json.loads(output)
    assert code == 0
    assert found["simulated"]
    assert found["run"]["splits"] == {"train": 6, "selection": 12, "test": 12}
    assert "SIMULATED" in run()[1]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("nowhere.jsonl",), "nowhere.jsonl: cannot be read"),
        (("empty",), "empty: is empty"),
        (("directory",), "directory: is a directory"),
        (("empty", "--data", "other"), "give one of them"),
        (("empty", "--dataset", "csvv"), "unknown data set 'csvv': choose one of"),
        (("empty", "--dataset", "jsonl"), "is empty"),
    ],
)
def test_what_cannot_be_read_is_one_line(
    place: Path, run: Run, arguments: tuple[str, ...], expected: str
) -> None:
    """A missing, an empty file, a directory and an unknown name say what to do."""
    (place / "empty").write_bytes(b"")
    (place / "directory").mkdir()
    code, output = run(*arguments)
    assert code in (1, 2)
    assert expected in output
