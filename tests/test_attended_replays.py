"""Replays over a backend that hangs: each is a failed one that says where, and the run ends."""

from __future__ import annotations

import copy
import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from agent.cli.main import main
from agent.patience import HANGS
from memory_backends.fact_store.backend import FactStore
from memory_backends.protocol import MemoryBackend
from tests.broken_backends import Opaque
from tests.replay_fixture import Pass, recorded
from tests.test_replayer_bad_backends import TOLD, repair
from traces.database import Database
from traces.domain import Question, Session
from traces.operation import BoundOperation, OperationContext
from traces.schema import MemoryEntry, Outputs

# What hangs waits for this; set, so that no thread outlives its test.
_FREE = threading.Event()
SILENCE = 0.6


@pytest.fixture(autouse=True)
def freed() -> Iterator[None]:
    """Let go what hangs when the test is over."""
    _FREE.clear()
    yield
    _FREE.set()


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pass]:
    with recorded(tmp_path_factory.mktemp("facts")) as made:
        yield made


class HangsInRestore(FactStore):
    """Never comes back to a state."""

    def restore(self, snapshot: object) -> None:
        _FREE.wait()
        super().restore(snapshot)


class HangsWhenRebuilt(FactStore):
    """Never takes in a first session: nothing can be rebuilt."""

    def ingest(self, session: Session, ctx: OperationContext) -> None:
        _FREE.wait()


class HangsInClosing(FactStore):
    """Works, and never lets go."""

    def close(self) -> None:
        _FREE.wait()


class HangsUnderRepair(FactStore):
    """Never finds anything in a memory that holds a repair's fact."""

    def retrieve(
        self, question: Question, asked_on: datetime, ctx: OperationContext
    ) -> Sequence[MemoryEntry]:
        def call(op: BoundOperation) -> Outputs:
            if any(TOLD in entry.text for entry in self.entries()):
                _FREE.wait()
            return {"query": [], "entries": []}

        ctx.perform("retrieval", name="look_round", identity=[question.id], inputs={}, call=call)
        return super().retrieve(question, asked_on, ctx)


@pytest.mark.parametrize(
    ("backend", "told"),
    [
        (HangsInRestore, "'restore'"),
        (HangsWhenRebuilt, "'ingest'"),
        (HangsUnderRepair, "operation 'look_round'"),
    ],
)
def test_a_replay_that_hangs_is_a_failed_one_that_names_backend_and_operation(
    facts: Pass, backend: Callable[[], MemoryBackend], told: str
) -> None:
    """Its error names the question, the operation or method, and the line; it costs the silence
    that was granted."""
    replay = facts.replay(facts.question(), facts.replayer(backend, silence=SILENCE))
    began = time.monotonic()
    found = replay([repair(facts)])
    assert time.monotonic() - began < 20 * SILENCE
    assert (found.prediction, found.ran) == (None, ())
    assert str(found.error).startswith(
        f"backend_hangs: memory backend 'fact_store', in a replay of {facts.question().id}: "
        f"the backend hangs in {told}, at "
    )
    assert "test_attended_replays.py" in str(found.error)


def test_where_every_replay_hangs_only_the_first_are_waited_for(facts: Pass) -> None:
    """The others of that conversation, whatever their question or pass, are refused at once."""
    replayer = facts.replayer(HangsInRestore, silence=SILENCE)
    for number in range(HANGS):
        facts.replay(facts.question(number), replayer)([])
    began = time.monotonic()
    for number in range(HANGS, HANGS + 5):
        found = facts.replay(facts.question(number), replayer)([])
        assert str(found.error).startswith(f"backend_hangs: {HANGS} replays in a row hung")
        assert "'restore'" in str(found.error)
    assert facts.replay(facts.question(), replayer).extract_alone("none") == ()
    assert time.monotonic() - began < SILENCE


def test_one_that_hangs_now_and_then_loses_only_these_replays(facts: Pass) -> None:
    """A replay that ends makes up for those before it: sound ones stay sound, without end."""
    replayer = facts.replayer(HangsUnderRepair, silence=SILENCE)
    replay = facts.replay(facts.question(), replayer)
    for _ in range(HANGS + 1):
        assert str(replay([repair(facts)]).error).startswith("backend_hangs: ")
        assert replay([]).prediction == facts.predictions[facts.question().id]


def test_a_memory_that_hung_while_it_was_rebuilt_is_rebuilt_anew(facts: Pass) -> None:
    """The thread that is left behind keeps its locks to itself."""
    stuck = threading.Event()

    class HangsOnce(FactStore):
        def ingest(self, session: Session, ctx: OperationContext) -> None:
            if not stuck.is_set():
                stuck.set()
                _FREE.wait()
            super().ingest(session, ctx)

    replay = facts.replay(facts.question(), facts.replayer(HangsOnce, silence=SILENCE))
    assert "'ingest'" in str(replay([]).error)
    assert replay([]).prediction == facts.predictions[facts.question().id]


def test_who_waits_for_a_model_in_a_replay_does_not_hang(facts: Pass) -> None:
    """Silence while a model is asked is the model's."""
    gateway = facts.services.gateway
    quick = gateway.complete

    def slow(*given: Any) -> Any:
        time.sleep(3 * SILENCE)
        return quick(*given)

    gateway.complete = slow  # type: ignore[method-assign]
    try:
        found = facts.replay(facts.question(), facts.replayer(silence=SILENCE))([repair(facts)])
    finally:
        gateway.complete = quick  # type: ignore[method-assign]
    assert found.error is None
    assert found.ran


def test_memories_that_hang_when_they_are_released_keep_nobody(facts: Pass) -> None:
    """Closing a replayer ends, whatever its memories do then."""
    replayer = facts.replayer(HangsInClosing, silence=SILENCE)
    assert facts.replay(facts.question(), replayer)([]).error is None
    began = time.monotonic()
    replayer.close()
    assert time.monotonic() - began < 20 * SILENCE


class Stuck(Opaque):
    """A plain memory that works until it has to go back to a state."""

    def snapshot(self) -> Any:
        return copy.deepcopy(self._inner.kept)

    def restore(self, snapshot: Any) -> None:
        _FREE.wait()


def test_a_run_whose_replays_all_hang_ends_with_all_that_was_paid_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Scores and calls are those of the same memory whose replays work; every failure has its
    record, those that needed a replay abstain and say what hung."""
    monkeypatch.setenv("MEMTUNE__STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("MEMTUNE__BACKEND_TIMEOUT", "1")
    reports = {}
    for name in (f"{__name__}:Stuck", "tests.broken_backends:Opaque"):
        out = tmp_path / name.rpartition(":")[2]
        assert main(["run", "--backend", name, "--conversations", "3", "--rounds", "1",
                     "--seed", "401", "--out", str(out)]) == 0  # fmt: skip
        reports[name] = json.loads((out / "report.json").read_text())
    stuck, sound = reports.values()
    assert stuck["scores"] == sound["scores"]
    assert not stuck["broken"]
    database = Database(tmp_path / "Stuck" / "memtune.db")
    records = [json.loads(row[0]) for row in database.rows("SELECT record FROM attributions")]
    paid = database.rows("SELECT count(*) FROM calls WHERE error IS NULL")[0][0]
    database.close()
    assert paid == stuck["calls"]["made"]
    hung = [r for r in records if "backend_hangs" in r["reason"]]
    assert hung
    assert all("Stuck" in r["reason"] and "'restore'" in r["reason"] for r in hung)
    assert not [r for r in records if (r["certificate"] or {}).get("kind") == "replay"]
