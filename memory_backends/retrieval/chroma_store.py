"""Chroma on disk: one collection a user, and nothing fetched or written elsewhere.

Chroma's graph index is never saved (`sync_threshold`): its files are written in place,
and a process killed meanwhile leaves one that crashes the next. All lies in Chroma's
SQLite file, from which Chroma builds the index when a collection is first used.

Chroma makes those files all the same, and fills two of them with memory that it has not
set: whatever the process held there before, other users' texts included. They lead to
/dev/null.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from traces.errors import MemtuneError, StoreError

_FILE = "chroma.sqlite3"
_NEVER = 10**9
_UNSET = ("data_level0.bin", "length.bin")
# Records in one call: Chroma refuses more than its SQLite has variables for.
_BATCH = 1000

Metadata = dict[str, str | int]


@dataclass(frozen=True, slots=True)
class Record:
    """What Chroma keeps of an entry. `document` is for people who look with Chroma's own
    tools; `metadata` holds all that the entry is made of."""

    id: str
    metadata: Metadata
    document: str
    vector: NDArray[np.float32]


class Collection:
    """One user's records. Not safe for a change beside anything else."""

    def __init__(self, raw: Any, where: Path) -> None:
        self._raw = raw
        self.where = where

    def put(self, records: Sequence[Record]) -> None:
        """Add records, replacing those of the same ids."""
        for start in range(0, len(records), _BATCH):
            batch = records[start : start + _BATCH]
            with _translated(self.where):
                self._raw.upsert(
                    ids=[record.id for record in batch],
                    embeddings=[record.vector for record in batch],
                    metadatas=[record.metadata for record in batch],
                    documents=[record.document for record in batch],
                )

    def describe(self, metadata: Mapping[str, Metadata]) -> None:
        """Replace the metadata of records, which keep vector and document."""
        ids = list(metadata)
        for start in range(0, len(ids), _BATCH):
            batch = ids[start : start + _BATCH]
            with _translated(self.where):
                self._raw.update(ids=batch, metadatas=[metadata[id] for id in batch])

    def remove(self, ids: Sequence[str]) -> None:
        """Remove records; ids that are not there are no error."""
        for start in range(0, len(ids), _BATCH):
            with _translated(self.where):
                self._raw.delete(ids=list(ids[start : start + _BATCH]))

    def metadata(self) -> dict[str, Metadata]:
        """Return the metadata of all records, by id."""
        with _translated(self.where):
            found = self._raw.get(include=["metadatas"])
        return dict(zip(found["ids"], found["metadatas"], strict=True))

    def records(self) -> list[Record]:
        """Return all records."""
        with _translated(self.where):
            found = self._raw.get(include=["metadatas", "documents", "embeddings"])
        vectors = np.asarray(found["embeddings"], dtype=np.float32)
        return [
            Record(*parts)
            for parts in zip(
                found["ids"], found["metadatas"], found["documents"], vectors, strict=True
            )
        ]

    def vectors(self, ids: Sequence[str]) -> NDArray[np.float32]:
        """Return the vectors of records, in the order of `ids`, shape (len(ids), dimensions).

        Raises StoreError when one is missing.
        """
        found: dict[str, Any] = {}
        for start in range(0, len(ids), _BATCH):
            with _translated(self.where):
                got = self._raw.get(ids=list(ids[start : start + _BATCH]), include=["embeddings"])
            found.update(zip(got["ids"], got["embeddings"], strict=True))
        if len(found) != len(ids):
            raise damaged(self.where, f"{len(ids) - len(found)} vectors are missing")
        return np.array([found[id] for id in ids], dtype=np.float32)

    def distances(self, vector: NDArray[np.float32], most: int) -> dict[str, float]:
        """Return 1 - vector . record in single precision, by id, of at most `most` records.

        As a rule of all of them where `most` is their number; but the search follows a
        graph, and may miss some.
        """
        with _translated(self.where):
            found = self._raw.query(
                query_embeddings=[vector], n_results=most, include=["distances"]
            )
        return dict(zip(found["ids"][0], found["distances"][0], strict=True))


class ChromaStore:
    """Chroma in one directory, used by one process.

    Raises StoreError when the directory is damaged or cannot be used.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        with _translated(directory):
            import chromadb
            from chromadb.config import Settings

            settings = Settings(  # type: ignore[call-arg]
                _env_file=None,
                anonymized_telemetry=False,
                allow_reset=False,
                migrations="apply",
                chroma_api_impl="chromadb.api.rust.RustBindingsAPI",
                chroma_otel_collection_endpoint="",
            )
            self._client: Any = chromadb.PersistentClient(str(directory), settings=settings)
        with self._sqlite() as connection:
            # The log, never shortened here, is searched at each write: 1 us a record of any user.
            connection.execute(
                "CREATE INDEX IF NOT EXISTS memtune_log ON embeddings_queue (topic, seq_id)"
            )

    def collection(self, name: str, label: str) -> Collection:
        """Return a collection, made where there is none; `label` goes into its metadata."""
        with _translated(self._directory):
            raw = self._client.get_or_create_collection(
                name,
                metadata={"user": label},
                configuration={"hnsw": {"space": "ip", "sync_threshold": _NEVER}},
                # Vectors are always given; the default function is a downloader.
                embedding_function=None,
            )
            self._mute(str(raw.id))
            # A collection's first read does its whole log again, slowly where a write came first.
            raw.get(limit=1, include=[])
        return Collection(raw, self._directory)

    def _mute(self, collection: str) -> None:
        """Have the index files of a collection lead nowhere, before Chroma first opens them."""
        with self._sqlite() as connection:
            segments = connection.execute(
                "SELECT id FROM segments WHERE scope = 'VECTOR' AND collection = ?", [collection]
            ).fetchall()
            # Where links cannot be made the files stay, like the rest their owner's alone.
            with suppress(OSError):
                for (segment,) in segments:
                    folder = self._directory / segment
                    folder.mkdir(exist_ok=True)
                    for name in _UNSET:
                        if not (folder / name).is_symlink():
                            (folder / name).unlink(missing_ok=True)
                            (folder / name).symlink_to(os.devnull)

    @contextmanager
    def _sqlite(self) -> Iterator[sqlite3.Connection]:
        try:
            connection = sqlite3.connect(self._directory / _FILE, isolation_level=None)
            try:
                yield connection
            finally:
                connection.close()
        except (sqlite3.Error, OSError) as error:
            raise _unusable(self._directory, error) from error

    def drop(self, name: str) -> None:
        """Delete a collection; one that is not there is no error."""
        from chromadb.errors import NotFoundError

        with _translated(self._directory):
            try:
                self._client.delete_collection(name)
            except NotFoundError:
                return

    def erase(self) -> None:
        """Overwrite what has been deleted: SQLite and Chroma only mark it as free."""
        with self._sqlite() as connection:
            # The copy that VACUUM makes must not lie in the system's temporary directory.
            connection.execute("PRAGMA temp_store = MEMORY")
            connection.execute(
                "INSERT INTO embedding_fulltext_search(embedding_fulltext_search) "
                "VALUES ('optimize')"
            )
            connection.execute("VACUUM")
            live = {id for (id,) in connection.execute("SELECT id FROM segments")}
            for folder in self._directory.iterdir():
                # Chroma leaves the folder of a deleted collection behind.
                if folder.is_dir() and folder.name not in live:
                    shutil.rmtree(folder)

    def close(self) -> None:
        """Let the files go."""
        with _translated(self._directory):
            self._client.close()


def damaged(where: Path, what: str) -> StoreError:
    """Return the error for contents that do not agree with each other."""
    return StoreError(
        f"{where}: damaged ({what}); restore the memory's directory from a backup, or use another"
    )


def _unusable(where: Path, error: BaseException) -> StoreError:
    message = " ".join(str(error).split())[:300]
    return StoreError(
        f"{where}: Chroma cannot use it ({message}); free what it needs (space, permissions), "
        "else restore the memory's directory from a backup"
    )


@contextmanager
def _translated(where: Path) -> Iterator[None]:
    """Translate what Chroma raises: its own errors, those of its parts, and Rust's panics."""
    try:
        yield
    except MemtuneError:
        raise
    except Exception as error:
        raise _unusable(where, error) from error
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        raise _unusable(where, error) from error
