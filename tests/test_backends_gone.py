"""A run whose memory backend is not there any more: what it recorded can still be read."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.cli.main import main

SOURCE = "from tests.broken_backends import Sound\n\n\nclass Mine(Sound):\n    pass\n"


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A run over a class of the user's, whose module is gone since."""
    folder = tmp_path_factory.mktemp("gone")
    (folder / "gone_memory.py").write_text(SOURCE)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.syspath_prepend(str(folder))
        patch.setenv("MEMTUNE__STATE_DIR", str(folder / "state"))
        given = ["--conversations", "3", "--rounds", "1", "--seed", "403", "--out", "run"]
        assert main(["run", "--backend", "gone_memory:Mine", "--attribution", "provenance",
                     *given]) == 0  # fmt: skip
        (folder / "gone_memory.py").unlink()
        shutil.rmtree(folder / "__pycache__", ignore_errors=True)
        sys.modules.pop("gone_memory")
        yield folder / "run"


def _renamed(run: Path, name: str, to: Path) -> Path:
    """Return a copy of a run over a backend of another name."""
    shutil.copytree(run, to)
    config = json.loads((to / "config.json").read_text("utf-8"))
    config["settings"]["backend"] = name
    (to / "config.json").write_text(json.dumps(config))
    return to


@pytest.mark.parametrize("name", ["gone_memory:Mine", "uninstalled-memory"])
def test_what_is_recorded_can_be_read_without_the_backend(
    recorded: Path, name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Status, wrong answers, one of them, report, comparison, graph, prompts and causes that are
    known; whether its module or its entry point is gone."""
    run = str(_renamed(recorded, name, tmp_path / "run"))
    assert main(["trace", run, "--json"]) == 0
    (failure, *_) = json.loads(capsys.readouterr().out)["failures"]
    question = f"{failure['conversation']}/{failure['question']}"
    for command in (
        ["status", run], ["trace", run], ["trace", run, question], ["report", run],
        ["compare", run, str(recorded)], ["graph", run], ["export", run],
        ["attribute", run, question, "--method", "provenance"],
    ):  # fmt: skip
        assert main(command) == 0, capsys.readouterr().err
    assert question.partition("/")[2] in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("gone_memory:Mine", "module gone_memory cannot be imported"),
        ("uninstalled-memory", "unknown memory backend 'uninstalled-memory'"),
    ],
)
def test_what_needs_the_backend_says_so_in_one_line(
    recorded: Path, name: str, why: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A replay runs the memory again. Exit code 2, and what can be done without it."""
    run = str(_renamed(recorded, name, tmp_path / "run"))
    assert main(["attribute", run, "--method", "replay"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    for part in ("with the run's memory backend, which is not there", why, "'memtune trace'"):
        assert part in line
