"""Replay of recorded questions on memory of their own: `agent.replayer`."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agent.recorded_pass import RecordedPass
from agent.replayer import Replayer
from memory_backends.protocol import MemoryBackend
from tests.replay_fixture import Pass, asked_early, calls_of, putting_out, recorded
from traces.errors import BudgetExceeded, OperationError
from traces.graph import EvolutionGraph
from traces.operation import Draw, substitute
from traces.replay import Replayed
from traces.results import Failure
from traces.schema import answer

TABLES = (
    "passes", "operations", "answers", "attributions", "value_texts", "prompt_sets", "run_state",
    "rounds", "embeddings", "calls",
)  # fmt: skip


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pass]:
    """A pass of the fact store."""
    with recorded(tmp_path_factory.mktemp("fact_store")) as made:
        yield made


@pytest.fixture(scope="module", params=["fact_store", "rag", "long_context", "langgraph_store"])
def any_pass(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pass]:
    """A pass of each backend."""
    with recorded(tmp_path_factory.mktemp(request.param), request.param) as made:
        yield made


def statuses(replayed: Replayed) -> dict[str, str]:
    return {o.id: o.status for o in replayed.recorder.operations}


def rows(one: Pass) -> dict[str, list[tuple[object, ...]]]:
    database = one.services.store._database
    return {name: database.rows(f"SELECT * FROM {name}") for name in TABLES}


# nothing repaired ----------------------------------------------------------------


def test_an_unrepaired_replay_gives_the_recorded_answer_without_a_call(any_pass: Pass) -> None:
    """Every question is answered again from what was recorded: nothing runs, nothing is asked."""
    replayer = any_pass.replayer()
    for question in any_pass.conversation.questions:
        found, calls = calls_of(lambda q=question: any_pass.replay(q, replayer)([]))
        assert found.prediction == any_pass.predictions[question.id]
        assert (found.error, found.ran, calls) == (None, (), 0)
        assert set(statuses(found).values()) == {"reused"}


def test_the_graph_of_a_replay_is_that_of_the_pass_without_other_questions(any_pass: Pass) -> None:
    """A replay's graph holds all sessions' operations and those of its own question."""
    question = any_pass.question(1)
    found = any_pass.replay(question)([])
    others = {q.id for q in any_pass.conversation.questions} - {question.id}
    wanted = {o.id for o in any_pass.graph.operations.values() if o.scope not in others}
    assert set(found.graph.operations) == wanted
    entries = {v.id: v.hash for v in found.graph.variables("entry")}
    assert entries == {v.id: v.hash for v in any_pass.graph.variables("entry")}


def test_replay_leaves_the_store_and_the_incumbent_alone(facts: Pass) -> None:
    """Whatever is replayed, no row of the run's store changes but the ledger's new calls
    (and the texts of their requests)."""
    before = rows(facts)
    extraction = facts.operation("extraction", 1)
    shown = facts.graph.inputs(extraction.id)[0].value
    told = f"{shown['speaker']} says again: {shown['text']}"
    more = facts.with_fact(extraction, told, shown["id"])
    found = facts.replay(facts.question())([putting_out(extraction, facts=more)])
    assert found.error is None
    after = rows(facts)
    assert set(before.pop("calls")) < set(after.pop("calls"))
    new = set(after.pop("value_texts")) - set(before.pop("value_texts"))
    assert {kind for _, kind, _ in new} == {"text"}
    assert after == before
    again, calls = calls_of(lambda: facts.replay(facts.question())([]))
    assert (again.prediction, calls) == (facts.predictions[facts.question().id], 0)


def test_a_question_asked_after_an_earlier_session_sees_that_session_as_the_last(
    tmp_path: Path,
) -> None:
    """Its replay gives the recorded answer, and later sessions have no part in it."""
    with recorded(tmp_path, change=asked_early) as one:
        replayer = one.replayer()
        later = {s.id for s in one.conversation.sessions[2:]}
        for question in one.conversation.questions[:6]:
            found, calls = calls_of(lambda q=question: one.replay(q, replayer)([]))
            assert (found.prediction, calls) == (one.predictions[question.id], 0)
            assert not later & {o.scope for o in found.recorder.operations}
        late = one.operation("extraction", scope=one.conversation.sessions[-1].id)
        silent = one.replay(one.question(), replayer)([putting_out(late, facts=[])])
        assert silent.prediction is None
        assert str(silent.error).startswith("intervention_error: ")


# repairs -------------------------------------------------------------------------


def test_only_what_is_downstream_of_a_repair_runs(any_pass: Pass) -> None:
    """A repaired retrieval costs one response; everything before it is reused."""
    question = any_pass.question()
    retrieval = any_pass.asked(question, "retrieval")
    response = any_pass.asked(question, "response")
    kept = any_pass.graph.outputs(retrieval.id, "retrieved")[-1:]
    found, calls = calls_of(
        lambda: any_pass.replay(question)([putting_out(retrieval, entries=kept)])
    )
    assert found.error is None
    assert found.ran == (response.id,)
    assert calls == 1
    rest = {id: s for id, s in statuses(found).items() if id not in (response.id, retrieval.id)}
    assert set(rest.values()) == {"reused"}
    assert statuses(found)[retrieval.id] == "substituted"


def test_a_repaired_answer_is_the_answer(any_pass: Pass) -> None:
    """A substituted response is what the replay predicts, at no call."""
    question = any_pass.question()
    response = any_pass.asked(question, "response")
    found, calls = calls_of(
        lambda: any_pass.replay(question)([putting_out(response, answer=[answer("in Oslo")])])
    )
    assert (found.prediction, found.ran, calls) == ("in Oslo", (), 0)


def test_a_repair_in_a_session_reuses_the_sessions_before_it(facts: Pass) -> None:
    """Operations of earlier sessions are reused; what ran rests on the repair or is its own
    question's."""
    extraction = facts.operation("extraction", 2)
    source = facts.graph.inputs(extraction.id)[0].value["id"]
    more = facts.with_fact(extraction, "Somebody keeps a blue heron in the attic.", source)
    question = facts.question()
    found = facts.replay(question)([putting_out(extraction, facts=more)])
    earlier = {s.id for s in facts.conversation.sessions[:2]}
    mine = [o for o in found.recorder.operations if o.scope in earlier]
    assert mine
    assert {o.status for o in mine} == {"reused"}
    downstream = found.graph.descendants(extraction.id)
    own = {facts.asked(question, kind).id for kind in ("retrieval", "response")}
    assert set(found.ran) <= downstream | own
    texts = {v.value["text"] for v in found.graph.variables("entry")}
    assert any("blue heron" in text for text in texts)


def test_several_repairs_are_in_force_at_once(facts: Pass) -> None:
    """Repairs in two sessions and at the answer's retrieval all fire in one replay."""
    question = facts.question()
    first, second = facts.operation("extraction", 0), facts.operation("extraction", 3)
    retrieval = facts.asked(question, "retrieval")
    kept = facts.graph.outputs(retrieval.id, "retrieved")[:1]
    found = facts.replay(question)(
        [
            putting_out(first, facts=facts.graph.outputs(first.id, "fact")[:1]),
            putting_out(second, facts=[]),
            putting_out(retrieval, entries=kept),
        ]
    )
    assert found.error is None
    by_id = statuses(found)
    assert {by_id[o.id] for o in (first, second, retrieval)} == {"substituted"}
    assert not [o for o in found.recorder.operations if o.scope == second.scope][1:]


@pytest.mark.parametrize("beside", [False, True])
def test_a_repair_that_matches_nothing_is_a_failed_replay(facts: Pass, beside: bool) -> None:
    """Also beside one that does; an operation of another question never fires either."""
    question, other = facts.question(0), facts.question(1)
    good = putting_out(facts.asked(question, "retrieval"), entries=[])
    for id in ("0" * 24, facts.asked(other, "response").id):
        bad = substitute(id, {"answer": [answer("x")]})
        found = facts.replay(question)([good, bad] if beside else [bad])
        assert found.prediction is None
        assert str(found.error).startswith("intervention_error: 1 intervention(s)")


def test_a_repair_downstream_of_one_that_removes_its_operation_does_not_fire(facts: Pass) -> None:
    """Where a fact is left out, a repair of its update has nothing to repair: a failed replay."""
    extraction = facts.operation("extraction", 0)
    update = facts.operation("update", 0, scope=extraction.scope)
    outputs = {"changes": facts.graph.outputs(update.id, "change"),
               "entries": facts.graph.outputs(update.id, "entry")}  # fmt: skip
    found = facts.replay(facts.question())(
        [putting_out(extraction, facts=[]), substitute(update.id, outputs)]
    )
    assert found.prediction is None
    assert str(found.error).startswith("intervention_error: ")


# pins and draws ------------------------------------------------------------------


def test_pinned_updates_cost_no_calls_and_change_no_answer(facts: Pass) -> None:
    """With the evidence named, updates of other facts keep what they put out: fewer calls in
    all, never more in one replay, and the same answers."""
    replayer = facts.replayer()
    free = pinned = 0
    for extraction in [o for o in facts.graph.operations.values() if o.kind == "extraction"]:
        for message in facts.graph.inputs(extraction.id)[:2]:
            source = message.value["id"]
            told = f"{message.value['speaker']} says: {message.value['text']}"
            repair = putting_out(extraction, facts=facts.with_fact(extraction, told, source))
            replay = facts.replay(facts.question(), replayer)
            without, all_calls = calls_of(lambda r=repair, p=replay: p([r]))
            found, calls = calls_of(lambda r=repair, p=replay, s=source: p([r], evidence=[s]))
            assert found.prediction == without.prediction
            assert calls <= all_calls
            assert "pinned" not in statuses(without).values()
            free, pinned = free + all_calls, pinned + calls
    assert pinned < free


def test_nothing_of_the_evidence_is_pinned(facts: Pass) -> None:
    """Updates of facts that come from the evidence run, whatever else is pinned."""
    extraction = facts.operation("extraction", 3)
    shown = facts.graph.inputs(extraction.id)[0].value
    more = facts.with_fact(extraction, f"{shown['speaker']} says: {shown['text']}", shown["id"])
    found = facts.replay(facts.question())(
        [putting_out(extraction, facts=more)], evidence=[shown["id"]]
    )
    assert "pinned" in statuses(found).values()
    for operation in found.recorder.operations:
        if operation.status == "pinned":
            (fact,) = found.graph.inputs(operation.id, "fact")
            assert shown["id"] not in fact.value["sources"]


def test_a_draw_runs_the_operations_that_it_names_at_its_sample_index(facts: Pass) -> None:
    """At sample 0 the ledger holds the replies; at another, new ones are asked for."""
    question = facts.question()
    named = frozenset(facts.asked(question, kind).id for kind in ("retrieval", "response"))
    before = facts.services.gateway.budget.calls
    same = facts.replay(question)([], draw=Draw(0, named))
    assert set(same.ran) == named
    assert same.prediction == facts.predictions[question.id]
    assert facts.services.gateway.budget.calls == before
    new = facts.replay(question)([], draw=Draw(2, named))
    assert set(new.ran) == named
    assert facts.services.gateway.budget.calls == before + 2
    keys = [
        {key for o in found.recorder.operations if o.id in named for key in o.calls}
        for found in (same, new)
    ]
    assert keys[0].isdisjoint(keys[1])
    rest = {s for id, s in statuses(new).items() if id not in named}
    assert rest == {"reused"}


def test_a_draw_of_a_sessions_operation_begins_with_that_session(facts: Pass) -> None:
    """Naming an extraction runs it anew on the memory as it stood before its session."""
    extraction = facts.operation("extraction", 3)
    found = facts.replay(facts.question())([], draw=Draw(0, frozenset({extraction.id})))
    assert found.ran == (extraction.id,)
    assert found.prediction == facts.predictions[facts.question().id]


# one message alone ---------------------------------------------------------------


def test_one_message_alone_is_extracted_once_and_cites_that_message(facts: Pass) -> None:
    """The memory's own extraction of one message: one call at first, none when asked again;
    the facts are of that message, and no update runs."""
    replay = facts.replay(facts.question())
    message = facts.conversation.sessions[0].messages[0]
    before = facts.services.gateway.budget.calls
    made = replay.extract_alone(message.id)
    assert facts.services.gateway.budget.calls == before + 1
    assert replay.extract_alone(message.id) == made
    assert facts.services.gateway.budget.calls == before + 1
    assert all(v.kind == "fact" and v.value["sources"] == [message.id] for v in made)
    replay.extract_alone(message.id, sample_index=1)
    assert facts.services.gateway.budget.calls == before + 2


def test_a_few_messages_of_a_session_are_extracted_together(facts: Pass) -> None:
    """One call for a message and those beside it, whichever is named first; no other message
    is cited."""
    replay = facts.replay(facts.question())
    one, other = (m.id for m in facts.conversation.sessions[0].messages[:2])
    before = facts.services.gateway.budget.calls
    made = replay.extract_alone(one, beside=[other])
    assert replay.extract_alone(other, beside=[one]) == made
    assert facts.services.gateway.budget.calls == before + 1
    assert {one, other}.issuperset(s for v in made for s in v.value["sources"])


@pytest.mark.parametrize("any_pass", ["rag", "long_context"], indirect=True)
def test_a_memory_without_extraction_extracts_nothing(any_pass: Pass) -> None:
    """It has no such repair, and no model is asked; nor is there one of an unknown message."""
    replay = any_pass.replay(any_pass.question())
    before = any_pass.services.gateway.budget.calls
    assert replay.extract_alone(any_pass.conversation.sessions[0].messages[0].id) == ()
    assert replay.extract_alone("no such message") == ()
    assert any_pass.services.gateway.budget.calls == before


# many at once --------------------------------------------------------------------


def test_threads_that_share_a_pass_get_the_answers_that_one_alone_gets(facts: Pass) -> None:
    """Four threads replay every question of one pass, some repaired, in any order."""
    extraction = facts.operation("extraction", 1)
    repair = putting_out(extraction, facts=facts.graph.outputs(extraction.id, "fact")[1:])
    work = [(q, plan) for q in facts.conversation.questions for plan in ([], [repair])]

    def one(item: tuple[Any, list[Any]], by: Replayer) -> tuple[str | None, tuple[str, ...]]:
        question, plan = item
        found = facts.replay(question, by)(plan)
        return found.prediction, found.ran

    alone = facts.replayer()
    expected = [one(item, alone) for item in work]
    shared = facts.replayer()
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda item: one(item, shared), work))
    assert found == expected
    assert {prediction for prediction, _ in found} != {None}


def test_failures_of_one_pass_share_its_rebuilt_memory(facts: Pass) -> None:
    """The memory of a pass is rebuilt once, however many of its questions are replayed."""
    made = []
    build = facts.runner.make_backend

    def counted() -> MemoryBackend:
        made.append(1)
        return build()

    replayer = facts.replayer(counted)
    for question in facts.conversation.questions:
        assert facts.replay(question, replayer)([]).error is None
    assert len(made) == 1


# what ends an attribution --------------------------------------------------------


def test_a_pass_without_operations_cannot_be_replayed(facts: Pass) -> None:
    """The line names the conversation and says what to do."""
    failure = Failure(facts.conversation, facts.question(), "x", facts.pass_id)
    with pytest.raises(OperationError, match="not in the store") as raised:
        facts.replayer()(failure, EvolutionGraph([], []))
    assert facts.conversation.id in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_spent_budget_is_no_failed_replay(facts: Pass) -> None:
    """What stops the run passes through a replay."""
    question = facts.question(2)
    retrieval = facts.asked(question, "retrieval")
    budget = facts.services.gateway.budget
    limits = budget.limits
    budget.limits = replace(limits, max_calls=budget.calls)
    try:
        with pytest.raises(BudgetExceeded):
            facts.replay(question)([putting_out(retrieval, entries=[])])
    finally:
        budget.limits = limits
    assert facts.replay(question)([putting_out(retrieval, entries=[])]).error is None


def test_a_closed_pass_can_be_replayed_again(facts: Pass) -> None:
    """Closing lets idle copies go; a replay that comes later makes its own."""
    context = facts.runner.context(facts.conversation, facts.services.seed_prompts)
    one = RecordedPass(facts.runner.make_backend, context, facts.conversation, facts.graph)
    question = facts.question()
    assert one.replay(question, [], (), None).error is None
    one.close()
    assert one.replay(question, [], (), None).prediction == facts.predictions[question.id]
