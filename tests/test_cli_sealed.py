"""What a run says of its sealed test split where that gave no score, and of the prompts given."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agent.cli.main import main
from agent.loop.assemble import load_data, seed_prompts
from agent.loop.mending import SAME_COMMAND
from agent.settings import load_settings
from evals.splits import TestSeal, split
from optimizers.export import Bundle, write_bundle
from traces.domain import Dataset

pytestmark = pytest.mark.usefixtures("own_place")

SMALL = ["--conversations", "4", "--limit-questions", "6", "--rounds", "1", "--seed", "412",
         "--attribution", "provenance"]  # fmt: skip
MEMORY = """
class Memory:
    def __init__(self):
        self.kept = []

    def add(self, messages):
        self.kept += [m["text"] for m in messages]

    def search(self, question):
        if {said!r} in self.kept:
            raise KeyError("no such row")
        return self.kept[:3]
"""


def _said_only_in(conversation: str, dataset: Dataset) -> str:
    """Return a text that no other conversation has, of the first session."""
    other = {m.text for c in dataset.conversations if c.id != conversation
             for s in c.sessions for m in s.messages}  # fmt: skip
    (own,) = (c for c in dataset.conversations if c.id == conversation)
    return next(m.text for m in own.sessions[0].messages if m.text not in other)


def test_a_test_split_without_a_verdict_is_no_success(capsys: pytest.CaptureFixture[str]) -> None:
    """The run is broken off: it says that the split was opened, how much of it has a verdict, and
    how to go on; wherever it is told of."""
    dataset = load_data(load_settings(conversations=4, seed=412))
    (lost,) = split(dataset).test
    Path("lost_memory.py").write_text(MEMORY.format(said=_said_only_in(lost, dataset)))
    assert main(["run", *SMALL, "--backend", "lost_memory:Memory"]) == 1
    shown, told = capsys.readouterr()
    assert "0 of 6 questions of the sealed test split, which was opened, have a verdict" in told
    assert told.endswith(f"mend what broke, {SAME_COMMAND}\n")
    said = "opened, but 0 of 6 test questions have a verdict (see What broke): no final score"
    words = " ".join(shown.split())
    assert f"Score on the sealed test split {said}" in words
    assert f"{lost}: 6 of 6" in words
    assert "in test" not in words
    assert shown.split("Next\n")[1].split("\n")[0].strip() == f"mend what broke, {SAME_COMMAND}"
    (run,) = Path("runs").iterdir()
    report = (run / "report.md").read_text()
    assert "**broken off**" in report
    assert f"The sealed test split was {said}" in report
    assert f"To go on: mend what broke, {SAME_COMMAND}." in report
    assert "not opened" not in words + report
    assert TestSeal(Path("state")).openings(dataset.hash) == 1
    assert main(["status", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["status"] == "broken off"
    # The same again asks what has no verdict again; the split is opened for it no second time.
    assert main(["run", *SMALL, "--backend", "lost_memory:Memory"]) == 1
    assert TestSeal(Path("state")).openings(dataset.hash) == 1


def test_prompts_that_were_given_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    """By path and hash, on the screen and in the report; those that stay in force are these."""
    shipped = seed_prompts(load_settings())
    given = shipped.with_changes({"update": "Merge with care."})
    write_bundle(Bundle(given, (given.hash,), [], "d" * 32, "fact_store", True), Path("bundle"))
    command = ["run", *SMALL, "--optimizer", "noop"]
    assert main([*command, "--prompts", "bundle", "--out", "given"]) == 0
    shown = capsys.readouterr().out
    assert f"prompts given: bundle ({given.hash[:12]})" in shown
    assert "nothing was promoted: the given prompts stay in force" in shown
    report = Path("given/report.md").read_text()
    assert f"| prompts given | bundle ({given.hash[:12]}) |" in report
    assert "the final prompts are the given prompts" in report
    assert main([*command, "--out", "shipped"]) == 0
    shown = capsys.readouterr().out
    assert "nothing was promoted: the seed prompts stay in force" in shown
    assert "given" not in shown.replace(str(Path.cwd()), "")
