"""Which errors make a failed replay, and which no repair or backend is to blame for."""

from __future__ import annotations

from traces.errors import (
    BudgetExceeded,
    MemtuneError,
    ProviderError,
    StopRequested,
    StoreError,
)
from traces.operation import Recorder
from traces.replay import Replayed

# What no repair is to blame for: it ends the attribution, not the replay.
PASSES = (BudgetExceeded, StopRequested, StoreError, ProviderError)


def failed(recorder: Recorder, error: Exception) -> Replayed:
    """Return the replay that an error ended."""
    code = error.code if isinstance(error, MemtuneError) else type(error).__name__
    # A copy: a thread that was left behind may go on recording.
    left = Recorder()
    left.operations, left.values = list(recorder.operations), dict(recorder.values)
    return Replayed(left, None, f"{code}: {error}"[:300])
