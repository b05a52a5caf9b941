"""Where in somebody's code something happens."""

from __future__ import annotations

import gc
import sys
import sysconfig
import threading
import traceback
from collections.abc import Iterable
from pathlib import Path
from types import FrameType

_HERE = Path(__file__).resolve().parent.parent
_PACKAGES = ("traces", "memory_backends", "agent", "evals", "optimizers")
_STANDARD = sysconfig.get_paths()["stdlib"]
_OURS = tuple(f"{_HERE / package}/" for package in _PACKAGES)
_LOOKING = threading.Lock()


def place(error: BaseException) -> str:
    """Return `file:line in function` of the frame that an error comes from: the innermost one
    of somebody's code, else the innermost; '' where nothing is known."""
    frames = [f for one in _chain(error) for f in traceback.extract_tb(one.__traceback__)]
    found = (foreign_frames(frames) or frames)[-1:]
    return "".join(f"{f.filename}:{f.lineno} in {f.name}" for f in found)


def foreign_frames(frames: Iterable[traceback.FrameSummary]) -> list[traceback.FrameSummary]:
    """Return the frames that are neither memtune's nor of Python's library; of installed
    packages only where there are no others."""
    found = [f for f in frames if not f.filename.startswith((*_OURS, "<"))]
    found = [f for f in found if _installed(f) or not f.filename.startswith(_STANDARD)]
    return [f for f in found if not _installed(f)] or found


def stands_in_ours(frames: Iterable[traceback.FrameSummary]) -> bool:
    """Say whether the innermost frame, Python's library left out, is memtune's own."""
    named = [f for f in frames if not f.filename.startswith("<")]
    known = [f for f in named if _installed(f) or not f.filename.startswith(_STANDARD)]
    return bool(known) and known[-1].filename.startswith(_OURS)


def frames_of(threads: Iterable[int]) -> list[FrameType]:
    """Return the innermost frames of those threads (by their idents) that still run."""
    with _LOOKING:
        collects = gc.isenabled()
        # Before Python 3.12.2 a collection in here, under the lock of all threads, may let another
        # one run that waits for that lock: the process would stand still (CPython gh-106883).
        gc.disable()
        try:
            frames = sys._current_frames()
        finally:
            if collects:
                gc.enable()
    return [frames[thread] for thread in threads if thread in frames]


def is_ours(error: BaseException) -> bool:
    """Say whether memtune's own code raised an error, and not what it called."""
    frames = traceback.extract_tb(error.__traceback__)
    return not frames or frames[-1].filename.startswith(_OURS)


def _installed(frame: traceback.FrameSummary) -> bool:
    return "/site-packages/" in frame.filename


def _chain(error: BaseException) -> list[BaseException]:
    """Return an error and what caused it, the cause last."""
    chain: list[BaseException] = []
    found: BaseException | None = error
    while found is not None and found not in chain:
        chain.append(found)
        found = found.__cause__
    return chain
