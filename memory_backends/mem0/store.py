"""mem0's vector store, in memory: entries, exact search by meaning and by words."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from memory_backends.retrieval.embeddings import Embedder, EmbeddingSimilarity, Similarity
from memory_backends.retrieval.ngrams import NgramSimilarity
from memory_backends.state import MemoryState
from traces.errors import OperationError
from traces.schema import MemoryEntry
from traces.text import BM25, stems


@dataclass(frozen=True, slots=True)
class Row:
    """A stored memory as mem0 reads it; `score` is 0 where nothing was searched."""

    id: str
    payload: dict[str, Any]
    score: float = 0.0


class Store:
    """The methods of mem0's `VectorStoreBase` that it calls, over a MemoryState.

    mem0 numbers what it stores at random and dates it by the wall clock; here an entry has the
    id and date that its operation gave it. So what mem0 inserts is only noted in `offered`, for
    an operation to decide on and `hold`; and `changing_to` says what an update makes of an entry.
    Searches may run in parallel, changes may not.
    """

    def __init__(self, state: MemoryState, embedder: Embedder | None, user: str) -> None:
        self.state = state
        self.offered: list[str] = []
        self._user = user
        self._arriving: MemoryEntry | None = None
        self._similarity: Similarity = (
            NgramSimilarity() if embedder is None else EmbeddingSimilarity(embedder)
        )
        self._bm25 = BM25()
        self._indexed: dict[str, str] = {}
        # What the similarity was prepared for; None where the memory has changed since.
        self._compared: list[str] | None = None
        self._lock = threading.Lock()

    def restore(self, snapshot: object) -> None:
        """Return to a state. Raises OperationError for one of another backend."""
        self.state.restore(snapshot)
        held = {entry.id: entry.text for entry in self.state.entries()}
        for id in self._indexed.keys() - held.keys():
            self._unindex(id)
        for id, text in held.items():
            self._index(id, text)

    def hold(self, entry: MemoryEntry) -> None:
        """Hold an entry, in the place of another version of it."""
        self.state.put(entry, entry.text)
        self._index(entry.id, entry.text)

    @contextmanager
    def changing_to(self, entry: MemoryEntry) -> Iterator[None]:
        """Let what mem0 updates in this block become this version."""
        self._arriving = entry
        try:
            yield
        finally:
            self._arriving = None

    # what mem0 writes ------------------------------------------------------------------

    def insert(self, vectors: Any, payloads: Sequence[Mapping[str, Any]], ids: Any = None) -> None:
        """Note the texts that mem0 would store."""
        self.offered.extend(payload["data"] for payload in payloads)

    def update(self, vector_id: str, vector: Any = None, payload: Any = None) -> None:
        """Hold the new version of an entry.

        Raises OperationError where mem0 would write what no operation put out.
        """
        arriving = self._arriving
        if arriving is None or (vector_id, payload["data"]) != (arriving.id, arriving.text):
            raise OperationError(
                f"mem0 writes {payload['data']!r:.60} to entry {vector_id}, which it was not told "
                "to; install mem0ai 2.2, or report this with your version of it"
            )
        self.hold(arriving)

    def delete(self, vector_id: str) -> None:
        """Drop an entry."""
        self.state.remove(vector_id)
        self._unindex(vector_id)

    def _index(self, id: str, text: str) -> None:
        if self._indexed.get(id) != text:
            self._bm25.add(id, stems(text))
            self._indexed[id] = text
            self._compared = None

    def _unindex(self, id: str) -> None:
        self._bm25.remove(id)
        del self._indexed[id]
        self._compared = None

    # what mem0 reads -------------------------------------------------------------------

    def get(self, vector_id: str) -> Row | None:
        """Return a memory, or None."""
        return self._row(vector_id) if vector_id in self.state else None

    def list(self, filters: Any = None, top_k: int | None = None) -> Sequence[Sequence[Row]]:
        """Return the memories in order of arrival, as the one page that mem0 expects."""
        return [[self._row(entry.id) for entry in self.state.entries()[:top_k]]]

    def search(
        self, query: str, vectors: Any, top_k: int = 5, filters: Any = None
    ) -> Sequence[Row]:
        """Return the memories nearest to a text, best first; scores are cosines (0..1)."""
        ids = self._prepared()
        scores = self._similarity.scores(query).tolist() if ids else []
        return self._ranked(zip(ids, scores, strict=True), top_k)

    def keyword_search(self, query: str, top_k: int = 5, filters: Any = None) -> Sequence[Row]:
        """Return the memories that share words with a text, best first; scores are BM25's."""
        return self._ranked(self._bm25.scores(stems(query)).items(), top_k)

    def near(self, text: str, k: int, at_least: float) -> Sequence[MemoryEntry]:
        """Return at most k entries that are about what `text` is about, best first.

        `at_least` is the least share (0..1) of the score that `text` itself would have.
        """
        found = self._ranked(self._bm25.shares(stems(text), at_least), k)
        return [self.state[row.id] for row in found]

    def _ranked(self, scored: Any, k: int) -> Sequence[Row]:
        kept = [(id, score) for id, score in scored if score > 0]
        # Ties are broken by content, never by arrival.
        kept.sort(key=lambda item: (-item[1], self.state[item[0]].text, item[0]))
        return [self._row(id, score) for id, score in kept[:k]]

    def _row(self, id: str, score: float = 0.0) -> Row:
        entry = self.state[id]
        digest = hashlib.md5(entry.text.encode("utf-8", "surrogatepass"), usedforsecurity=False)
        payload = {
            "data": entry.text, "hash": digest.hexdigest(), "user_id": self._user,
            "created_at": entry.date, "updated_at": entry.date,
        }  # fmt: skip
        return Row(id, payload, score)

    def _prepared(self) -> Sequence[str]:
        """Return the ids of what the similarity compares with, prepared."""
        with self._lock:
            if self._compared is None:
                self._similarity.prepare(list(self._indexed.values()))
                self._compared = list(self._indexed)
            return self._compared
