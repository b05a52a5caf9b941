"""mem0 in a run: recorded, reused and replayed like any other memory."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from agent.models.gateway import metered
from tests.replay_fixture import Pass, calls_of, putting_out, recorded
from traces.graph import EvolutionGraph
from traces.schema import fact


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pass]:
    """A pass of mem0 with the simulated model."""
    with recorded(tmp_path_factory.mktemp("mem0"), "mem0") as made:
        yield made


def test_an_unrepaired_replay_gives_the_recorded_answer_without_a_call(one: Pass) -> None:
    """Every question is answered again from what was recorded: nothing runs, nothing is asked."""
    replayer = one.replayer()
    for question in one.conversation.questions:
        found, calls = calls_of(lambda q=question: one.replay(q, replayer)([]))
        assert found.prediction == one.predictions[question.id]
        assert (found.error, found.ran, calls) == (None, (), 0)


def test_a_second_pass_reuses_every_operation(one: Pass) -> None:
    """The same prompts again: no operation runs, and no model is asked."""
    with metered() as meter:
        (result,) = one.services.evaluator(one.services.seed_prompts, [one.conversation])
    again = EvolutionGraph.load(one.services.store, result.pass_id)
    assert meter.calls == 0
    assert {o.status for o in again.operations.values()} <= {"reused", "executed"}
    assert [o.outputs for o in again.operations.values()] == [
        o.outputs for o in one.graph.operations.values()
    ]
    assert {a.question: a.prediction for a in result.answers} == one.predictions


def test_calls_are_in_the_ledger_and_entered_at_their_extraction(one: Pass) -> None:
    """One call an add; storing and searching ask nobody."""
    calls = {o.id: len(o.calls) for o in one.graph.operations.values()}
    for operation in one.graph.operations.values():
        asks = operation.kind in ("extraction", "response")
        assert calls[operation.id] == (1 if asks else 0), operation.kind


def test_a_repair_of_an_extraction_reaches_the_answer(one: Pass) -> None:
    """A fact put in is stored by mem0, found by its search, and shown to the answer."""
    question = one.question()
    extraction = one.operation("extraction")
    said = one.graph.inputs(extraction.id, "message")[0].value
    told = f"{question.text.rstrip('?')}: in the purple lighthouse."
    made = fact(told, said["speaker"], said["date"][:10], [said["id"]])
    facts = [made, *one.graph.outputs(extraction.id, "fact")]
    found = one.replay(question)([putting_out(extraction, facts=facts)])
    assert found.error is None
    asked = next(o for o in found.graph.operations.values() if o.kind == "response")
    assert told in [v.value["text"] for v in found.graph.inputs(asked.id, "retrieved")]


def test_what_was_said_elsewhere_is_not_extracted_anew(one: Pass) -> None:
    """mem0 shows memories to its extraction, so a repair changes later requests; with the
    evidence named, only extractions of its messages run again."""
    question = one.question()
    first = one.operation("extraction")
    facts = one.graph.outputs(first.id, "fact")[1:]
    loose = one.replay(question)([putting_out(first, facts=facts)])
    bound = one.replay(question)([putting_out(first, facts=facts)], evidence=("nothing",))
    assert {"extraction"} <= {one.graph.operations[id].kind for id in loose.ran}
    assert not any(one.graph.operations[id].kind == "extraction" for id in bound.ran)


def test_the_memory_of_a_pass_names_its_messages(one: Pass) -> None:
    """Every fact rests on messages of its own add; nearly all on one or two of them."""
    sizes = []
    for operation in one.graph.operations.values():
        if operation.kind == "extraction":
            given = {m.value["id"] for m in one.graph.inputs(operation.id, "message")}
            for made in one.graph.outputs(operation.id, "fact"):
                assert set(made.value["sources"]) <= given
                sizes.append(len(made.value["sources"]))
    assert sum(size <= 2 for size in sizes) >= 0.95 * len(sizes)


def test_sessions_taken_over_leave_the_last_messages_as_they_were(one: Pass) -> None:
    """A later add is shown the same messages before it, so that an output put in the place of
    an equal one makes nothing run, also where sessions in between were not ingested anew."""
    first = one.operation("extraction")
    last = one.conversation.sessions[-1]
    same = putting_out(first, facts=one.graph.outputs(first.id, "fact"))
    found = one.replay(one.question())([same], evidence=[m.id for m in last.messages])
    assert (found.error, found.ran) == (None, ())
