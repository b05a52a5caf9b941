"""What a retrieval looks for: search texts and filters, worded by its prompt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from memory_backends.fact_store.filters import Filters
from memory_backends.prediction import one_line, predict
from memory_backends.state import MemoryState
from traces.domain import Question
from traces.operation import BoundOperation
from traces.schema import Variable, query


@dataclass(frozen=True, slots=True)
class Wanted:
    """Search texts, and what an entry must satisfy besides (see Filters); nothing by default."""

    queries: tuple[str, ...] = ()
    after: str = ""
    before: str = ""
    require: tuple[str, ...] = ()

    @classmethod
    def worded(
        cls, op: BoundOperation, question: Question, asked_on: datetime, chars: int
    ) -> Wanted:
        """Ask the operation's prompt, in one model call; `chars` is the most of a question."""
        from memory_backends.fact_store.signatures import Retrieval

        reply = predict(
            op,
            Retrieval,
            question=one_line(question.text, chars),
            asked_on=asked_on.date().isoformat(),
        )
        return cls(
            texts(reply["queries"]),
            reply["after"].strip(),
            reply["before"].strip(),
            texts(reply["require"]),
        )

    def as_variable(self) -> Variable:
        """Return the query variable that records it."""
        return query(
            list(self.queries), after=self.after, before=self.before, require=list(self.require)
        )

    def accepting(self, state: MemoryState) -> Callable[[str], bool] | None:
        """Return the test for ids of entries that may be returned; None where all may."""
        filters = Filters(self.after, self.before, self.require)
        return (lambda id: filters.accept(state[id])) if filters.active else None


def texts(values: list[str]) -> tuple[str, ...]:
    """Return texts without the space around them and without empty ones."""
    return tuple(text for text in map(str.strip, values) if text)
