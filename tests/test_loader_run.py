"""The loop on a file of the user's own, without evidence and with gold answers missing."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

from agent.cli.ending import print_ending
from agent.cli.recorded import RecordedRun
from agent.cli.report import build, write_report
from agent.loop import runner
from agent.loop.assemble import load_data
from tests.loop_fixture import small
from tests.planted_defects import conversation


def write(path: Path) -> Path:
    lines = []
    for number in range(1, 6):
        raw = conversation(number)
        for question in raw["questions"]:
            question.pop("evidence")
        raw["questions"] += [
            {"id": "q3", "question": "What is Ada's surname?", "unanswerable": True},
            {"id": "q4", "question": "What will Ada do next?", "answer": None},
            {"id": "q5", "question": "Who had a locker?", "answer": "Ada", "asked_after": "s1",
             "asked_on": "2024-05-03"},
        ]  # fmt: skip
        lines.append(json.dumps(raw))
    path.write_text("\n".join(lines), "utf-8")
    return path


def test_a_file_without_evidence_ends_with_a_report(tmp_path: Path) -> None:
    """Failures are attributed by searching; the run ends, and says what it left out."""
    path = write(tmp_path / "own.jsonl")
    settings = small(tmp_path, data=path)
    dataset = load_data(settings)
    assert [len(c.questions) for c in dataset.conversations] == [4] * 5
    assert dataset.problems == ("5 questions have no gold answer and cannot be judged: not asked",)
    outcome = runner.run(settings)
    assert outcome.exit_code == 0
    assert outcome.done["status"] == "done"
    with RecordedRun(tmp_path / "run") as recorded:
        built = build(recorded)
        written = write_report(tmp_path / "run", built)
        print_ending(recorded, built, written)
    lock = json.loads((tmp_path / "run" / "dataset.lock.json").read_text("utf-8"))
    assert lock["name"] == "jsonl"
    assert lock["problems"] == list(dataset.problems)
    assert "no claim beyond these conversations" in written.read_text("utf-8")
    # A question that has a date is asked on it, the others on that of the session before.
    with closing(sqlite3.connect(tmp_path / "run" / "memtune.db")) as database:
        rows = database.execute("SELECT json FROM value_texts WHERE kind = 'question'").fetchall()
    dates = {(v["id"], v["date"]) for v in (json.loads(row[0]) for row in rows)}
    assert {id for id, _ in dates} == {"q1", "q2", "q3", "q5"}
    assert {date for id, date in dates if id == "q5"} == {"2024-05-03T00:00:00"}
    assert {date for id, date in dates if id == "q1"} == {"2024-06-01T00:00:00"}
