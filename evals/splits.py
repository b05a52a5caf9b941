"""Which conversations are learned from, which decide, and which stay sealed.

Splits are by conversation: questions of one conversation share its memory, so they
must not be divided. The order is drawn from the data set's content hash, so that the
same data give the same splits everywhere, whatever the file is called.
"""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from traces.domain import Conversation, Dataset
from traces.errors import DataError, LockedError, StoreError
from traces.hashing import text_hash

FEWEST = 3
TRAIN_SHARE = 0.2


@dataclass(frozen=True, slots=True)
class Splits:
    """Conversation ids, each in the data set's order; the three are disjoint."""

    train: tuple[str, ...]
    selection: tuple[str, ...]
    test: tuple[str, ...]

    def to_json(self) -> dict[str, list[str]]:
        """Return JSON-native values."""
        return {name: list(getattr(self, name)) for name in ("train", "selection", "test")}

    def limited(self, dataset: Dataset, conversations: int) -> Splits:
        """Return so many conversations of these splits, of each its share.

        No conversation changes its split, and fewer are a part of more. Raises DataError
        for fewer than 3.
        """
        seed = dataset.hash
        sizes = split_counts(conversations)
        parts = []
        for part, size in zip((self.train, self.selection, self.test), sizes, strict=True):
            first = set(sorted(part, key=lambda id: text_hash(seed + id))[:size])
            parts.append(tuple(id for id in part if id in first))
        return Splits(*parts)

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Splits:
        """Read what `to_json` wrote."""
        return cls(*(tuple(record[name]) for name in ("train", "selection", "test")))


def split_counts(conversations: int) -> tuple[int, int, int]:
    """Return the 20/40/40 sizes of train, selection and test: 5 -> 1, 2, 2.

    Each is at least 1; of two uneven halves, selection gets the larger. Raises
    DataError for fewer than 3 conversations.
    """
    if conversations < FEWEST:
        raise DataError(
            f"{conversations} conversation{'' if conversations == 1 else 's'} cannot be split: "
            f"train, selection and test need at least {FEWEST} together; add "
            f"{FEWEST - conversations}"
        )
    train = max(1, round(TRAIN_SHARE * conversations))
    selection = (conversations - train + 1) // 2
    return train, selection, conversations - train - selection


def split(dataset: Dataset, counts: tuple[int, int, int] | None = None) -> Splits:
    """Divide the conversations of `dataset`, in sizes `counts` or those of `split_counts`.

    Given counts may leave conversations out. Raises DataError, saying how many
    conversations are needed, when there are too few.
    """
    have = len(dataset.conversations)
    sizes = split_counts(have) if counts is None else counts
    if min(sizes) < 1:
        raise DataError(f"split sizes {sizes}: train, selection and test need at least 1 each")
    if sum(sizes) > have:
        raise DataError(
            f"split sizes {sizes} need {sum(sizes)} conversations, {dataset.name} has {have}: "
            "lower them or add conversations"
        )
    seed = dataset.hash
    drawn = sorted((c.id for c in dataset.conversations), key=lambda id: text_hash(seed + id))
    first, second = sizes[0], sizes[0] + sizes[1]
    parts = (drawn[:first], drawn[first:second], drawn[second : sum(sizes)])
    order = {c.id: place for place, c in enumerate(dataset.conversations)}
    return Splits(*(tuple(sorted(part, key=order.__getitem__)) for part in parts))


def conversations_of(dataset: Dataset, ids: tuple[str, ...]) -> tuple[Conversation, ...]:
    """Return the conversations with these ids, in this order. Raises DataError if missing."""
    held = {c.id: c for c in dataset.conversations}
    missing = [id for id in ids if id not in held]
    if missing:
        raise DataError(f"{dataset.name} has no conversation {missing[0]}: was the file changed?")
    return tuple(held[id] for id in ids)


class TestSeal:
    """Counts how often the test split of a data set was opened, by any run of this user.

    Kept in `directory` (the user's state directory), by data set hash. Safe between
    processes: a lock around each change, and the file is written whole or not at all.
    """

    __test__ = False  # no test case, whatever its name tells pytest
    WAIT_SECONDS = 30.0

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._path = directory / "test_openings.json"

    def openings(self, dataset_hash: str) -> int:
        """Return how often the test split was opened so far."""
        return len(self._read().get(dataset_hash, []))

    def check(self) -> None:
        """Raise StoreError now where a later opening could not be counted."""
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self._directory):
                pass
        except (OSError, ValueError) as error:
            raise StoreError(
                f"{self._path}: cannot be written ({getattr(error, 'strerror', None) or error}); "
                "make the directory writable, or set MEMTUNE__STATE_DIR to one that is"
            ) from error
        self._read()

    def open(self, dataset_hash: str, opening: str) -> int:
        """Count an opening and return how many there are now, this one included.

        `opening` names it (run identity and finalist): a killed run that repeats its own
        opening is counted once. Raises LockedError when another process holds the file
        too long, StoreError when the file is damaged or cannot be written.
        """
        from filelock import FileLock, Timeout

        try:
            self._directory.mkdir(parents=True, exist_ok=True)
            with FileLock(f"{self._path}.lock", timeout=self.WAIT_SECONDS):
                counts = self._read()
                names = counts.setdefault(dataset_hash, [])
                if opening not in names:
                    names.append(opening)
                    self._write(counts)
                return len(names)
        except Timeout as error:
            raise LockedError(
                f"{self._path}: another process holds its lock; try again when it has finished"
            ) from error
        except OSError as error:
            raise StoreError(
                f"{self._path}: cannot be written ({error.strerror}); check the directory"
            ) from error

    def _read(self) -> dict[str, list[str]]:
        try:
            found = json.loads(self._path.read_bytes())
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise self._damaged() from error
        if not isinstance(found, dict) or not all(isinstance(v, list) for v in found.values()):
            raise self._damaged()
        return found

    def _damaged(self) -> StoreError:
        return StoreError(
            f"{self._path}: cannot be read as the record of test openings; restore it, or move "
            "it away to start counting anew"
        )

    def _write(self, counts: dict[str, list[str]]) -> None:
        handle, name = tempfile.mkstemp(dir=self._directory, prefix=".test_openings-")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(counts, file, indent=1, sort_keys=True)
                file.flush()
                os.fsync(file.fileno())
            os.replace(name, self._path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
