"""A user's committed entries, as records in Chroma: to and fro, bit for bit."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from memory_backends.retrieval.chroma_store import Collection, Metadata, Record, damaged
from memory_backends.retrieval.chroma_vectors import StoredVectors
from memory_backends.retrieval.embeddings import Embedder, text_vectors
from traces.hashing import canonical_json, text_hash
from traces.schema import MemoryEntry, Variable

# Without an embedder Chroma still wants a vector of each record.
_STAND_IN = 8
_UNPRINTABLE = re.compile("[\0\ud800-\udfff]")

Item = tuple[MemoryEntry, str]  # an entry and the text that it is found by


@dataclass(frozen=True, slots=True)
class Kept:
    """A committed entry, and what its record says. `arrival` orders a user's entries."""

    item: Item
    arrival: int
    record: str
    metadata: Metadata
    hash: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "hash", text_hash(canonical_json(self.metadata)))


@dataclass(frozen=True, slots=True)
class Change:
    """`kept` and `beside` as they are to be, and the steps to the first as JSON: records to
    put (id, metadata, document, vector), to describe anew, and to remove."""

    kept: dict[str, Kept]
    beside: str
    steps: dict[str, Any]

    @property
    def size(self) -> int:
        """How many records it writes."""
        return sum(len(step) for step in self.steps.values())

    @property
    def digest(self) -> str:
        """The digest of the entries as they are to be."""
        return digest(self.kept.values())


class UserRecords:
    """A user's committed entries, by entry id in order of arrival, and what is kept beside them.

    Implements chroma_vectors.Stored. `vectors` is the embedder to give to the user's
    index: it finds the committed vectors in Chroma. None without an embedder. `collection` is
    None for a user without anything.
    """

    def __init__(self, collection: Collection | None, embedder: Embedder | None) -> None:
        self.collection = collection
        self.kept: dict[str, Kept] = {}
        self.beside = ""
        self.vectors = None if embedder is None else StoredVectors(embedder, self)

    def load(self) -> None:
        """Read all entries. Raises StoreError for a record that is none of ours."""
        found = []
        collection = self._held()
        for record, metadata in collection.metadata().items():
            try:
                item = _unpacked(str(metadata["entry"]))
                found.append(Kept(item, int(metadata["arrival"]), record, metadata))
            except (KeyError, ValueError, TypeError) as error:
                raise damaged(collection.where, f"record {record}: {error!r}") from error
        found.sort(key=lambda one: (one.arrival, one.record))
        self.kept = {one.item[0].id: one for one in found}

    def items(self) -> tuple[Item, ...]:
        """Return the entries, each with the text that it is found by."""
        return tuple(kept.item for kept in self.kept.values())

    def change(self, items: Iterable[Item], beside: str = "") -> Change:
        """Return what makes the entries these, in this order of arrival, and `beside` this.

        Embeds all new texts in one batch; raises what the embedder raises.
        """
        wanted: dict[str, Kept] = {}
        last = 0
        for item in items:
            old = self.kept.get(item[0].id)
            last = old.arrival if old is not None and old.arrival > last else last + 1
            if old is None or old.arrival != last or not _same(old.item, item):
                old = _packed(item, last)
            wanted[item[0].id] = old
        return self._to(wanted, beside)

    def without(self, entry_ids: Container[str]) -> Change:
        """Return what leaves out these entries, and all that is kept beside entries: nobody can
        tell what of that speaks of them."""
        return self._to({id: kept for id, kept in self.kept.items() if id not in entry_ids}, "")

    def _to(self, wanted: dict[str, Kept], beside: str) -> Change:
        put, described = [], {}
        for entry_id, kept in wanted.items():
            old = self.kept.get(entry_id)
            if old is None or old.item[1] != kept.item[1]:
                put.append(kept)
            elif old is not kept:
                described[kept.record] = kept.metadata
        vectors = self._vectors([kept.item[1] for kept in put])
        steps = {
            "put": [
                [kept.record, kept.metadata, printable(kept.item[1]), _text(vector)]
                for kept, vector in zip(put, vectors, strict=True)
            ],
            "describe": described,
            "remove": [kept.record for id, kept in self.kept.items() if id not in wanted],
        }
        return Change(wanted, beside, steps)

    def _vectors(self, texts: Sequence[str]) -> list[NDArray[np.float32]]:
        if self.vectors is None:
            return [stand_in(text) for text in texts]
        held = self.vectors.hold(texts)
        return [held[text] for text in texts]

    def record_of(self, text_id: str, text: str) -> str | None:
        """Return the id of the record that holds this text's vector, or None."""
        kept = self.kept.get(text_id)
        return kept.record if kept is not None and kept.item[1] == text else None

    def vectors_of(self, record_ids: Sequence[str]) -> NDArray[np.float32]:
        """Return the vectors of records, shape (len(record_ids), dimensions)."""
        return self._held().vectors(record_ids)

    def distances(self, vector: NDArray[np.float32]) -> Mapping[str, float]:
        """Return 1 - vector . record, by id, of all records that Chroma's graph finds."""
        return self._held().distances(vector, len(self.kept))

    def _held(self) -> Collection:
        assert self.collection is not None
        return self.collection


def digest(kept: Iterable[Kept]) -> str:
    """Return the hash of all that the records say, in order of arrival."""
    return text_hash("".join(one.hash for one in kept))


def apply(collection: Collection, steps: Mapping[str, Any]) -> None:
    """Do the steps of a change. Doing them again changes nothing."""
    collection.remove(steps["remove"])
    collection.put(
        [
            Record(id, metadata, document, _vector(vector))
            for id, metadata, document, vector in steps["put"]
        ]
    )
    collection.describe(steps["describe"])


def embedded(records: Sequence[Record], embedder: Embedder | None) -> list[Record]:
    """Return the records with vectors of another embedder, made in one batch."""
    texts = [_unpacked(str(record.metadata["entry"]))[1] for record in records]
    if embedder is None:
        vectors = [stand_in(text) for text in texts]
    else:
        vectors = list(text_vectors(embedder, texts)) if texts else []
    return [replace(record, vector=vector) for record, vector in zip(records, vectors, strict=True)]


def printable(text: str) -> str:
    """Return `text` as Chroma can show it; nothing is read back from it."""
    return _UNPRINTABLE.sub("\ufffd", text)


def stand_in(text: str) -> NDArray[np.float32]:
    """Return the vector of a text where there is no embedder, shape (8,).

    A hash: it satisfies Chroma, and says nothing about nearness; no search looks at it.
    """
    digest = bytes.fromhex(text_hash(text, size=2 * _STAND_IN))
    numbers = np.frombuffer(digest, dtype="<u2").astype(np.float32)
    return (numbers / np.float32(65536.0)).astype(np.float32)


def _packed(item: Item, arrival: int) -> Kept:
    entry, found_by = item
    variable = entry.variable
    passed = variable is not None and MemoryEntry.from_variable(variable) == entry
    if variable is None or not passed:
        variable = entry.as_variable()
    described = canonical_json([variable.kind, variable.json, variable.id, passed, found_by])
    metadata: Metadata = {"entry": described, "arrival": arrival}
    return Kept(item, arrival, text_hash(entry.id), metadata)


def _unpacked(text: str) -> Item:
    kind, value, id, passed, found_by = json.loads(text)
    entry = MemoryEntry.from_variable(Variable.stored(kind, value, text_hash(kind + value), id))
    return (entry if passed else replace(entry, variable=None)), found_by


def _same(old: Item, new: Item) -> bool:
    if old is new:
        return True
    # Entries are equal whatever variable they came from; the graph is not.
    return old == new and old[0].variable == new[0].variable


def _text(vector: NDArray[np.float32]) -> str:
    return base64.b64encode(vector.astype("<f4").tobytes()).decode("ascii")


def _vector(text: str) -> NDArray[np.float32]:
    return np.frombuffer(base64.b64decode(text), dtype="<f4").astype(np.float32)
