"""The command line's frame: help, errors in one line, exit codes; no loop is run here."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer

from agent.cli import crash, options
from agent.cli.main import app, main
from agent.settings import Settings
from traces.errors import DataError, SettingsError

HEAVY = ("dspy", "langgraph", "openai", "litellm", "chromadb", "mem0", "scipy", "nltk", "numpy",
         "pydantic_settings")  # fmt: skip
VERBS = ("run", "resume", "status", "stop", "trace", "report", "export")


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def one_line(captured: Any) -> str:
    """Return the only line on stderr, without the program's name."""
    lines = captured.err.splitlines()
    assert len(lines) == 1, captured.err
    assert lines[0].startswith("memtune: ")
    return str(lines[0].removeprefix("memtune: "))


def test_help_imports_nothing_heavy() -> None:
    """Help is quick because frameworks are imported inside commands only."""
    code = (
        "import sys\nfrom agent.cli.main import main\n"
        "assert main(['--help']) == 0 and main(['run', '--help']) == 0\n"
        f"print('HEAVY', [m for m in {HEAVY!r} if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "HEAVY []" in found.stdout


@pytest.mark.parametrize("verb", VERBS)
def test_the_help_of_every_verb_has_an_example(
    verb: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each verb explains itself and shows a command to copy."""
    assert main([verb, "--help"]) == 0
    shown = capsys.readouterr().out
    assert "Example" in shown
    assert f"memtune {verb}" in shown.split("Example")[1]


def test_the_version_is_the_installed_one(capsys: pytest.CaptureFixture[str]) -> None:
    """--version needs no verb."""
    assert main(["--version"]) == 0
    assert re.fullmatch(r"memtune \d+\.\d+\.\d+\n", capsys.readouterr().out)


def test_without_a_verb_the_help_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing but the help, and the exit code of wrong use."""
    assert main([]) == 2
    captured = capsys.readouterr()
    assert "memtune run" in captured.out + captured.err
    assert "memtune: " not in captured.err


def test_the_defaults_in_the_help_are_the_settings_defaults() -> None:
    """A flag's stated default is what load_settings uses; every flag is a setting."""
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    flags = {p.name: p for p in commands["run"].params if p.name not in ("json", "verbose", "help")}
    assert set(flags) <= set(Settings.model_fields)
    for name, flag in flags.items():
        field = Settings.model_fields[name]
        default = field.default
        assert flag.default is None, name
        if default is not None and field.default_factory is None:
            assert flag.show_default == str(default), name


def test_resume_takes_limits_only() -> None:
    """What fixes a run cannot be given when it is resumed."""
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    limits = {
        p.name
        for p in commands["run"].params
        if getattr(p, "rich_help_panel", "") == options.LIMITS
    }
    taken = {p.name for p in commands["resume"].params} - {"run", "json", "verbose", "help"}
    assert taken == limits


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nope"], "nope"),
        (["run", "--nope"], "--nope"),
        (["run", "--rounds", "many"], "--rounds"),
        (["trace"], "RUN"),
        (["run", "--rounds", "0"], "--rounds"),
        (["run", "--deadline", "soon"], "90s"),
        (["run", "--model", "gpt-0", "--conversations", "3"], "gpt-0"),
        (["run", "--gate-mode", "hope"], "population"),
    ],
)
def test_wrong_use_exits_with_2_and_one_line(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The line names what is wrong."""
    assert main(arguments) == 2
    assert said in one_line(capsys.readouterr())


@pytest.mark.parametrize("verb", ["resume", "status", "stop", "report", "export"])
def test_a_run_that_is_not_there_is_one_line(
    verb: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Unknown names, and directories that hold no run, exit with 1."""
    (tmp_path / "empty").mkdir()
    for name in ("nope", "empty"):
        assert main([verb, name]) == 1
        assert f"{name}: no such run" in one_line(capsys.readouterr())


def test_a_damaged_config_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Not JSON, not an object, and settings of wrong types all exit with 1."""
    run = tmp_path / "runs" / "night"
    run.mkdir(parents=True)
    damaged = ("{", "[]", '{"identity": 1, "settings": {}}', '{"identity": {}, "settings": []}',
               '{"identity": {}, "settings": {"rounds": "many"}}')  # fmt: skip
    for text in damaged:
        (run / "config.json").write_text(text, "utf-8")
        assert main(["resume", "night"]) == 1
        assert "config.json" in one_line(capsys.readouterr())


def test_a_database_that_is_none_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every verb that reads says which file; the table of runs goes on without it."""
    run = tmp_path / "runs" / "night"
    run.mkdir(parents=True)
    config = '{"identity": {"seed_prompts": "a"}, "settings": {"rounds": 5}}'
    (run / "config.json").write_text(config, "utf-8")
    (run / "memtune.db").write_bytes(b"no database" * 500)
    for arguments in (["status", "night"], ["trace", "night", "q"], ["report", "night"],
                      ["export", "night"]):  # fmt: skip
        assert main(arguments) == 1
        assert "memtune.db: cannot be read" in one_line(capsys.readouterr())
    assert main(["status"]) == 0
    assert "unreadable" in capsys.readouterr().out


def test_a_run_that_recorded_nothing_is_no_damage(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A run that was killed before its first record is shown, and can be resumed."""
    run = tmp_path / "runs" / "night"
    run.mkdir(parents=True)
    (run / "config.json").write_text('{"identity": {}, "settings": {}}', "utf-8")
    assert main(["status"]) == 0
    assert "broken off" in capsys.readouterr().out
    assert main(["status", "night"]) == 1
    assert "memtune resume" in one_line(capsys.readouterr())


def _fail_with(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    def load_settings(**_: Any) -> Settings:
        raise error

    monkeypatch.setattr("agent.settings.load_settings", load_settings)


@pytest.mark.parametrize(
    ("error", "code"),
    [(DataError("d.json: is empty"), 1), (SettingsError("--x: no"), 2), (KeyboardInterrupt(), 130)],
)
def test_errors_have_their_exit_codes(
    error: BaseException,
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """memtune's own errors are their message; an interrupt is 130."""
    _fail_with(error, monkeypatch)
    assert main(["run"]) == code
    assert one_line(capsys.readouterr()) == (str(error) or "interrupted")


def test_an_unexpected_error_is_one_line_and_a_traceback_in_a_file(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Type and message are shown; the traceback is kept where the line says."""
    _fail_with(ZeroDivisionError("of two\nlines"), monkeypatch)
    assert main(["run"]) == 1
    line = one_line(capsys.readouterr())
    assert "ZeroDivisionError: of two lines" in line
    found = re.search(r"traceback in (\S+)\)", line)
    assert found is not None
    path = Path(found[1])
    assert "load_settings" in path.read_text("utf-8")
    path.unlink()


def test_the_traceback_lies_in_the_run_directory_where_there_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever finds a broken run finds the reason beside it."""

    def load_settings(**_: Any) -> Settings:
        crash.run_directory.set(tmp_path)
        raise ZeroDivisionError("inside")

    monkeypatch.setattr("agent.settings.load_settings", load_settings)
    assert main(["run"]) == 1
    assert str(tmp_path / "traceback.txt") in one_line(capsys.readouterr())
    assert "inside" in (tmp_path / "traceback.txt").read_text("utf-8")


def test_foreign_variables_in_dotenv_do_no_harm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """.env holds other programs' variables too; memtune's own are read, flags win."""
    from agent.settings import load_settings

    (tmp_path / ".env").write_text("SOME_KEY=x\nMEMTUNE__SEED=7\n", "utf-8")
    assert load_settings().seed == 7
    assert load_settings(seed=2).seed == 2
    monkeypatch.setenv("MEMTUNE__SEED", "3")
    assert load_settings().seed == 3
