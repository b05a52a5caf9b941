"""Who is at work in a memory directory: closing waits for them, erasing keeps them out."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass

from traces.errors import SettingsError

# The turn that a node runs for.
TURN: ContextVar[TurnCount | None] = ContextVar("memtune_turn", default=None)


class ClosedError(SettingsError):
    """The agent is closed."""

    def __init__(self) -> None:
        super().__init__("the memory agent is closed; create a new one")


@dataclass(eq=False, slots=True)
class _Entry:
    """Something under way; `loop` is the event loop that it needs to come to its end."""

    loop: asyncio.AbstractEventLoop | None


class Gate:
    """Counts what is under way. Thread-safe."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._under_way: set[_Entry] = set()
        self._inside = 0
        self._alone = False
        self._closing = False
        self._shut = False

    def enter(
        self, loop: asyncio.AbstractEventLoop | None = None, *, begun: bool = False
    ) -> _Entry:
        """Count one more. Raises ClosedError, unless it belongs to a turn that has begun."""
        with self._changed:
            if self._shut or (self._closing and not begun):
                raise ClosedError
            entry = _Entry(loop)
            self._under_way.add(entry)
            return entry

    def leave(self, entry: _Entry) -> None:
        """Count one less; twice is no error."""
        with self._changed:
            self._under_way.discard(entry)
            self._changed.notify_all()

    def on_its_own(self, entry: _Entry) -> None:
        """Note that it needs no event loop any more. Raises ClosedError."""
        with self._changed:
            if self._shut:
                raise ClosedError
            entry.loop = None

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Work side by side with others, never with one that is `alone`."""
        with self._changed:
            self._changed.wait_for(lambda: not self._alone)
            self._inside += 1
        try:
            yield
        finally:
            with self._changed:
                self._inside -= 1
                self._changed.notify_all()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Wait until nobody is inside; who comes meanwhile waits."""
        with self._changed:
            self._changed.wait_for(lambda: not self._alone)
            self._alone = True
        try:
            with self._changed:
                self._changed.wait_for(lambda: not self._inside)
            yield
        finally:
            with self._changed:
                self._alone = False
                self._changed.notify_all()

    def close(self) -> None:
        """Refuse what is new and wait for the rest, but for what needs this thread's loop."""
        here = None
        with suppress(RuntimeError):
            here = asyncio.get_running_loop()
        with self._changed:
            self._closing = True
            self._changed.wait_for(
                lambda: all(here is not None and e.loop is here for e in self._under_way)
            )
            self._shut = True


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
        self._entry: _Entry | None = None
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
