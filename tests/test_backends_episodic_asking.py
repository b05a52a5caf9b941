"""Behaviour of the episodic memory when it is asked: scenes opened, a second round, the choice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from evals.simulation.request import Request
from memory_backends.registry import create_backend
from tests.backend_fixture import DAY, Scripted, ask, context, ingest, one_fact_a_message, session
from traces.domain import Question
from traces.operation import OperationContext, substitute
from traces.schema import MemoryEntry

BEES = session("Rosa keeps bees", "Ben bottled forty jars")
CHESS = session("Ivo plays chess", "Mia won a clock", id="s2")


pytestmark = pytest.mark.usefixtures("json_adapter")


class Asked:
    """A memory of two episodes on two things, and the model that it asks."""

    def __init__(self, config: Mapping[str, Any] | None = None, **replies: Any) -> None:
        self.replies = replies
        self.model = Scripted(self._reply)
        self.memory = create_backend("episodic", config)
        self.ctx = context(self.model, "episodic")
        ingest(self.memory, self.ctx, BEES, CHESS)

    def _reply(self, request: Request) -> Mapping[str, Any]:
        if "narrative" in request.outputs:
            return {"title": "", "narrative": request.inputs["messages"]}
        for field, said in self.replies.items():
            if field in request.outputs:
                made = said(request) if callable(said) else said
                return {**one_fact_a_message(request), **made}
        return one_fact_a_message(request)

    def __call__(self, text: str, ctx: OperationContext | None = None) -> list[str]:
        return ask(self.memory, ctx or self.ctx, text)

    def steps(self) -> list[str]:
        """Return the names of the question's operations, in their order."""
        return [o.name for o in self.ctx.recorder.operations if o.scope == "q1"]


def first_round(**fields: Any) -> Any:
    """Return what the retrieval says; the sufficiency step says its own."""

    def reply(request: Request) -> Mapping[str, Any]:
        return {} if "sufficient" in request.outputs else fields

    return reply


# the first round ------------------------------------------------------------------------------


def test_an_empty_memory_is_not_asked_about() -> None:
    """No model is asked, and no further step is taken."""
    model = Scripted()
    ctx = context(model, "episodic")
    assert ask(create_backend("episodic"), ctx, "bees?") == []
    assert (model.requests, [o.name for o in ctx.recorder.operations]) == ([], ["retrieve"])


def test_a_hit_opens_its_scene() -> None:
    """What was told beside it is returned after it, though no word of the question is in it."""
    asked = Asked()
    assert asked("bees") == ["Rosa keeps bees", "Ben bottled forty jars"]
    assert asked.steps() == ["retrieve", "sufficiency", "rerank"]


def test_no_more_scenes_are_opened_than_set() -> None:
    """The scene of the best hit is the first one."""
    asked = Asked({"scenes_opened": 1})
    assert asked("bees bees clock") == ["Rosa keeps bees", "Mia won a clock",
                                        "Ben bottled forty jars"]  # fmt: skip


def test_the_first_round_hands_on_no_more_than_set() -> None:
    """Hits go before what their scenes hold."""
    assert Asked({"candidates": 1})("bees") == ["Rosa keeps bees"]


def test_what_a_scene_holds_must_pass_the_filters_too() -> None:
    """A required word or a period is asked of everything that is returned."""
    asked = Asked(queries=first_round(queries=["bees"], require=["Rosa"]))
    assert asked("bees") == ["Rosa keeps bees"]


def test_where_nothing_is_looked_for_no_further_step_is_taken() -> None:
    """A prompt that says so returns nothing; neither the second round nor the choice is asked."""
    asked = Asked(queries=first_round(queries=[]))
    assert (asked("What does Rosa earn?"), asked.steps()) == ([], ["retrieve"])


@pytest.mark.parametrize(
    ("day", "found"),
    [("2024-05-12", True), ("2024-06-30", True), ("2024-07-01", False), ("2024-05-11", False)],
)
def test_a_foresight_is_returned_while_it_holds(day: str, found: bool) -> None:
    """A last month holds to its last day."""
    ahead = {"text": "Ben will race in June", "sources": [1], "until": "2024-06"}
    asked = Asked(foresights={"foresights": [ahead]})
    question = Question("q1", "When will Ben race?", answer=None)
    on = datetime.fromisoformat(day)
    entries = asked.memory.retrieve(question, on, asked.ctx.child("q1", on))
    assert ("Ben will race in June" in [e.text for e in entries]) is found


# the second round -----------------------------------------------------------------------------


def test_a_second_round_adds_what_was_missing() -> None:
    """What the first round found stays before it; the model saw that, with its dates."""
    more = {"sufficient": False, "missing": "the prize", "queries": ["clock"]}
    asked = Asked(sufficient=more)
    assert asked("bees") == ["Rosa keeps bees", "Ben bottled forty jars", "Mia won a clock",
                             "Ivo plays chess"]  # fmt: skip
    (request,) = asked.model.asked("sufficient")
    assert request.inputs["memories"] == (
        "[1] (2024-05-12) Rosa keeps bees\n[2] (2024-05-12) Ben bottled forty jars"
    )


@pytest.mark.parametrize(
    "enough",
    [{"sufficient": True, "queries": ["clock"]}, {"sufficient": False, "queries": [" "]}],
)
def test_no_second_round_without_need_or_queries(enough: Mapping[str, Any]) -> None:
    """What is enough stays as it is, and so does what nothing more is looked for."""
    asked = Asked(sufficient={"missing": "", **enough})
    assert asked("bees") == ["Rosa keeps bees", "Ben bottled forty jars"]


def test_a_second_round_is_not_bound_by_the_filters_of_the_first() -> None:
    """It looks for somebody else: by the words that its own prompt requires."""
    more = {"sufficient": False, "missing": "", "queries": ["clock jars"], "require": ["Mia"]}
    asked = Asked(sufficient=more, queries=first_round(queries=["bees"], require=["Rosa"]))
    assert asked("bees") == ["Rosa keeps bees", "Mia won a clock"]


def test_a_first_round_that_finds_nothing_may_be_followed_by_a_second() -> None:
    """The model sees that there is nothing yet, and what it looks for then is found."""
    more = {"sufficient": False, "missing": "all", "queries": ["clock"], "require": ["Mia"]}
    asked = Asked(sufficient=more, queries=first_round(queries=["bees"], require=["Zoe"]))
    assert asked("bees") == ["Mia won a clock"]
    assert asked.model.asked("sufficient")[0].inputs["memories"] == ""


def test_two_rounds_may_find_nothing() -> None:
    """Then there is no choice to be made, and no model is asked for it."""
    asked = Asked(queries=first_round(queries=["bees"], require=["Zoe"]))
    assert asked("bees") == []
    assert (len(asked.model.asked("sufficient")), asked.model.asked("ranking")) == (1, [])


# the choice -----------------------------------------------------------------------------------


def test_the_choice_is_asked_only_where_there_is_one() -> None:
    """As many entries as are returned stay in the order in which they were found."""
    asked = Asked({"top_k": 2}, ranking={"ranking": [2]})
    assert asked("bees") == ["Rosa keeps bees", "Ben bottled forty jars"]
    assert asked.model.asked("ranking") == []


def test_the_choice_orders_and_cuts() -> None:
    """Numbers that are none or come again are left out; what is not named follows."""
    more = {"sufficient": False, "missing": "", "queries": ["clock"]}
    asked = Asked({"top_k": 2}, sufficient=more, ranking={"ranking": [9, 3, 0, 3]})
    assert asked("bees") == ["Mia won a clock", "Rosa keeps bees"]


def test_what_a_repaired_search_returns_goes_through_the_other_steps() -> None:
    """Also where the search itself had found nothing, and no query says what for."""
    asked = Asked(queries=first_round(queries=[]))
    asked("jars")
    (search,) = [o for o in asked.ctx.recorder.operations if o.name == "retrieve"]
    entry = MemoryEntry("e1", "forty jars", "Ben", "2024-05-12", ("s1:2",)).as_variable("retrieved")
    repaired = asked.ctx.intervened([substitute(search.id, {"entries": [entry]})])
    assert asked("jars", replace(repaired, now=DAY)) == ["forty jars"]
    assert [o.name for o in repaired.recorder.operations] == ["retrieve", "sufficiency", "rerank"]
