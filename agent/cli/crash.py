"""Which run the command works on: where the traceback of an unexpected error goes."""

from __future__ import annotations

from contextvars import ContextVar
from pathlib import Path

run_directory: ContextVar[Path | None] = ContextVar("run_directory", default=None)
