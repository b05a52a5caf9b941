"""Plain memories: classes of anybody's that add messages and search, and what they may offer.

    class Mine:
        def add(self, messages): ...        # [{"id", "speaker", "text", "date"}, ...]
        def search(self, question): ...     # ["text", ...] or [{"text", ...}, ...]

Where it offers more, more can be seen and proved: `entries()` (like what `search` returns:
everything in memory), `put(entry)` and `remove(entry_id)` (for a memory that is nothing but its
entries), `snapshot()` and `restore(snapshot)`, `close()`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice
from typing import Any, Protocol, TypedDict, runtime_checkable

from traces.domain import Session
from traces.errors import OperationError
from traces.hashing import text_hash
from traces.schema import MemoryEntry

# Of one answer, entries and characters of each: what is more is a defect, not a memory.
MOST, LONGEST = 100_000, 1_000_000


class PlainMessage(TypedDict):
    """What `add` is given. `date` is ISO 8601, local time: when the session took place."""

    id: str
    speaker: str
    text: str
    date: str


@runtime_checkable
class Plain(Protocol):
    """What every plain memory offers. The memory of one conversation; it begins empty."""

    def add(self, messages: list[PlainMessage]) -> Any:
        """Take in the messages of one session; sessions come in order."""

    def search(self, question: str) -> Any:
        """Return what is in memory on a question, best first, changing nothing: strings, or
        dicts with `text` and, where known, `id`, `sources` (message ids), `speaker`, `date`
        and `score`."""


@runtime_checkable
class PlainEntries(Protocol):
    """Shows what is in memory, in the form in which `search` returns it."""

    def entries(self) -> Any:
        """Return everything in memory, oldest first."""


@runtime_checkable
class PlainEdits(Protocol):
    """Lets single entries be put and removed: only for a memory that is nothing but its
    entries, and whose entries have ids."""

    def put(self, entry: dict[str, Any]) -> Any:
        """Hold an entry (`id`, `text`, `speaker`, `date`, `sources`), in place of one of its id."""

    def remove(self, entry_id: str) -> Any:
        """Drop the entry of an id."""


@runtime_checkable
class PlainSnapshots(Protocol):
    """Can go back to an earlier state, also in another instance."""

    def snapshot(self) -> Any:
        """Return the present state, unaffected by what follows."""

    def restore(self, snapshot: Any) -> Any:
        """Return to a state; the snapshot stays usable."""


@dataclass(frozen=True, slots=True)
class Item:
    """One entry or result as it was given. `id` and `sources` are None where it has none."""

    text: str
    id: str | None = None
    sources: tuple[str, ...] | None = None
    speaker: str = ""
    date: str = ""
    score: float | None = None

    @property
    def key(self) -> str:
        """The entry id: its own, else one that depends on the text alone."""
        return self.id if self.id is not None else text_hash(f"entry/{self.text}", 8)

    def entry(self, sources: Sequence[str], version: int = 1) -> MemoryEntry:
        """Return the item as an entry; `sources` where it names none of its own."""
        found = tuple(sources) if self.sources is None else self.sources
        return MemoryEntry(self.key, self.text, self.speaker, self.date, found, version)


def messages_of(session: Session) -> list[PlainMessage]:
    """Return a session's messages as `add` is given them, new at each call."""
    day = session.date.isoformat()
    return [
        {"id": m.id, "speaker": m.speaker, "text": m.text, "date": day} for m in session.messages
    ]


def items(value: Any, method: str) -> list[Item]:
    """Return what `search` or `entries` returned. Raises OperationError for what is neither
    text nor a dict with text, saying which and where."""
    if value is None or isinstance(value, str | bytes | Mapping) or not hasattr(value, "__iter__"):
        raise OperationError(
            f"{method} returned {_shown(value)}; return a list of strings, or of dicts with 'text'"
        )
    found = [
        _item(one, f"{method} returned, at place {place}")
        for place, one in enumerate(islice(value, MOST + 1))
    ]
    if len(found) > MOST:
        raise OperationError(f"{method} returned more than {MOST:,} entries; return those that fit")
    return found


def _item(value: Any, where: str) -> Item:
    if isinstance(value, str):
        value = {"text": value}
    if not isinstance(value, Mapping) or not isinstance(value.get("text"), str):
        raise OperationError(f"{where}, {_shown(value)}; give a string, or a dict with a 'text'")
    if len(value["text"]) > LONGEST:
        raise OperationError(
            f"{where}, a text of {len(value['text']):,} characters; keep entries short"
        )
    id, sources = value.get("id"), value.get("sources")
    if id is not None and not isinstance(id, str | int):
        raise OperationError(f"{where}, an 'id' that is {_shown(id)}; give a string")
    if sources is not None:
        if isinstance(sources, str) or not hasattr(sources, "__iter__"):
            raise OperationError(
                f"{where}, 'sources' that are {_shown(sources)}; give a list of message ids"
            )
        sources = tuple(str(source) for source in sources)
    score = value.get("score")
    return Item(
        value["text"],
        None if id is None else str(id),
        sources,
        str(value.get("speaker") or ""),
        _day(value.get("date")),
        float(score) if isinstance(score, int | float) else None,
    )


def _day(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime | date) else str(value or "")


def _shown(value: Any) -> str:
    return f"{type(value).__name__} {value!r}"[:80]
