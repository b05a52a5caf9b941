"""Replaying memories that lie in PostgreSQL: on copies, which are gone afterwards."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.postgres_fixture import postgres_server
from tests.replay_fixture import Pass, calls_of, putting_out, recorded
from traces.domain import Session


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """The address of a PostgreSQL database."""
    with postgres_server() as found:
        yield found


@pytest.fixture(scope="module")
def one(url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pass]:
    """A pass of the simulated model over a conversation whose memory lies in PostgreSQL."""
    directory = tmp_path_factory.mktemp("postgres")
    with recorded(directory, "langgraph_store", backend_config={"store": url}) as made:
        yield made


def namespaces(url: str) -> dict[str, int]:
    """Return the number of entries by namespace."""
    import psycopg

    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT prefix, count(*) FROM store GROUP BY prefix")
        return {str(prefix): int(count) for prefix, count in found.fetchall()}


def test_an_unrepaired_replay_gives_the_recorded_answer_without_a_call(one: Pass, url: str) -> None:
    """Every question is answered from what was recorded; closing the replayer deletes what it
    copied."""
    replayer = one.replayer()
    for question in one.conversation.questions:
        replay = one.replay(question, replayer)
        found, calls = calls_of(lambda replay=replay: replay([]))  # type: ignore[misc]
        assert found.prediction == one.predictions[question.id]
        assert (found.error, found.ran, calls) == (None, (), 0)
    assert len(namespaces(url)) == 1  # one copy serves them all
    replayer.close()
    assert namespaces(url) == {}


def test_a_repair_changes_the_copy_and_not_the_memory_that_is_replayed(one: Pass, url: str) -> None:
    """A memory in use has its entries still, as many as before; the repaired fact is in the
    copy's answer."""
    live = one.runner.make_backend()
    context = one.runner.context(one.conversation, one.services.seed_prompts)
    first: Session = one.conversation.sessions[0]
    from agent.models.language_model import dspy_scope

    with dspy_scope():
        live.ingest(first, context.child(first.id, first.date))
    ((mine, count),) = namespaces(url).items()
    extraction = one.operation("extraction")
    message = one.graph.inputs(extraction.id)[0].value["id"]
    question = one.question()
    facts = one.with_fact(extraction, f"{question.text} The answer is Zanzibar.", message)
    replay = one.replay(question)
    replayed = replay([putting_out(extraction, facts=facts)])
    assert replayed.error is None
    retrieved = [v.value["text"] for v in replayed.graph.variables("retrieved")]
    assert any("Zanzibar" in text for text in retrieved)
    assert namespaces(url)[mine] == count
    replay.recorded.close()
    assert namespaces(url) == {mine: count}
    live.close()  # type: ignore[attr-defined]
    assert namespaces(url) == {}
