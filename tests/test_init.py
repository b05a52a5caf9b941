"""`memtune init`: settings that load as the defaults, a place for keys, example data."""

from __future__ import annotations

import os
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from agent.cli.main import main
from agent.settings import Settings, load_settings
from agent.starter.files import settings_text, template, write_starter
from agent.starter.keys import key_variables
from traces.errors import SettingsError

LINE = re.compile(r"^# (\w+) = .*$", re.MULTILINE)
NAMES = list(Settings.model_fields)


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A directory of its own, and none of this machine's settings."""
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith("MEMTUNE__"):
            monkeypatch.delenv(name)


def blocks() -> dict[str, str]:
    """Return the template's explanations by setting."""
    found: dict[str, str] = {}
    for block in template().split("\n\n"):
        named = LINE.findall(block)
        if named:
            (name,) = named
            found[name] = " ".join(line.removeprefix("# ") for line in block.splitlines()[:-1])
    return found


# memtune.toml ----------------------------------------------------------------------


def test_what_is_written_loads_as_the_defaults(tmp_path: Path) -> None:
    """Nothing is set that need not be."""
    defaults = load_settings()
    assert main(["init"]) == 0
    assert (tmp_path / "memtune.toml").exists()
    assert load_settings() == defaults


def test_every_setting_is_explained_once() -> None:
    """In one place, with an explanation that says its default."""
    assert sorted(LINE.findall(template())) == sorted(NAMES)
    for name, explained in blocks().items():
        assert "Default: " in explained, name
        assert re.match(r"[A-Z].{15,}", explained), name


@pytest.mark.parametrize("name", NAMES)
def test_the_stated_default_is_the_settings_default(name: str) -> None:
    """Where it is a plain value; what is derived is described in words."""
    default = Settings.model_fields[name].default
    if isinstance(default, str | int | float):
        assert f"Default: {default}." in blocks()[name]


@pytest.mark.parametrize("name", NAMES)
def test_each_example_is_valid_and_no_default(name: str, tmp_path: Path) -> None:
    """A line without its '# ' sets that setting, and that alone."""
    before = load_settings()
    line = next(m.group(0) for m in LINE.finditer(template()) if m.group(1) == name)
    (tmp_path / "memtune.toml").write_text(line.removeprefix("# ") + "\n")
    after = load_settings()
    changed = [field for field in NAMES if getattr(before, field) != getattr(after, field)]
    assert changed == [name]


def test_all_examples_can_stand_together(tmp_path: Path) -> None:
    """No two of them contradict each other in form."""
    (tmp_path / "memtune.toml").write_text(LINE.sub(lambda m: m.group(0)[2:], template()))
    assert load_settings().rounds == 3


def test_the_file_fits_80_columns() -> None:
    """It is read in terminals."""
    assert max(map(len, template().splitlines())) <= 80


@settings(max_examples=60, deadline=None)
@example(value='C:\\new "data"\n\x7f\x00.jsonl')
@given(value=st.text(st.characters(codec="utf-8"), max_size=30))
def test_any_chosen_value_is_written_as_toml_that_reads_back(value: str) -> None:
    """Quotes, backslashes and control characters; nothing else is set."""
    assert tomllib.loads(settings_text({"model": value})) == {"model": value}


# the verb --------------------------------------------------------------------------


def test_the_chosen_parts_are_set_and_nothing_else(tmp_path: Path) -> None:
    """Data are named from within the directory, a key's variable without a value."""
    (tmp_path / "chats.jsonl").write_text("{}\n")
    arguments = ["--data", "chats.jsonl", "--model", "openai/gpt-4o-mini", "--backend", "rag"]
    assert main(["init", "bot", *arguments]) == 0
    found = tomllib.loads((tmp_path / "bot" / "memtune.toml").read_text("utf-8"))
    assert found == {
        "data": str(tmp_path / "chats.jsonl"),
        "model": "openai/gpt-4o-mini",
        "backend": "rag",
    }
    keys = (tmp_path / "bot" / ".env.example").read_text("utf-8")
    assert "\nOPENAI_API_KEY=\n" in keys
    assert sorted(p.name for p in (tmp_path / "bot").iterdir()) == [".env.example", "memtune.toml"]
    (tmp_path / "bot" / "own.jsonl").write_text("{}\n")
    written = write_starter(tmp_path / "bot", data=tmp_path / "bot" / "own.jsonl", force=True)
    assert written.data == "own.jsonl"


def test_no_value_of_the_environment_is_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A key that is set is named all the same, and stays set."""
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-secret-0123456789")
    assert main(["init", "--model", "anthropic/claude-sonnet-4-5"]) == 0
    assert os.environ["ANTHROPIC_API_KEY"] == "sk-ant-secret-0123456789"
    assert "\nANTHROPIC_API_KEY=\n" in (tmp_path / ".env.example").read_text("utf-8")
    assert not [p for p in tmp_path.iterdir() if b"secret" in p.read_bytes()]


def test_keys_are_those_of_the_models_provider() -> None:
    """Several where a provider wants several; none for what needs none."""
    assert key_variables("azure/gpt-4o") == (
        "AZURE_API_BASE",
        "AZURE_API_VERSION",
        "AZURE_API_KEY",
    )
    assert key_variables("sim/rules-1") == key_variables("my_models:chat") == ()


def test_a_file_that_stands_there_is_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line, nothing written; --force overwrites."""
    (tmp_path / ".env.example").write_text("mine")
    assert main(["init"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "there already: .env.example;" in line
    assert "--force" in line
    assert [p.name for p in tmp_path.iterdir()] == [".env.example"]
    assert (tmp_path / ".env.example").read_text() == "mine"
    assert main(["init", "--force"]) == 0
    assert (tmp_path / "memtune.toml").exists()
    assert main(["init"]) == 2


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--data", "nowhere.jsonl"], "nowhere.jsonl: there is no such file"),
        (["--backend", "nope"], "unknown memory backend 'nope'"),
        (["--model", "nope"], "--model nope: unknown model"),
        (["file/below"], "file/below: cannot be written"),
    ],
)
def test_wrong_use_is_one_line_and_writes_nothing(
    arguments: list[str], told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2."""
    (tmp_path / "file").write_text("")
    assert main(["init", *arguments]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert told in line
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_the_next_steps_are_commands_to_copy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In the order in which they are wanted; the example's file is given to each."""
    assert main(["init", "my bot", "--model", "openai/gpt-4o-mini"]) == 0
    shown = [line.strip() for line in capsys.readouterr().out.split("Next")[1].splitlines()]
    assert [line for line in shown if line] == [
        "cd 'my bot'",
        "cp .env.example .env    # then fill in the key",
        "memtune validate --data example.jsonl",
        "memtune doctor --data example.jsonl",
        "memtune estimate --data example.jsonl",
        "memtune run --data example.jsonl",
    ]


def test_the_example_is_a_data_set_that_can_be_run(tmp_path: Path) -> None:
    """`memtune validate` has nothing against it."""
    from agent.loop.assemble import load_data, require_conversations
    from evals.splits import split

    assert main(["init"]) == 0
    dataset = load_data(load_settings(data=tmp_path / "example.jsonl"))
    require_conversations(dataset)
    assert split(dataset).test
    assert main(["validate", "--data", "example.jsonl"]) == 0


# git -------------------------------------------------------------------------------


def git(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run git, which knows nothing of this machine's configuration."""
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    return subprocess.run(
        ["git", *arguments], cwd=directory, capture_output=True, text=True, env=environment
    )


@pytest.mark.parametrize(
    ("before", "added"),
    [
        (None, [".env", "runs/"]),
        ("*.pyc", [".env", "runs/"]),
        ("/runs\n", [".env"]),
        ("**/.env\nruns/*\n", []),
    ],
)
def test_a_repository_leaves_out_keys_and_runs(
    before: str | None, added: list[str], tmp_path: Path
) -> None:
    """What is missing is added at the end of .gitignore, and git agrees."""
    git(tmp_path, "init", "-q")
    ignore = tmp_path / ".gitignore"
    if before is not None:
        ignore.write_text(before)
    assert main(["init"]) == 0
    lines = ignore.read_text().splitlines()
    assert lines == [*(before or "").splitlines(), *added]
    (tmp_path / "runs").mkdir()
    for name in (".env", "runs/x"):
        assert git(tmp_path, "check-ignore", "-q", name).returncode == 0, name
    assert git(tmp_path, "check-ignore", "-q", ".env.example").returncode == 1


def test_a_directory_below_uses_what_the_repository_leaves_out(tmp_path: Path) -> None:
    """No second .gitignore; an anchored pattern of the root does not count there."""
    git(tmp_path, "init", "-q")
    (tmp_path / ".gitignore").write_text(".env\nruns/\n")
    assert main(["init", "below"]) == 0
    assert not (tmp_path / "below" / ".gitignore").exists()
    (tmp_path / ".gitignore").write_text(".env\n/runs/\n")
    assert main(["init", "other"]) == 0
    assert (tmp_path / "other" / ".gitignore").read_text() == "runs/\n"


def test_outside_a_repository_no_gitignore_is_written(tmp_path: Path) -> None:
    """There is nothing to ignore for."""
    assert main(["init"]) == 0
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        ".env.example",
        "example.jsonl",
        "memtune.toml",
    ]


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(backend=st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=12))
def test_an_unknown_backend_is_refused_whatever_it_is_called(backend: str, tmp_path: Path) -> None:
    """Unless it is one of the known or a module:attribute."""
    from memory_backends.registry import backend_names
    from traces.plugins import is_plugin

    if backend in backend_names() or is_plugin(backend):
        return
    with pytest.raises(SettingsError):
        write_starter(tmp_path / "x", backend=backend)
    assert not (tmp_path / "x").exists()


def test_settings_that_are_added_later_must_be_explained() -> None:
    """The check bites: a template without one line fails it."""
    lacking: Any = LINE.sub("", template(), count=1)
    assert sorted(LINE.findall(lacking)) != sorted(NAMES)
