"""The faults themselves: whatever an operation is given and puts out, what a fault makes of it
is valid, depends on nothing else, and says something else."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.fault_bed import CleanPass, make_world
from evals.faults.fault import Fault
from evals.faults.kinds import propose
from evals.faults.matrix import MATRIX
from evals.faults.site import Site
from evals.faults.values import Values
from evals.faults.wording import renamed, replaced, says, shift_dates, shift_day
from tests.faults_fixture import SEED
from traces.domain import Question
from traces.schema import (
    MemoryEntry,
    Variable,
    answer,
    change,
    fact,
    query,
    validate_outputs,
)


@cache
def _sites() -> tuple[Site, ...]:
    world = make_world(SEED, 0, 1, "fact_store", {}, 0.0)
    clean = CleanPass(world, world.conversations[0])
    return tuple(bed.site for bed in clean.beds("test"))


@cache
def _faults(kind: str) -> tuple[Fault, ...]:
    found = (f for cell in MATRIX if cell.kind == kind for s in _sites() for f in propose(s, cell))
    return tuple(found)


_text = st.text(max_size=40) | st.sampled_from(
    ["Felix lives in Porto.", "On 3 May 2024 it was at Pier Nine.", "yesterday", "P27, or B-12"]
)
_sources = st.lists(st.sampled_from([f"s{s}m{m}" for s in range(1, 5) for m in range(1, 9)]),
                    max_size=2)  # fmt: skip
_day = st.sampled_from(["2024-05-03", "2024-05", "", "no date"])
_names = st.sampled_from(["Felix", "Elena", "", "Somebody Else"])
_fact = st.builds(fact, _text, _names, _day, _sources)
_entry = st.builds(
    lambda id, text, who, day, sources: MemoryEntry(id, text, who, day, tuple(sources)),
    st.sampled_from(["e1", "e2", "e3"]), _text, _names, _day, _sources,
)  # fmt: skip
_entries = st.lists(_entry.map(lambda e: e.as_variable()), max_size=3)
_shown = st.lists(_entry.map(lambda e: e.as_variable("retrieved")), max_size=4)
_messages = st.lists(
    st.builds(
        lambda id, who, text, day: Variable(
            "message", {"id": id, "speaker": who, "text": text, "date": day}
        ),
        st.sampled_from([f"s{s}m{m}" for s in range(1, 5) for m in range(1, 9)]),
        _names, _text, _day,
    ),
    max_size=3,
)  # fmt: skip
_change = st.builds(
    change, st.sampled_from(["add", "change", "delete", "keep"]), st.none() | st.just("e1"), _text
)
_GIVEN: dict[str, st.SearchStrategy[Any]] = {
    "extraction": st.fixed_dictionaries({"messages": _messages}),
    "update": st.fixed_dictionaries({"fact": _fact.map(lambda f: [f]), "near": _entries}),
    "retrieval": st.just({}),
    "response": st.fixed_dictionaries({"retrieved": _shown}),
}
_PUT_OUT: dict[str, st.SearchStrategy[Any]] = {
    "extraction": st.fixed_dictionaries({"facts": st.lists(_fact, max_size=3)}) | st.just({}),
    "update": st.fixed_dictionaries(
        {"changes": st.lists(_change, max_size=1), "entries": _entries}
    ),
    "retrieval": st.fixed_dictionaries(
        {"query": _text.map(lambda t: [query([t])]), "entries": _shown}
    ),
    "response": st.fixed_dictionaries({"answer": _text.map(lambda t: [answer(t)])}),
}


def _json(outputs: Any) -> Any:
    return {role: [v.json for v in variables] for role, variables in outputs.items()}


@pytest.mark.parametrize("kind", list(_GIVEN))
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_what_a_fault_puts_out_is_valid_and_repeatable(kind: str, data: st.DataObject) -> None:
    """Given anything, a fault of every proposal returns outputs that `perform` accepts, the
    same each time, and never raises: an upstream repair may change what it is given."""
    fault = data.draw(st.sampled_from(_faults(kind)))
    inputs, outputs = data.draw(_GIVEN[kind]), data.draw(_PUT_OUT[kind])
    before = _json(outputs)
    found = fault.corrupt(inputs, outputs)
    validate_outputs(fault.cell.kind, kind, found)
    assert _json(fault.corrupt(inputs, outputs)) == _json(found)
    assert _json(outputs) == before


def test_an_omission_follows_the_message_and_not_the_wording() -> None:
    """An extraction that words the fact otherwise loses it all the same, and nothing else."""
    cell = next(c for c in MATRIX if c.name == "extraction/ExtractionError/omission")
    for site in _sites():
        fault = next(propose(site, cell), None)
        if fault is not None:
            worded = fact("Quite another wording.", "", "2024-05-03", [site.evidence[0]])
            bystander = fact("Kept.", "", "2024-05-03", ["another message"])
            assert fault.corrupt({}, {"facts": [worded, bystander]}) == {"facts": [bystander]}


def test_a_lost_entry_stays_lost_when_it_is_stored_under_another_id() -> None:
    """A retrieval fault drops whatever rests on the evidence, also what a repair has stored."""
    cell = next(c for c in MATRIX if c.sub_type == "missed")
    tried = 0
    for site in _sites():
        for fault in propose(site, cell):
            entry = MemoryEntry("new id", "In other words.", "", "2024-05-03", site.evidence[:1])
            outputs = {"query": [query(["x"])], "entries": [entry.as_variable("retrieved")]}
            assert fault.corrupt({}, outputs)["entries"] == []
            tried += 1
    assert tried


@given(days=st.integers(-4000, 4000), day=st.dates())
def test_a_shifted_date_is_another_date_and_comes_back(days: int, day: Any) -> None:
    """Shifting forth and back gives the same day; text and date field agree."""
    iso = day.isoformat()
    there = shift_day(iso, days)
    assert there == iso or shift_day(there, -days) == iso
    assert shift_dates(f"on {iso}", days, "2024-01-01") == f"on {there}"


@pytest.mark.parametrize(
    ("text", "moved"),
    [
        ("It is on 3 May 2024.", "It is on 12 May 2024."),
        ("It is on 30 April.", "It is on 9 May."),
        ("Due May 3, 2024, at noon.", "Due 12 May 2024, at noon."),
        ("I ran yesterday.", "I ran on 10 March 2024."),
        ("Maybe in 2024.", "Maybe in 2024."),
    ],
)
def test_dates_are_shifted_in_their_own_wording(text: str, moved: str) -> None:
    """Absolute dates move; a relative word becomes the day that it would have meant; what is
    no date stays."""
    assert shift_dates(text, 9, "2024-03-01") == moved


def test_values_are_found_and_replaced_as_words() -> None:
    """A value is followed through the forms that a memory gives it, and not inside a word."""
    assert says("She goes on Mondays.", "Monday") == "Monday"
    assert says("Portofino is nice.", "Porto") is None
    assert says("looks after the minutes", "the style guide and the minutes") == "the minutes"
    assert (
        replaced("Ana lives in Porto, near it.", "porto", "Graz") == "Ana lives in Graz, near it."
    )
    assert renamed("Ana's desk; Anatol's too", "Ana", "Bo") == "Bo's desk; Anatol's too"


def test_other_values_are_of_the_same_kind_and_never_the_same() -> None:
    """What a distortion says instead could have been said: a date for a date, a code for a
    code, and for the rest what others answered to such a question."""
    asked = (
        ("Where does Ana live?", "Porto"),
        ("Where does Bo live?", "Graz"),
        ("What does Bo collect?", "old maps"),
    )
    values = Values(asked)

    def others(text: str, value: str) -> list[str]:
        return values.others(Question("q", text, value), value, "seed")

    assert others("Where does Ana live?", "Porto") == ["Graz"]
    assert all(len(v) == 6 and v[:3] == "BX-" for v in others("What is the code?", "BX-418"))
    assert "BX-418" not in others("What is the code?", "BX-418")
    assert "3 May 2024" not in others("When is it?", "3 May 2024")
    assert all(v.endswith("2024") for v in others("When is it?", "3 May 2024"))
    assert "Monday" not in others("Which weekday?", "Monday")
    assert len(set(others("Which weekday?", "Monday"))) == 3
