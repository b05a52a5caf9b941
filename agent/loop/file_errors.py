"""What the files of a run raise besides its database, told as one line."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from traces.errors import RunDirectoryError

# A write to an open file names no file; these can only come from a disk.
_DISK = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO})


@contextmanager
def file_errors(directory: Path) -> Iterator[None]:
    """Translate OSErrors of files in a run's directory into RunDirectoryError.

    Errors of other files, and of a pipe whose reader has left, pass unchanged.
    """
    try:
        yield
    except OSError as error:
        named = error.filename2 or error.filename
        ours = isinstance(named, str | Path) and Path(named).parent == directory
        if not ours and (named is not None or error.errno not in _DISK):
            raise
        raise RunDirectoryError(
            f"{named if ours else directory}: cannot be written ({error.strerror or error}); free "
            "what it needs (space, permissions), then resume the run"
        ) from error
