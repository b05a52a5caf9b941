"""`memtune backends new NAME --fine`: its steps are traced, and its prompts are tuned."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from agent.backend_check import check_backend
from agent.cli.main import main
from agent.starter.backend_package import write_backend
from traces.database import Database

SPEC = "fine_notes:FineNotes"


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write the package and make it importable."""
    monkeypatch.delitem(sys.modules, "fine_notes", raising=False)
    folder = write_backend("fine-notes", tmp_path / "fine-notes", fine=True).directory
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setenv("MEMTUNE__STATE_DIR", str(tmp_path / "state"))
    return folder


def test_it_is_small_and_sound(package: Path) -> None:
    """At most a hundred lines; the suite finds no error."""
    lines = (package / "fine_notes" / "__init__.py").read_text().splitlines()
    assert len([line for line in lines if line.strip()]) <= 100
    assert max(map(len, lines)) <= 100
    found = list(check_backend(SPEC, seconds=60.0, processes=False))
    assert [str(f) for r in found for f in r.findings if f.severity == "error"] == []


def test_a_run_attributes_its_operations_and_tunes_its_prompts(
    package: Path, tmp_path: Path
) -> None:
    """Failures are traced to its steps by name, and the loop tries edits of its own prompts."""
    out = tmp_path / "run"
    assert main(["run", "--backend", SPEC, "--conversations", "3", "--rounds", "1", "--seed", "410",
                 "--out", str(out)]) == 0  # fmt: skip
    report = json.loads((out / "report.json").read_text())
    assert report["identity"]["slots"] == ["extraction", "retrieval"]
    database = Database(out / "memtune.db")
    names = {name for row in database.rows("SELECT record FROM attributions")
             for name in json.loads(row[0])["names"]}  # fmt: skip
    recorded = {row[0] for row in database.rows("SELECT DISTINCT name FROM operations")}
    (optimized,) = (json.loads(row[0]) for row in database.rows(
        "SELECT record FROM rounds WHERE stage = 'optimize'"))  # fmt: skip
    database.close()
    assert {"extract", "store", "search"} < recorded
    assert "extract" in names
    tried = {edit["slot"] for edit in (*optimized["edits"], *optimized["memory"]["rejected"])}
    assert tried
    assert tried <= {"extraction", "retrieval"}
