"""The index over memory on disk ranks, bit for bit, as the one in memory."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from memory_backends.retrieval.chroma_directory import MemoryDirectory
from memory_backends.retrieval.chroma_records import UserRecords
from memory_backends.retrieval.chroma_vectors import StoredVectors
from memory_backends.retrieval.embeddings import cosines, text_vectors
from memory_backends.retrieval.index import HybridIndex
from tests.persistent_fixture import EMBEDDERS, Hashed, entry, plain_index
from tests.test_backends_registry import Letters
from traces.errors import ProviderError, StoreError

EXAMPLES = int(os.environ.get("RANKING_EXAMPLES", "8"))
WORDS = ("dog", "cat", "car", "red", "blue", "chess", "Rosa", "Ben", "plays", "adopted")
any_text = st.one_of(
    st.lists(st.sampled_from(WORDS), max_size=6).map(" ".join),
    st.text(st.characters(), max_size=12),
)
ids = st.one_of(st.integers(0, 9).map(str), st.sampled_from(["\ud800", "ä", "a\0b", "x" * 300]))
steps = st.lists(
    st.one_of(
        st.tuples(st.just("put"), ids, any_text),
        st.tuples(st.just("put"), ids, any_text),
        st.tuples(st.just("remove"), ids),
        st.tuples(st.just("commit")),
        st.tuples(st.just("reopen")),
        st.tuples(
            st.just("ask"),
            st.lists(any_text, min_size=1, max_size=10),
            st.integers(1, 6),
            st.sampled_from([None, 2, 3]),
        ),
    ),
    min_size=4,
    max_size=40,
)


class World:
    """A user's memory on disk and, beside it, an index in memory over the same texts."""

    def __init__(self, path: Path, embedder: str, weight: float, user: str) -> None:
        self.path, self.embedder, self.weight, self.user = path, EMBEDDERS[embedder], weight, user
        self.texts: dict[str, str] = {}
        self.plain = HybridIndex(self.embedder, weight)
        self._open()

    def _open(self) -> None:
        self.directory = MemoryDirectory(self.path, {"backend": "x"}, self.embedder, adopt=False)
        self.records: UserRecords = self.directory.load(self.user)
        self.kept = HybridIndex(self.records.vectors, self.weight)
        for found, text in self.records.items():
            self.kept.put(found.id, text)

    def items(self) -> list[Any]:
        return [(entry(id, text), text) for id, text in self.texts.items()]

    def commit(self) -> None:
        change = self.records.change(self.items())
        self.directory.commit(self.user, self.records, change, None)

    def reopen(self) -> None:
        self.commit()
        before = self.records.items()
        self.directory.close()
        self._open()
        assert self.records.items() == before == tuple(self.items())

    def put(self, id: str, text: str) -> None:
        self.texts[id] = text
        self.plain.put(id, text)
        self.kept.put(id, text)

    def remove(self, id: str) -> None:
        if id in self.texts:
            del self.texts[id]
            self.plain.remove(id)
            self.kept.remove(id)

    def ask(self, queries: Sequence[str], k: int, modulus: int | None) -> None:
        accept = None if modulus is None else lambda id: len(self.texts[id]) % modulus != 0
        assert self.kept.search(queries, k, accept) == self.plain.search(queries, k, accept)
        assert self.kept.near(queries[0], k, 0.1) == self.plain.near(queries[0], k, 0.1)


@pytest.mark.parametrize("embedder", list(EMBEDDERS))
def test_any_history_ranks_as_in_memory(embedder: str, tmp_path: Path) -> None:
    """After any adds, changes, deletions, commits and reopenings: the same ids in the same
    order with the same scores, among committed entries and others; and the same entries."""
    count = 0

    @given(steps, st.sampled_from([0.25, 0.25, 0, 3]))
    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    def holds(history: list[tuple[Any, ...]], weight: float) -> None:
        nonlocal count
        count += 1
        world = World(tmp_path, embedder, weight, f"user {count}")
        try:
            for name, *arguments in history:
                getattr(world, name)(*arguments)
            world.reopen()
            world.ask(["dog Rosa", "red"], 3, None)
        finally:
            world.directory.close()

    holds()


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """300 committed texts of a few words each, and some that are equal."""
    world = World(tmp_path_factory.mktemp("large"), "hashed", 0.25, "large")
    draw = random.Random(5)
    for number in range(300):
        world.put(f"e{number}", " ".join(draw.choices(WORDS, k=draw.randrange(1, 7))))
    world.reopen()
    yield world
    world.directory.close()


QUERIES = ["adopted a red dog", "chess", "Ben plays", "nothing of the kind", "zzz"]


def test_few_vectors_are_fetched(large: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bounds decide most: what cannot be among the first is not fetched from Chroma."""
    fetched: list[int] = []
    real = large.records.vectors_of

    def counted(ids: Sequence[str]) -> NDArray[np.float32]:
        fetched.append(len(ids))
        return real(ids)

    monkeypatch.setattr(large.records, "vectors_of", counted)
    for query in QUERIES:
        large.ask([query], 5, None)
    assert 0 < sum(fetched) < 30 * len(QUERIES)


def test_what_the_graph_misses_is_found_all_the_same(
    large: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Chroma's search is approximate; the ranking does not depend on what it returns."""
    real = large.records.distances
    draw = random.Random(6)

    def lossy(vector: NDArray[np.float32]) -> Mapping[str, float]:
        return {id: value for id, value in real(vector).items() if draw.random() < 0.5}

    monkeypatch.setattr(large.records, "distances", lossy)
    for query in QUERIES:
        large.ask([query], 5, None)
        large.ask([query, "dog"], 300, 2)
    monkeypatch.setattr(large.records, "distances", lambda vector: {})
    large.ask(QUERIES, 7, None)


def test_vectors_that_are_not_those_of_the_distances_are_an_error(
    large: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stale or foreign vector is noticed: it would make the bounds untrue."""
    real = large.records.distances
    monkeypatch.setattr(
        large.records, "distances", lambda v: {id: d - 0.001 for id, d in real(v).items()}
    )
    with pytest.raises(StoreError, match="do not agree"):
        large.kept.search(["adopted a red dog"], 5)


class AFewBits:
    """Stored vectors whose distances err as much as single precision may: nowhere."""

    def __init__(self, texts: Sequence[str], embedder: Hashed, draw: random.Random) -> None:
        self._vectors = dict(zip(texts, text_vectors(embedder, texts), strict=True))
        self._draw = draw

    def record_of(self, text_id: str, text: str) -> str | None:
        """Each text is its own record."""
        return text

    def vectors_of(self, record_ids: Sequence[str]) -> NDArray[np.float32]:
        """Return the vectors."""
        return np.array([self._vectors[id] for id in record_ids])

    def distances(self, vector: NDArray[np.float32]) -> Mapping[str, float]:
        """Return distances that were summed in an order of their own."""
        found = {}
        for text, one in self._vectors.items():
            order = self._draw.sample(range(len(one)), len(one))
            total = np.float32(0)
            for position in order:
                total += one[position] * vector[position]
            found[text] = float(np.float32(1) - total)
        return found


def test_rounding_stays_within_the_bounds() -> None:
    """However Chroma sums, its single-precision distance bounds the exact cosine."""
    draw = random.Random(7)
    for dimensions in (1, 2, 33, 700):
        embedder = Hashed(dimensions)
        texts = [f"text {number}" for number in range(40)]
        stored = AFewBits(texts, embedder, draw)
        kept = HybridIndex(StoredVectors(embedder, stored))
        for text in texts:
            kept.put(text, text)
        plain = plain_index({text: text for text in texts}, embedder, 0.25)
        for query in ("text 3", "another"):
            assert kept.search([query], 40) == plain.search([query], 40)


@given(st.integers(1, 70), st.integers(1, 300), st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_a_cosine_does_not_depend_on_its_neighbours(rows: int, columns: int, seed: int) -> None:
    """Each row's cosine is the same whether it is computed alone or among others."""
    draw = np.random.default_rng(seed)
    vectors = draw.normal(size=(rows, columns)).astype(np.float32)
    query = draw.normal(size=columns)
    together = cosines(vectors, query)
    some = np.sort(draw.choice(rows, size=max(1, rows // 2), replace=False))
    assert cosines(vectors[some], query).tolist() == together[some].tolist()
    assert cosines(vectors[:1], query).tolist() == together[:1].tolist()


@pytest.mark.parametrize("bad", [np.full((2, 3), np.nan), np.ones((1, 3)), np.ones(2)])
def test_what_is_no_vector_is_an_error(bad: NDArray[np.float64]) -> None:
    """One finite vector a text, or an error that names the embedder."""

    class Broken(Letters):
        name = "broken-7"

        def embed(self, texts: Sequence[str]) -> NDArray[np.float64]:
            return bad

    with pytest.raises(ProviderError, match="broken-7"):
        text_vectors(Broken(), ["a", "b"])
