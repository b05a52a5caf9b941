"""Behaviour of searching in a LangGraph store: ranks, ties, and n-grams as plain vectors."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memory_backends.langgraph_store.source import source_of
from memory_backends.langgraph_store.space import Space
from memory_backends.langgraph_store.state import StoreState
from memory_backends.retrieval.embeddings import Embedder
from memory_backends.retrieval.index import HybridIndex
from memory_backends.retrieval.ngram_vectors import DIMENSIONS, ngram_vectors
from tests.langgraph_stores import NEGATIVE, PLAIN
from tests.test_backends_registry import Letters
from traces.schema import MemoryEntry

WORDS = ["home", "Lisbon", "Porto", "bicycle", "chess", "garden", "sold", "Thursday"]
phrases = st.lists(st.sampled_from(WORDS), min_size=1, max_size=4).map(" ".join)


def state(
    entries: Sequence[tuple[str, str]],
    option: str = "memory",
    embedder: Embedder | None = None,
) -> StoreState:
    """Return a memory's state that holds these (id, text), put in this order."""
    made = StoreState("langgraph_store", Space(source_of(option, embedder)), embedder)
    for id, text in entries:
        made.put(MemoryEntry(id, text), text)
    return made


@settings(max_examples=60, deadline=None)
@given(st.lists(phrases, min_size=1, max_size=25), st.randoms(), st.integers(1, 6), phrases)
def test_what_is_found_does_not_depend_on_the_order_in_which_it_came(
    found_in: list[str], chance: random.Random, k: int, query: str
) -> None:
    """Equal scores are ordered by text, then by id; however many there are, none is missed."""
    entries = [(f"{n:03}", text) for n, text in enumerate(found_in)]
    mixed = list(entries)
    chance.shuffle(mixed)
    first, second = state(entries).index, state(mixed).index
    assert first.search([query], k) == second.search([query], k)
    assert first.search([query, "garden"], k) == second.search([query, "garden"], k)
    assert first.near(query, k, 0.2) == second.near(query, k, 0.2)
    ranked = first.search([query], len(entries))
    assert first.search([query], k) == ranked[:k]
    texts = dict(entries)
    assert ranked == sorted(ranked, key=lambda one: (-one[1], texts[one[0]], one[0]))


def test_ties_beyond_what_was_fetched_are_fetched_too() -> None:
    """Of a hundred equal texts the first by content is the first, though it was put last."""
    entries = [(f"{n:03}", "my home is Lisbon") for n in reversed(range(100))]
    found = state(entries).index.search(["home Lisbon"], 3)
    assert [id for id, _ in found] == ["000", "001", "002"]


def test_what_a_store_scores_as_unrelated_is_not_found() -> None:
    """A score of 0 or less: neither in search nor near."""
    entries = [("a", "my cat"), ("b", "my home")]
    found = state(entries, "tests.langgraph_stores:NEGATIVE").index
    assert found.search(["cat"], 5) == [("a", 1.0)]
    assert found.near("boat", 5, 0.0) == [("b", 1.0)]
    assert NEGATIVE.search(("memtune",), query="cat", limit=1)[0].score == 1.0


@pytest.mark.filterwarnings("error")
def test_a_query_without_words_finds_nothing() -> None:
    """It has no n-grams; an entry without any is found by nothing."""
    held = state([("a", "my cat"), ("b", "!")]).index
    assert held.search(["the of and"], 5) == held.search(["?"], 5) == []
    assert held.near("!", 5, 0.0) == []


def test_only_entries_at_least_so_near_are_near() -> None:
    """The threshold is the store's score: a text's own is 1."""
    near = state([("a", "home in Lisbon"), ("b", "a home with a garden"), ("c", "chess")]).index
    assert [id for id, _ in near.near("home in Lisbon", 5, 0.99)] == ["a"]
    assert [id for id, _ in near.near("home in Lisbon", 5, 0.1)] == ["a", "b"]
    assert [id for id, _ in near.near("home in Lisbon", 1, 0.0)] == ["a"]


@settings(max_examples=40, deadline=None)
@given(st.lists(phrases, min_size=1, max_size=20), st.lists(phrases, max_size=3), phrases)
def test_a_store_that_cannot_rank_finds_what_the_hybrid_index_finds(
    found_in: list[str], queries: list[str], text: str
) -> None:
    """Its items are ranked by memtune: results are those of the index over the same texts,
    also after entries were changed and removed."""
    entries = [(f"{n:03}", text) for n, text in enumerate(found_in)]
    plain = state(entries, "tests.langgraph_stores:PLAIN")
    index = HybridIndex()
    for id, one in entries:
        index.put(id, one)

    def same() -> None:
        assert plain.index.search(queries, 5) == index.search(queries, 5)
        assert plain.index.near(text, 5, 0.15) == index.near(text, 5, 0.15)

    same()
    plain.put(MemoryEntry("000", "Porto", version=2), "Porto")
    index.put("000", "Porto")
    same()
    for id, _ in entries[1:]:
        plain.remove(id)
        index.remove(id)
    same()
    plain._space.close()
    assert PLAIN.search(("memtune",), limit=1) == []


def test_a_store_that_cannot_rank_is_searched_for_what_it_holds() -> None:
    """An entry that is gone from the store is not found, though memtune put it there."""
    plain = state([("a", "my home"), ("b", "home sold")], "tests.langgraph_stores:PLAIN")
    assert len(plain.index.search(["home"], 5)) == 2
    (item,) = [i for i in PLAIN.search(("memtune",)) if i.key == "a"]
    PLAIN.delete(item.namespace, "a")
    assert [id for id, _ in plain.index.search(["home"], 5)] == ["b"]
    plain._space.close()


def test_the_store_in_memory_searches_with_the_embedder_it_is_given() -> None:
    """An embedding model takes the place of n-grams: here texts with the same letters are
    the same."""
    entries = [("a", "listen"), ("b", "gold")]
    assert state(entries, embedder=Letters()).index.search(["silent"], 1) == [("a", 1.0)]
    assert state(entries).index.search(["silent"], 1) != [("a", 1.0)]


@given(st.text())
def test_ngram_vectors_are_of_whole_numbers_that_depend_on_the_text_alone(text: str) -> None:
    """So sums of products are exact, and a cosine the same whatever it is computed beside."""
    (alone,) = ngram_vectors([text])
    beside = ngram_vectors(["another", text, text * 2])[1]
    assert alone.shape == (DIMENSIONS,)
    assert np.array_equal(alone, beside)
    assert np.array_equal(alone, np.rint(alone))
    assert float((alone.astype(np.float64) ** 2).sum()) < 2**24


@pytest.mark.parametrize(
    ("text", "nearer", "farther"),
    [
        ("Where does Rosa live?", "Rosa lives in Lisbon.", "Ben likes chess."),
        ("bicycles", "a bicycle", "a boat"),
        ("the gardener's plan", "he plans a garden", "the and of"),
    ],
)
def test_ngram_vectors_of_related_texts_are_nearer(text: str, nearer: str, farther: str) -> None:
    """Inflected words count; words that every text has do not."""
    one, near, far = ngram_vectors([text, nearer, farther]).astype(np.float64)
    assert one @ near > one @ far
