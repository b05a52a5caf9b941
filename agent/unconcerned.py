"""Sessions that a repair does not reach: taken over from the rebuilt pass, not ingested anew.

A replay with pins lets extractions and updates that do not concern the evidence keep what they
put out. Where that holds for a whole session, what it does to the memory is known: the difference
of the two snapshots around it. Operations then keep their recorded inputs too, so an update is
not shown an entry that a repair put beside those that it chose from.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from memory_backends.protocol import MemoryBackend, Snapshottable
from memory_backends.state import Snapshot
from traces.graph import EvolutionGraph
from traces.operation import Recorder
from traces.schema import MemoryEntry, OperationRecord

Held = dict[str, tuple[MemoryEntry, str]]
_KEEPS = ("executed", "reused", "pinned")


@dataclass(frozen=True)
class Step:
    """What one session of the rebuilt pass did, and the snapshot `after` it. `sources` are the
    messages that its updates took in, and its extractions where they were shown memories;
    `touched` what stood (or None) under each id that the updates were about."""

    operations: tuple[OperationRecord, ...]
    after: Snapshot
    put: Held
    removed: frozenset[str]
    sources: frozenset[str]
    touched: Mapping[str, MemoryEntry | None]


@dataclass
class Steps:
    """The sessions of a rebuilt pass; None for one that always has to be ingested. `planted`
    are operations with faults of the pass's own. Thread-safe."""

    graph: EvolutionGraph
    planted: Collection[str]
    _made: dict[str, Step | None] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(
        self, session: str, operations: list[OperationRecord], before: object, after: object
    ) -> None:
        """Note a session: its operations, and the snapshots around it."""
        with self._lock:
            self._made[session] = self._step(operations, before, after)

    def get(self, session: str) -> Step | None:
        """Return what a session did, or None."""
        with self._lock:
            return self._made.get(session)

    def _step(
        self, operations: list[OperationRecord], before: object, after: object
    ) -> Step | None:
        # Of another kind of memory it is not known what a difference means.
        if not isinstance(before, Snapshot) or not isinstance(after, Snapshot):
            return None
        sources: set[str] = set()
        targets: set[str] = set()
        for operation in operations:
            recorded = self.graph.operations.get(operation.id)
            if recorded is None or recorded.status not in _KEEPS or operation.id in self.planted:
                return None
            given = self.graph.inputs(operation.id)
            if operation.kind == "update":
                for variable in given:
                    if variable.kind == "message":
                        sources.add(variable.value["id"])
                    elif variable.kind == "fact":
                        sources.update(variable.value["sources"])
                changes = self.graph.outputs(operation.id, "change")
                targets |= {c.value["target"] for c in changes if c.value["target"] is not None}
            elif operation.kind != "extraction":
                return None  # what it puts out may hang on the memory
            elif any(v.kind not in ("message", "fact") for v in given):
                sources.update(v.value["id"] for v in given if v.kind == "message")
        held, left = _held(before), _held(after)
        put = {id: item for id, item in left.items() if held.get(id) != item}
        removed = held.keys() - left.keys()
        targets |= removed | (put.keys() & held.keys())
        touched = {id: held[id][0] if id in held else None for id in targets}
        return Step(
            tuple(operations), after, put, frozenset(removed), frozenset(sources), touched
        )  # fmt: skip


class TakenOver:
    """A memory during one replay: sessions that are not concerned are noted, and the memory
    is brought to their end when it is next needed.

    `changed` are operations that are repaired or run anew, `evidence` message ids.
    """

    def __init__(
        self,
        backend: MemoryBackend,
        recorder: Recorder,
        base: Recorder,
        steps: Steps,
        changed: Collection[str],
        evidence: Collection[str],
    ) -> None:
        assert isinstance(backend, Snapshottable)
        self._backend = backend
        self._recorder = recorder
        self._base = base
        self._steps = steps
        self._changed = changed
        self._evidence = frozenset(evidence)
        self._held: Held | None = None
        # That after the session taken over last, where the memory is not there yet.
        self._after: Snapshot | None = None

    def take(self, session: str) -> bool:
        """Take a session over where nothing in it is concerned; say whether it was."""
        step = self._steps.get(session)
        if step is None or not step.sources.isdisjoint(self._evidence):
            return False
        if any(operation.id in self._changed for operation in step.operations):
            return False
        if self._held is None:
            snapshot = self._backend.snapshot()
            assert isinstance(snapshot, Snapshot)
            self._held = _held(snapshot)
        held = self._held
        if any((held[id][0] if id in held else None) != e for id, e in step.touched.items()):
            return False
        for id in step.removed:
            del held[id]
        held.update(step.put)
        if self._after is None:
            self._recorder.values.update(self._base.values)
        self._recorder.operations.extend(step.operations)
        self._after = step.after
        return True

    def settle(self) -> None:
        """Bring the memory to the end of the last session that was taken over."""
        if self._after is not None and self._held is not None:
            # What else a memory keeps (the messages that it saw last) is as it was there.
            self._backend.restore(replace(self._after, items=tuple(self._held.values())))
        self._held, self._after = None, None


def _held(snapshot: Snapshot) -> Held:
    return {entry.id: (entry, found_by) for entry, found_by in snapshot.items}
