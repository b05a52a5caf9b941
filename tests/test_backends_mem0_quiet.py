"""mem0 writes nothing and reaches nobody: seen from outside, in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
# Imports mem0 and runs whole passes under an audit hook; prints, when everything else of the
# process has ended, what was opened for writing, made or moved, who was called, which threads
# were left, and what spaCy was asked for. With `plant` it does what the watch has to see.
WATCHED = """
import atexit, json, os, sys, tempfile, threading, time
tempfile.gettempdir()  # writes a file of its own to try the directory
WRITES = os.O_WRONLY | os.O_RDWR
seen = {"importing": [], "passing": [], "network": [], "threads": [], "spacy": []}
written = seen["importing"]
def hook(event, args):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto"):
        seen["network"].append([event, repr(args)])
    elif event == "open" and isinstance(args[0], (str, bytes)) and args[2] & WRITES:
        written.append(os.fsdecode(args[0]))
    elif event in ("os.mkdir", "os.rename"):
        written.extend(os.fsdecode(name) for name in args[:2] if isinstance(name, (str, bytes)))
def report():
    time.sleep(0.3)  # for what still acts in the background
    mine = threading.current_thread()
    seen["threads"] = [t.name for t in threading.enumerate() if t is not mine]
    seen["spacy"] = sys.modules["spacy"].asked if "spacy" in sys.modules else []
    print(json.dumps(seen))
# Registered first, it is called last: after threads have been waited for, and after what others
# do at exit.
atexit.register(report)
import dspy
from dspy.adapters.json_adapter import JSONAdapter
from tests.backend_fixture import ask, session
from tests.mem0_fixture import TALK, Extracting, passed
from memory_backends.mem0 import package
assert "mem0" not in sys.modules
sys.addaudithook(hook)
package.imported()
written = seen["passing"]
def passes():
    one = Extracting(action="delete", target=1)
    for config in ({}, {"update": True}):
        backend, ctx = passed(one, session(*TALK), session(*TALK, id="s2"), config=config)
        ask(backend, ctx, "What happened yesterday, on 2024-05-01?")
def planted():
    from mem0.utils import spacy_models
    def unquiet(mem0):
        spacy_models._load_failed_full = spacy_models._load_failed_lemma = False
        return mem0
    package._quiet = unquiet
    def write(name):
        open(os.path.join(os.environ["HOME"], name), "w").close()
    def late():
        import socket
        time.sleep(0.1)
        socket.socket().connect_ex(("127.0.0.1", 9))
        write("by-thread")
    write("tmp/temporary")
    threading.Thread(target=late, daemon=True).start()
    threading.Thread(target=time.sleep, args=[60], daemon=True, name="stays").start()
    atexit.register(write, "at-exit")
if "plant" in sys.argv:
    planted()
with dspy.context(adapter=JSONAdapter(use_native_function_calling=False)):
    passes()
"""
# Installed as far as mem0 can see, without its model, which mem0 would then download.
SPACY = """
from types import SimpleNamespace
asked = []
def load(name, **_):
    asked.append("load")
    raise OSError(name)
util = SimpleNamespace(is_package=lambda name: asked.append("is_package") or False)
"""
DOWNLOAD = """
from spacy import asked
def download(name):
    asked.append("download")
"""


@dataclass(frozen=True)
class Watched:
    """A process's home, with its working and temporary directory in it, and what was seen."""

    home: Path
    seen: dict[str, Any]


def _watched(directory: Path, *plants: str) -> Watched:
    """Return what was seen of a process in a home of its own, in which there is a spaCy."""
    home, packages = directory / "home", directory / "packages"
    (home / "tmp").mkdir(parents=True)
    (packages / "spacy" / "cli").mkdir(parents=True)
    (packages / "spacy" / "__init__.py").write_text(SPACY)
    (packages / "spacy" / "cli" / "__init__.py").write_text(DOWNLOAD)
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("MEM0", "XDG"))}
    done = subprocess.run(
        [sys.executable, "-B", "-c", WATCHED, *plants],
        env={**kept, "HOME": str(home), "TMPDIR": str(home / "tmp"),
             "PYTHONPATH": os.pathsep.join([str(packages), str(ROOT)])},
        cwd=home, check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return Watched(home, json.loads(done.stdout.splitlines()[-1]))


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Watched:
    """A process of passes alone."""
    return _watched(tmp_path_factory.mktemp("quiet"))


def test_a_pass_writes_nothing_and_reaches_nobody(watched: Watched) -> None:
    """To the end of the process: no socket is connected and no name looked up, no thread is
    left, and adding, changing, deleting and searching write nothing anywhere. Importing mem0
    writes into one temporary directory, which is gone afterwards like all else."""
    home, seen = watched.home, watched.seen
    assert (seen["network"], seen["threads"], seen["passing"]) == ([], [], [])
    (_aside,) = {Path(path).relative_to(home / "tmp").parts[0] for path in seen["importing"]}
    assert [path for path in home.rglob("*") if path != home / "tmp"] == []


def test_a_spacy_that_is_installed_is_not_asked(watched: Watched) -> None:
    """Neither for its model, which it would download, nor for whether it is there: what mem0
    finds does not hang on what else is installed."""
    assert watched.seen["spacy"] == []


def test_the_watch_sees_what_is_planted(tmp_path: Path) -> None:
    """A temporary file, a connection and a file by a thread that acts later, a file at the end
    of the process, a thread that goes on, and a spaCy that mem0 is not kept from."""
    planted = _watched(tmp_path, "plant")
    home, seen = planted.home, planted.seen
    assert [event for event, _ in seen["network"]] == ["socket.connect"]
    names = ("tmp/temporary", "by-thread", "at-exit")
    assert sorted(seen["passing"]) == sorted(str(home / name) for name in names)
    assert seen["threads"] == ["stays"]
    assert set(seen["spacy"]) == {"is_package", "download", "load"}


def test_mem0_imported_with_telemetry_before_is_refused(tmp_path: Path) -> None:
    """What is on cannot be turned off any more: one line says what to do."""
    script = (
        "import mem0; from memory_backends.mem0.package import imported\n"
        "from traces.errors import SettingsError\n"
        "try: imported()\nexcept SettingsError as error: print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], check=False, capture_output=True, text=True, cwd=tmp_path,
        env={**os.environ, "HOME": str(tmp_path), "PYTHONPATH": str(ROOT), "MEM0_TELEMETRY": "True",
             "MEM0_DIR": str(tmp_path / "mem0"), "POSTHOG_DISABLED": "1"},
    )  # fmt: skip
    assert "MEM0_TELEMETRY=False" in done.stdout


def test_the_environment_is_left_as_it_was() -> None:
    """The switches hold while mem0 is imported, not for what the process starts later."""
    from memory_backends.mem0.package import imported

    before = dict(os.environ)
    imported()
    assert dict(os.environ) == before
