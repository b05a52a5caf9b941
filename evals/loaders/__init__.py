"""Data sets by name: those read from a file, and those that a program makes.

A loader reads all of a file and collects what is wrong with it (`evals.loaders.findings`);
`load_dataset` refuses a file with errors, `read_dataset` returns it with its findings.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from evals.loaders.chat import read_chat
from evals.loaders.csv_file import read_csv
from evals.loaders.findings import Finding, Loaded
from evals.loaders.jsonl import read_jsonl
from evals.loaders.locomo import read_locomo
from evals.loaders.longmemeval import read_longmemeval
from evals.loaders.realmem import read_realmem
from evals.loaders.synthetic import load_synthetic
from traces.domain import Dataset
from traces.errors import DataError, SettingsError

__all__ = ["Finding", "Loaded", "known_datasets", "load_dataset", "read_dataset"]

Fields = Mapping[str, str]
FILE_LOADERS: dict[str, Callable[[Path, Fields | None], Loaded]] = {
    "jsonl": read_jsonl,
    "csv": read_csv,
    "chat": read_chat,
    "locomo": read_locomo,
    "longmemeval": read_longmemeval,
    "realmem": read_realmem,
}
GENERATORS: dict[str, Callable[..., Dataset]] = {"synthetic": load_synthetic}
MAPPED = ("jsonl", "csv", "chat")


def known_datasets() -> tuple[str, ...]:
    """Return the names that a data set can be asked for by."""
    return (*FILE_LOADERS, *GENERATORS)


def load_dataset(
    name: str, path: Path | None = None, *, fields: Fields | None = None, **options: Any
) -> Dataset:
    """Return the data set `name`; `fields` maps names of a file, `options` are a generator's.

    Raises DataError for an unknown name, a missing or superfluous path, and for the first
    error in the file; SettingsError for a mapping that the data set does not take.
    """
    if name in GENERATORS:
        if path is not None:
            raise DataError(
                f"data set '{name}' is generated, not read: leave out the path {path}, or leave "
                "out --dataset"
            )
        return GENERATORS[name](**options)
    return read_dataset(name, path, fields=fields).dataset()


def read_dataset(name: str, path: Path | None, *, fields: Fields | None = None) -> Loaded:
    """Return a file's conversations with all findings.

    Raises DataError for an unknown name, a missing path and a file that cannot be opened;
    SettingsError for a mapping that the data set does not take.
    """
    if name not in FILE_LOADERS:
        known = ", ".join(sorted(known_datasets()))
        raise DataError(
            f"unknown data set '{name}': choose one of {known}, or a loader of your own, "
            "module:attr"
        )
    if path is None:
        raise DataError(f"data set '{name}' is read from a file: give its path")
    if fields and name not in MAPPED:
        raise SettingsError(
            f"fields: data set '{name}' has field names of its own; leave fields out"
        )
    return FILE_LOADERS[name](path, fields)
