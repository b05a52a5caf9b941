"""Sessions that a repair does not reach are taken over: `agent.unconcerned`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.recorded_pass import RecordedPass
from agent.unconcerned import Steps
from memory_backends.protocol import MemoryBackend
from memory_backends.state import Snapshot
from tests.replay_fixture import Pass, putting_out, recorded
from traces.operation import Draw, Intervention
from traces.replay import Replayed
from traces.schema import MemoryEntry


@pytest.fixture(scope="module", params=["fact_store", "rag", "langgraph_store"])
def one(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pass]:
    """A pass of each backend that keeps its entries in snapshots that can be read."""
    with recorded(tmp_path_factory.mktemp(request.param), request.param) as made:
        yield made


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pass]:
    """A pass of the fact store."""
    with recorded(tmp_path_factory.mktemp("fact_store")) as made:
        yield made


class Counted:
    """Hands on to a backend and notes the sessions that it ingests."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner
        self.name, self.slots, self.fingerprint = inner.name, inner.slots, inner.fingerprint
        self.sessions: list[str] = []
        self.retrieve = inner.retrieve
        self.snapshot, self.restore = inner.snapshot, inner.restore

    def ingest(self, session: Any, ctx: Any) -> None:
        self.sessions.append(session.id)
        self.inner.ingest(session, ctx)


def rebuilt(one: Pass) -> tuple[RecordedPass, list[Counted]]:
    """Return the pass, ready to be replayed, and the memories that it makes."""
    made: list[Counted] = []

    def make() -> MemoryBackend:
        made.append(Counted(one.runner.make_backend()))
        return cast(MemoryBackend, made[-1])

    context = one.runner.context(one.conversation, one.services.seed_prompts)
    return RecordedPass(make, context, one.conversation, one.graph), made


def memory(backend: Counted) -> list[tuple[MemoryEntry, str]]:
    found = backend.snapshot()
    assert isinstance(found, Snapshot)
    return list(found.items)


def outputs(replayed: Replayed) -> dict[str, Any]:
    return {o.id: o.outputs for o in replayed.recorder.operations}


def repaired(one: Pass, data: st.DataObject) -> tuple[list[Intervention], list[str]]:
    """Draw an operation of a session, something else for it to put out, and the evidence."""
    session = data.draw(st.sampled_from(one.conversation.sessions))
    mine = [o for o in one.graph.operations.values() if o.scope == session.id]
    operation = data.draw(st.sampled_from(mine))
    message = data.draw(st.sampled_from(session.messages))
    if operation.kind == "extraction":
        made = one.with_fact(operation, data.draw(st.sampled_from(
            [message.text, f"{message.speaker} lives in Lima."])), message.id)  # fmt: skip
        return [putting_out(operation, facts=made)], [message.id]
    given_by = [
        source
        for v in one.graph.inputs(operation.id)
        for source in (v.value.get("sources") or [v.value["id"]] if v.kind != "entry" else [])
    ]
    changes = one.graph.outputs(operation.id, "change")
    kept = [] if data.draw(st.booleans()) else one.graph.outputs(operation.id, "entry")
    return [putting_out(operation, changes=changes, entries=kept)], given_by or [message.id]


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_taking_over_comes_to_what_ingesting_comes_to(one: Pass, data: st.DataObject) -> None:
    """Whatever is repaired: answer, memory and all operations' outputs are those of a replay
    that ingests every session with pins."""
    interventions, evidence = repaired(one, data)
    question = data.draw(st.sampled_from(one.conversation.questions))
    short, made = rebuilt(one)
    quick = short.of(question)(interventions, evidence=evidence)
    quickly = memory(made[-1])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Steps, "get", lambda *_: None)
        long, full = rebuilt(one)
        slow = long.of(question)(interventions, evidence=evidence)
    assert quick.error == slow.error
    assert quick.prediction == slow.prediction
    assert sorted(quickly, key=str) == sorted(memory(full[-1]), key=str)
    assert outputs(quick) == outputs(slow)
    assert quick.ran == slow.ran


def test_only_concerned_sessions_are_ingested(facts: Pass) -> None:
    """A fact that is added in the first session costs that session, those that took evidence
    in, and those of operations that are drawn anew; without pins all are ingested."""
    replay, made = rebuilt(facts)
    question = facts.question()
    first, *others = facts.conversation.sessions
    extraction = facts.operation("extraction", scope=first.id)
    added = facts.with_fact(extraction, "Nobody likes the green lamp.", first.messages[0].id)
    repair = putting_out(extraction, facts=added)
    replay.of(question)([])
    backend = made[0]
    later = facts.operation("update", scope=others[-1].id)
    (taken_in,) = facts.graph.inputs(later.id, "fact")
    for evidence, wanted in (
        ([first.messages[0].id], {first.id}),
        ([first.messages[0].id, *taken_in.value["sources"]], {first.id, others[-1].id}),
        ([], {s.id for s in facts.conversation.sessions}),
    ):
        backend.sessions.clear()
        assert replay.of(question)([repair], evidence=evidence).error is None
        assert set(backend.sessions) == wanted
    drawn = facts.operation("update", scope=others[0].id)
    backend.sessions.clear()
    found = replay.of(question)(
        [repair], evidence=[first.messages[0].id], draw=Draw(0, frozenset([drawn.id]))
    )
    assert set(backend.sessions) == {first.id, others[0].id}
    assert drawn.id in {o.id for o in found.recorder.operations if o.status == "executed"}


def test_a_session_whose_entry_is_no_longer_what_it_was_is_ingested(facts: Pass) -> None:
    """A later change of an entry that the repair made away with is not simply repeated."""
    target, later = next(
        (c.value["target"], o)
        for o in facts.graph.operations.values()
        for c in facts.graph.outputs(o.id, "change")
        if c.value["action"] == "change" and facts.graph.versions(c.value["target"])[0].made_by
        and facts.graph.operations[facts.graph.versions(c.value["target"])[0].made_by].scope
        != o.scope
    )  # fmt: skip
    maker = facts.graph.operations[facts.graph.versions(target)[0].made_by]
    change = facts.graph.outputs(maker.id, "change")
    replay, made = rebuilt(facts)
    question = facts.question()
    sources = facts.graph.versions(target)[0].variable.value["sources"]
    replay.of(question)([])
    made[0].sessions.clear()
    found = replay.of(question)([putting_out(maker, changes=change, entries=[])], evidence=sources)
    assert found.error is None
    assert {maker.scope, later.scope} <= set(made[0].sessions)


def test_a_memory_that_cannot_be_read_is_ingested_as_ever(facts: Pass) -> None:
    """A backend whose snapshots are of a kind of its own takes every session in."""

    class Opaque(Counted):
        def __init__(self, inner: Any) -> None:
            super().__init__(inner)
            self.snapshot = lambda: ("mine", inner.snapshot())
            self.restore = lambda found: inner.restore(found[1])

    made: list[Opaque] = []

    def make() -> MemoryBackend:
        made.append(Opaque(facts.runner.make_backend()))
        return cast(MemoryBackend, made[-1])

    context = facts.runner.context(facts.conversation, facts.services.seed_prompts)
    replay = RecordedPass(make, context, facts.conversation, facts.graph)
    first = facts.conversation.sessions[0]
    extraction = facts.operation("extraction", scope=first.id)
    added = facts.with_fact(extraction, "Nobody likes the green lamp.", first.messages[0].id)
    question = replace(facts.question(), asked_after=None)
    replay.of(question)([])
    made[0].sessions.clear()
    found = replay.of(question)(
        [putting_out(extraction, facts=added)], evidence=[first.messages[0].id]
    )
    assert found.error is None
    assert made[0].sessions == [s.id for s in facts.conversation.sessions]
