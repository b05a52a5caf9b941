"""How the process ends: with its exit code, whatever threads somebody's code left running."""

from __future__ import annotations

import os
import sys
import threading
import time
from contextlib import suppress

_GRACE = 5.0  # s for threads that end by themselves
_NAMED = 3


def leave_with(code: int) -> None:
    """See to it that the process ends once the main thread has, with this code: threads that
    keep it running after some seconds are named, and left."""
    if _left():
        threading.Thread(target=_wait, args=(code,), name="memtune-leaving", daemon=True).start()


def _left() -> list[threading.Thread]:
    return [
        thread
        for thread in threading.enumerate()
        if not thread.daemon and thread is not threading.main_thread()
    ]


def _wait(code: int) -> None:
    threading.main_thread().join()
    # Python itself waits for all of them now: this runs on only where one does not end.
    time.sleep(_GRACE)
    names = [thread.name for thread in _left()]
    if not names:
        return
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    shown = ", ".join(names[:_NAMED]) + more
    with suppress(OSError, ValueError, AttributeError):  # somebody's code may have closed it
        print(f"memtune: left running, for they do not end: {shown}", file=sys.stderr)
        sys.stdout.flush()
    os._exit(code)
