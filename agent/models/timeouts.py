"""How long a model may take: to connect, to its first byte, and in all by the wall clock."""

from __future__ import annotations

import contextvars
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from traces.errors import TransientProviderError

if TYPE_CHECKING:
    import httpx

    from agent.settings import Settings

Found = TypeVar("Found")

_ends: contextvars.ContextVar[float | None] = contextvars.ContextVar("memtune_ends", default=None)


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Limits of one call, in seconds. `first_byte` also bounds each further read."""

    connect: float = 10.0
    first_byte: float = 120.0
    total: float = 600.0

    @classmethod
    def of(cls, settings: Settings) -> Timeouts:
        """Return those of the settings."""
        return cls(settings.connect_timeout, settings.first_byte_timeout, settings.total_timeout)

    def httpx(self) -> httpx.Timeout:
        """Return them as httpx takes them; it knows no total."""
        import httpx

        read = min(self.first_byte, self.total)
        return httpx.Timeout(
            connect=min(self.connect, self.total), read=read, write=read, pool=read
        )


def bounded(call: Callable[[], Found], seconds: float, where: str) -> Found:
    """Return what `call` returns, or give up on it after `seconds` by the wall clock.

    It runs in a thread of its own, in a copy of this context, because no client bounds a
    server that sends a byte now and then. Given up, the thread ends by itself: with a read
    timeout where nothing comes, else at its next piece of a stream or, over OpenAI's
    interface, of any body, where `overdue` tells it so. Raises what `call` raises, and
    TransientProviderError when the time is up.
    """
    future: Future[Found] = Future()

    def work() -> None:
        _ends.set(time.monotonic() + seconds)
        try:
            future.set_result(call())
        except BaseException as error:
            future.set_exception(error)

    started = time.monotonic()
    context = contextvars.copy_context()
    # A daemon: the end of the program does not wait for a server that never ends.
    threading.Thread(target=context.run, args=(work,), daemon=True, name="model-call").start()
    try:
        return future.result(seconds)
    except TimeoutError:
        if future.done():
            return future.result()
        raise _too_long(where, seconds) from None
    except TransientProviderError as error:
        # On a busy machine the thread may notice first that it was given up.
        if time.monotonic() - started < seconds:
            raise
        raise _too_long(where, seconds) from error


def _too_long(where: str, seconds: float) -> TransientProviderError:
    return TransientProviderError(
        f"{where}: no complete answer within {seconds:g} s (total_timeout); raise it for a slow "
        "model, or lower max_tokens"
    )


def overdue() -> bool:
    """Say whether the call that runs in this context has been given up."""
    ends = _ends.get()
    return ends is not None and time.monotonic() > ends


def bound_body(response: httpx.Response) -> None:
    """Make the reading of a response end when its call was given up (httpx response hook)."""
    import httpx

    class Bounded(httpx.SyncByteStream):
        def __init__(self, inner: httpx.SyncByteStream) -> None:
            self._inner = inner

        def __iter__(self):  # type: ignore[no-untyped-def]
            for piece in self._inner:
                if overdue():
                    raise httpx.ReadTimeout("given up", request=response.request)
                yield piece

        def close(self) -> None:
            self._inner.close()

    if isinstance(response.stream, httpx.SyncByteStream):
        response.stream = Bounded(response.stream)
