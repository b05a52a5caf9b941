"""Linked notes in a recorded run: replay, causes, and what a pass costs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from tests.replay_fixture import Pass, calls_of, putting_out, recorded
from traces.schema import Variable, change


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pass]:
    """A pass of linked notes over a synthetic conversation."""
    with recorded(tmp_path_factory.mktemp("linked_notes"), "linked_notes") as made:
        yield made


def test_an_unrepaired_replay_gives_the_recorded_answer_without_a_call(one: Pass) -> None:
    """Every question is answered again from what was recorded: nothing runs."""
    replayer = one.replayer()
    for question in one.conversation.questions:
        found, calls = calls_of(lambda q=question: one.replay(q, replayer)([]))
        assert (found.prediction, found.error) == (one.predictions[question.id], None)
        assert (found.ran, calls) == ((), 0)


def test_a_replayed_evolution_is_followed_by_what_rests_on_it(one: Pass) -> None:
    """Leaving the linked notes as they were runs later steps anew, and no earlier one."""
    evolution = next(
        o for o in one.graph.operations.values()
        if o.name == "evolve" and one.graph.outputs(o.id, "entry")
    )  # fmt: skip
    kept: list[Variable] = [change("keep", None)]
    found = one.replay(one.question())([putting_out(evolution, changes=kept)])
    assert found.error is None
    places = list(one.graph.operations)
    assert all(places.index(id) > places.index(evolution.id) for id in found.ran if id in places)
    target = one.graph.outputs(evolution.id, "entry")[0].value["entry_id"]
    before = [v.variable.value["version"] for v in one.graph.versions(target)]
    after = [v.variable.value["version"] for v in found.graph.versions(target)]
    assert len(after) < len(before)


def test_calls_of_a_pass_are_one_a_step_that_decides(one: Pass) -> None:
    """One call a session, one or two a note with others near it, two a question."""
    operations = list(one.graph.operations.values())
    calls = Counter(o.name for o in operations for _ in o.calls)
    performed = Counter(o.name for o in operations)
    near = [o for o in operations if o.name == "link" and o.inputs["near"]]
    assert calls["construct"] == len(one.conversation.sessions)
    assert calls["link"] == len(near) < performed["link"]
    assert calls["evolve"] == performed["evolve"] <= len(near)
    assert calls["retrieve"] == calls["respond"] == len(one.conversation.questions)
