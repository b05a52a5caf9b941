"""`memtune backends check` in a process of its own: without a verdict nothing is sound."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from agent.backend_apart import _results
from agent.cli.main import main
from memory_backends.conformance import CHECKS
from tests.broken_backends import Sound
from traces.errors import SettingsError

ROOT = Path(__file__).parent.parent


class Exits(Sound):
    """Ends the process, and says that all is well."""

    def add(self, messages: list[dict[str, Any]]) -> None:
        os._exit(0)


class Noisy(Sound):
    """Prints, and starts a thread that never ends, which no process would survive."""

    started = False

    def __init__(self, path: str) -> None:
        super().__init__()
        if not Noisy.started:
            Noisy.started = True
            threading.Thread(target=time.sleep, args=(3600,)).start()

    def add(self, messages: list[dict[str, Any]]) -> None:
        print("added", len(messages))
        super().add(messages)


def test_a_backend_that_ends_the_process_is_not_sound(capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 1, although its own was 0; the check in which it ended has failed."""
    assert main(["backends", "check", f"{__name__}:Exits", "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    first, second, third, *_ = told["checks"]
    assert (told["ok"], first["status"], second["status"]) == (False, "passed", "failed")
    assert second["findings"][0]["problem"] == "ends_process"
    assert "exit code 0, without a verdict" in second["findings"][0]["what"]
    assert (third["status"], third["why"]) == ("not_run", "mend 'works' first")


def test_so_is_one_that_ends_it_when_it_is_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """And a folder of the user's that is called as one of memtune's packages hides nothing."""
    (tmp_path / "agent").mkdir()
    (tmp_path / "agent/__init__.py").write_text("raise RuntimeError('not the one')")
    (tmp_path / "gone.py").write_text("import os\nif __name__ == 'gone':\n    os._exit(0)\n")
    monkeypatch.chdir(tmp_path)
    assert main(["backends", "check", "gone.py"]) == 1
    assert "gone.py is not sound: ends_process (" in capsys.readouterr().out


def test_a_process_of_which_nothing_is_heard_hangs() -> None:
    """Such as one whose extension holds the interpreter: no deadline of a thread ends that."""
    child = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(60)"], stdout=subprocess.PIPE
    )
    try:
        first, *others = _results(child, 0.2)
    finally:
        child.kill()
        child.wait()
    assert [(f.problem, f.severity) for f in first.findings] == [("hangs", "error")]
    assert {r.status for r in others} == {"not_run"}
    assert len(others) == len(CHECKS) - 1


def test_what_a_backend_prints_and_leaves_running_is_not_in_the_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The verdict comes, and JSON is JSON; options are those of memtune.toml."""
    name = f"{__name__}:Noisy"
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(ROOT))
    assert main(["backends", "check", name]) == 2
    told = capsys.readouterr().err
    assert "needs the option 'path'" in told
    assert "--option path=VALUE" in told
    (tmp_path / "memtune.toml").write_text(f'backend = "{name}"\n[backend_config]\npath = "x"\n')
    assert main(["backends", "check", name, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["ok"]


def test_an_interruption_that_a_module_raises_is_no_interruption(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line that says where; and no name at all is answered with what to give."""
    (tmp_path / "kbd.py").write_text("raise KeyboardInterrupt\n")
    monkeypatch.chdir(tmp_path)
    assert main(["backends", "check", "kbd.py"]) == 2
    assert "kbd.py:1 in <module>" in capsys.readouterr().err
    assert main(["backends", "check", " "]) == 2
    assert "name a backend" in capsys.readouterr().err


def test_the_plugin_says_of_each_check_that_there_is_no_such_backend() -> None:
    """And names the backend as where they stand."""
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "agent.pytest_plugin",
         "--memtune-backend", "nowhere:At", "tests/clock.py", "-o", "addopts="],
        cwd=ROOT, env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert f"{len(CHECKS)} failed" in ended.stdout, ended.stdout + ended.stderr
    assert ended.stdout.count("module nowhere cannot be imported") >= len(CHECKS)
    assert "StopIteration" not in ended.stdout
    assert "memtune[nowhere:At] F" in ended.stdout


@pytest.mark.parametrize(("seconds", "named"), [(3600, True), (0.5, False)])
def test_the_command_ends_whatever_threads_are_left(seconds: float, named: bool) -> None:
    """With its own exit code; those that do not end by themselves are named in one line."""
    script = (
        "import sys, threading, time\n"
        "from agent.cli import leaving\n"
        "leaving._GRACE = 2.0\n"
        f"threading.Thread(target=time.sleep, args=({seconds},), name='watcher').start()\n"
        "leaving.leave_with(3)\n"
        "sys.exit(3)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False,
        timeout=60,
    )  # fmt: skip
    assert ended.returncode == 3
    line = "memtune: left running, for they do not end: watcher\n"
    assert ended.stderr == (line if named else "")


def test_a_caller_of_the_command_keeps_its_own_ending(capsys: pytest.CaptureFixture[str]) -> None:
    """Who calls it with arguments is not ended by it, and not with its exit code: the thread
    may be the caller's."""
    done = threading.Event()
    theirs = threading.Thread(target=done.wait)
    theirs.start()
    assert main(["backends", "check", " "]) == 2
    left = {thread.name for thread in threading.enumerate()}
    done.set()
    theirs.join()
    assert "memtune-leaving" not in left


def test_a_process_that_was_refused_raises_what_it_said() -> None:
    """The message crosses whole."""
    said = json.dumps({"refused": "there is none"})
    child = subprocess.Popen([sys.executable, "-c", f"print({said!r})"], stdout=subprocess.PIPE)
    with pytest.raises(SettingsError, match="there is none"):
        list(_results(child, 60.0))
    child.wait()
