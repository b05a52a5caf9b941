"""Behaviour of `rag` and `long_context`, which keep every message as it is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memory_backends.registry import create_backend
from tests.backend_fixture import DAY, Scripted, ask, context, ingest, session, texts
from traces.domain import Message, Session
from traces.errors import OperationError
from traces.operation import OperationContext, substitute
from traces.schema import MemoryEntry

BOTH = pytest.mark.parametrize("name", ["rag", "long_context"])


def pass_of(name: str) -> OperationContext:
    """Return a pass in which any model call is a failure."""

    def bind(operation: Any) -> Any:
        raise AssertionError("a model call")

    return replace(context(Scripted(), name), bind=bind)


@BOTH
def test_each_message_is_an_entry_of_its_own_operation(name: str) -> None:
    """Provenance is by message: one operation uses one message and makes its entry."""
    backend, ctx = create_backend(name), pass_of(name)
    ingest(backend, ctx, session("I have a dog", "nice [photo: a dog]"))
    assert [(e.text, e.speaker, e.date, e.sources) for e in backend.entries()] == [
        ("Rosa: I have a dog", "Rosa", "2024-05-12", ("s1:1",)),
        ("Ben: nice [photo: a dog]", "Ben", "2024-05-12", ("s1:2",)),
    ]
    used = [[id for id, _ in o.inputs["message"]] for o in ctx.recorder.operations]
    assert used == [["message/s1:1"], ["message/s1:2"]]
    assert {o.kind for o in ctx.recorder.operations} == {"update"}


@BOTH
def test_an_inserted_message_renames_no_neighbour(name: str) -> None:
    """Entry ids depend on the message's id, not on its position."""
    one, two = session("a", "b"), session("a", "b")
    two = replace(two, messages=(Message("new", "Ben", "x"), *two.messages))
    ids = []
    for chat in (one, two):
        backend = create_backend(name)
        ingest(backend, pass_of(name), chat)
        ids.append({e.sources: e.id for e in backend.entries()})
    assert ids[0].items() <= ids[1].items()


@BOTH
def test_an_empty_memory_returns_nothing(name: str) -> None:
    """No history, no entries."""
    assert ask(create_backend(name), pass_of(name), "anything?") == []


@BOTH
def test_substituted_entries_are_what_is_held(name: str) -> None:
    """The backend holds what perform returned: here nothing, and another entry."""
    first = pass_of(name)
    ingest(create_backend(name), first, session("one", "two"))
    one, two = (o.id for o in first.recorder.operations)
    other = MemoryEntry("e", "other", sources=("s1:2",)).as_variable()
    ctx = pass_of(name).intervened([substitute(one, {}), substitute(two, {"entries": [other]})])
    backend = create_backend(name)
    ingest(backend, ctx, session("one", "two"))
    assert texts(backend.entries()) == ["other"]


@BOTH
def test_snapshots_are_isolated_and_restore_elsewhere(name: str) -> None:
    """A snapshot ignores later sessions and gives another instance the same answers."""
    backend, ctx = create_backend(name), pass_of(name)
    ingest(backend, ctx, session("the red car", "the blue boat"))
    kept, entries = backend.snapshot(), backend.entries()
    found = ask(backend, ctx, "car", id="q1")
    ingest(backend, ctx, session("another red car", id="s2"))
    twin = create_backend(name)
    twin.restore(kept)
    assert twin.entries() == entries
    assert ask(twin, pass_of(name), "car") == found
    backend.restore(kept)
    assert backend.entries() == entries
    assert ask(backend, ctx, "car", id="q2") == found
    with pytest.raises(OperationError):
        backend.restore(object())


def test_rag_finds_a_reply_by_the_message_before_it() -> None:
    """The previous message of the session is searched with a message, but not returned in it."""
    backend, ctx = create_backend("rag", {"top_k": 2}), pass_of("rag")
    ingest(
        backend,
        ctx,
        session("which instrument do you play?", "the cello", "fine", "sunny today"),
        session("something else", id="s2"),
    )
    assert ask(backend, ctx, "what instrument?") == [
        "Rosa: which instrument do you play?",
        "Ben: the cello",
    ]


def test_rag_takes_in_thousands_of_messages() -> None:
    """A memory of LoCoMo's size, in one conversation, loses nothing."""
    backend, ctx = create_backend("rag"), pass_of("rag")
    for s in range(60):
        words = [f"word{s} thing{n} said the number {s * n}" for n in range(46)]
        ingest(backend, ctx, session(*words, id=f"s{s}"))
    assert len(backend.entries()) == 2760


def test_long_context_keeps_the_latest_that_fit_in_order() -> None:
    """The budget counts characters of text; older messages go first."""
    backend = create_backend("long_context", {"budget_chars": 15})
    ctx = pass_of("long_context")
    ingest(backend, ctx, session("1", "2", "3"), session("4", id="s2"))
    assert ask(backend, ctx, "?") == ["Rosa: 3", "Rosa: 4"]
    ingest(backend, ctx, session("x" * 16, id="s3"))
    assert ask(backend, ctx, "?", id="q2") == []


@given(st.lists(st.text(st.characters()), max_size=4), st.text(st.characters()))
@settings(max_examples=60, deadline=None)
def test_any_text_is_kept_and_searched(lines: list[str], question: str) -> None:
    """No message or question breaks ingest or search; texts are held unchanged."""
    messages = tuple(Message(f"m{i}", "A", text) for i, text in enumerate(lines))
    for name in ("rag", "long_context"):
        backend, ctx = create_backend(name), pass_of(name)
        ingest(backend, ctx, Session("s1", DAY, messages))
        assert texts(backend.entries()) == [f"A: {text}" for text in lines]
        assert set(ask(backend, ctx, question)) <= set(texts(backend.entries()))
