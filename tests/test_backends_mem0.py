"""What is recorded of mem0's add, what its model is asked, and what goes wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from memory_backends.mem0.extraction import texts_in, turns
from memory_backends.registry import create_backend
from tests.backend_fixture import Scripted, context, ingest, session, texts
from tests.mem0_fixture import TALK, Extracting, passed, section
from tests.upgrade_fixture import upgraded
from traces.domain import Message
from traces.errors import BudgetExceeded, SettingsError

pytestmark = pytest.mark.usefixtures("json_adapter")


def test_each_step_of_an_add_is_an_operation() -> None:
    """One extraction an add, in the slot of the custom instructions, and one store a fact."""
    backend, ctx = passed(Extracting(), session(*TALK))
    told = [(o.kind, o.name, o.slot) for o in ctx.recorder.operations]
    assert told == [
        ("extraction", "extract", "custom_instructions"),
        ("update", "store", None),
        ("update", "store", None),
    ]
    assert texts(backend.entries()) == [
        "Rosa does keep bees in Faro.", "Ben does bought a green canoe.",
    ]  # fmt: skip
    assert [(e.speaker, e.date, e.sources) for e in backend.entries()] == [
        ("Rosa", "2024-05-12", ("s1:1",)),
        ("Ben", "2024-05-12", ("s1:2",)),
    ]


def test_only_the_custom_instructions_can_be_tuned() -> None:
    """mem0 asks no model when it stores and searches; with `update` there is one more slot."""
    slots = create_backend("mem0").slots
    assert [(s.name, s.kind) for s in slots] == [("custom_instructions", "extraction")]
    more = create_backend("mem0", {"update": True}).slots
    assert [s.name for s in more] == ["custom_instructions", "update"]


def test_the_model_is_asked_with_mem0s_prompt_and_the_slots_text() -> None:
    """The instruction stands in mem0's own section; what is near and what was said before are
    shown as mem0 shows them."""
    model = Extracting()
    backend = create_backend("mem0")
    ctx = context(model, "mem0", {"custom_instructions": "Keep what bees do."})
    ingest(backend, ctx, session(*TALK), session("I keep more bees.", id="s2"))
    system, user = model.texts[-1]
    assert "Memory Extractor" in system
    assert section(user, "Custom Instructions") == "Keep what bees do."
    assert section(user, "New Messages").strip() == "user: Rosa: I keep more bees."
    assert "bees in Faro" in section(user, "Existing Memories")
    assert "user: Ben: I bought a green canoe." in section(user, "Last k Messages")


def test_an_add_takes_at_most_a_window_of_messages() -> None:
    """A long session is several adds of nearly equal length."""
    model = Extracting()
    passed(model, session(*(f"I did {n}." for n in range(7))), config={"window": 3})
    lengths = [len(section(user, "New Messages").strip().splitlines()) for _, user in model.texts]
    assert lengths == [2, 2, 3]


def test_people_are_users_and_named() -> None:
    """Only who is called assistant has that role; one called user needs no name."""
    said = [
        Message("1", "Rosa", "Hi"), Message("2", "assistant", "Yes"), Message("3", "User", "a\nb"),
    ]  # fmt: skip
    assert turns(said, 100) == [
        {"role": "user", "content": "Rosa: Hi"},
        {"role": "assistant", "content": "Yes"},
        {"role": "user", "content": "a b"},
    ]


# what goes wrong -----------------------------------------------------------------------


def test_what_the_model_raises_comes_out_as_it_is() -> None:
    """mem0 wraps it in an error of its own; a spent budget still ends the run as such."""

    class Spent(Scripted):
        def complete(self, request: Any) -> Any:
            raise BudgetExceeded("the budget is used up")

    with pytest.raises(BudgetExceeded, match="used up"):
        passed(Spent(), session(*TALK))


@pytest.mark.parametrize(
    "reply",
    ["", "no JSON", "[1]", '{"memory": "x"}', '{"memory": [1, null, {"text": 3}, {"text": " "}]}'],
)
def test_a_reply_that_cannot_be_read_has_no_facts(reply: str) -> None:
    """As in mem0: nothing is stored, and the next add works."""
    backend, ctx = passed(Scripted(lambda _: reply), session(*TALK))
    assert backend.entries() == ()
    assert [o.status for o in ctx.recorder.operations] == ["executed"]


def test_a_reply_is_read_as_mem0_reads_it() -> None:
    """In a code block, with prose around it, with line breaks inside texts."""
    assert texts_in('```json\n{"memory": [{"text": "a"}]}\n```') == ["a"]
    assert texts_in('Sure:\n{"memory": [{"text": "a\nb"}, {"text": "\ud83d"}]}') == [
        "a\nb",
        "\ufffd",
    ]


def test_the_version_of_mem0_is_part_of_the_fingerprint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After an upgrade nothing is reused that mem0's code may have decided, and a run is not
    resumed as if nothing had changed; a memory that does not rest on mem0 is what it was."""
    before = [create_backend(name).fingerprint for name in ("mem0", "rag")]
    with upgraded("mem0ai", tmp_path, monkeypatch):
        mem0, rag = (create_backend(name).fingerprint for name in ("mem0", "rag"))
    assert mem0 != before[0]
    assert rag == before[1]
    assert create_backend("mem0").fingerprint == before[0]


def test_options_are_checked() -> None:
    """A truth value is no number, and the other way round."""
    assert create_backend("mem0", {"update": True}).slots
    for config in ({"update": 1}, {"update": "yes"}, {"window": True}, {"threshold": -1}):
        with pytest.raises(SettingsError, match=next(iter(config))):
            create_backend("mem0", config)
