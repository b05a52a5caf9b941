"""The simulated agent in tasks of memories that organise: what it reads, does and gets wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from evals.simulation.agent_part import answer, task_of
from evals.simulation.request import Request

PROMPTS = Path(__file__).parent.parent / "memory_backends" / "prompts"
CHAT = """[1] Rosa: I keep three hives of bees behind the house.
[2] Ben: Do the bees sting you often?
[3] Rosa: No, they are calm.
[4] Ben: The bees must like the garden.
[5] Rosa: My train to Oslo leaves at noon.
[6] Ben: Is the train ticket expensive?
[7] Rosa: Forty euros for the ticket.
[8] Ben: I plan to visit the Hermitage in June.
[9] Ben: Yesterday I mended the pump."""


def instruction(slot: str) -> str:
    return (PROMPTS / f"episodic.{slot}.md").read_text(encoding="utf-8")


def run(text: str, *outputs: str, slip: float = 0.0, sample: int = 0, **inputs: str) -> Any:
    return answer(Request(text, inputs, outputs, sample), seed=1, slip=slip)


def starts(text: str, messages: str = CHAT, **options: Any) -> list[int]:
    made = run(text, "starts", session_date="2024-05-12", messages=messages, **options)
    assert isinstance(made["starts"], list)
    return made["starts"]


@pytest.mark.parametrize(
    ("outputs", "task"),
    [
        (("starts",), "starts"),
        (("title", "narrative"), "narrative"),
        (("sufficient", "missing", "queries", "require"), "sufficient"),
        (("queries", "after", "before", "require"), "retrieval"),
        (("facts",), "extraction"),
    ],
)
def test_the_task_is_what_the_requested_fields_say(outputs: tuple[str, ...], task: str) -> None:
    """A check that also asks for queries is a check."""
    assert task_of(outputs) == task


# boundaries -----------------------------------------------------------------------------------


def test_a_stretch_ends_where_nothing_is_shared_any_more() -> None:
    """The train has nothing to do with the bees; the answer goes with its question."""
    assert starts(instruction("boundary"))[:2] == [1, 5]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Cut the chat where the subject changes. A part has at least 8 messages.", [1, 9]),
        ("Cut the chat where the subject changes; no fewer than five turns each.", [1, 8]),
    ],
)
def test_the_fewest_messages_of_a_stretch_are_read_from_the_instruction(
    text: str, found: list[int]
) -> None:
    """In words or figures; the message that shares nothing after that many begins a new one."""
    assert starts(text) == found


def test_no_messages_have_no_boundaries() -> None:
    """What is not there is not cut."""
    assert starts(instruction("boundary"), "") == []


def test_a_slip_puts_a_boundary_where_there_is_none() -> None:
    """At a rate of 1 every decision but the first is turned round; the first message begins."""
    wrong = starts(instruction("boundary"), slip=1.0)
    assert wrong[0] == 1
    assert wrong != starts(instruction("boundary"))


# accounts -------------------------------------------------------------------------------------


def test_an_account_tells_what_was_said_under_names_and_dates() -> None:
    """Third person and calendar dates, where the instruction asks for them; a title of who
    and what."""
    made = run(instruction("narrative"), "title", "narrative", session_date="2024-05-12",
               messages=CHAT)  # fmt: skip
    assert "Rosa keeps three hives of bees" in made["narrative"]
    assert "11 May 2024" in made["narrative"]
    assert " I " not in made["narrative"]
    assert {"Rosa", "Ben"} <= set(made["title"].split(", "))


def test_a_bare_instruction_gets_a_bare_account() -> None:
    """Who is not asked for names and dates leaves them as they were said."""
    made = run("Retell it.", "title", "narrative", session_date="2024-05-12", messages=CHAT)
    assert "I keep three hives" in made["narrative"]
    assert "11 May" not in made["narrative"]


def test_foresights_are_what_lies_ahead_and_how_long_it_holds() -> None:
    """Plans and days to come, with their messages; nothing that is over."""
    chat = CHAT + "\n[10] Rosa: The audit is scheduled for 20 May 2024."
    made = run(instruction("foresight"), "foresights", session_date="2024-05-12", messages=chat)
    found = {tuple(f["sources"]): (f["time"], f["until"]) for f in made["foresights"]}
    assert found == {(8,): ("2024-05-12", ""), (10,): ("2024-05-12", "2024-05-20")}


# scenes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("episode", "chosen"),
    [
        ("Rosa sold her car and will travel by bicycle.", 2),
        ("Mia baked bread.", None),
    ],
)
def test_an_episode_goes_on_with_the_scene_that_shares_most(
    episode: str, chosen: int | None
) -> None:
    """People and subjects count; with hardly anything in common a new scene begins."""
    scenes = "[1] (2024-05-01) Ben, dog, garden\n[2] (2024-05-02) Rosa, car, commute"
    made = run(instruction("scene"), "scene", "title", episode=episode,
               episode_date="2024-05-12", scenes=scenes)  # fmt: skip
    assert made["scene"] == chosen
    assert made["title"]


# what is found --------------------------------------------------------------------------------


def check(question: str, *memories: str, text: str = instruction("sufficiency")) -> Any:
    listed = "\n".join(f"[{n}] (2024-05-0{n}) {text}" for n, text in enumerate(memories, 1))
    return run(text, "sufficient", "missing", "queries", "require", question=question,
               asked_on="2024-06-01", memories=listed)  # fmt: skip


def test_memories_that_say_it_of_that_person_are_enough() -> None:
    """Of another person they are not, and then other words are looked for."""
    assert check("What car does Rosa drive?", "Rosa has a Fiat as car.")["sufficient"] is True
    other = check("What car does Rosa drive?", "Ben is on holiday.")
    assert other["sufficient"] is False
    assert any("Rosa" in text for text in other["queries"])


def test_the_second_half_of_a_chain_is_asked_for_by_name() -> None:
    """Who the mentor is was found: what the mentor does is looked for next."""
    known = check("Where does Ana's mentor live?", "Ana has Otto as mentor.")
    assert (known["sufficient"], known["missing"]) == (False, "about Otto")
    assert known["queries"][0].startswith("Otto")
    both = check("Where does Ana's mentor live?", "Ana has Otto as mentor.", "Otto lives in Riga.")
    assert both["sufficient"] is True
    unknown = check("Where does Ana's mentor live?", "Ben lives in Turin.")
    assert unknown["queries"] == ["Ana mentor"]


def test_what_is_looked_for_is_required_where_the_instruction_says_so() -> None:
    """The person whom the queries are about; without that line nothing is required."""
    asked = ("Where does Ana's mentor live?", "Ana has Otto as mentor.")
    text = instruction("sufficiency")
    without = "\n".join(line for line in text.splitlines() if not line.startswith("Require"))
    assert check(*asked)["require"] == ["Otto"]
    assert check(*asked, text=without)["require"] == []
    assert check("What car does Rosa drive?")["require"] == ["Rosa"]
    assert check("What car does Rosa drive?", "Rosa has a Fiat as car.")["require"] == []


def test_the_memory_that_fits_best_is_ranked_first_the_later_one_of_two() -> None:
    """Every memory has a place."""
    listed = ("[1] (2024-05-01) Ben sings.\n[2] (2024-05-02) Rosa drives a Fiat.\n"
              "[3] (2024-05-03) Rosa drives a Seat.")  # fmt: skip
    asked = {"question": "What car does Rosa drive?", "asked_on": "2024-06-01", "memories": listed}
    assert run(instruction("rerank"), "ranking", **asked)["ranking"] == [3, 2, 1]
    assert run(instruction("rerank"), "ranking", slip=1.0, **asked)["ranking"] == [2, 1, 3]


def test_answers_depend_on_the_request_alone() -> None:
    """The same request gets the same answer; another sample is another draw."""
    one = [starts(instruction("boundary"), slip=0.5, sample=n) for n in range(6)]
    assert one == [starts(instruction("boundary"), slip=0.5, sample=n) for n in range(6)]
    assert len({tuple(found) for found in one}) > 1
