"""Where a model's text goes piece by piece, while it is made.

A provider that can stream does so when a sink is open in its context; one that cannot
ignores it. What the ledger holds is never streamed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Sink = Callable[[str], None]
_sink: ContextVar[tuple[Sink, Callable[[], None]] | None] = ContextVar(
    "memtune_text_sink", default=None
)


def text_sink() -> Sink | None:
    """Return the sink that is open here, or None. To be asked for once a completion."""
    opened = _sink.get()
    if opened is None:
        return None
    sink, begin = opened
    begin()
    return sink


@contextmanager
def streaming_to(sink: Sink, begin: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Send the pieces of every completion made in this block to `sink`.

    `begin` is called before each of them: a request that failed half-way is made again.
    """
    token = _sink.set((sink, begin))
    try:
        yield
    finally:
        _sink.reset(token)
