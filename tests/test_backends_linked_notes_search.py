"""Retrieval of linked notes, and linked notes under substitution, reuse and snapshots."""

from __future__ import annotations

from dataclasses import replace

import pytest

from memory_backends.linked_notes.note import Note
from memory_backends.registry import create_backend
from tests.backend_fixture import DAY, ask, ingest, session, texts
from tests.linked_notes_fixture import BACKEND, Notes, memory, notes, passing
from traces.domain import Question
from traces.errors import OperationError
from traces.graph import EvolutionGraph
from traces.operation import OperationContext, substitute
from traces.schema import MemoryEntry, OperationRecord, change, fact

HOME = session("my home is Lisbon"), session("my home is Porto", id="s2", date=DAY.replace(month=6))
OVER = {"number": 1, "context": "superseded since June", "tags": []}


pytestmark = pytest.mark.usefixtures("json_adapter")


def operation(ctx: OperationContext, name: str) -> OperationRecord:
    """Return the last operation of a name."""
    return [o for o in ctx.recorder.operations if o.name == name][-1]


# retrieval --------------------------------------------------------------------------


def test_keywords_and_tags_find_a_note() -> None:
    """A note is found by words that its content does not have, and these are not shown."""
    store, ctx = memory(), passing(Notes())
    ingest(store, ctx, session("my dog is Rex", "I play chess"))
    assert ask(store, ctx, "hound") == ["my dog is Rex"]
    assert ask(store, ctx, "animal", id="q2") == ["my dog is Rex"]


@pytest.mark.parametrize(("query", "first"), [("Lisbon", "Lisbon"), ("Porto", "Porto")])
def test_a_linked_note_comes_beside_what_was_found(query: str, first: str) -> None:
    """Links are read in both directions; what is linked follows all that was found."""
    store, ctx = memory(top_k=1, similarity_weight=0.0), passing(Notes(queries=[query]))
    ingest(store, ctx, *HOME)
    found = ask(store, ctx, "?")
    assert found[0] == f"my home is {first}"
    assert set(found) == {"my home is Lisbon", "my home is Porto"}


def test_no_more_than_so_many_linked_notes_are_added() -> None:
    """`beside` bounds what links add to the search's `top_k`."""
    store, ctx = memory(top_k=1, beside=1), passing(Notes(queries=["Lisbon"]))
    ingest(store, ctx, *HOME, session("my home is Lisbon near Porto", id="s3"))
    assert len(ask(store, ctx, "?")) == 2


def test_filters_hold_for_linked_notes_too() -> None:
    """What the period or the required words leave out comes back by no link."""
    for search in ({"before": "2024-05-31"}, {"require": ["Lisbon"]}):
        store, ctx = memory(), passing(Notes(queries=["home"], **search))
        ingest(store, ctx, *HOME)
        assert ask(store, ctx, "?") == ["my home is Lisbon"]


def test_an_empty_memory_is_not_searched() -> None:
    """Nothing is returned, and no model asked."""
    store, model = memory(), Notes()
    assert ask(store, passing(model), "home") == []
    assert model.requests == []


def test_retrieval_is_read_only_and_recorded() -> None:
    """Asking changes nothing; what was returned derives from the versions that stand."""
    store, ctx = memory(), passing(Notes({"Porto": [OVER]}))
    ingest(store, ctx, *HOME)
    before = store.entries()
    found = store.retrieve(Question("q", "home", answer=None), DAY, ctx.child("q", DAY))
    assert store.entries() == before
    assert {(e.id, e.version) for e in found} == {(e.id, e.version) for e in before}
    graph = EvolutionGraph.of(ctx.recorder)
    assert {v.id for e in before if (v := e.variable)} <= graph.ancestors(
        operation(ctx, "retrieve").id
    )


# substitution, reuse, snapshots -----------------------------------------------------


def test_a_bare_entry_in_place_of_a_linking_is_linked_to_what_was_near() -> None:
    """A repair that knows no links leaves the note as well off as one that was linked."""
    first = passing(Notes())
    ingest(memory(), first, *HOME)
    entry = MemoryEntry("e9", "Rosa's home is Porto", "Rosa", "2024-06-12", ("s2:1",))
    repair = substitute(
        operation(first, "link").id,
        {"changes": [change("add", None)], "entries": [entry.as_variable()]},
    )
    store, ctx = memory(), passing(Notes({"Porto": [OVER]})).intervened([repair])
    ingest(store, ctx, *HOME)
    old, new = notes(store)
    assert old.context == "superseded since June"
    assert (new.entry.text, new.links) == ("Rosa's home is Porto", (old.entry.id,))


def test_a_linking_that_stores_nothing_evolves_nothing() -> None:
    """Keeping the memory as it was is applied as it was put out."""
    first = passing(Notes())
    ingest(memory(), first, *HOME)
    repair = substitute(operation(first, "link").id, {"changes": [change("keep", None)]})
    store, ctx = memory(), passing(Notes()).intervened([repair])
    ingest(store, ctx, *HOME)
    assert texts(store.entries()) == ["my home is Lisbon"]
    assert not [o for o in ctx.recorder.operations if o.name == "evolve"]


def test_a_changed_text_is_what_later_steps_see() -> None:
    """The text counts, not the descriptions beside it: a substituted one stays in force."""
    model = Notes({"Porto": [OVER]})
    first = passing(model)
    store = memory()
    ingest(store, first, HOME[0])
    old = notes(store)[0]
    told = replace(old.entry, text="my home is Madrid").as_variable()
    linking = operation(first, "link").id
    store, ctx = memory(), passing(model).intervened([substitute(linking, {"entries": [told]})])
    ingest(store, ctx, *HOME)
    assert notes(store)[0].entry.text == "my home is Madrid (superseded since June)"


def test_a_foreign_fact_becomes_a_note_without_descriptions() -> None:
    """A repaired construction may know no keywords, tags and context."""
    first = passing(Notes())
    ingest(memory(), first, HOME[0])
    said = fact("Rosa lives in Lisbon", "Rosa", "2024-05-12", ["s1:1"])
    repair = substitute(operation(first, "construct").id, {"facts": [said]})
    store, ctx = memory(), passing(Notes()).intervened([repair])
    ingest(store, ctx, HOME[0])
    assert notes(store) == [Note(store.entries()[0], links=())]
    assert texts(store.entries()) == ["Rosa lives in Lisbon"]


def test_two_runs_send_identical_requests() -> None:
    """Nothing random, global or dependent on time is in a request or an id."""
    runs = []
    for _ in range(2):
        model = Notes({"Porto": [OVER]})
        store, ctx = memory(), passing(model)
        ingest(store, ctx, *HOME)
        ask(store, ctx, "where is home?")
        runs.append((model.texts, [o.reuse_key for o in ctx.recorder.operations]))
    assert runs[0] == runs[1]


def test_a_snapshot_keeps_descriptions_and_links_elsewhere() -> None:
    """Later sessions do not touch it; another instance goes on from it in the same way."""
    model = Notes({"Porto": [OVER]})
    store, ctx = memory(), passing(model)
    ingest(store, ctx, HOME[0], session("my home is Lisbon still", id="s1b"))
    kept = store.snapshot()
    before = notes(store)
    ingest(store, ctx, HOME[1])
    after = notes(store)
    twin = memory()
    twin.restore(kept)
    assert notes(twin) == before
    ingest(twin, passing(model), HOME[1])
    assert notes(twin) == after
    assert ask(twin, ctx, "home") == ask(store, ctx, "home", id="q2")
    with pytest.raises(OperationError, match=BACKEND):
        twin.restore(create_backend("rag").snapshot())
