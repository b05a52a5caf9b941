"""Data sets by name: those read from a file, and those that a program makes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from evals.loaders.locomo import load_locomo
from evals.loaders.synthetic import load_synthetic
from traces.domain import Dataset
from traces.errors import DataError

FILE_LOADERS: dict[str, Callable[..., Dataset]] = {"locomo": load_locomo}
GENERATORS: dict[str, Callable[..., Dataset]] = {"synthetic": load_synthetic}


def load_dataset(name: str, path: Path | None = None, **options: Any) -> Dataset:
    """Return the data set `name`; `options` go to its loader or generator unchanged.

    Raises DataError for an unknown name, a missing or superfluous path, and whatever
    the loader finds wrong.
    """
    if name in FILE_LOADERS:
        if path is None:
            raise DataError(f"data set '{name}' is read from a file: give its path")
        return FILE_LOADERS[name](path, **options)
    if name in GENERATORS:
        if path is not None:
            raise DataError(f"data set '{name}' is generated, not read: leave out the path {path}")
        return GENERATORS[name](**options)
    known = ", ".join(sorted([*FILE_LOADERS, *GENERATORS]))
    raise DataError(f"unknown data set '{name}': choose one of {known}")
