"""A conversation on its way in: what a file says, before it is checked as a whole."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from evals.loaders.dates import Date
from evals.loaders.findings import At
from traces.domain import GoldFact


@dataclass(slots=True)
class DraftMessage:
    """A message; without `id` it gets one from its place, such as s2:3."""

    speaker: str
    text: str
    at: At
    id: str | None = None


@dataclass(slots=True)
class DraftSession:
    """A session; without `id` it gets one from its place, such as s2. No date: it had a bad one."""

    at: At
    date: Date | None
    id: str | None = None
    messages: list[DraftMessage] = field(default_factory=list)
    # Messages that could not be used: what is missing for them is no further mistake.
    lost: bool = False


@dataclass(slots=True)
class DraftQuestion:
    """A question; `answer_missing`: the field is not there, where null would be deliberate."""

    text: str
    at: At
    id: str | None = None
    answer: str | None = None
    answer_missing: bool = False
    category: str = ""
    evidence: list[tuple[str, At]] = field(default_factory=list)
    asked_after: str | None = None
    asked_on: datetime | None = None
    unanswerable: bool = False


@dataclass(slots=True)
class Draft:
    """A conversation; without `id` it gets one from its content."""

    at: At
    id: str | None = None
    sessions: list[DraftSession] = field(default_factory=list)
    questions: list[DraftQuestion] = field(default_factory=list)
    gold_facts: tuple[GoldFact, ...] = ()
    # Sessions that could not be used.
    lost: bool = False

    def complete(self) -> bool:
        """Say whether all of the history could be read."""
        return not self.lost and all(s.date and not s.lost for s in self.sessions)
