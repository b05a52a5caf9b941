"""Backends of one's own from end to end: installed, checked, run, attributed, in the report."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from agent.cli.main import main
from agent.starter.backend_package import write_backend
from traces.database import Database

RUN = ["--conversations", "5", "--rounds", "1"]


def test_what_cannot_be_seen_or_replaced_is_never_certified(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over a memory that only adds and searches, losses abstain as `not_intervenable`, and what
    is certified is a search or an answer."""
    monkeypatch.setenv("MEMTUNE__STATE_DIR", str(tmp_path / "state"))
    out = tmp_path / "run"
    name = "tests.broken_backends:Opaque"
    assert main(["run", "--backend", name, *RUN, "--seed", "401", "--out", str(out)]) == 0
    database = Database(out / "memtune.db")
    records = [json.loads(row[0]) for row in database.rows("SELECT record FROM attributions")]
    database.close()
    abstained = [r["reason"] for r in records if r["verdict"] == "abstained"]
    assert any(reason.startswith("not_intervenable: what 'add' stored") for reason in abstained)
    assert not any("internal_error" in reason for reason in abstained)
    certified = {r["error_type"] for r in records if r["verdict"] == "certified"}
    assert "RetrievalError" in certified
    assert certified <= {"RetrievalError", "ResponseError", "JudgeError", "AnnotationError"}
    assert not [r for r in records if "add" in r["names"]]


def test_a_package_that_is_installed_is_found_checked_run_and_reported(tmp_path: Path) -> None:
    """By its entry point alone: its folder is not on the path."""
    package = write_backend("own-notes", tmp_path / "elsewhere")
    site = tmp_path / "site"
    _install(package.directory, site)
    listed = json.loads(_memtune(tmp_path, site, "backends", "list", "--json"))
    (row,) = [row for row in listed if row["name"] == "own-notes"]
    assert row == {
        "name": "own-notes", "source": "own-notes 0.1.0", "level": "coarse", "slots": [],
        "entries": True, "snapshots": True, "closes": False, "problem": "",
    }  # fmt: skip
    checked = json.loads(_memtune(tmp_path, site, "backends", "check", "own-notes", "--json"))
    assert checked["ok"]
    done = _memtune(tmp_path, site, "run", "--backend", "own-notes", *RUN, "--seed", "402",
                    "--attribution", "provenance", "--json").splitlines()[-1]  # fmt: skip
    out = tmp_path / json.loads(done)["out"]
    assert out.name.startswith("synthetic-own-notes-")
    report: dict[str, Any] = json.loads((out / "report.json").read_text())
    assert report["identity"]["backend"] == "own-notes"
    assert report["scores"]["final"]["test"]["n"] == 36
    assert "own-notes" in (out / "report.md").read_text()


def _memtune(here: Path, site: Path, *arguments: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(site),
                   "MEMTUNE__STATE_DIR": str(here / "state")}  # fmt: skip
    script = "import sys; from agent.cli.main import main; sys.exit(main())"
    ended = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        cwd=here, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def _install(package: Path, site: Path) -> None:
    """Install with pip or uv, without a network; skip where neither can."""
    tries = [[sys.executable, "-m", "pip", "install", "--quiet", "--no-index",
              "--no-build-isolation"]]  # fmt: skip
    uv = shutil.which("uv")
    if uv is not None:
        tries.append([uv, "pip", "install", "--quiet", "--offline"])
    said = ""
    for command in tries:
        ended = subprocess.run(
            [*command, "--no-deps", "--target", str(site), str(package)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if ended.returncode == 0:
            return
        said = ended.stderr.strip().splitlines()[-1] if ended.stderr.strip() else ""
    pytest.skip(f"no installer with its build backend at hand offline: {said}")
