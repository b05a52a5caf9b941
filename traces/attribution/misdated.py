"""Facts and entries that give a date which the message that they come from does not."""

from __future__ import annotations

from collections.abc import Sequence

from traces.attribution.dates import Span, day_of, spans
from traces.schema import Variable


def misdated(item: Variable, message: Variable) -> bool:
    """Say whether an item gives no date that its message gives, its own date included: a
    search by date then passes it by, and an update takes it for older or newer than it is."""
    said_on = day_of(message.value["date"])
    known = (
        *spans(message.value["text"], said_on), *((Span(said_on, said_on),) if said_on else ()),
    )  # fmt: skip
    given = _given(item)
    return bool(given) and not any(k.holds(g) or g.holds(k) for k in known for g in given)


def days_kept(queries: Sequence[Variable]) -> Span | None:
    """Return the days to which queries keep, by their filters; None where they name none. Of one
    day alone it is not known which end it is: the span is that day."""
    filters = (v for q in queries for v in q.value.values() if isinstance(v, str))
    bounds = [span for value in filters for span in spans(value)]
    if not bounds:
        return None
    return Span(min(b.first for b in bounds), max(b.last for b in bounds))


def let_through(item: Variable, kept: Span | None) -> bool:
    """Say whether a search that keeps to certain days lets an item through."""
    return kept is not None and any(kept.holds(g) or g.holds(kept) for g in _given(item))


def _given(item: Variable) -> list[Span]:
    """Return the days that an item gives; its own where its text names none."""
    own = day_of(item.value["date"])
    given = [s for s in spans(item.value["text"], own) if not s.relative]
    return given or ([Span(own, own)] if own else [])
