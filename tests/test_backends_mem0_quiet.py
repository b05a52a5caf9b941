"""mem0 writes nothing and reaches nobody: seen from outside, in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
# Runs a whole pass under an audit hook; prints what was opened for writing, made, or called.
WATCHED = """
import json, os, sys
WRITES = os.O_WRONLY | os.O_RDWR
seen = {"network": [], "written": []}
def hook(event, args):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto"):
        seen["network"].append([event, repr(args)])
    elif event == "open" and isinstance(args[0], (str, bytes)) and args[2] & WRITES:
        seen["written"].append(os.fsdecode(args[0]))
    elif event in ("os.mkdir", "os.rename"):
        seen["written"].append(os.fsdecode(args[0]))
sys.addaudithook(hook)
import dspy
from dspy.adapters.json_adapter import JSONAdapter
from tests.test_backends_mem0 import Extracting, TALK, passed, session
from tests.backend_fixture import ask
seen["written"].clear(), seen["network"].clear()
with dspy.context(adapter=JSONAdapter(use_native_function_calling=False)):
    one = Extracting(action="delete", target=1)
    for config in ({}, {"update": True}):
        backend, ctx = passed(one, session(*TALK), session(*TALK, id="s2"), config=config)
        ask(backend, ctx, "What happened yesterday, on 2024-05-01?")
assert "mem0" in sys.modules
if sys.argv[1:]:
    import socket
    socket.socket().connect_ex(("127.0.0.1", 9))
    open(os.path.expanduser("~/planted"), "w").close()
print(json.dumps(seen))
"""


def _watched(home: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("MEM0", "XDG"))}
    return subprocess.run(
        [sys.executable, "-B", "-c", WATCHED, *arguments],
        env={**kept, "HOME": str(home), "PYTHONPATH": str(ROOT), "TMPDIR": str(home / "tmp"),
             **environment},
        cwd=home, check=False, capture_output=True, text=True,
    )  # fmt: skip


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A fresh home and working directory, with the temporary one inside it."""
    (tmp_path / "tmp").mkdir()
    return tmp_path


def test_a_pass_writes_nothing_and_opens_no_connection(home: Path) -> None:
    """Home, working and temporary directory are empty afterwards; no socket was connected and
    no name looked up; what was written meanwhile lay in a directory that is gone."""
    done = _watched(home)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout.splitlines()[-1])
    assert seen["network"] == []
    assert [path for path in seen["written"] if not path.startswith(str(home / "tmp"))] == []
    assert [p for p in home.rglob("*") if p != home / "tmp"] == []


def test_the_watch_sees_a_connection_and_a_file(home: Path) -> None:
    """The same, with one of each planted."""
    seen = json.loads(_watched(home, "plant").stdout.splitlines()[-1])
    assert [event for event, _ in seen["network"]] == ["socket.connect"]
    assert str(home / "planted") in seen["written"]


def test_mem0_imported_with_telemetry_before_is_refused(home: Path) -> None:
    """What is on cannot be turned off any more: one line says what to do."""
    script = (
        "import mem0; from memory_backends.mem0.package import imported\n"
        "from traces.errors import SettingsError\n"
        "try: imported()\nexcept SettingsError as error: print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], check=False, capture_output=True, text=True, cwd=home,
        env={**os.environ, "HOME": str(home), "PYTHONPATH": str(ROOT), "MEM0_TELEMETRY": "True",
             "MEM0_DIR": str(home / "mem0"), "POSTHOG_DISABLED": "1"},
    )  # fmt: skip
    assert "MEM0_TELEMETRY=False" in done.stdout


def test_the_environment_is_left_as_it_was() -> None:
    """The switches hold while mem0 is imported, not for what the process starts later."""
    from memory_backends.mem0.package import imported

    before = dict(os.environ)
    imported()
    assert dict(os.environ) == before
