"""Which errors make a failed replay, and which no repair or backend is to blame for."""

from __future__ import annotations

import errno

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
# Of a backend's system calls. Its other OSErrors (a file, a connection) are its own.
_MACHINE = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENOMEM}
)


def failed(recorder: Recorder, error: Exception) -> Replayed:
    """Return the replay that an error ended."""
    code = error.code if isinstance(error, MemtuneError) else type(error).__name__
    # A copy: a thread that was left behind may go on recording.
    left = Recorder()
    left.operations, left.values = list(recorder.operations), dict(recorder.values)
    return Replayed(left, None, f"{code}: {error}"[:300])


def of_machine(error: BaseException) -> bool:
    """Say whether an error is the machine's: a full disk, no more files."""
    return isinstance(error, OSError) and error.errno in _MACHINE
