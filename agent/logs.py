"""Logs with structlog: JSON lines in events.jsonl, and readable lines on stderr."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

import structlog

# What somebody who waits has to be told, though the log is not shown.
_NOTICES = {
    "provider_down": "{provider} does not answer as it should ({last}); waiting for it",
    "provider_back": "{provider} answers again",
}


class EventLog:
    """Appends events to a file, flushed one by one; `echo` shows them on stderr too.

    Without `echo`, only that a provider is down, or back, is said there.
    """

    def __init__(self, path: Path, *, echo: bool = False) -> None:
        self._file: TextIO = path.open("a", encoding="utf-8")
        stamp = structlog.processors.TimeStamper(fmt="iso", utc=True)
        self._events = structlog.wrap_logger(
            structlog.WriteLogger(self._file),
            processors=[stamp, structlog.processors.JSONRenderer(default=str)],
        )
        self._echo: Any = None
        if echo:
            self._echo = structlog.wrap_logger(
                structlog.PrintLogger(sys.stderr),
                processors=[
                    structlog.processors.TimeStamper(fmt="%H:%M:%S", utc=False),
                    structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty()),
                ],
            )

    def __call__(self, event: str, **values: Any) -> None:
        """Write one event with its values."""
        self._events.msg(event, **values)
        self._file.flush()
        if self._echo is not None:
            self._echo.msg(event, **values)
        elif event in _NOTICES:
            print(f"memtune: {_notice(event, values)}", file=sys.stderr)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _notice(event: str, values: Mapping[str, Any]) -> str:
    said = {name: " ".join(str(value).split())[:300] for name, value in values.items()}
    return _NOTICES[event].format_map(defaultdict(str, said))
