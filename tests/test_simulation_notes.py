"""The simulated agent's notes, links and descriptions, and what it makes of them."""

from __future__ import annotations

from typing import Any

import pytest

from evals.simulation.agent_part import answer
from evals.simulation.request import Request
from memory_backends.prompts import read_slot

SEED = {name: read_slot("linked_notes", name, "update").seed
        for name in ("construction", "linking", "evolution")}  # fmt: skip
CHAT = """[1] Rosa: Morning! I visited the glass museum last Friday.
[2] Tomas: My desk is on the third floor.
[3] Rosa: My locker code is KT-482."""


def _run(instruction: str, output: str, slip: float = 0.0, **inputs: str) -> Any:
    return answer(Request(instruction, inputs, (output,), 0), seed=1, slip=slip)[output]


def _contents(instruction: str) -> str:
    notes = _run(instruction, "notes", session_date="2024-05-12", messages=CHAT)
    return "\n".join(str(note["content"]) for note in notes)


def _links(note: str, *near: str) -> Any:
    listed = "\n".join(f"[{i}] (2024-05-01) {text}" for i, text in enumerate(near, 1))
    return _run(SEED["linking"], "links", note=note, near=listed)


def _described(more: str, note: str, speaker: str, *linked: str) -> Any:
    listed = "\n".join(f"[{i}] (2024-05-01) {text}" for i, text in enumerate(linked, 1))
    found = _run(
        f"{SEED['evolution']}\n{more}", "descriptions",
        note=note, note_speaker=speaker, note_date="2024-06-01", linked=listed,
    )  # fmt: skip
    return [(item["number"], item["context"]) for item in found]


def _answer(question: str, *memories: str) -> object:
    listed = "\n".join(f"[{i}] {m}" for i, m in enumerate(memories, 1))
    inputs = {"question": question, "asked_on": "2024-12-20", "memories": listed}
    return answer(Request("", inputs, ("answer",), 0), seed=1, slip=0.0)["answer"]


def test_notes_follow_the_instruction_as_extractions_do() -> None:
    """What is kept, and how it is told, is a matter of the construction prompt."""
    made = _contents(SEED["construction"])
    assert "3 May 2024" in made or "10 May 2024" in made
    assert "Tomas" in made
    assert "KT-482" not in made
    kept = _contents(SEED["construction"] + "\nKeep reference codes such as locker codes.")
    assert "KT-482" in kept


def test_a_note_has_keywords_of_its_own_and_broader_tags() -> None:
    """Keywords are words of the content; tags are concepts that it is about."""
    notes = _run(SEED["construction"], "notes", session_date="2024-05-12", messages=CHAT)
    desk = next(note for note in notes if "third floor" in note["content"])
    assert {"Tomas", "floor"} <= set(desk["keywords"])
    assert "desk" in desk["tags"]


def test_links_join_one_matter_and_one_person_s_connections() -> None:
    """The same attribute of the same person is linked, and who is named in the note."""
    assert _links("Rosa lives in Porto.", "Rosa lives in Lisbon.", "Tomas drives a Fiat.") == [1]
    assert _links("Bo grew up in Rome.", "Bo is the mentor of Rosa.", "Rosa drives a Seat.") == [1]


@pytest.mark.parametrize(
    ("note", "speaker", "linked", "expected"),
    [
        ("Rosa lives in Porto now.", "Rosa", ["Rosa lives in Lisbon."],
         [(1, "superseded since 2024-06-01")]),
        ("Rosa cancelled the trip to Rome.", "Rosa", ["Rosa plans a trip to Rome."],
         [(1, "no longer holds since 2024-06-01")]),
        ("Rosa lives in Lisbon.", "Rosa", ["Rosa lives in Lisbon."], []),
        ("Rosa lives in Porto.", "Rosa",
         ["Rosa lives in Lisbon. | context: superseded since 2024-05-03"], []),
    ],
)  # fmt: skip
def test_descriptions_tell_what_became_of_a_matter(
    note: str, speaker: str, linked: list[str], expected: list[tuple[int, str]]
) -> None:
    """A replaced note is superseded, a cancelled one no longer holds; known and retired ones
    stay as they are."""
    assert _described("", note, speaker, *linked) == expected


def test_house_rules_of_an_update_count_for_descriptions_too() -> None:
    """Hearsay is told of the new note, and duties that add up supersede nothing."""
    hearsay = "Rosa lives in Porto now.", "Tomas", "Rosa lives in Lisbon."
    rule = "Only a person's own word changes a fact about that person."
    assert _described("", *hearsay) == [(1, "superseded since 2024-06-01")]
    assert _described(rule, *hearsay) == [(0, "hearsay: does not count")]
    duty = "Rosa is in charge of the parcel room.", "Rosa", "Rosa looks after the coffee fund."
    rule = "Duties add up: a new duty does not replace an earlier one."
    assert _described("", *duty) == [(1, "superseded since 2024-06-01")]
    assert _described(rule, *duty) == []


def test_a_retired_memory_answers_only_what_was_before() -> None:
    """What says of itself that it counts no more is left out of answers about the present."""
    old = "(2024-05-01) Rosa lives in Lisbon. (superseded since 2024-06-01)"
    new = "(2024-06-01) Rosa lives in Porto now."
    assert _answer("Where does Rosa live?", old) == "Not mentioned"
    assert _answer("Where does Rosa live?", old, new) == "Porto"
    assert _answer("Where did Rosa live before?", new, old) == "Lisbon"


def test_every_step_slips_at_a_slip_rate_of_one() -> None:
    """Steps are spoilt by the seeded rate, as all others are."""
    near = "[1] (2024-05-01) Rosa lives in Lisbon."
    assert _run(SEED["linking"], "links", 1.0, note="Rosa lives in Porto.", near=near) == []
    assert _run(SEED["construction"], "notes", 1.0, session_date="2024-05-12", messages=CHAT) == []
