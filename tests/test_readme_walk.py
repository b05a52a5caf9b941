"""The README's section on own conversations and own models, walked from an empty folder."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.cli.main import main

README = (Path(__file__).parents[1] / "README.md").read_text("utf-8")


@pytest.fixture
def port() -> Iterator[int]:
    """The simulated model's server, started as the README says, on a free port."""
    process = subprocess.Popen(
        [sys.executable, "-m", "evals.simulation.server", "--seed", "5", "--slip", "0.02"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    yield json.loads(process.stdout.readline())["port"]
    process.stdin.close()
    process.wait(timeout=10)
    process.stdout.close()


def settings_in_the_readme(port: int) -> str:
    """The memtune.toml that the README shows for the loopback server."""
    blocks = [part.split("```")[0] for part in README.split("```toml\n")[1:]]
    (block,) = [text for text in blocks if "sim/rules-1:judge" in text]
    return block.replace(":8181/", f":{port}/")


def test_from_an_empty_folder_to_an_agent_with_exported_prompts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], port: int
) -> None:
    """init, validate, doctor, estimate, run, compare, judge-check, graph, export, chat, flag: each
    ends well, what the simulated model made says so, and a second run pays for nothing."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MEMTUNE__STATE_DIR", str(tmp_path / "state"))

    def memtune(*arguments: str) -> str:
        capsys.readouterr()
        code = main(arguments)
        shown = capsys.readouterr()
        assert code == 0, (arguments, shown.err, shown.out)
        return shown.out

    memtune("init")
    assert {"memtune.toml", ".env.example", "example.jsonl"} <= {p.name for p in tmp_path.iterdir()}
    (tmp_path / "memtune.toml").write_text(settings_in_the_readme(port), "utf-8")
    assert "no problems" in memtune("validate", "example.jsonl")
    examined = memtune("doctor")
    assert not [line for line in examined.splitlines() if line.startswith("problem")]
    assert examined.count("answered in") == 3
    assert "whole run" in memtune("estimate")
    assert "SIMULATED" in memtune("run", "--rounds", "1", "--ledger", "calls.db", "--out", "a")
    memtune("run", "--rounds", "1", "--ledger", "calls.db", "--out", "b", "--scorer", "judge")
    assert json.loads(Path("b/summary.json").read_text("utf-8"))["calls"]["made"] == 0
    assert "McNemar" in memtune("compare", "a", "b")
    memtune("judge-check", "a", "--sample", "3", "--out", "labels.jsonl")
    question = json.loads(Path("labels.jsonl").read_text("utf-8").splitlines()[0])["id"]
    assert question.split("/")[-1] in memtune("trace", "a", question)
    memtune("graph", "a", question, "--format", "prov", "--out", "answer.json")
    assert json.loads(Path("answer.json").read_text("utf-8"))["prefix"]
    assert "SIMULATED" in memtune("export", "a", "--out", "bundle")
    memtune("run", "--prompts", "bundle", "--rounds", "1", "--ledger", "calls.db", "--out", "c")
    said = "My sister lives in Lisbon.\nWhere does my sister live?\n/why\n"
    monkeypatch.setattr("sys.stdin", io.StringIO(said))
    heard = memtune("chat", "--user", "ana", "--prompts", "bundle")
    assert "Lisbon" in heard
    assert "made from" in heard
    memtune("flag", "--user", "ana", "--correction", "it is Porto")
    (flagged,) = map(json.loads, Path("flagged.jsonl").read_text("utf-8").splitlines())
    assert flagged["questions"][0]["answer"] == "Porto"
