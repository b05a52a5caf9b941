"""The error tree. Foreign exceptions are translated into it once, at their boundary.

    MemtuneError
    ├── DataError                 the data set cannot be used as it is
    ├── SettingsError             an option, variable or memtune.toml is wrong   (exit 2)
    ├── RunDirectoryError         a run directory is missing, foreign or damaged
    ├── IdentityError             a resume would change what fixes the run
    ├── LockedError               another process holds the run directory
    ├── ProviderError             a model provider failed, and would again
    │   ├── TransientProviderError    overloaded, cut off, timed out: same request again
    │   └── ContentError              well-formed response, unparsable content: next sample
    ├── BudgetExceeded            the budget forbids the next call
    ├── DeadlineExceeded          the deadline has passed
    ├── StopRequested             a stop file was found
    ├── OperationError            an operation failed or broke its schema
    │   └── NotIntervenable           a memory cannot be brought to what was put out
    ├── InterventionError         an intervention matched nothing or cannot be applied
    └── StoreError                the store is damaged or of an unknown version

Messages are one line: they name the file, line or field, and say what to do.
"""

from __future__ import annotations

import errno
from typing import ClassVar

# Of system calls. Other OSErrors (a file, a connection) are the caller's own.
_MACHINE = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENOMEM}
)


class MemtuneError(Exception):
    """Base of all errors that memtune raises on purpose.

    `code` is stable between versions and meant for programs; `retryable` says
    whether the same call may succeed later; `exit_code` is the command's (1 failed,
    2 used wrongly).
    """

    code: ClassVar[str] = "memtune_error"
    retryable: ClassVar[bool] = False
    exit_code: ClassVar[int] = 1


class DataError(MemtuneError):
    """The data set cannot be used as it is."""

    code = "data_error"


class SettingsError(MemtuneError):
    """An option, environment variable or memtune.toml entry is wrong."""

    code = "settings_error"
    exit_code = 2


class RunDirectoryError(MemtuneError):
    """A run directory is missing, not memtune's, or damaged."""

    code = "run_directory_error"


class IdentityError(MemtuneError):
    """A resume would change what was fixed when the run started."""

    code = "identity_error"


class LockedError(MemtuneError):
    """Another process holds the run directory or file."""

    code = "locked"


class ProviderError(MemtuneError):
    """A model provider failed; only its subclasses are worth another try."""

    code = "provider_error"


class TransientProviderError(ProviderError):
    """Overload, timeout or a cut-off body: repeat the request at the same sample index.

    `retry_after` is what the provider asked to wait, in seconds, where it did.
    """

    code = "provider_transient"
    retryable = True

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class ContentError(ProviderError):
    """A well-formed response with unparsable content: repeat at the next sample index.

    The tokens are what the response cost, where a provider counted them.
    """

    code = "provider_content"
    retryable = True

    def __init__(self, message: str, input_tokens: int = 0, output_tokens: int = 0) -> None:
        super().__init__(message)
        self.input_tokens = input_tokens
        self.output_tokens = output_tokens


class BudgetExceeded(MemtuneError):
    """The next call would exceed the budget."""

    code = "budget_exceeded"


class StopRequested(MemtuneError):
    """Somebody asked the run to stop; it can be resumed."""

    code = "stop_requested"
    exit_code = 101


class DeadlineExceeded(MemtuneError):
    """The deadline has passed."""

    code = "deadline_exceeded"


class OperationError(MemtuneError):
    """A memory operation failed, or its output broke its schema."""

    code = "operation_error"


class NotIntervenable(OperationError):
    """A memory cannot be brought to the state that a record, a repair or a fault says."""

    code = "not_intervenable"


class InterventionError(MemtuneError):
    """An intervention matched no operation, or cannot be applied to it."""

    code = "intervention_error"


class StoreError(MemtuneError):
    """The store is damaged, or was written by an unknown version."""

    code = "store_error"


def of_machine(error: BaseException) -> bool:
    """Say whether an error is the machine's, which no backend or repair is to blame for: a full
    disk, no more files."""
    return isinstance(error, OSError) and error.errno in _MACHINE
