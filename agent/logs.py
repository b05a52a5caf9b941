"""Logs with structlog: JSON lines in events.jsonl, and readable lines on stderr."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, TextIO

import structlog


class EventLog:
    """Appends events to a file, flushed one by one; `echo` shows them on stderr too."""

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

    def close(self) -> None:
        """Close the file."""
        self._file.close()
