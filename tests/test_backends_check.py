"""`memtune backends`: what there is, a new one, and backends named for what is wrong with them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from agent.cli.main import main
from memory_backends.conformance import CHECKS
from memory_backends.rag import Rag
from tests import broken_backends
from tests.check_fixture import ROOT, environment, errors, problems, results
from traces.domain import Question, Session
from traces.operation import BoundOperation, OperationContext
from traces.schema import MemoryEntry, Outputs, change, message_variable

SPEC = "tests.broken_backends:"


@pytest.fixture(autouse=True)
def _nothing_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    """What other tests of this process left in the list that leaking classes share is not there."""
    monkeypatch.setattr(broken_backends, "_EVERYTHING", [])


class AppliesItsOwn(Rag):
    """Applies what it computed, whatever `perform` returned."""

    def ingest(self, session: Session, ctx: OperationContext) -> None:
        for message in session.messages:
            computed: list[MemoryEntry] = []

            def call(op: BoundOperation, computed: list[MemoryEntry] = computed) -> Outputs:
                computed.append(MemoryEntry(op.new_id(), message.text, sources=(message.id,)))  # noqa: B023
                self._state.put(computed[0], computed[0].text)
                entries = [computed[0].as_variable()]
                return {"changes": [change("add", None)], "entries": entries}

            ctx.perform(
                "update", name="keep", identity=[message.id],
                inputs={"message": [message_variable(message, session.date)]}, call=call,
            )  # fmt: skip


class Swallows(Rag):
    """Goes on whatever happens."""

    def retrieve(
        self, question: Question, asked_on: datetime, ctx: OperationContext
    ) -> Sequence[MemoryEntry]:
        try:
            return super().retrieve(question, asked_on, ctx)
        except Exception:
            return ()

    def ingest(self, session: Session, ctx: OperationContext) -> None:
        try:
            super().ingest(session, ctx)
        except Exception:
            return


class ChangesVariables(Rag):
    """Changes the value of a variable that it made."""

    def ingest(self, session: Session, ctx: OperationContext) -> None:
        super().ingest(session, ctx)
        for message in session.messages:
            object.__setattr__(message, "text", message.text + "!")


class SharedTwin(Rag):
    """All instances hold one state."""

    _one = Rag()._state

    def __init__(self, config: Any = None, embedder: Any = None) -> None:
        super().__init__(config, embedder)
        self._state = SharedTwin._one


class Writes(Rag):
    """Leaves a file behind."""

    def ingest(self, session: Session, ctx: OperationContext) -> None:
        super().ingest(session, ctx)
        Path("left_behind.txt").write_text("x")


@pytest.mark.parametrize(
    ("name", "check", "problem", "told"),
    [
        ("Raises", "works", "raises", "KeyError: 'the index has no such row'"),
        ("Hangs", "works", "hangs", "did not return within"),
        ("Garbage", "works", "garbage", "search returned, at place 0, int 1"),
        ("Mutates", "inputs", "mutates_inputs", "add changes what it is given"),
        ("Leaks", "works", "leaks", "a new memory holds something already"),
        ("LeaksUnseen", "isolation", "leaks", "a new memory holds something already"),
        ("Random", "isolation", "not_deterministic", "the same question to the same memory"),
    ],
)
def test_a_broken_backend_is_named_for_what_it_is(
    name: str, check: str, problem: str, told: str
) -> None:
    """One error each, of the right name, with where it is and how to mend it."""
    found = results(SPEC + name, seconds=1.0 if name == "Hangs" else 30.0)
    ((where, finding),) = errors(found)
    assert (where, finding.problem) == (check, problem)
    assert told in finding.what
    assert finding.mend
    if name in ("Raises", "Hangs"):
        assert "broken_backends.py" in finding.where
    later = [r.status for r in found[[r.check for r in found].index(check) + 1 :]]
    assert ("not_run" in later) == (check != "inputs")


@pytest.mark.parametrize("name", ["Sound", "Editable", "Opaque"])
def test_a_sound_one_has_no_error(name: str) -> None:
    """At most remarks, which say what cannot be seen or proved and what to offer."""
    found = results(SPEC + name)
    assert problems(found) == []
    remarks = {f.problem for r in found for f in r.findings}
    assert remarks == {
        "Sound": {"no_snapshots", "not_intervenable", "one_by_one"},
        "Editable": set(),
        "Opaque": {"not_seen", "no_snapshots", "one_by_one"},
    }[name]  # fmt: skip


def test_a_backend_that_reads_the_wall_clock_is_not_the_same_on_another_day() -> None:
    """Two processes of different days; the finding names the operation and the cause."""
    found = results(SPEC + "WallClock", processes=True)
    ((check, finding),) = errors(found)
    assert (check, finding.problem) == ("determinism", "not_deterministic")
    assert "an output holds the wall clock's date" in finding.what
    assert finding.where.startswith("operation 'add' in lisbon-s1")
    assert "op.now" in finding.mend


@pytest.mark.parametrize(
    ("name", "check", "problem"),
    [
        ("AppliesItsOwn", "reuse", "reuse"),
        ("Swallows", "deadlines", "swallows_errors"),
        ("ChangesVariables", "inputs", "mutates_inputs"),
        ("SharedTwin", "isolation", "leaks"),
        ("Writes", "cleanup", "leaves_behind"),
    ],
)
def test_what_a_finely_traced_backend_does_wrong_is_named(
    name: str, check: str, problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The contract of `perform`, errors that must pass, inputs, isolation and cleanup."""
    monkeypatch.chdir(tmp_path)
    assert (check, problem) in problems(results(f"{__name__}:{name}"))


def test_our_own_baseline_is_sound() -> None:
    """`long_context` passes every check, those in other processes included."""
    found = results("long_context", processes=True)
    assert [(r.check, r.status) for r in found] == [(c.name, "passed") for c in CHECKS]


# the command ---------------------------------------------------------------------------


def test_check_ends_with_a_verdict_and_an_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    """0 sound, 1 not sound, 2 not there; JSON holds the same findings."""
    assert main(["backends", "check", SPEC + "Garbage", "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["ok"], told["backend"]) == (False, SPEC + "Garbage")
    (works,) = [c for c in told["checks"] if c["check"] == "works"]
    assert [f["problem"] for f in works["findings"]] == ["garbage"]
    assert main(["backends", "check", SPEC + "Raises"]) == 1
    assert "is not sound: raises" in capsys.readouterr().out
    assert main(["backends", "check", "nowhere/at_all.py"]) == 2
    assert "no file and no folder" in capsys.readouterr().err


def test_list_says_what_each_can_do(capsys: pytest.CaptureFixture[str]) -> None:
    """Names, where from, level, slots, capabilities."""
    assert main(["backends", "list", "--json"]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["fact_store"]["slots"] == ["extraction", "update", "retrieval"]
    assert (rows["rag"]["source"], rows["rag"]["level"]) == ("memtune", "fine")
    assert rows["rag"]["entries"]
    assert rows["rag"]["snapshots"]


def test_the_pytest_plugin_fails_a_check_with_what_to_mend() -> None:
    """One test a check; those that make no sense any more are skipped."""
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "agent.pytest_plugin",
         "--memtune-backend", SPEC + "Garbage", "tests/clock.py", "-o", "addopts="],
        cwd=ROOT, env=environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 1, ended.stdout + ended.stderr
    assert "garbage: the check 'works': search returned, at place 0, int 1" in ended.stdout
    assert f"1 failed, 1 passed, {len(CHECKS) - 2} skipped" in ended.stdout
