"""Searching is the store's; where it cannot rank, its items are ranked here."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

from memory_backends.langgraph_store.space import Space
from memory_backends.retrieval.embeddings import Embedder
from memory_backends.retrieval.index import HybridIndex
from memory_backends.state import MemoryState

# Fetched beyond what is asked for, so that most ties need no second look.
_MORE = 8
# With several queries, how many more of each are compared than are returned.
_WIDER = 4
# Decimals of a score that count: what is nearer together is a tie, decided by content.
_DECIMALS = 9


class StoreSearch:
    """memory_backends.state.Searching over a LangGraph store.

    A score is the store's and has to be a similarity: 0 or less is unrelated (cosine and inner
    product; not the negative distances of an L2 index). A store without semantic search, such
    as PostgreSQL without pgvector, returns items without scores: then all of its items are
    ranked by memtune's hybrid index.
    """

    def __init__(self, space: Space, held: MemoryState, embedder: Embedder | None) -> None:
        self._space = space
        self._held = held
        self._own = HybridIndex(embedder)
        self._own_texts: set[str] = set()
        self._ranks: bool | None = None

    def search(
        self, queries: Sequence[str], k: int, accept: Callable[[str], bool] | None = None
    ) -> list[tuple[str, float]]:
        """Return at most k (id, score), best first.

        For several queries a score is the best of theirs plus their mean, as in HybridIndex.
        """
        wanted = [query for query in dict.fromkeys(queries) if query.strip()]
        if not wanted or k <= 0 or not len(self._held):
            return []
        if not self._store_ranks(wanted[0]):
            return self._all().search(wanted, k, accept)
        if len(wanted) == 1:
            return self._ranked(wanted[0], k, accept)
        scores: dict[str, list[float]] = defaultdict(list)
        for query in wanted:
            for id, score in self._ranked(query, _WIDER * k, accept):
                scores[id].append(score)
        return self._best(((id, max(s) + sum(s) / len(wanted)) for id, s in scores.items()), k)

    def near(self, text: str, k: int, at_least: float) -> list[tuple[str, float]]:
        """Return at most k (id, share) of entries near a text. The share is the store's score;
        of ranking done here, a text's BM25 score over that of `text` itself."""
        if not text.strip() or not len(self._held):
            return []
        if not self._store_ranks(text):
            return self._all().near(text, k, at_least)
        return [found for found in self._ranked(text, k, None) if found[1] >= at_least]

    def _store_ranks(self, query: str) -> bool:
        if self._ranks is None:
            found = self._space.search(1, query)
            if not found:
                return True  # nothing can be told of it yet
            self._ranks = found[0].score is not None
        return self._ranks

    def _ranked(
        self, query: str, k: int, accept: Callable[[str], bool] | None
    ) -> list[tuple[str, float]]:
        """Return the k best accepted; fetches on until no tie with the last is left out."""
        limit = k + _MORE
        while True:
            items = self._space.search(limit, query)
            scores = {
                item.key: round(item.score, _DECIMALS)
                for item in items
                if item.score is not None and item.key in self._held
            }
            best = self._best(
                (
                    (id, score)
                    for id, score in scores.items()
                    if score > 0 and (accept is None or accept(id))
                ),
                k,
            )
            last = min(scores.values(), default=0.0)
            if len(items) < limit or last <= 0 or (len(best) == k and best[-1][1] > last):
                return best
            limit *= 4

    def _best(self, found: Iterable[tuple[str, float]], k: int) -> list[tuple[str, float]]:
        return sorted(found, key=lambda one: (-one[1], self._held[one[0]].text, one[0]))[:k]

    def _all(self) -> HybridIndex:
        """Return the index over what the store holds now."""
        # In one look: pages of a store without order may overlap.
        items = self._space.search(len(self._held))
        texts = {item.key: str(item.value["text"]) for item in items if item.key in self._held}
        for id in self._own_texts - texts.keys():
            self._own.remove(id)
        for id, text in texts.items():
            self._own.put(id, text)
        self._own_texts = set(texts)
        return self._own
