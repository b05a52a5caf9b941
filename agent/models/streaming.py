"""Where a model's text goes piece by piece, while it is made.

A provider that can stream does so when a sink is open in its context; one that cannot
ignores it. What the ledger holds is never streamed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_sink: ContextVar[Callable[[str], None] | None] = ContextVar("memtune_text_sink", default=None)


def text_sink() -> Callable[[str], None] | None:
    """Return the sink that is open here, or None."""
    return _sink.get()


@contextmanager
def streaming_to(sink: Callable[[str], None]) -> Iterator[None]:
    """Send the pieces of every completion made in this block to `sink`."""
    token = _sink.set(sink)
    try:
        yield
    finally:
        _sink.reset(token)
