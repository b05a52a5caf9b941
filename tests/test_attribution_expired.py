"""Entries that hold from and until certain days: outside these no retrieval may return them."""

from __future__ import annotations

import pytest

from tests.attribution_fixture import Pipeline
from tests.replay_scene import repairs, scene_of
from traces.attribution.provenance import Provenance
from traces.schema import Variable, change, holds_on
from traces.store import Store

SAID = {
    "m1": ("s1", "Rosa", "The permit runs out on 1 June 2024."),
    "m2": ("s1", "Tom", "Nice weather for a walk, is it not?"),
}
QUESTION, GOLD = "When does the permit run out?", "1 June 2024"
FACT = "The permit runs out on 1 June 2024."


def entry(**days: str) -> Variable:
    """Return an entry with the days on which it holds."""
    return Variable("entry", {"text": "x", **days})


@pytest.mark.parametrize(
    ("days", "day", "expected"),
    [
        ({}, "2024-06-12", True),
        ({"holds_from": "", "holds_until": ""}, "2024-06-12", True),
        ({"holds_until": "2024-06-12"}, "2024-06-12", True),
        ({"holds_until": "2024-06-11"}, "2024-06-12", False),
        ({"holds_until": "2024-06"}, "2024-06-30", True),
        ({"holds_until": "2024"}, "2025-01-01", False),
        ({"holds_from": "2024-06-13"}, "2024-06-12", False),
        ({"holds_from": "2024-06", "holds_until": "2024-07-01"}, "2024-06-01", True),
    ],
)
def test_an_entry_holds_from_its_first_day_to_its_last(
    days: dict[str, str], day: str, expected: bool
) -> None:
    """Days, months and years; both ends count, an open one is no end."""
    assert holds_on(entry(**days), day) is expected


def twice_told(until: str) -> Pipeline:
    """A fact that its update does not store, while another entry says the same until a day; the
    question is asked on 12 June 2024."""
    pipe = Pipeline(SAID)
    (fact,) = pipe.extract("s1", ("m1", FACT))
    ahead = {
        "entry_id": "e9", "version": 1, "text": FACT, "speaker": "Rosa", "date": "2024-05-10",
        "sources": ["m1"], "holds_until": until,
    }  # fmt: skip
    pipe.scope("s1").perform(
        "update", name="foresight", identity=["x"], inputs={},
        call=lambda op: {"changes": [change("add", None)], "entries": [Variable("entry", ahead)]},
    )  # fmt: skip
    pipe.update("s1", fact, "keep")
    pipe.ask(QUESTION, GOLD, "Not mentioned", evidence=["m1"])
    return pipe


@pytest.mark.parametrize(
    ("until", "blamed"), [("2024-06-01", "UpdateError"), ("2024-07-01", "RetrievalError")]
)
def test_what_holds_no_more_is_no_fault_of_the_search(
    store: Store, until: str, blamed: str
) -> None:
    """The update that did not store the fact is to blame where the other entry has expired; the
    retrieval, where it could have returned that one."""
    pipe = twice_told(until)
    assert Provenance(None)(pipe.failure(), pipe.graph(store)).error_type == blamed


@pytest.mark.parametrize(("until", "offered"), [("2024-06-01", False), ("2024-07-01", True)])
def test_a_retrieval_is_not_repaired_to_return_what_has_expired(until: str, offered: bool) -> None:
    """Its own rule would have kept it back."""
    assert bool(repairs(scene_of(twice_told(until)), "retrieval")) is offered


@pytest.mark.parametrize(
    ("filters", "blamed"),
    [({}, "RetrievalError"), ({"after": "2024-05-01", "before": "2024-05-31"}, "UpdateError")],
)
def test_an_update_that_moved_the_day_is_to_blame_where_the_search_kept_to_days(
    store: Store, filters: dict[str, str], blamed: str
) -> None:
    """The fact gives the right day, the stored entry another one; only a search by date passes
    it by for that."""
    pipe = Pipeline({**SAID, "m1": ("s1", "Rosa", "I renewed the permit on 10 May 2024.")})
    (fact,) = pipe.extract("s1", ("m1", "Rosa renewed the permit on 10 May 2024."))
    pipe.update("s1", fact, text="Rosa renewed the permit on 2 March 2024.")
    pipe.ask(
        "What did Rosa renew in May?", "the permit", "Not mentioned", evidence=["m1"],
        filters=filters,
    )  # fmt: skip
    assert Provenance(None)(pipe.failure(), pipe.graph(store)).error_type == blamed
