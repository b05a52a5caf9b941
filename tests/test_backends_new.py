"""`memtune backends new`: a package with a memory backend of one's own, that works."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from agent.cli.main import main
from tests.check_fixture import environment

# No name of a package, one of ours, or one that something else has already.
REFUSED = [
    "2fast", "a b", "rag", "json", "traces", "x-", "class", "memory_backends", "memtune", "numpy",
    "conftest", "src",
]  # fmt: skip


@pytest.mark.parametrize("name", [*REFUSED, "a" * 300])
def test_new_refuses_names_that_cannot_be_used(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line, and nothing is written."""
    monkeypatch.chdir(tmp_path)
    assert main(["backends", "new", "--", name]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_new_writes_a_package_whose_own_tests_pass(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its class has some twenty lines; a second time the folder is not overwritten."""
    monkeypatch.chdir(tmp_path)
    assert main(["backends", "new", "own-notes"]) == 0
    assert main(["backends", "new", "own-notes"]) == 2
    assert "is there already" in capsys.readouterr().err
    source = (tmp_path / "own-notes/own_notes/__init__.py").read_text().splitlines()
    code = [line for line in source if line.strip() and not line.strip().startswith(("#", '"""'))]
    assert len(code) <= 20
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "agent.pytest_plugin",
         "--rootdir", "."],
        cwd=tmp_path / "own-notes", env=environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "2 passed" in ended.stdout
