"""Turns that have begun, counted for as long as the graph works on them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any

from agent.chat.gate import ClosedError, Entry, Gate

# The turn that a node runs for.
TURN: ContextVar[TurnCount | None] = ContextVar("memtune_turn", default=None)


class TurnCount:
    """One run of the graph: counted from its node `answer` to the end of `remember`.

    A run that waits for whoever reads its stream is not counted meanwhile: the reader may
    never come back. `whole`: nobody reads, as in `invoke`.
    """

    def __init__(
        self, gate: Gate, *, whole: bool, loop: asyncio.AbstractEventLoop | None = None
    ) -> None:
        self.begun = False
        self._gate, self._whole, self._loop = gate, whole, loop
        self._entry: Entry | None = None
        self._running = False
        self._lock = threading.Lock()

    @property
    def counted(self) -> bool:
        """Whether closing waits for it now."""
        return self._entry is not None

    def begin(self) -> None:
        """The node `answer` begins. Raises ClosedError."""
        with self._lock:
            self._enter()
            self.begun = True
            if not self._running:
                self._leave()

    def end(self) -> None:
        """The node `remember` has ended, or the run has."""
        with self._lock:
            self._leave()
            self.begun = False

    @contextmanager
    def running(self) -> Iterator[None]:
        """The run goes on to its next chunk."""
        with self._lock:
            self._running = True
            if self.begun:
                with suppress(ClosedError):
                    self._enter()
        token = TURN.set(self)
        try:
            yield
        finally:
            TURN.reset(token)
            if not self._whole:
                with self._lock:
                    self._running = False
                    self._leave()

    def _enter(self) -> None:
        if self._entry is None:
            self._entry = self._gate.enter(self._loop)

    def _leave(self) -> None:
        if self._entry is not None:
            self._gate.leave(self._entry)
            self._entry = None


def in_counted_turn() -> bool:
    """Whether this is part of a turn that closing waits for now."""
    turn = TURN.get()
    return turn is not None and turn.counted


def counted(turn: TurnCount, chunks: Iterator[Any]) -> Iterator[Any]:
    """Yield a run's chunks; count its turn as long as it goes on."""
    try:
        while True:
            with turn.running():
                try:
                    chunk = next(chunks)
                except StopIteration:
                    return
            yield chunk
    finally:
        try:
            chunks.close()  # type: ignore[attr-defined]
        finally:
            turn.end()


async def acounted(gate: Gate, chunks: AsyncIterator[Any], *, whole: bool) -> AsyncIterator[Any]:
    """Do what `counted` does, in an event loop. `whole` as in TurnCount."""
    turn = TurnCount(gate, whole=whole, loop=asyncio.get_running_loop())
    try:
        while True:
            with turn.running():
                try:
                    chunk = await anext(chunks)
                except StopAsyncIteration:
                    return
            yield chunk
    finally:
        try:
            await chunks.aclose()  # type: ignore[attr-defined]
        finally:
            turn.end()
