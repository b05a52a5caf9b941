"""Hostile input at the command line: one line that says what, where and what to do."""

from __future__ import annotations

import errno
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agent.cli.main import main
from agent.loop.file_errors import file_errors
from traces.errors import RunDirectoryError, SettingsError

TINY = ["run", "--conversations", "3", "--limit-questions", "1", "--rounds", "1"]


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory of its own, with the user's state inside."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MEMTUNE__STATE_DIR", str(tmp_path / "state"))
    return tmp_path


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """Run the command; return its exit code and the one line that it must have said."""

    def run(*arguments: str) -> tuple[int, str]:
        capsys.readouterr()
        code = main(arguments)
        lines = capsys.readouterr().err.splitlines()
        ours = [line for line in lines if line.startswith("memtune: ")]
        assert len(ours) == 1, lines
        assert "unexpected" not in ours[0]
        return code, ours[0]

    return run


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that its budget stopped at once."""
    path = tmp_path_factory.mktemp("stopped") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MEMTUNE__STATE_DIR", str(path.parent / "state"))
        assert main([*TINY, "--max-calls", "1", "--out", str(path)]) == 101
    return path


@pytest.fixture
def copy(stopped: Path, place: Path) -> Path:
    """A copy of the stopped run, to be damaged."""
    return Path(shutil.copytree(stopped, place / "run"))


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--rules", "99"], "--rules 99"),
        (["--agent-model", "gpt-9"], "--agent-model gpt-9: unknown model"),
        (["--slots", ","], "names no slot"),
        (["--prompts", "nowhere"], "--prompts nowhere: is no directory"),
        (["--optimizer", "x"], "no optimizer 'x'"),
        (["--attribution", "x"], "unknown attribution method 'x'"),
    ],
)
def test_a_wrong_choice_is_named_and_fixes_no_run(
    said: Callable[..., tuple[int, str]], arguments: list[str], named: str
) -> None:
    """Exit code 2, the option named, and no run directory that holds the wrong choice."""
    code, line = said(*TINY, *arguments, "--out", "run")
    assert code == 2
    assert named in line
    assert not Path("run/config.json").exists()


def test_names_that_no_file_can_have_are_refused(said: Callable[..., tuple[int, str]]) -> None:
    """Too long, or not UTF-8: refused in a line, whatever the verb."""
    assert said(*TINY, "--out", "x\udcffy")[0] == 1
    assert said("status", "x\udcffy")[0] == 1
    code, line = said("resume", "x" * 5000)
    assert (code, len(line) < 400) == (1, True)


def test_an_unknown_key_of_the_settings_file_is_not_called_an_option(
    place: Path, said: Callable[..., tuple[int, str]]
) -> None:
    """The file is named, and the settings that there are."""
    (place / "memtune.toml").write_text("max_call = 3\n", "utf-8")
    code, line = said(*TINY)
    assert code == 2
    assert "memtune.toml: max_call: there is no such setting" in line
    assert "max_calls" in line
    assert "--max-call " not in line


def test_prompts_of_another_editor_or_the_wrong_file(
    place: Path, said: Callable[..., tuple[int, str]]
) -> None:
    """A byte order mark is no part of an instruction; a huge file is the wrong file."""
    from agent.loop.assemble import seed_prompts
    from agent.settings import load_settings

    prompts = place / "p"
    prompts.mkdir()
    (prompts / "extraction.md").write_text("\ufeffKeep {all} facts", "utf-8")
    found = seed_prompts(load_settings(prompts=prompts)).instructions["extraction"]
    assert found == "Keep {all} facts"
    (prompts / "extraction.md").write_text("Keep facts. " * 100_000, "utf-8")
    code, line = said(*TINY, "--prompts", "p")
    assert code == 2
    assert "extraction.md: has 1,199,999 characters" in line


def test_a_state_directory_that_cannot_be_used_is_refused_before_the_first_call(
    place: Path, monkeypatch: pytest.MonkeyPatch, said: Callable[..., tuple[int, str]]
) -> None:
    """Not at the end of the night, when the opening of the test split is to be counted."""
    (place / "file").touch()
    monkeypatch.setenv("MEMTUNE__STATE_DIR", str(place / "file"))
    code, line = said(*TINY, "--out", "run")
    assert code == 1
    assert "MEMTUNE__STATE_DIR" in line
    assert not Path("run").exists()


def _damage(statement: str) -> Callable[[Path], None]:
    def damage(run: Path) -> None:
        with sqlite3.connect(run / "memtune.db") as connection:
            connection.execute(statement)
        connection.close()

    return damage


@pytest.mark.parametrize(
    "damage",
    [
        lambda run: [path.unlink() for path in run.glob("memtune.db*")],
        lambda run: [path.write_bytes(b"") for path in run.glob("memtune.db*")],
        _damage("DROP TABLE rounds"),
        _damage("UPDATE run_state SET value = 'nope'"),
    ],
    ids=["missing", "empty", "table", "value"],
)
def test_a_damaged_database_is_named_and_nothing_is_paid_again(
    copy: Path, said: Callable[..., tuple[int, str]], damage: Callable[[Path], object]
) -> None:
    """Each verb says that the database is damaged; a resume does not begin anew."""
    damage(copy)
    for verb in ("status", "resume"):
        code, line = said(verb, str(copy))
        assert code == 1
        assert "memtune.db" in line
        assert "restore it" in line


@pytest.mark.parametrize("text", ["", "[]", '{"identity": {}, "settings": {}}', "[" * 50_000])
def test_a_damaged_configuration_says_what_to_do(
    copy: Path, said: Callable[..., tuple[int, str]], text: str
) -> None:
    """config.json is named, whatever is wrong with it."""
    (copy / "config.json").write_text(text, "utf-8")
    code, line = said("status", str(copy))
    assert code == 1
    assert "config.json" in line
    assert "restore it" in line


@pytest.mark.parametrize("text", ['{"status": "stopped"}', "[" * 50_000])
def test_a_damaged_summary_is_not_needed(copy: Path, text: str) -> None:
    """What it says is read from the database instead."""
    (copy / "summary.json").write_text(text, "utf-8")
    assert main(["status", str(copy)]) == 0
    assert main(["report", str(copy)]) == 0


def test_a_run_killed_while_it_opened_has_recorded_nothing(
    copy: Path, said: Callable[..., tuple[int, str]]
) -> None:
    """Before its prompts are stored a run is not damaged: it can be resumed."""
    _damage("DELETE FROM run_state")(copy)
    _damage("DELETE FROM prompt_sets")(copy)
    assert "has recorded nothing yet" in said("status", str(copy))[1]
    assert main(["resume", str(copy)]) == 101


def test_a_full_disk_names_the_run_and_other_errors_pass(tmp_path: Path) -> None:
    """A write without a file name is the disk's; a closed pipe is not the run's business."""
    with pytest.raises(RunDirectoryError, match="then resume the run"), file_errors(tmp_path):
        raise OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(RunDirectoryError, match=r"events\.jsonl"), file_errors(tmp_path):
        raise OSError(errno.EACCES, "Permission denied", str(tmp_path / "events.jsonl"))
    with pytest.raises(BrokenPipeError), file_errors(tmp_path):
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")


def test_a_misspelt_variable_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """MEMTUNE__MAXCALLS sets nothing; taken silently, a typing error would mean no limit."""
    from agent.settings import load_settings

    monkeypatch.setenv("MEMTUNE__MAXCALLS", "1")
    with pytest.raises(SettingsError, match=r"MEMTUNE__MAXCALLS.*max_calls"):
        load_settings()


def test_a_judge_that_refuses_stops_the_run_before_the_test_split(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A judge whose key is wrong is no bad sample: the run ends, nothing sealed is opened,
    and the same command goes on when the judge is mended."""
    from agent.loop.runner import run
    from agent.models.providers import SimulatedProvider
    from evals.splits import TestSeal
    from tests.loop_fixture import small
    from traces.errors import ProviderError

    real = SimulatedProvider.complete

    def refuse(
        self: SimulatedProvider, role: str, messages: Any, sample_index: int, schema: Any = None
    ) -> Any:
        if role == "judge":
            raise ProviderError("HTTP 401: wrong key")
        return real(self, role, messages, sample_index)

    settings = small(tmp_path, optimizer="noop")
    monkeypatch.setattr(SimulatedProvider, "complete", refuse)
    with pytest.raises(ProviderError, match="401"):
        run(settings)
    monkeypatch.setattr(SimulatedProvider, "complete", real)
    done = run(settings).done
    assert done["status"] == "done"
    assert done["test_openings"] == 1
    assert TestSeal(tmp_path / "state").openings("none") == 0
