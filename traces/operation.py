"""The one seam: every operation of every backend runs through `perform`.

Recording, reuse, replay and fault planting are this one mechanism; no backend
knows of them. A backend hands in a function that computes and applies whatever
`perform` returned.

    outputs = ctx.perform("extraction", name="extract", slot="extraction",
                          identity=[m.id for m in messages],
                          inputs={"messages": variables}, call=lambda op: {...})
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Protocol

from traces.domain import OperationKind, PromptSet
from traces.errors import DeadlineExceeded, InterventionError, MemtuneError, OperationError
from traces.hashing import canonical_json, text_hash
from traces.schema import (
    Inputs,
    OperationRecord,
    Outputs,
    Ref,
    Variable,
    VariableKind,
    validate_outputs,
)


class BindModel(Protocol):
    """Makes the language model that one operation may use.

    Returns a model whose calls are entered in `operation.calls`; owns budget, retry
    and the ledger. Raises ProviderError, BudgetExceeded, DeadlineExceeded on use.
    """

    def __call__(self, operation: BoundOperation) -> Any: ...


class ReuseIndex(Protocol):
    """Looks up what an operation put out before."""

    def find(self, reuse_key: str) -> dict[str, list[Variable]] | None:
        """Return the recorded outputs by role, or None."""


class Pins(Protocol):
    """Says what an operation keeps putting out in replay although its inputs changed."""

    def find(
        self, kind: OperationKind, operation_id: str, inputs: Inputs
    ) -> dict[str, list[Variable]] | None:
        """Return the outputs to keep, or None to run the operation."""


@dataclass(frozen=True, slots=True)
class Draw:
    """Operations that a replay runs anew, at one sample index; all others keep sample 0.

    They are run even where their outputs were recorded: at sample 0 that costs no call (the
    ledger holds the replies), and shows a backend that is not deterministic.
    """

    sample_index: int
    operations: frozenset[str]


@dataclass(frozen=True, slots=True)
class Intervention:
    """What replaces the output of one operation.

    `output(inputs, real)` returns the outputs; `real()` runs or reuses the operation,
    so a planted fault is a function of (inputs, real output) and stays active in
    replay. A repair overrides a fault at the same operation. An `unseen` one leaves no sign
    in the record: it stands for an operation that does badly by itself (never let a store
    that others reuse from keep such a pass).
    """

    operation: str
    output: Callable[[Inputs, Callable[[], Outputs]], Outputs]
    repair: bool = False
    unseen: bool = False


def substitute(operation: str, outputs: Outputs) -> Intervention:
    """Return a repair that puts out these variables whatever the operation would."""
    return Intervention(operation, lambda _inputs, _real: outputs, repair=True)


class Recorder:
    """Collects the operations of one pass over an episode. Thread-safe.

    `values` holds each variable's JSON by hash, so that a value is stored once.
    """

    def __init__(self) -> None:
        self.operations: list[OperationRecord] = []
        self.values: dict[str, tuple[VariableKind, str]] = {}
        self.fired: set[str] = set()
        self._occurrences: dict[str, int] = {}
        self._lock = threading.Lock()

    def occurrence(self, work: str) -> int:
        """Return how often this work (scope, name, identity) was performed before."""
        with self._lock:
            seen = self._occurrences.get(work, 0)
            self._occurrences[work] = seen + 1
        return seen

    def keep(self, variables: Sequence[Variable]) -> list[Ref]:
        """Remember the values and return their references."""
        refs: list[Ref] = []
        for variable in variables:
            if variable.hash not in self.values:
                self.values[variable.hash] = (variable.kind, variable.json)
            refs.append((variable.id, variable.hash))
        return refs


@dataclass(slots=True)
class BoundOperation:
    """What a `call` may use: the model, the clock and ids of its own operation."""

    id: str
    name: str
    slot: str | None
    now: datetime
    instruction: str
    sample_index: int
    deadline: float | None
    bind: BindModel
    calls: list[str] = field(default_factory=list)
    attempts: int = 1
    _model: Any = None

    @property
    def lm(self) -> Any:
        """The language model bound to this operation (made on first use)."""
        if self._model is None:
            self._model = self.bind(self)
        return self._model

    def new_id(self, ordinal: int = 0) -> str:
        """Return an id that depends on this operation and the ordinal alone."""
        return text_hash(f"{self.id}/{ordinal}", 8)


@dataclass(frozen=True)
class OperationContext:
    """Where operations run. Immutable; one for each episode pass or replay.

    episode: conversation id. scope: session or question id. now: the session's date,
    never the wall clock. parameters: hash of everything else that an operation's result
    depends on (backend, its configuration, model identities). deadline: seconds on
    `time.monotonic`'s clock. reuse=None turns reuse off. `pins` and `draw` are for replay.
    """

    episode: str
    scope: str
    now: datetime
    prompts: PromptSet
    bind: BindModel
    parameters: str = ""
    recorder: Recorder = field(default_factory=Recorder)
    reuse: ReuseIndex | None = None
    interventions: Mapping[str, tuple[Intervention, ...]] = field(default_factory=dict)
    sample_index: int = 0
    deadline: float | None = None
    pins: Pins | None = None
    draw: Draw | None = None

    def child(self, scope: str, now: datetime) -> OperationContext:
        """Return the context of one session or question of this pass."""
        return replace(self, scope=scope, now=now)

    def intervened(self, interventions: Sequence[Intervention]) -> OperationContext:
        """Return a fresh pass (own recorder) that carries these interventions too."""
        merged = {k: tuple(v) for k, v in self.interventions.items()}
        for one in interventions:
            merged[one.operation] = (*merged.get(one.operation, ()), one)
        return replace(self, interventions=merged, recorder=Recorder())

    def require_fired(self, operations: Iterable[str] | None = None) -> None:
        """Raise InterventionError when an intervention matched no operation; `operations`
        restricts this to those at these operations."""
        wanted = self.interventions if operations is None else operations
        silent = sorted(set(wanted) - self.recorder.fired)
        if silent:
            raise InterventionError(
                f"{len(silent)} intervention(s) matched no operation of episode "
                f"'{self.episode}': {', '.join(silent[:3])}"
            )

    def perform(
        self,
        kind: OperationKind,
        *,
        name: str,
        identity: Sequence[str],
        inputs: Inputs,
        call: Callable[[BoundOperation], Outputs],
        slot: str | None = None,
    ) -> dict[str, list[Variable]]:
        """Execute, reuse or substitute one operation, and record which.

        `identity` is the content that names the work (message ids, question id), never
        a position. Returns outputs by role, each variable with its id.
        Raises OperationError (schema), DeadlineExceeded, and whatever `call` raised.
        """
        if self.deadline is not None and time.monotonic() > self.deadline:
            raise DeadlineExceeded(f"the deadline passed before '{name}' in '{self.scope}'")
        recorder = self.recorder
        work = canonical_json([self.episode, self.scope, name, list(identity)])
        operation_id = text_hash(f"{work}#{recorder.occurrence(work)}", 12)
        instruction = self.prompts.instructions.get(slot, "") if slot else ""
        used = {role: recorder.keep(variables) for role, variables in inputs.items()}
        drawn = self.draw is not None and operation_id in self.draw.operations
        sample = self.draw.sample_index if self.draw and drawn else self.sample_index
        reuse_key = self._reuse_key(operation_id, used, instruction, sample)
        record = OperationRecord(
            operation_id, kind, name, slot, self.scope, "executed", reuse_key, used, {}
        )
        bound = BoundOperation(
            operation_id, name, slot, self.now, instruction, sample, self.deadline, self.bind,
        )  # fmt: skip

        def real() -> Outputs:
            if self.reuse is not None and not drawn:
                found = self.reuse.find(reuse_key)
                if found is not None:
                    record.status = "reused"
                    return found
            if self.pins is not None and not drawn:
                kept = self.pins.find(kind, operation_id, inputs)
                if kept is not None:
                    record.status = "pinned"
                    return kept
            record.status = "executed"
            return call(bound)

        try:
            outputs = self._produce(operation_id, inputs, real, record)
            validate_outputs(kind, name, outputs)
        except BaseException as error:  # a cancellation, too: what ran half put out nothing
            record.status, record.error = "failed", f"{type(error).__name__}: {error}"[:500]
            raise
        finally:
            record.calls, record.attempts = tuple(bound.calls), bound.attempts
            recorder.operations.append(record)
        placed = {
            role: [v.placed(f"{operation_id}/{role}/{i}") for i, v in enumerate(variables)]
            for role, variables in outputs.items()
        }
        record.outputs = {role: recorder.keep(variables) for role, variables in placed.items()}
        return placed

    def _produce(
        self,
        operation_id: str,
        inputs: Inputs,
        real: Callable[[], Outputs],
        record: OperationRecord,
    ) -> Outputs:
        planned = self.interventions.get(operation_id)
        if not planned:
            return real()
        chosen = next((one for one in reversed(planned) if one.repair), planned[-1])
        if not chosen.unseen:
            self.recorder.fired.add(operation_id)
        try:
            outputs = chosen.output(inputs, real)
        except MemtuneError:
            raise
        except Exception as error:
            raise OperationError(f"an intervention at '{record.name}' failed: {error}") from error
        if not chosen.unseen:
            record.status = "substituted"
        return outputs

    def _reuse_key(
        self, operation_id: str, used: Mapping[str, list[Ref]], instruction: str, sample: int
    ) -> str:
        parts = [operation_id, self.parameters, str(sample), instruction]
        for role in sorted(used):
            parts.append(role)
            parts.extend(ref[1] for ref in used[role])
        return text_hash("\x1f".join(parts))
