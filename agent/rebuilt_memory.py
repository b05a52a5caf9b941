"""The memory of a recorded pass, rebuilt: copies of it at the end of any of its sessions."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from agent.unconcerned import Steps
from memory_backends.protocol import Closable, MemoryBackend, Snapshottable
from traces.domain import Conversation
from traces.operation import OperationContext, Recorder


class RebuiltMemory:
    """Instances of a backend for replays, and what the pass held after each of its sessions.

    `base` are the operations of the rebuilt pass, from when it is begun; `steps` learns what each
    session did; `built` says whether it is done, `name` what backend it is. Thread-safe.
    """

    def __init__(
        self, make_backend: Callable[[], MemoryBackend], conversation: Conversation, steps: Steps
    ) -> None:
        self.base = Recorder()
        self._make_backend = make_backend
        self._conversation = conversation
        self._steps = steps
        # Two: what hangs while it rebuilds must keep nobody from lending or closing.
        self._building = threading.Lock()
        self._lock = threading.Lock()
        self._idle: list[MemoryBackend] = []
        # Per session: what stood after it (None: at the start), and the rebuilt operations up
        # to and with it.
        self._snapshots: dict[str | None, object] = {}
        self._ends: dict[str, int] = {}
        self.built = False
        self.name = "the memory"
        self._closed = False

    def build(self, backend: MemoryBackend, context: OperationContext) -> None:
        """Rebuild the memory with a context that reuses, and note a snapshot a session; once.

        `backend` is Snapshottable and new where nothing was built yet.
        """
        assert isinstance(backend, Snapshottable)
        with self._building:
            if self.built:
                return
            self._snapshots[None] = backend.snapshot()
            self.base = Recorder()
            base = replace(context, recorder=self.base)
            for session in self._conversation.sessions:
                before, start = backend.snapshot(), len(base.recorder.operations)
                backend.ingest(session, base.child(session.id, session.date))
                self._snapshots[session.id] = after = backend.snapshot()
                self._ends[session.id] = len(base.recorder.operations)
                self._steps.add(session.id, base.recorder.operations[start:], before, after)
            self.built = True

    def bring(self, backend: MemoryBackend, session: str | None, recorder: Recorder) -> None:
        """Bring a copy to the end of a session (None: before the first), and let a replay's
        record begin with what was rebuilt up to there."""
        assert isinstance(backend, Snapshottable)
        backend.restore(self._snapshots[session])
        if session is not None:
            recorder.operations.extend(self.base.operations[: self._ends[session]])
            recorder.values.update(self.base.values)
            recorder.fired.update(o.id for o in recorder.operations)

    @contextmanager
    def fresh(self) -> Iterator[MemoryBackend]:
        """Lend a new, empty instance."""
        backend = self._make()
        try:
            yield backend
        finally:
            if isinstance(backend, Closable):
                backend.close()

    @contextmanager
    def lent(self) -> Iterator[MemoryBackend]:
        """Lend an instance in any state; one that raised is not used again."""
        with self._lock:
            backend = self._idle.pop() if self._idle else None
        if backend is None:
            backend = self._make()
        try:
            yield backend
        except BaseException:
            if isinstance(backend, Closable):
                backend.close()
            raise
        with self._lock:
            kept = isinstance(backend, Snapshottable) and not self._closed
            if kept:
                self._idle.append(backend)
        if not kept and isinstance(backend, Closable):
            backend.close()

    def close(self) -> None:
        """Release the copies: the idle ones now, those at work when they are given back."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for backend in idle:
            if isinstance(backend, Closable):
                backend.close()

    def _make(self) -> MemoryBackend:
        backend = self._make_backend()
        self.name = f"memory backend '{backend.name}'"
        return backend
