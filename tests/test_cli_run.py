"""The verbs on a real run of the simulated world: tiny, but with every part in place."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from agent.cli.main import main
from agent.cli.recorded import RecordedRun
from agent.cli.recorded_examples import example_failure
from agent.cli.trace import find_question
from agent.loop.directory import RunDirectory
from traces.database import Database
from traces.domain import Conversation, Dataset, Question, Session
from traces.errors import SettingsError

TINY = ["--conversations", "3", "--limit-questions", "6", "--rounds", "1", "--seed", "1"]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A working directory of its own, with the user's state inside."""
    path = tmp_path_factory.mktemp("place")
    before = Path.cwd()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MEMTUNE__STATE_DIR", str(path / "state"))
        patch.setenv("COLUMNS", "80")
        os.chdir(path)
        yield path
    os.chdir(before)


@pytest.fixture(scope="module")
def night(place: Path) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """A finished run in a process of its own, with --json."""
    found = subprocess.run(
        [sys.executable, "-m", "agent", "run", *TINY, "--out", "runs/night", "--json"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)},
        check=False,
    )
    return place / "runs" / "night", found


@pytest.fixture
def failure(night: tuple[Path, Any]) -> str:
    """The id of a question that was answered wrong."""
    with RecordedRun(night[0]) as recorded:
        found = example_failure(recorded)
    assert found is not None
    return found


def test_json_puts_nothing_but_json_lines_on_stdout(night: tuple[Path, Any]) -> None:
    """Progress comes as lines, the last line is the done event of summary.json."""
    directory, found = night
    assert found.returncode == 0, found.stderr
    lines = [json.loads(line) for line in found.stdout.splitlines()]
    assert {line["event"] for line in lines[:-1]} == {"progress"}
    stages = [line["stage"] for line in lines[:-1]]
    assert stages[0] == "open"
    assert {"evaluate", "finish"} <= set(stages)
    assert lines[-1]["event"] == "done"
    assert lines[-1] == json.loads((directory / "summary.json").read_text("utf-8"))
    assert lines[-2]["calls"]["made"] == lines[-1]["calls"]["made"]


def test_the_end_of_a_run_says_what_it_came_to(
    night: tuple[Path, Any], failure: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Label, scores, gate, cost, report and next commands, within 80 columns; repeating a
    finished run says the same and makes no call."""
    done = json.loads((night[0] / "summary.json").read_text("utf-8"))
    assert main(["run", *TINY, "--out", "runs/night"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("SIMULATED: ")
    assert "no claim beyond these conversations" in shown
    for name in ("baseline", "final"):
        assert f"{done[name]['test']['score']:.3f}" in shown
    assert f"{done['calls']['made']:,} made" in shown
    assert "runs/night/report.md" in shown
    assert f"memtune trace night {failure}" in shown
    assert "memtune export night" in shown
    assert max(len(line) for line in shown.splitlines()) <= 80


def test_a_run_leaves_its_report(
    night: tuple[Path, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """report.md and report.json lie in the run; the verb writes them elsewhere, too."""
    built = json.loads((night[0] / "report.json").read_text("utf-8"))
    assert built["status"] == "done"
    assert built["simulated"] is True
    assert built["identity"]["backend"] == "fact_store"
    assert main(["report", "night", "--out", str(tmp_path / "r.md")]) == 0
    assert str(tmp_path / "r.md") in capsys.readouterr().out
    assert (tmp_path / "r.md").read_text("utf-8") == (night[0] / "report.md").read_text("utf-8")
    assert json.loads((tmp_path / "r.json").read_text("utf-8")) == built
    assert main(["report", "night", "--out", str(tmp_path / "no" / "r.md")]) == 1
    assert "cannot be written" in capsys.readouterr().err


def test_trace_marks_the_operation_that_failed(
    night: tuple[Path, Any], failure: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Question, gold, answer, verdict and cause; the tree has the mark exactly where the
    attribution names an operation."""
    assert main(["trace", "night", failure, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert main(["trace", "night", failure]) == 0
    shown = capsys.readouterr().out
    assert found["question"]["id"] == failure.split("/")[1]
    assert found["answer"]["correct"] is False
    assert found["simulated"] is True
    cause = found["attribution"]
    assert "wrong" in shown
    if cause["operations"]:
        assert f"{cause['error_type']}/{cause['sub_type']}" in shown
        assert "✗" in shown
    assert max(len(line) for line in shown.splitlines()) <= 80
    assert main(["trace", "night", failure.split("/")[1], "--prompts", "seed", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["prompts"]["which"] == "seed"


def test_trace_says_when_the_answer_was_right(
    night: tuple[Path, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    """A question answered right has no cause and no mark."""
    with RecordedRun(night[0]) as recorded:
        right = next(
            answer.question
            for id, *_ in recorded.store.passes(recorded.seed.hash)
            for answer in recorded.store.answers(id)
            if answer.correct
        )
    assert main(["trace", "night", right, "--prompts", "seed"]) == 0
    shown = capsys.readouterr().out
    assert "right" in shown
    assert "✗" not in shown
    assert "cause" not in shown


def test_trace_names_the_closest_questions(
    night: tuple[Path, Any], failure: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A mistyped id is one line with ids that exist; so are unknown prompts."""
    assert main(["trace", "night", failure.split("/")[1] + "x"]) == 2
    line = capsys.readouterr().err
    assert failure.split("/")[1] in line
    assert len(line.splitlines()) == 1
    assert main(["trace", "night", failure, "--prompts", "zzz"]) == 1
    assert "zzz" in capsys.readouterr().err


def test_trace_refuses_data_that_have_changed(
    night: tuple[Path, Any], failure: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Messages of other data are never shown beside this run's operations."""
    shutil.copytree(night[0], "changed")
    config = json.loads(Path("changed/config.json").read_text("utf-8"))
    config["settings"]["seed"] += 1
    Path("changed/config.json").write_text(json.dumps(config), "utf-8")
    assert main(["trace", "changed", failure]) == 1
    assert "other conversations" in capsys.readouterr().err


def test_an_id_in_two_conversations_asks_which() -> None:
    """Question ids are unique within a conversation only."""
    session = Session("s1", datetime(2024, 5, 12), ())
    held = [Conversation(c, (session,), (Question("q1", "?", "a"),)) for c in ("c1", "c2")]
    dataset = Dataset("d", tuple(held))
    with pytest.raises(SettingsError, match="c1/q1, c2/q1"):
        find_question(dataset, "q1")
    assert find_question(dataset, "c2/q1")[0].id == "c2"


def test_exports_of_one_run_are_the_same_bytes(
    night: tuple[Path, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A bundle names the run's prompts and data, and is labelled simulated."""
    for name in ("one", "two"):
        assert main(["export", "night", "--out", str(tmp_path / name)]) == 0
        assert "SIMULATED" in capsys.readouterr().out
    files = [{p.name: p.read_bytes() for p in (tmp_path / n).iterdir()} for n in ("one", "two")]
    assert files[0] == files[1]
    manifest = json.loads(files[0]["bundle.json"])
    done = json.loads((night[0] / "summary.json").read_text("utf-8"))
    assert manifest["prompt_set"] == done["prompts"]["final"]
    assert manifest["chain"][0] == done["prompts"]["seed"]
    assert manifest["simulated"] is True
    assert len(manifest["gates"]) == len(done["promoted"])


def test_status_reads_while_another_process_writes(
    night: tuple[Path, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    """A held directory is shown as running; an open transaction blocks no reader."""
    assert main(["status", "--json"]) == 0
    (row,) = [r for r in json.loads(capsys.readouterr().out) if r["run"] == "night"]
    assert (row["status"], row["score_of"]) == ("done", "test")
    holder, database = RunDirectory(night[0]), Database(night[0] / "memtune.db")
    try:
        with database.transaction() as connection:
            connection.execute("UPDATE run_state SET value = '0' WHERE key = 'seconds'")
            assert main(["status", "night", "--json"]) == 0
            connection.execute("UPDATE run_state SET value = '1' WHERE key = 'seconds'")
    finally:
        database.close()
        holder.close()
    assert json.loads(capsys.readouterr().out)["status"] == "running"
    assert main(["status", "night"]) == 0
    assert "memtune export night" in capsys.readouterr().out


def test_stop_leaves_a_stop_file_for_a_running_run(
    night: tuple[Path, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    """Where nothing runs there is nothing to stop, and no file is left."""
    assert main(["stop", "night"]) == 0
    assert "not running" in capsys.readouterr().out
    assert not (night[0] / "stop").exists()
    holder = RunDirectory(night[0])
    try:
        assert main(["stop", "night"]) == 0
        assert "memtune resume night" in capsys.readouterr().out
        assert holder.stop_requested()
        assert main(["run", *TINY, "--out", "runs/night"]) == 1
        assert "another process" in capsys.readouterr().err
    finally:
        holder.clear_stop()
        holder.close()


def test_a_budget_stops_a_run_and_resume_goes_on(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 101, why it stopped, how to go on; no final score, and a report all the same."""
    assert main(["run", *TINY, "--out", "runs/short", "--max-calls", "25"]) == 101
    shown = capsys.readouterr().out
    assert "the budget is used up" in shown
    assert "no final score" in shown
    assert "memtune resume short --max-calls 50" in shown
    assert "the budget is used up" in Path("runs/short/report.md").read_text("utf-8")
    assert main(["resume", "short", "--max-calls", "40", "--json"]) == 101
    done = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert done["calls"]["made"] == 40
    assert (done["status"], done["final"]) == ("stopped", None)
    assert main(["resume", "short", "--rounds", "0"]) == 2
    assert "--rounds" in capsys.readouterr().err


def test_an_interrupt_says_how_to_go_on(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 130, and the command that resumes."""

    def interrupted(*_: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr("agent.loop.runner._drive", interrupted)
    assert main(["run", *TINY, "--out", "runs/cut"]) == 130
    assert "memtune resume cut" in capsys.readouterr().err
    assert main(["status"]) == 0
    assert "broken off" in capsys.readouterr().out


def test_an_unwritable_out_is_one_line(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--out that is a file, or below one, costs no call."""
    Path("file").write_text("", "utf-8")
    for out in ("file", "file/below"):
        assert main(["run", *TINY, "--out", out]) == 1
        err = capsys.readouterr().err
        assert "cannot be written" in err
        assert len(err.splitlines()) == 1
