"""Broken backends in a run: none stops or falsifies it, and the report says which broke."""

from __future__ import annotations

import json
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from agent.attended import Attended, Hanging
from agent.cli.main import main
from agent.models.budget import Budget, Limits
from agent.models.gateway import Gateway
from tests.broken_backends import Sound
from tests.loop_fixture import opened, small
from traces.database import Database
from traces.domain import Conversation
from traces.errors import DeadlineExceeded
from traces.ledger import Ledger

ME = __name__
SEED = 401
# Texts that the backends below cannot bear.
_BAD: set[str] = set()


class RaisesInOne(Sound):
    """Cannot take in one conversation."""

    def add(self, messages: list[dict[str, Any]]) -> None:
        if messages[0]["text"] in _BAD:
            raise ConnectionError("the store has gone")
        super().add(messages)


class ExitsInOne(Sound):
    """Would end the process."""

    def add(self, messages: list[dict[str, Any]]) -> None:
        if messages[0]["text"] in _BAD:
            raise SystemExit(3)
        super().add(messages)


class HangsInOne(Sound):
    """Never comes back from one question."""

    def search(self, question: str) -> list[dict[str, Any]]:
        while question in _BAD:
            time.sleep(0.02)
        return super().search(question)


class GarbageInOne(Sound):
    """Finds numbers for one question."""

    def search(self, question: str) -> Any:
        return [7] if question in _BAD else super().search(question)


@pytest.fixture
def split(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, tuple[Conversation, ...]]:
    """The conversations of the runs below, by split; their own state directory."""
    monkeypatch.setenv("MEMTUNE__STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("MEMTUNE__BACKEND_TIMEOUT", "1")
    _BAD.clear()
    with ExitStack() as stack:
        services = opened(small(tmp_path, seed=SEED, backend="rag", out=tmp_path / "look"), stack)
        return {name: services.conversations(name) for name in ("train", "selection", "test")}


def finished(out: Path, name: str) -> tuple[int, dict[str, Any], str]:
    """Run the command over a small synthetic world; return exit code and both reports."""
    code = main(
        ["run", "--backend", name, "--conversations", "5", "--rounds", "1", "--seed", str(SEED),
         "--attribution", "provenance", "--out", str(out)]
    )  # fmt: skip
    report: dict[str, Any] = json.loads((out / "report.json").read_text())
    return code, report, (out / "report.md").read_text()


@pytest.mark.parametrize(
    ("name", "missing", "told"),
    [
        ("RaisesInOne", 18, "raised ConnectionError: the store has gone"),
        ("ExitsInOne", 18, "raised SystemExit: 3"),
        ("HangsInOne", 18, "the backend hangs"),
        ("GarbageInOne", 1, "search returned, at place 0, int 7"),
    ],
)
def test_what_breaks_is_named_and_the_rest_counts(
    name: str, missing: int, told: str, tmp_path: Path,
    split: dict[str, tuple[Conversation, ...]], capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """The run ends well; report and screen name conversation, number of questions and error,
    and no score counts what has no verdict."""
    bad = split["test"][0]
    _BAD.update({bad.sessions[0].messages[0].text, bad.questions[0].text})
    code, report, markdown = finished(tmp_path / "run", f"{ME}:{name}")
    assert code == 0
    broken = report["broken"]
    mine = [one for one in broken if one["conversation"] == bad.id]
    assert [(one["missing"], one["questions"]) for one in mine] == [(missing, 18)]
    assert told in mine[0]["error"]
    assert "test_backends_broken_runs.py" in mine[0]["error"] or name == "GarbageInOne"
    counted = report["scores"]["final"]["test"]["n"]
    assert counted == 36 - sum(o["missing"] for o in broken if o["conversation"] in
                               {c.id for c in split["test"]})  # fmt: skip
    assert "## What broke" in markdown
    assert "What broke" in capsys.readouterr().out


def test_a_run_in_which_training_breaks_says_so_and_leaves_a_report(
    tmp_path: Path, split: dict[str, tuple[Conversation, ...]],
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """Exit code 1 and one line; the sealed test split stays closed."""
    _BAD.update(c.sessions[0].messages[0].text for c in split["train"])
    code, report, _ = finished(tmp_path / "run", f"{ME}:RaisesInOne")
    assert code == 1
    assert [one["conversation"] for one in report["broken"]] == [c.id for c in split["train"]]
    assert report["test_openings"] == 0
    told = capsys.readouterr().err.splitlines()[-1]
    assert "no training question has a verdict" in told
    assert "ConnectionError" in told


def test_a_leak_between_conversations_never_becomes_a_score(
    tmp_path: Path, split: dict[str, tuple[Conversation, ...]]
) -> None:
    """From the second conversation on every episode is refused by its name."""
    code, report, _ = finished(tmp_path / "run", "tests.broken_backends:Leaks")
    assert code == 1
    assert {"not_isolated"} == {one["error"].partition(":")[0] for one in report["broken"]}
    assert report["scores"]["final"] is None or not report["scores"]["final"].get("test")


def test_mutated_inputs_falsify_nothing(
    tmp_path: Path, split: dict[str, tuple[Conversation, ...]]
) -> None:
    """What `add` does to its messages changes neither the record nor the next pass."""
    code, report, _ = finished(tmp_path / "run", "tests.broken_backends:Mutates")
    assert code == 0
    assert not report["broken"]
    database = Database(tmp_path / "run" / "memtune.db")
    texts = {json.loads(row[0])["text"] for row in database.rows(
        "SELECT json FROM value_texts WHERE kind = 'message'")}  # fmt: skip
    database.close()
    said = {m.text for cs in split.values() for c in cs for s in c.sessions for m in s.messages}
    assert texts
    assert texts <= said


# attending ------------------------------------------------------------------------------


def attended(seconds: float) -> Attended:
    """Return what attends, over a gateway that nothing asks."""
    return Attended(gateway().bind, seconds)


def gateway() -> Gateway:
    """Return a way to no model."""
    return Gateway({}, Ledger(Database(":memory:")), Budget(Limits()))


def test_who_works_slowly_but_shows_life_is_not_given_up() -> None:
    """Operations that end are life, however long the whole takes."""
    ended: list[int] = []

    def work() -> str:
        for number in range(8):
            time.sleep(0.1)
            ended.append(number)
        return "done"

    assert attended(0.4).wait(work, "c1", lambda: len(ended), None) == "done"


def test_who_is_silent_is_given_up_and_gets_no_model_any_more() -> None:
    """The error says for how long and where it stands; calls that come later are refused."""
    one = attended(0.3)
    with pytest.raises(
        Hanging, match=r"c1: the backend hangs.*test_backends_broken_runs.*in <lambda>"
    ):
        one.wait(lambda: time.sleep(5), "c1", lambda: 0, None)
    with pytest.raises(DeadlineExceeded, match="given up"):
        one.watched(gateway()).complete("agent", [("user", "x")], 0)


def test_each_keeps_order_and_raises_the_first_error() -> None:
    """Work in several threads comes back in the order asked for."""
    one = attended(5.0)
    assert one.each(lambda n: n * n, list(range(20)), 4) == [n * n for n in range(20)]
    with pytest.raises(ZeroDivisionError):
        one.each(lambda n: 1 // n, [1, 0, 2], 2)
