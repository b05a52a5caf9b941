"""Extractions in a row: one passes messages on, the next makes facts of them."""

from __future__ import annotations

import pytest

from tests.attribution_fixture import DATES, Pipeline
from tests.replay_scene import repairs, scene_of
from traces.attribution.provenance import Provenance
from traces.schema import MemoryEntry, Variable, fact, message_variable
from traces.store import Store

SAID = {
    "m1": ("s1", "Rosa", "I hold a subscription to the Jazz Quarterly."),
    "m2": ("s2", "Rosa", "I cancelled my subscription to the Jazz Quarterly."),
}
QUESTION = "To which magazine does Rosa have a subscription?"
FACT = "Rosa holds a subscription to the Jazz Quarterly."


def test_a_retraction_that_became_no_fact_is_lost_where_facts_are_made(store: Store) -> None:
    """Not at the boundary, which passed its message on."""
    pipe = Pipeline(SAID)
    (held,) = pipe.remember("s1", ("m1", FACT))
    (message,) = pipe.sessions["s2"].messages
    given = message_variable(message, DATES["s2"])
    passed = pipe.scope("s2").perform(
        "extraction", name="boundary", identity=["m2"], inputs={"messages": [given]},
        call=lambda op: {"messages": [Variable("message", {**given.value, "cell": "m2"})]},
    )  # fmt: skip
    pipe.scope("s2").perform(
        "extraction", name="facts", identity=["m2"], inputs={"messages": passed["messages"]},
        call=lambda op: {"facts": [fact("The weather is fine.", "Rosa", "2024-06-12", [])]},
    )  # fmt: skip
    pipe.ask(
        QUESTION, None, "the Jazz Quarterly", evidence=["m1", "m2"], found=[held],
        unanswerable=True,
    )  # fmt: skip
    found = Provenance(None)(pipe.failure(), pipe.graph(store))
    assert (found.error_type, found.sub_type, found.names) == (
        "ExtractionError", "omission", ("facts",),
    )  # fmt: skip


@pytest.mark.parametrize(("step", "expected"), [(0, {"leave_out"}), (1, set())])
def test_only_the_step_that_brought_an_entry_in_is_repaired_to_leave_it_out(
    step: int, expected: set[str]
) -> None:
    """A later step that was handed a misleading entry goes round whoever found it."""
    pipe = Pipeline(SAID)
    (held,) = pipe.remember("s1", ("m1", FACT))
    pipe.ask(
        "Which magazine does Tom read?", None, "the Jazz Quarterly", found=[held],
        unanswerable=True,
    )  # fmt: skip
    returned = MemoryEntry.from_variable(pipe.memory[held]).as_variable("retrieved")
    first = scene_of(pipe).index.asked("q1").retrievals[0]
    handed = scene_of(pipe).index.outputs(first, "retrieved")
    pipe.scope("q1").perform(
        "retrieval", name="choose", identity=["q1"], inputs={"found": handed},
        call=lambda op: {"entries": [returned]},
    )  # fmt: skip
    assert {r.kind for r in repairs(scene_of(pipe), "retrieval", step)} == expected
