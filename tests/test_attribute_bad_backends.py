"""Attribution by replay over backends that misbehave: recorded, never certified, never fatal."""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import pytest

from agent.attributing import attribute_pass
from agent.models.gateway import spent
from memory_backends.fact_store.backend import FactStore
from memory_backends.protocol import MemoryBackend
from tests.replay_fixture import Pass, recorded
from traces.attribution.registry import Replaying, create
from traces.domain import Question
from traces.operation import OperationContext
from traces.protocols import Attribute
from traces.results import Attribution, Failure
from traces.schema import MemoryEntry, Outputs

MEMORY = ("extraction", "update")


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pass]:
    """A pass of the fact store that the seed prompts answer badly enough."""
    with recorded(tmp_path_factory.mktemp("facts")) as made:
        yield made


def method(one: Pass, make_backend: Callable[[], MemoryBackend], **options: Any) -> Attribute:
    """Return attribution by replay that rebuilds memory with this backend."""
    services = one.services
    replaying = Replaying(one.replayer(make_backend, **options), services.evaluator.judge, spent)
    return create("replay", services.gateway.ask("judge"), services.seed, replaying)


def wrong(one: Pass) -> list[Failure]:
    """Return the failures of the pass."""
    answers = {a.question: a for a in one.services.store.answers(one.pass_id)}
    return [
        Failure(one.conversation, question, answers[question.id].prediction or "", one.pass_id)
        for question in one.conversation.questions
        if answers[question.id].correct is False
    ]


def attributed(
    one: Pass, make_backend: Callable[[], MemoryBackend], **options: Any
) -> list[Attribution]:
    """Attribute every failure of the pass, whatever is recorded."""
    found = attribute_pass(
        wrong(one), one.services.store, method(one, make_backend, **options), again=True
    )
    return list(found.values())


def changed(one: Pass, act: Callable[[], Any]) -> Callable[[], MemoryBackend]:
    """Return what makes fact stores that call `act` when they search a memory that is not the
    one that was recorded: only when a repair of memory is in force."""
    known = {v.hash for v in one.graph.variables("memory")}

    class Changed(FactStore):
        def retrieve(
            self, question: Question, asked_on: datetime, ctx: OperationContext
        ) -> Sequence[MemoryEntry]:
            if self._state.variable().hash not in known:
                found: Sequence[MemoryEntry] = act()
                return found
            return super().retrieve(question, asked_on, ctx)

    return Changed


def _raise() -> Any:
    raise RuntimeError("the index is out of step")


def _sleep() -> Any:
    time.sleep(1.1)
    return []


@pytest.mark.parametrize(
    ("act", "code"),
    [
        (_raise, "RuntimeError: the index is out of step"),
        (_sleep, "deadline_exceeded: "),
        (lambda: [3], "AttributeError: "),
        (lambda: None, "TypeError: "),
    ],
    ids=["raises", "hangs", "returns garbage", "returns nothing"],
)
def test_what_fails_only_under_repairs_of_memory_is_recorded_and_proves_nothing(
    facts: Pass, act: Callable[[], Any], code: str
) -> None:
    """Every failure gets its record; repairs of memory are failed replays and certify nothing,
    while repairs of the search are not touched."""
    sound = attributed(facts, FactStore)
    in_memory = {a.question for a in sound if a.verdict == "certified" and a.kind in MEMORY}
    assert in_memory
    few = [f for f in wrong(facts) if f.question.id in in_memory]
    # The sleepers take their time: one of them will do.
    few = few[:1] if act is _sleep else few
    found = attribute_pass(
        few,
        facts.services.store,
        method(facts, changed(facts, act), seconds=1.0),
        again=True,
    )
    assert set(found) == {f.question.id for f in few}
    for one in found.values():
        assert one.certificate is not None
        failed = one.certificate["failed_replays"]
        assert any(line.startswith(code) for line in failed), failed
        assert not (one.verdict == "certified" and one.kind in MEMORY)
        assert not one.reason.startswith("internal_error")


def test_a_memory_that_is_not_deterministic_is_never_silently_certified(tmp_path: Path) -> None:
    """A repair certifies only where the unrepaired replay gave the recorded answer; elsewhere
    the reason says that the memory is not deterministic, and the certificate shows it."""
    ticks = itertools.count()

    class Forgetful(FactStore):
        def retrieve(
            self, question: Question, asked_on: datetime, ctx: OperationContext
        ) -> Sequence[MemoryEntry]:
            found = super().retrieve(question, asked_on, ctx)
            return [] if next(ticks) % 3 == 0 else found

    with recorded(tmp_path, make_backend=Forgetful) as one:
        found = attributed(one, Forgetful)
    noticed = [a for a in found if a.reason.startswith("not_deterministic")]
    assert noticed
    for a in noticed:
        assert a.verdict == "suspected"
        assert a.certificate is not None
        assert a.certificate["deterministic"] is False
    for a in found:
        if a.verdict == "certified" and a.certificate and a.certificate["kind"] == "replay":
            assert a.certificate["control"]["same_answer"] is True
            assert a.certificate["deterministic"] is True


class Shuffling(FactStore):
    """Returns in the order of chance what it finds, within the operation."""

    def retrieve(
        self, question: Question, asked_on: datetime, ctx: OperationContext
    ) -> Sequence[MemoryEntry]:
        return super().retrieve(question, asked_on, cast(OperationContext, Shuffled(ctx)))


class Shuffled:
    """A context whose operations put their entries out in the order of chance."""

    def __init__(self, ctx: OperationContext) -> None:
        self._ctx = ctx

    def perform(self, kind: Any, *, call: Callable[[Any], Outputs], **named: Any) -> Any:
        def shuffled(op: Any) -> Outputs:
            found = call(op)
            return {**found, "entries": random.sample(found["entries"], len(found["entries"]))}

        return self._ctx.perform(kind, call=shuffled, **named)


def test_chance_that_does_not_change_the_answer_is_noticed_too(tmp_path: Path) -> None:
    """A search whose order is chance may lead to the same wrong answer again; as it put out
    something else given the same, no replay over it proves anything."""
    with recorded(tmp_path, make_backend=Shuffling) as one:
        found = attributed(one, Shuffling)
        searches = [o for o in one.graph.operations.values() if o.kind == "retrieval"]
    reasons = {a.reason.split(",")[0] for a in found if a.verdict == "suspected"}
    assert "not_deterministic: given the same again" in reasons
    ordered = {o.scope for o in searches if len(o.outputs["entries"]) > 2}
    replayed = [a for a in found if a.certificate and a.certificate["kind"] == "replay"]
    assert not [a for a in replayed if a.verdict == "certified" and a.question in ordered]


def test_where_operations_have_new_ids_each_time_none_of_memory_is_certified(
    tmp_path: Path,
) -> None:
    """Nothing recorded can be repaired there; every failure still gets its record."""
    from tests.test_replayer_bad_backends import RandomIds

    with recorded(tmp_path, make_backend=RandomIds) as one:
        found = attributed(one, RandomIds)
        assert {a.question for a in found} == {f.question.id for f in wrong(one)}
    for a in found:
        assert not (a.verdict == "certified" and a.kind in MEMORY)
        assert a.reason
        assert not a.reason.startswith("internal_error")
