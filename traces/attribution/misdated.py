"""Facts and entries that give a date which the message that they come from does not."""

from __future__ import annotations

from traces.attribution.dates import Span, day_of, spans
from traces.schema import Variable


def misdated(item: Variable, message: Variable) -> bool:
    """Say whether an item gives no date that its message gives, its own date included: a
    search by date then passes it by, and an update takes it for older or newer than it is."""
    said_on = day_of(message.value["date"])
    known = (
        *spans(message.value["text"], said_on), *((Span(said_on, said_on),) if said_on else ()),
    )  # fmt: skip
    own = day_of(item.value["date"])
    given = [s for s in spans(item.value["text"], own) if not s.relative]
    given += [Span(own, own)] if own and not given else []
    return bool(given) and not any(k.holds(g) or g.holds(k) for k in known for g in given)
