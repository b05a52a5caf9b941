"""Replay with backends that are not deterministic, raise, hang or put out garbage."""

from __future__ import annotations

import errno
import itertools
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from memory_backends.fact_store.backend import FactStore
from memory_backends.protocol import MemoryBackend
from tests.replay_fixture import Pass, calls_of, putting_out, recorded
from traces.domain import Message, Question, Session
from traces.errors import DeadlineExceeded, ProviderError, StoreError
from traces.operation import BoundOperation, Draw, Intervention, OperationContext
from traces.schema import MemoryEntry, Outputs, answer, change

TOLD = "Somebody keeps a blue heron in the attic."
_ticks = itertools.count(1)


class Rotating(FactStore):
    """Returns what it found in another order each time."""

    def retrieve(
        self, question: Question, asked_on: datetime, ctx: OperationContext
    ) -> Sequence[MemoryEntry]:
        found = list(super().retrieve(question, asked_on, ctx))
        turn = next(_ticks) % max(1, len(found))
        return [*found[turn:], *found[:turn]]


class RandomIds(FactStore):
    """Makes up new ids for messages whenever it is told them."""

    def ingest(self, session: Session, ctx: OperationContext) -> None:
        messages = [Message(f"{m.id}~{next(_ticks)}", m.speaker, m.text) for m in session.messages]
        super().ingest(replace(session, messages=tuple(messages)), ctx)


class Unasked(FactStore):
    """Puts a number that is new each time into its requests."""

    def ingest(self, session: Session, ctx: OperationContext) -> None:
        stamped = replace(session.messages[0], text=f"{session.messages[0].text} #{next(_ticks)}")
        super().ingest(replace(session, messages=(stamped, *session.messages[1:])), ctx)


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pass]:
    with recorded(tmp_path_factory.mktemp("facts")) as made:
        yield made


def repair(one: Pass) -> Intervention:
    """Return the repair under which the backends below misbehave: a foreign fact."""
    extraction = one.operation("extraction", 1)
    source = one.graph.inputs(extraction.id)[0].value["id"]
    return putting_out(extraction, facts=one.with_fact(extraction, TOLD, source))


def misbehaving(act: Callable[[], Any], where: str) -> Callable[[], MemoryBackend]:
    """Return what makes fact stores that call `act` in `ingest` or `retrieve`, and there only
    when they hold the repair's fact; what `act` returns is retrieved."""

    class Misbehaving(FactStore):
        def ingest(self, session: Session, ctx: OperationContext) -> None:
            super().ingest(session, ctx)
            if where == "ingest" and self._repaired():
                act()

        def retrieve(
            self, question: Question, asked_on: datetime, ctx: OperationContext
        ) -> Sequence[MemoryEntry]:
            found = super().retrieve(question, asked_on, ctx)
            if where == "retrieve" and self._repaired():
                returned: Sequence[MemoryEntry] = act()
                return returned
            return found

        def _repaired(self) -> bool:
            return any(TOLD in entry.text for entry in self.entries())

    return Misbehaving


def raising(error: BaseException) -> Callable[[], Any]:
    def act() -> Any:
        raise error

    return act


# not deterministic ---------------------------------------------------------------


def test_another_order_shows_in_an_unrepaired_replay(tmp_path: Path) -> None:
    """Where the memory returns another order, the answer is not what was recorded: it is asked
    for anew, and `ran` says so."""
    with recorded(tmp_path, make_backend=Rotating) as one:
        replayer = one.replayer(Rotating)
        noticed = 0
        for question in one.conversation.questions:
            shown = one.graph.inputs(one.asked(question, "response").id, "retrieved")
            found = one.replay(question, replayer)([])
            assert found.error is None
            noticed += bool(found.ran)
            assert set(found.ran) <= {one.asked(question, "response").id}
            if len(shown) < 2:
                assert not found.ran
        assert noticed > 3


def test_new_ids_for_old_work_show_in_an_unrepaired_replay(tmp_path: Path) -> None:
    """Where operations are called otherwise each time, nothing recorded can be reused: all runs,
    and a repair of a recorded operation is a failed replay, not a success."""
    with recorded(tmp_path, make_backend=RandomIds) as one:
        replayer = one.replayer(RandomIds)
        found = one.replay(one.question(), replayer)([])
        extractions = [o for o in found.recorder.operations if o.kind == "extraction"]
        assert {o.id for o in extractions} <= set(found.ran)
        failed = one.replay(one.question(), replayer)([repair(one)])
        assert failed.prediction is None
        assert str(failed.error).startswith("intervention_error: ")


def test_requests_that_differ_each_time_show_and_a_repair_still_fires(tmp_path: Path) -> None:
    """Ids hold, requests do not: every replay shows what it asked anew."""
    with recorded(tmp_path, make_backend=Unasked) as one:
        replay = one.replay(one.question(), one.replayer(Unasked))
        found, calls = calls_of(lambda: replay([]))
        assert found.error is None
        assert one.operation("extraction", 0).id in found.ran
        assert calls > 0
        repaired = replay([repair(one)])
        assert repaired.error is None
        assert repaired.ran


def test_a_draw_at_sample_0_shows_what_recorded_outputs_hide(tmp_path: Path) -> None:
    """A backend that is unsteady inside its operations looks steady while they are reused; run
    anew at sample 0 they show it, for a deterministic one repeats itself from the ledger."""

    class Unsteady(FactStore):
        def ingest(self, session: Session, ctx: OperationContext) -> None:
            super().ingest(session, ctx)
            noted = ctx.perform(
                "update", name="note", identity=[session.id], inputs={}, call=self._note
            )
            self._state.apply(noted)

        def _note(self, op: BoundOperation) -> Outputs:
            entry = MemoryEntry(op.new_id(), f"This was session {next(_ticks)}.")
            return {"changes": [change("add", None)], "entries": [entry.as_variable()]}

    with recorded(tmp_path, make_backend=Unsteady) as one:
        replay = one.replay(one.question(), one.replayer(Unsteady))
        note = next(o for o in one.graph.operations.values() if o.name == "note")
        (told,) = one.graph.outputs(note.id, "entry")
        hidden = replay([])
        assert hidden.ran == ()
        assert hidden.graph.outputs(note.id, "entry") == [told]
        shown = replay([], draw=Draw(0, frozenset({note.id})))
        assert note.id in shown.ran
        assert shown.graph.outputs(note.id, "entry") != [told]


# raises, hangs, garbage, only when a repair is in force ----------------------------


FAILURES: dict[str, tuple[BaseException, str]] = {
    "a defect": (KeyError("heron"), "KeyError"),
    "a lost connection": (ConnectionResetError(errno.ECONNRESET, "reset"), "ConnectionResetError"),
    "a missing file": (FileNotFoundError(errno.ENOENT, "gone", "index.bin"), "FileNotFoundError"),
    "its own database": (sqlite3.IntegrityError("UNIQUE failed"), "IntegrityError"),
    "endless recursion": (RecursionError("maximum recursion depth"), "RecursionError"),
    "an assertion": (AssertionError(), "AssertionError"),
}


@pytest.mark.parametrize("where", ["ingest", "retrieve"])
@pytest.mark.parametrize("name", FAILURES)
def test_a_backend_that_raises_under_a_repair_fails_that_replay_only(
    facts: Pass, name: str, where: str
) -> None:
    """The failure is recorded with its kind, and the next replay of the pass is sound."""
    error, code = FAILURES[name]
    replay = facts.replay(facts.question(), facts.replayer(misbehaving(raising(error), where)))
    assert replay([]).prediction == facts.predictions[facts.question().id]
    found = replay([repair(facts)])
    assert (found.prediction, found.ran) == (None, ())
    assert str(found.error).startswith(f"{code}: ")
    assert replay([]).prediction == facts.predictions[facts.question().id]


@pytest.mark.parametrize("where", ["ingest", "retrieve"])
def test_a_backend_that_outsleeps_its_deadline_fails_that_replay_only(
    facts: Pass, where: str
) -> None:
    """The deadline of a replay is noticed at the next operation; other replays have their own."""
    asleep = misbehaving(lambda: time.sleep(1.2) or [], where)
    replay = facts.replay(facts.question(), facts.replayer(asleep, seconds=1.0))
    assert replay([]).error is None
    found = replay([repair(facts)])
    assert found.prediction is None
    assert str(found.error).startswith("deadline_exceeded: ")
    assert replay([]).error is None


def test_the_time_that_rebuilding_takes_is_not_the_first_replays(facts: Pass) -> None:
    """A memory that takes long to be rebuilt once does not fail the replay that came first."""

    class Slow(FactStore):
        def ingest(self, session: Session, ctx: OperationContext) -> None:
            super().ingest(session, ctx)
            time.sleep(0.3)

    replay = facts.replay(facts.question(), facts.replayer(Slow, seconds=0.6))
    assert replay([]).error is None


GARBAGE: dict[str, Any] = {
    "nothing": None,
    "numbers": [1, 2],
    "a text": "heron",
    "entries without their text": [MemoryEntry("e1", None)],  # type: ignore[arg-type]
    "entries of another form": [{"id": "e1", "text": "heron"}],
}


@pytest.mark.parametrize("name", GARBAGE)
def test_a_backend_that_retrieves_garbage_under_a_repair_fails_that_replay_only(
    facts: Pass, name: str
) -> None:
    """What is no entry cannot be answered from: a failed replay, and the next one is sound."""
    replay = facts.replay(
        facts.question(), facts.replayer(misbehaving(lambda: GARBAGE[name], "retrieve"))
    )
    found = replay([repair(facts)])
    assert found.prediction is None
    assert found.error
    assert replay([]).prediction == facts.predictions[facts.question().id]


@pytest.mark.parametrize(
    "output", [[answer("heron")], ["heron"]], ids=["another kind", "no variable"]
)
def test_an_operation_that_puts_out_garbage_fails_that_replay_only(
    facts: Pass, output: Any
) -> None:
    """An output that its operation's schema does not allow is refused."""
    replay = facts.replay(facts.question())
    found = replay([putting_out(facts.operation("extraction", 1), facts=output)])
    assert found.prediction is None
    assert str(found.error).startswith("operation_error: ")
    assert replay([]).prediction == facts.predictions[facts.question().id]


def test_a_message_that_cannot_be_extracted_alone_has_no_such_repair(facts: Pass) -> None:
    """A backend that raises or hangs over one message alone puts out nothing, and the case goes
    on."""

    class Refusing(FactStore):
        def ingest(self, session: Session, ctx: OperationContext) -> None:
            if len(session.messages) == 1:
                raise ValueError("one message is no session")
            super().ingest(session, ctx)

    class Hanging(FactStore):
        def ingest(self, session: Session, ctx: OperationContext) -> None:
            if len(session.messages) == 1:
                time.sleep(0.4)
            super().ingest(session, ctx)

    message = facts.conversation.sessions[0].messages[1].id
    for backend in (Refusing, Hanging):
        replay = facts.replay(facts.question(), facts.replayer(backend, seconds=0.3))
        assert replay.extract_alone(message) == ()
        assert replay([]).error is None


# what no repair is to blame for ----------------------------------------------------


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EMFILE, "Too many open files"),
        StoreError("memtune.db: damaged"),
        ProviderError("the key was refused"),
    ],
    ids=["full disk", "no more files", "the run's store", "a refused key"],
)
def test_what_breaks_the_whole_run_is_no_failed_replay(facts: Pass, error: Exception) -> None:
    """A full disk or a refused key would fail every replay: it ends the attribution."""
    replay = facts.replay(facts.question(), facts.replayer(misbehaving(raising(error), "retrieve")))
    with pytest.raises(type(error)):
        replay([repair(facts)])


def test_the_runs_own_deadline_is_no_failed_replay(facts: Pass) -> None:
    """Where the run's time is up, the attribution ends; the run can be resumed."""
    budget = facts.services.gateway.budget
    limits = budget.limits
    budget.limits = replace(limits, deadline=time.monotonic() - budget.started + 0.3)
    try:
        asleep = facts.replayer(misbehaving(lambda: time.sleep(0.5) or [], "retrieve"))
        replay = facts.replay(facts.question(), asleep)
        with pytest.raises(DeadlineExceeded):
            replay([repair(facts)])
    finally:
        budget.limits = limits
