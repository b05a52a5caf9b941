"""What an entry must satisfy to be returned: a period and required words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from memory_backends.retrieval.periods import period_of, periods_in
from traces.schema import MemoryEntry
from traces.text import stems


class Filters:
    """Filters of one retrieval; what cannot be read as a date or word restricts nothing.

    `after` and `before` are inclusive ISO dates, months or years. An entry is in the
    period when its own date, or any date that its text names, overlaps it. `require`:
    text or speaker has all the stems of at least one item.
    """

    def __init__(self, after: str, before: str, require: Sequence[str]) -> None:
        first, last = period_of(after), period_of(before)
        self._first = first[0] if first else date.min
        self._last = last[1] if last else date.max
        self._dated = first is not None or last is not None
        self._required = [needed for needed in (set(stems(item)) for item in require) if needed]

    @property
    def active(self) -> bool:
        """Whether anything is restricted."""
        return self._dated or bool(self._required)

    def accept(self, entry: MemoryEntry) -> bool:
        """Say whether an entry may be returned."""
        return self._in_period(entry) and self._has_words(entry)

    def _in_period(self, entry: MemoryEntry) -> bool:
        if not self._dated:
            return True
        own = period_of(entry.date)
        periods = (*((own,) if own else ()), *periods_in(entry.text))
        return any(first <= self._last and last >= self._first for first, last in periods)

    def _has_words(self, entry: MemoryEntry) -> bool:
        if not self._required:
            return True
        held = {*stems(entry.text), *stems(entry.speaker)}
        return any(needed <= held for needed in self._required)
