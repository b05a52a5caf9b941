"""Behaviour of linked notes: construction, linking, evolution and what is recorded."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.backend_fixture import DAY, Scripted, ingest, session, texts
from tests.linked_notes_fixture import Notes, memory, notes, passing
from traces.operation import OperationContext

HOME = session("my home is Lisbon"), session("my home is Porto", id="s2", date=DAY.replace(month=6))
OVER = {"number": 1, "context": "superseded since June", "tags": []}


pytestmark = pytest.mark.usefixtures("json_adapter")


def operations(ctx: OperationContext, name: str) -> list[Any]:
    return [o for o in ctx.recorder.operations if o.name == name]


# construction -----------------------------------------------------------------------


def test_a_note_carries_message_ids_date_and_its_descriptions() -> None:
    """Local numbers become message ids; keywords and tags stand beside the text."""
    store = memory()
    ingest(store, passing(Notes()), session("my dog is Rex", "I play chess"))
    dog, chess = notes(store)
    assert (dog.entry.text, dog.entry.speaker, dog.entry.date, dog.entry.sources) == (
        "my dog is Rex", "Rosa", "2024-05-12", ("s1:1",),
    )  # fmt: skip
    assert (dog.keywords, dog.tags, dog.context, dog.links) == (
        ("Rex", "hound"),
        ("animal",),
        "",
        (),
    )
    assert (chess.entry.sources, chess.keywords) == (("s1:2",), ())


def test_a_context_is_told_behind_the_content() -> None:
    """What construction says beyond the content is part of what the answer is shown."""
    item = {"content": "Rosa won", "speaker": "Rosa", "context": "the chess cup", "sources": [1]}
    store = memory()
    ingest(store, passing(Scripted(lambda _: {"notes": [item]})), session("I won"))
    (note,) = notes(store)
    assert (note.entry.text, note.content, note.context) == (
        "Rosa won (the chess cup)", "Rosa won", "the chess cup",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        ({"content": "a", "time": "2023-01-02T10:00", "sources": ["[2]", 9, "x"], "tags": "x"},
         ("a", "2023-01-02", ("s1:2",), (), ())),
        ({"content": "a", "time": "last week", "keywords": ["k", None, " ", "k"], "tags": [3]},
         ("a", "2024-05-12", ("s1:1", "s1:2"), ("k",), ())),
        ({"content": "  ", "tags": ["t"]}, None),
        ({"text": "a"}, None),
        ("a sentence", None),
        (None, None),
    ],
)  # fmt: skip
def test_odd_items_are_read_as_far_as_they_go(item: Any, expected: Any) -> None:
    """What cannot be read is left out; an item without content is no note."""
    store = memory()
    ingest(store, passing(Scripted(lambda _: {"notes": [item]})), session("x", "y"))
    found = [
        (n.entry.text, n.entry.date, n.entry.sources, n.keywords, n.tags) for n in notes(store)
    ]
    assert found == ([] if expected is None else [expected])


def test_a_long_session_is_read_in_equal_windows() -> None:
    """No window is longer than configured: one construction call each."""
    model = Notes()
    ingest(memory(window=4), passing(model), session(*(f"word{n}" for n in range(9))))
    assert [len(r.inputs["messages"].splitlines()) for r in model.asked("notes")] == [3, 3, 3]


# linking ----------------------------------------------------------------------------


def test_a_note_with_nothing_near_asks_no_model() -> None:
    """The first note is added without linking, and evolves nothing."""
    model = Notes()
    ctx = passing(model)
    ingest(memory(), ctx, HOME[0])
    assert not model.asked("links")
    assert not operations(ctx, "evolve")
    (linking,) = operations(ctx, "link")
    assert linking.kind == "update"


def test_linking_is_shown_near_notes_and_holds_entry_ids() -> None:
    """Near notes are numbered in the prompt, and links name entries, not numbers."""
    model = Notes()
    store = memory()
    ingest(store, passing(model), *HOME)
    (request,) = model.asked("links")
    assert request.inputs["note"] == "my home is Porto"
    assert request.inputs["near"] == "[1] (2024-05-12) my home is Lisbon | tags: place"
    old, new = notes(store)
    assert (old.links, new.links) == ((), (old.entry.id,))


@pytest.mark.parametrize("links", [[], [7, 0, -1], [2]])
def test_numbers_that_name_no_note_link_nothing(links: list[int]) -> None:
    """A note without links is stored all the same, and evolves nothing."""
    model = Notes(links=links)
    store, ctx = memory(), passing(model)
    ingest(store, ctx, *HOME)
    assert [note.links for note in notes(store)] == [(), ()]
    assert not operations(ctx, "evolve")


# evolution --------------------------------------------------------------------------


def test_evolution_describes_anew_and_leaves_the_content() -> None:
    """A new version tells the context behind the same content, and rests on both messages."""
    model = Notes({"Porto": [OVER]})
    store, ctx = memory(), passing(model)
    ingest(store, ctx, *HOME)
    (request,) = model.asked("descriptions")
    assert request.inputs["linked"] == "[1] (2024-05-12) my home is Lisbon | tags: place"
    old, new = notes(store)
    assert old.entry.text == "my home is Lisbon (superseded since June)"
    assert (old.content, old.tags) == ("my home is Lisbon", ("place",))
    assert (old.entry.version, old.entry.date) == (2, "2024-05-12")
    assert old.entry.sources == ("s1:1", "s2:1")
    assert (new.entry.text, new.entry.version) == ("my home is Porto", 1)


def test_new_tags_alone_leave_text_and_sources() -> None:
    """Tags serve search: a note that only they change rests on what it rested on."""
    model = Notes({"Porto": [{"number": 1, "context": "", "tags": ["former", "place"]}]})
    store = memory()
    ingest(store, passing(model), *HOME)
    old = notes(store)[0]
    assert (old.entry.text, old.entry.sources) == ("my home is Lisbon", ("s1:1",))
    assert (old.tags, old.entry.version) == (("former", "place"), 2)


def test_the_new_note_can_be_described_too() -> None:
    """Number 0 is the new note."""
    model = Notes({"Porto": [{"number": 0, "context": "hearsay", "tags": ["claim"]}]})
    store = memory()
    ingest(store, passing(model), *HOME)
    old, new = notes(store)
    assert (new.entry.text, new.tags, new.entry.version) == (
        "my home is Porto (hearsay)",
        ("claim",),
        2,
    )
    assert new.links == (old.entry.id,)
    assert old.entry.version == 1


@pytest.mark.parametrize(
    "item",
    [{"number": 9, "context": "x"}, {"number": 1, "context": "", "tags": ["place"]}, "x", None],
)
def test_descriptions_that_change_nothing_make_no_version(item: Any) -> None:
    """Unknown numbers, unreadable items and what is so already keep the memory as it is."""
    store, ctx = memory(), passing(Notes({"Porto": [item]}))
    ingest(store, ctx, *HOME)
    assert [note.entry.version for note in notes(store)] == [1, 1]
    assert len(operations(ctx, "evolve")) == 1


def test_a_second_context_takes_the_place_of_the_first() -> None:
    """A context is told once, however often a note evolves."""
    later = {"number": 1, "context": "over", "tags": []}
    model = Notes({"Porto": [OVER], "Faro": [later]})
    store = memory(near=1)
    more = session("my home is Lisbon again Faro", id="s3")
    ingest(store, passing(model), *HOME, more)
    assert notes(store)[0].entry.text == "my home is Lisbon (over)"


_ITEMS = st.lists(
    st.fixed_dictionaries(
        {"number": st.integers(-1, 4), "context": st.text(max_size=12),
         "tags": st.lists(st.text(max_size=4), max_size=2)},
    ),
    max_size=4,
)  # fmt: skip


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(_ITEMS)
def test_memory_only_adds_and_describes_anew(items: list[dict[str, Any]]) -> None:
    """Whatever evolution replies, no note goes, no content changes, ids and sources stay."""
    store = memory()
    ingest(store, passing(Notes({"Porto": items})), *HOME)
    old, new = notes(store)
    assert (old.content, new.content) == ("my home is Lisbon", "my home is Porto")
    assert (old.entry.sources[0], new.entry.sources) == ("s1:1", ("s2:1",))
    assert new.links == (old.entry.id,)


# ids and failures ---------------------------------------------------------------------


def test_an_added_note_renames_no_other() -> None:
    """Entry and operation ids depend on the messages, never on the place in the session."""

    def run(*more: str) -> set[str]:
        store = memory()
        ingest(store, passing(Notes()), session("my dog is Rex", "chess is fun", *more))
        return {entry.id for entry in store.entries()}

    assert run() < run("my home is Lisbon")


def test_a_failed_evolution_leaves_both_notes() -> None:
    """The failure is recorded and raised; what was applied before stays."""
    model = Notes()
    reply = model.reply
    model.reply = lambda r: 1 / 0 if "descriptions" in r.outputs else reply(r)  # type: ignore[assignment]
    store, ctx = memory(), passing(model)
    with pytest.raises(Exception, match="division"):
        ingest(store, ctx, *HOME)
    assert operations(ctx, "evolve")[-1].status == "failed"
    assert texts(store.entries()) == ["my home is Lisbon", "my home is Porto"]
