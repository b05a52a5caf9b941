"""The episodic memory in replay: nothing repaired, steps repaired, one message by itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from evals.faults.site import Site
from evals.faults.values import Values
from evals.stages import stage_scores
from tests.replay_fixture import Pass, calls_of, putting_out, recorded
from tests.replay_scene import Extraction
from traces.attribution.carries import Carries
from traces.attribution.contamination import Contamination
from traces.attribution.distractors import distracted
from traces.attribution.index import index_of
from traces.attribution.journey import journey
from traces.attribution.replay.ideal import ideal_outputs
from traces.attribution.replay.repair import Scene
from traces.domain import Question
from traces.schema import OperationRecord


@pytest.fixture(scope="module")
def episodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pass]:
    """A pass of the episodic memory."""
    with recorded(tmp_path_factory.mktemp("episodic"), "episodic") as made:
        yield made


def step(one: Pass, name: str, scope: str | None = None) -> OperationRecord:
    """Return the first operation of a name that asked a model, of one scope or any."""
    return next(
        o for o in one.graph.operations.values()
        if o.name == name and scope in (None, o.scope) and o.calls
    )  # fmt: skip


def found(one: Pass) -> Question:
    """Return a question for which several entries were found."""
    return next(
        q for q in one.conversation.questions
        if any(len(one.graph.outputs(o.id, "retrieved")) > 2
               for o in one.graph.of_scope(q.id, "retrieval"))
    )  # fmt: skip


def test_an_unrepaired_replay_gives_the_recorded_answer_without_a_call(episodes: Pass) -> None:
    """Every step of every question is answered from what was recorded."""
    replayer = episodes.replayer()
    for question in episodes.conversation.questions:
        replayed, calls = calls_of(lambda q=question: episodes.replay(q, replayer)([]))  # type: ignore[misc]
        assert replayed.prediction == episodes.predictions[question.id]
        assert (replayed.error, replayed.ran, calls) == (None, (), 0)


def test_the_calls_of_an_episode_are_few(episodes: Pass) -> None:
    """One a session for boundaries, one a cell for each account, at most one a fact, at most
    three a question besides the answer."""
    counts: Counter[str] = Counter()
    made: Counter[str] = Counter()
    for operation in episodes.graph.operations.values():
        made[operation.name] += 1
        counts[operation.name] += len(operation.calls)
    sessions, questions = len(episodes.conversation.sessions), len(episodes.conversation.questions)
    assert counts["boundary"] == sessions
    assert counts["narrative"] == counts["foresight"] == counts["facts"] == made["facts"]
    assert made["facts"] <= 3 * sessions
    assert counts["scene"] <= made["facts"]
    assert counts["profile"] <= made["profile"]
    assert counts["retrieve"] == counts["respond"] == questions
    assert max(counts["sufficiency"], counts["rerank"]) <= questions


def test_a_repaired_choice_costs_the_answer_alone(episodes: Pass) -> None:
    """Nothing before the last step runs again."""
    question = found(episodes)
    choice = next(o for o in episodes.graph.of_scope(question.id) if o.name == "rerank")
    kept = episodes.graph.outputs(choice.id, "retrieved")[1:]
    replayed, calls = calls_of(
        lambda: episodes.replay(question)([putting_out(choice, entries=kept)])
    )
    ran = [replayed.graph.operations[id].name for id in replayed.ran]
    assert (replayed.error, ran, calls) == (None, ["respond"], 1)


def test_a_repaired_fact_runs_what_rests_on_it_and_no_account(episodes: Pass) -> None:
    """Episodes, scenes and foresights of the cell stay as they were."""
    facts = step(episodes, "facts")
    source = str(episodes.graph.inputs(facts.id, "message")[0].value["id"])
    more = episodes.with_fact(facts, "Zora trains an osprey", source)
    replayed = episodes.replay(found(episodes))([putting_out(facts, facts=more)], evidence=[source])
    assert replayed.error is None
    ran = {replayed.graph.operations[id].name for id in replayed.ran}
    assert "profile" in ran
    assert ran <= {"profile", "retrieve", "sufficiency", "rerank", "respond"}
    texts = {v.value["text"] for v in replayed.graph.variables("entry")}
    assert "Zora trains an osprey" in texts


def test_the_facts_of_one_message_alone_cost_one_call(episodes: Pass) -> None:
    """Neither boundaries nor accounts are asked for: attribution pays for the extraction."""
    fact = next(v for v in episodes.graph.variables("fact") if len(v.value["sources"]) == 1)
    replay = episodes.replay(episodes.question())
    alone, calls = calls_of(lambda: replay.extract_alone(fact.value["sources"][0]))  # type: ignore[arg-type, return-value]
    assert ([v.value["sources"] for v in alone][:1], calls) == ([fact.value["sources"]], 1)  # type: ignore[attr-defined]


def test_the_same_pass_twice_asks_the_same(tmp_path: Path, episodes: Pass) -> None:
    """Identities rest on content: a second pass of another run has the same operations."""
    with recorded(tmp_path, "episodic") as again:
        assert list(again.graph.operations) == list(episodes.graph.operations)
        assert again.predictions == episodes.predictions


# what faults, repairs and displays make of the further steps ------------------------------------


def test_what_only_organises_is_offered_to_no_repair_and_no_fault(episodes: Pass) -> None:
    """Episodes and scenes stand in memory and cannot be returned."""
    question, index = found(episodes), index_of(episodes.graph)
    standing = [v.variable for v in index.standing(index.asked(question.id))]
    assert {v.value.get("layer", "fact") for v in standing} <= {"fact", "foresight"}
    layers = {v.value.get("layer", "fact") for v in episodes.graph.variables("entry")}
    assert {"episode", "scene"} <= layers
    assert site(episodes, question).standing == standing


def test_faults_of_extraction_are_planted_where_facts_are_made(episodes: Pass) -> None:
    """Not at the boundary, which is given the messages first and passes them on."""
    here = site(episodes, found(episodes))
    for fact in episodes.graph.variables("fact"):
        extraction = here.extraction(fact.value["sources"][0])
        assert extraction is not None
        assert (extraction.name, fact in here.facts(fact.value["sources"][0])) == ("facts", True)


def site(one: Pass, question: Question) -> Site:
    values = Values.of([one.conversation])
    return Site(one.graph, one.conversation, question, "", values, "seed")


def test_what_the_choice_leaves_out_was_found_and_not_retrieved(episodes: Pass) -> None:
    """The journey names the step that left it out, and the stage score does not count it."""
    question = found(episodes)
    choice = next(o for o in episodes.graph.of_scope(question.id) if o.name == "rerank")
    first = episodes.graph.outputs(choice.id, "retrieved")[0]
    # What else rests on the same message would show it too.
    sources = set(first.value["sources"])
    kept = [v for v in episodes.graph.outputs(choice.id, "retrieved")
            if sources.isdisjoint(v.value["sources"])]  # fmt: skip
    replayed = episodes.replay(question)([putting_out(choice, entries=kept)])
    asked = replace(question, answer="x", evidence=tuple(sources))
    notes = [s.note for m in journey(asked, replayed.graph).messages for s in m.walk()
             if s.kind == "not_retrieved"]  # fmt: skip
    assert "found, then left out by 'rerank'" in notes
    alone = replace(episodes.conversation, questions=(asked,))
    assert stage_scores(alone, replayed.graph)["retrieval"] == 0.0


def test_an_entry_that_misleads_is_blamed_on_the_step_that_brought_it_in(episodes: Pass) -> None:
    """The later steps were handed it, and return as many entries as they can."""
    question, index = found(episodes), index_of(episodes.graph)
    blames = [
        distracted(Contamination(index, question, shown.value["text"]), shown)
        for shown in index.asked(question.id).context
    ]
    assert {blame.operation.name for blame in blames if blame} == {"retrieve"}


def test_an_account_of_messages_is_no_way_round_their_facts(episodes: Pass) -> None:
    """What facts are made of is stored by way of the facts: episodes and foresights of the same
    messages have no repair that stores them word for word."""
    question = next(q for q in episodes.conversation.questions if q.evidence)
    index = index_of(episodes.graph)
    carries = Carries(index, question)
    known = [index.messages[id] for id in question.evidence]
    targets = tuple(carries.wording_target(message) for message in known)
    scene = Scene(index, question, targets, None, carries, Extraction())
    accounts = [
        o for o in episodes.graph.operations.values()
        if o.name in ("narrative", "foresight")
        and any(v.value["id"] in question.evidence for v in index.inputs(o, "message"))
    ]  # fmt: skip
    assert {o.name for o in accounts} == {"narrative", "foresight"}
    assert [list(ideal_outputs(o, scene)) for o in accounts] == [[] for _ in accounts]
