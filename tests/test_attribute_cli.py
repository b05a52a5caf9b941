"""`memtune attribute` on real runs of the simulated world: what it finds, keeps and refuses."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from agent.cli.causes import choose
from agent.cli.main import main
from agent.cli.recorded import RecordedRun
from agent.loop import runner
from agent.loop.directory import BACKEND_CHANGED, RunDirectory
from tests.loop_fixture import small
from traces.results import Attribution

TINY = {"conversations": 3, "limit_questions": 8, "rounds": 1, "seed": 407, "slip": 0.0}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run whose own attribution was by provenance."""
    place = tmp_path_factory.mktemp("finished")
    outcome = runner.run(small(place, **TINY, attribution="provenance", optimizer="noop"))
    assert outcome.exit_code == 0
    return place / "run"


@pytest.fixture
def run(finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the run, for one test alone."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("MEMTUNE__STATE_DIR", str(tmp_path / "state"))
    return Path(shutil.copytree(finished, tmp_path / "run"))


def failures(run: Path) -> list[str]:
    """Return the names of the wrong answers."""
    with RecordedRun(run) as recorded:
        return [one.name for one in choose(recorded, None, None, "replay").chosen]


def recorded_causes(run: Path, method: str = "replay") -> dict[str, Attribution]:
    """Return what the store holds of a method, by `conversation/question`."""
    with RecordedRun(run) as recorded:
        found = {}
        for pass_id, conversation, _ in recorded.store.passes():
            for question, one in recorded.attributions(pass_id, method).items():
                found[f"{conversation}/{question}"] = one
        return found


def calls_made(run: Path) -> int:
    with RecordedRun(run) as recorded:
        return sum(s.calls for s in recorded.spent.values())


def said(capsys: pytest.CaptureFixture[str]) -> str:
    """Return what was printed on stdout as one line, after seeing that it fits 80 columns."""
    out = capsys.readouterr().out
    for line in out.splitlines():
        assert len(line) <= 80 or line.startswith("  memtune "), line
    return " ".join(out.split())


# what it finds ------------------------------------------------------------------


def test_all_wrong_answers_are_attributed_and_counted(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every failure gets a cause by replay, most of them certified; the totals say so."""
    names = failures(run)
    assert main(["attribute", str(run)]) == 0
    text = said(capsys)
    found = recorded_causes(run)
    assert set(found) == set(names)
    certified = [one for one in found.values() if one.verdict == "certified"]
    assert len(certified) > len(found) / 2
    assert f"causes by replay; {len(names)} of 24 answers wrong" in text
    assert f" all {len(certified)} " in text
    assert "A failure" in text
    assert f"memtune trace {run}" in text


def test_the_same_command_again_makes_no_call_and_needs_no_lock(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is recorded is shown, also while another process holds the run."""
    assert main(["attribute", str(run)]) == 0
    first, made = said(capsys), calls_made(run)
    held = RunDirectory(run)
    try:
        assert main(["attribute", str(run)]) == 0
    finally:
        held.close()
    assert calls_made(run) == made
    assert said(capsys).split(" Made now ")[0] == first.split(" Made now ")[0]


def test_again_looks_anew_at_no_new_call(run: Path) -> None:
    """With --again the causes are found again; the ledger holds all the replies."""
    assert main(["attribute", str(run), "--json"]) == 0
    before, made = recorded_causes(run), calls_made(run)
    _write(run, "UPDATE attributions SET record = json_set(record, '$.reason', 'old')")
    assert main(["attribute", str(run), "--again", "--json"]) == 0
    assert recorded_causes(run) == before
    assert calls_made(run) == made


def test_one_question_shows_its_certificate(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What was repaired, before and after, what the answer became, control, cost."""
    assert main(["attribute", str(run), "--json"]) == 0
    capsys.readouterr()
    name = next(
        n for n, one in recorded_causes(run).items()
        if one.certificate and one.verdict == "certified" and one.certificate["kind"] == "replay"
    )  # fmt: skip
    assert main(["attribute", str(run), name.split("/")[1]]) == 0
    text = said(capsys)
    for part in ("certified", "proof with the", "repaired", "before", "after", "became", "(was: ",
                 "control not repaired, the same answer again", "placebo", "cost"):  # fmt: skip
        assert part in text, part
    assert main(["trace", str(run), name]) == 0
    traced = said(capsys)
    assert "repaired" in traced
    assert "journey" in traced


def test_one_question_alone_is_attributed_alone(run: Path) -> None:
    """Only the question that was asked for is looked at, by either of its names."""
    name = failures(run)[0]
    assert main(["attribute", str(run), name, "--json"]) == 0
    assert set(recorded_causes(run)) == {name}


def test_json_lines_end_with_the_done_event(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One line a failure, then the counts; repeated, every line is an old one."""
    assert main(["attribute", str(run), "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    names = failures(run)
    *each, done = lines
    assert {f"{x['conversation']}/{x['question']}" for x in each} == set(names)
    assert {x["event"] for x in each} == {"attribution"}
    assert all(x["new"] for x in each)
    assert done["event"] == "done"
    assert (done["failures"], done["attributed"], done["made"]) == (len(names),) * 3
    assert sum(done["by_verdict"].values()) == len(names)
    assert done["calls"]["made"] > 0
    assert done["simulated"] is True
    assert main(["attribute", str(run), "--json"]) == 0
    *each, done = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert not any(x["new"] for x in each)
    assert (done["made"], done["calls"]["made"]) == (0, 0)


@pytest.mark.parametrize("method", ["provenance", "last_operation", "random"])
def test_another_method_is_recorded_beside(
    run: Path, method: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its causes are kept under its name; `trace --method` shows them."""
    assert main(["attribute", str(run), "--method", method, "--json"]) == 0
    assert {one.method for one in recorded_causes(run, method).values()} == {method}
    assert recorded_causes(run, "replay") == {}
    capsys.readouterr()
    assert main(["trace", str(run), "--method", method, "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)["failures"]
    assert {one["method"] for one in listed} == {method}


def test_the_run_itself_is_not_changed(run: Path) -> None:
    """Status, settings, summary and the rounds' records are what they were."""
    kept = {name: (run / name).read_text() for name in ("config.json", "summary.json")}
    with RecordedRun(run) as recorded:
        before = (recorded.status, recorded.store.rounds("attribute"), recorded.final.hash)
    assert main(["attribute", str(run), "--max-calls", "9999", "--json"]) == 0
    with RecordedRun(run) as recorded:
        after = (recorded.status, recorded.store.rounds("attribute"), recorded.final.hash)
    assert after == before
    assert {name: (run / name).read_text() for name in kept} == kept
    again = small(run.parent, **TINY, attribution="provenance", optimizer="noop")
    assert runner.run(again).done == json.loads(kept["summary.json"])


def test_the_report_says_what_was_asked_after_the_run(run: Path) -> None:
    """Calls beyond those of the run are told apart, and certified causes are its examples."""
    assert main(["attribute", str(run), "--json"]) == 0
    assert main(["report", str(run)]) == 0
    text = (run / "report.md").read_text("utf-8")
    assert "were made after the run (memtune attribute)" in text
    assert "| certified |" in text


def test_trace_without_a_question_lists_the_wrong_answers(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A line each, by split: id, verdict, cause, first words; the run's own causes at first,
    what replay found as soon as it has. The example is called what the list calls it."""
    names = failures(run)
    assert main(["trace", str(run)]) == 0
    text = said(capsys)
    assert f"{len(names)} of 24 answers wrong" in text
    for name in names:
        assert name.split("/")[1] in text
    first = text.split(" asked ")[1].split()[0]
    assert text.split(" Next ")[1].endswith(f" {first}")
    assert "suspected" in text
    assert "certified" not in text
    assert main(["attribute", str(run), "--json"]) == 0
    capsys.readouterr()
    assert main(["trace", str(run)]) == 0
    assert "certified" in said(capsys)
    assert main(["trace", str(run), "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [f"{one['conversation']}/{one['question']}" for one in listed["failures"]] == names
    found = recorded_causes(run)
    with RecordedRun(run) as recorded:
        splits = recorded.lock_file()["splits"]
    for split, ids in splits.items():
        of = [one for one in listed["failures"] if one["split"] == split]
        assert {one["conversation"] for one in of} <= set(ids)
        title = {"train": "Training"}.get(split, split.capitalize())
        assert (f" {title}: {len(of)} of " in text) == bool(of)
    for one in listed["failures"]:
        cause = found[f"{one['conversation']}/{one['question']}"]
        assert (one["verdict"], one["error_type"]) == (cause.verdict, cause.error_type)
        assert one["text"]


def test_trace_lists_failures_whose_cause_was_not_looked_for(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of a method that is not recorded nothing is shown; the list says how to look."""
    assert main(["trace", str(run), "--method", "replay"]) == 0
    text = said(capsys)
    assert "not looked for" in text
    assert f"memtune attribute {run}" in text
    name = failures(run)[0]
    assert main(["trace", str(run), name, "--method", "replay"]) == 0
    assert "cause not looked for with these prompts" in said(capsys)
    assert "replay" in refused(["trace", str(run), "--method", "magic"], capsys)


def test_what_is_found_does_not_hang_on_how_many_are_looked_at_at_a_time(
    run: Path, tmp_path: Path
) -> None:
    """Four threads or one, in any order: the same causes, proofs and costs."""
    other = Path(shutil.copytree(run, tmp_path / "other"))
    assert main(["attribute", str(run), "--concurrency", "1", "--json"]) == 0
    assert main(["attribute", str(other), "--concurrency", "4", "--json"]) == 0
    assert recorded_causes(other) == recorded_causes(run)


# limits -------------------------------------------------------------------------


def test_a_limit_stops_it_and_the_same_command_goes_on(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 101; what was found is kept, no call is made twice, and in the end the causes
    are those of one that was never stopped. The limit counts from the command's own start."""
    whole = Path(shutil.copytree(run, tmp_path / "whole"))
    assert main(["attribute", str(whole), "--concurrency", "1", "--json"]) == 0
    before = calls_made(run)
    codes = []
    for _ in range(100):
        codes.append(main(["attribute", str(run), "--concurrency", "1", "--max-calls", "8"]))
        if codes[-1] == 0:
            break
    assert set(codes[:-1]) == {101}
    assert codes[-1] == 0
    assert calls_made(run) == calls_made(whole)
    assert calls_made(run) - before > 8
    assert recorded_causes(run) == recorded_causes(whole)
    told = capsys.readouterr()
    assert "the budget of 8 calls is used up; with a higher limit" in told.err
    assert "not looked at yet" in told.out


def test_a_killed_one_goes_on_where_it_ended(run: Path, tmp_path: Path) -> None:
    """After kill -9 the same command finds the rest: the causes are those of one that was never
    killed, and at most the call that was in flight is made again."""
    whole = Path(shutil.copytree(run, tmp_path / "whole"))
    assert main(["attribute", str(whole), "--concurrency", "1", "--json"]) == 0
    command = ["attribute", str(run), "--concurrency", "1", "--json"]
    with subprocess.Popen(
        [sys.executable, "-m", "agent", *command], stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)},
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["new"] is True
        process.kill()
    before = len(recorded_causes(run))
    assert 0 < before < len(recorded_causes(whole))
    assert main(command) == 0
    assert recorded_causes(run) == recorded_causes(whole)
    assert 0 <= calls_made(run) - calls_made(whole) <= 1


def test_a_stopped_run_is_attributed_and_can_be_resumed(tmp_path: Path) -> None:
    """What was evaluated before the stop has causes; the run then goes on to its end."""
    settings = small(tmp_path, **TINY, attribution="provenance", max_calls=150)
    assert runner.run(settings).exit_code == 101
    run = tmp_path / "run"
    assert main(["attribute", str(run), "--json"]) == 0
    assert recorded_causes(run)
    more = settings.model_copy(update={"max_calls": None})
    assert runner.run(more, resume=True).done["status"] == "done"


def test_an_interrupt_keeps_what_was_found(
    run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 130, a line that says how to go on, and the causes found so far."""
    from agent.cli.attribute_screen import Shown

    shown = Shown.__call__

    def interrupted(self: Any, one: Any, found: Any, opened: Any) -> None:
        shown(self, one, found, opened)
        if self._causes.made == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(Shown, "__call__", interrupted)
    assert main(["attribute", str(run), "--concurrency", "1"]) == 130
    assert "what was found is kept; the same command goes on" in capsys.readouterr().err
    assert len(recorded_causes(run)) == 2


# what it refuses ----------------------------------------------------------------


def refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """Run a command that has to fail with one line; return it."""
    assert main(arguments) in (1, 2)
    told = capsys.readouterr()
    (line,) = told.err.strip().splitlines()
    assert line.startswith("memtune: ")
    assert "Traceback" not in line
    return line


def test_a_run_that_is_under_way_is_left_alone(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The line says who holds it and how to go on."""
    held = RunDirectory(run)
    try:
        line = refused(["attribute", str(run), "--json"], capsys)
    finally:
        held.close()
    assert "another process is at work in this run" in line
    assert "memtune stop" in line


def test_a_right_answer_has_nothing_to_attribute(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is said in a line; no model is asked."""
    with RecordedRun(run) as recorded:
        asked = choose(recorded, None, None, "replay").asked
    right = next(one for one in asked if one.answer.correct)
    made = calls_made(run)
    assert main(["attribute", str(run), right.name]) == 0
    assert f"{right.name} was answered rightly" in capsys.readouterr().out
    assert calls_made(run) == made


def test_an_unknown_question_names_the_closest(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A typing error is answered with ids that exist."""
    name = failures(run)[0].split("/")[1]
    line = refused(["attribute", str(run), name.replace("-q", "-k")], capsys)
    assert name in line.split("closest:")[1]


def test_what_does_not_exist_is_named(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A run, a method, prompts: one line each, with what there is."""
    assert "no such run" in refused(["attribute", "nowhere"], capsys)
    assert "replay" in refused(["attribute", str(run), "--method", "magic"], capsys)
    assert "no prompt set" in refused(["attribute", str(run), "--prompts", "ffff"], capsys)


def test_a_run_without_failures_says_so(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is wrong, nothing is asked."""
    _write(run, "UPDATE answers SET record = json_set(record, '$.correct', json('true'))")
    assert main(["attribute", str(run)]) == 0
    assert "none of 24 answers was judged wrong" in said(capsys)
    assert main(["trace", str(run)]) == 0
    assert "none of 24 answers was judged wrong" in said(capsys)


def test_an_episode_that_left_the_store_is_one_line(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Asked for alone it is refused; among others it is told, and the others are attributed."""
    name = failures(run)[0]
    gone = name.split("/")[0]
    _write(
        run,
        "DELETE FROM operations WHERE pass IN (SELECT id FROM passes WHERE conversation = ?)",
        gone,
    )
    line = refused(["attribute", str(run), name], capsys)
    assert gone in line
    assert "not in the store" in line
    assert "not in the store" in refused(["trace", str(run), name], capsys)
    assert main(["attribute", str(run)]) == 0
    assert f"{gone}: its operations are not in the store" in said(capsys)
    left = recorded_causes(run)
    assert left
    assert not [other for other in left if other.startswith(f"{gone}/")]
    _write(run, "DELETE FROM operations")
    assert "not in the store" in refused(["attribute", str(run), "--again"], capsys)


def test_a_lost_value_is_one_line(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A value that operations refer to and the store does not hold: which file, which value."""
    _write(run, "DELETE FROM value_texts WHERE kind = 'entry'")
    line = refused(["attribute", str(run), "--json"], capsys)
    assert "memtune.db: value" in line


def test_other_data_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that has changed since the run: its name, and what to do."""
    data = tmp_path / "chats.jsonl"
    rows = [
        {"id": f"c{n}", "sessions": [{"date": "2024-05-01", "messages": [
            {"id": "m1", "speaker": "Ada", "text": f"I live in town {n}."}]}],
         "questions": [{"question": "Where does Ada live?", "answer": f"house {n}"}]}
        for n in range(3)
    ]  # fmt: skip
    data.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    runner.run(small(tmp_path, data=data, optimizer="noop", attribution="provenance"))
    rows[0]["id"] = "renamed"
    data.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    line = refused(["attribute", str(tmp_path / "run")], capsys)
    assert f"{data}: has changed since" in line


def test_another_memory_than_the_recorded_one_is_refused(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where the backend is not the one that was recorded, a replay would prove nothing."""
    _configure(run, lambda config: config["identity"].update(backend_fingerprint="another"))
    line = refused(["attribute", str(run)], capsys)
    assert BACKEND_CHANGED in line
    assert "the version of a package" in line
    assert "use the memtune" in line
    assert recorded_causes(run) == {}


def test_a_model_without_a_key_is_refused(
    run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before anything is asked: which variable is missing."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.chdir(run.parent)
    _configure(run, lambda config: config["settings"].update(model="openai/gpt-4o-mini"))
    assert "OPENAI_API_KEY" in refused(["attribute", str(run)], capsys)


def test_a_wrong_limit_is_refused(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As for a run: the option, what is wrong with it, and what was given."""
    assert "deadline" in refused(["attribute", str(run), "--deadline", "soon"], capsys)
    assert "--max-calls" in refused(["attribute", str(run), "--max-calls", "0"], capsys)


# helpers ------------------------------------------------------------------------


def _write(run: Path, statement: str, *values: str) -> None:
    with sqlite3.connect(run / "memtune.db") as connection:
        connection.execute(statement, values)
    connection.close()


def _configure(run: Path, change: Any) -> None:
    config = json.loads((run / "config.json").read_text())
    change(config)
    (run / "config.json").write_text(json.dumps(config))


@pytest.fixture(autouse=True)
def _no_toml(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No memtune.toml of the developer's own."""
    monkeypatch.chdir(tmp_path)
