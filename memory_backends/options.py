"""Backend options: a frozen dataclass each, filled from a mapping and checked."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import asdict, fields
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import Any, TypeVar, cast

from memory_backends.retrieval.embeddings import Embedder
from traces.errors import SettingsError
from traces.hashing import content_hash

T = TypeVar("T")

# The greatest number, by whether it is whole: beyond them sums of scores are no numbers.
_MOST = {True: 1_000_000_000, False: 1_000_000}


def read_options(cls: type[T], backend: str, config: Mapping[str, Any] | None) -> T:
    """Return the options dataclass `cls` with the values of `config`.

    Values must have the type of the field's default: a truth value, a text, a whole number from 1
    to 1,000,000,000, or a number from 0 to 1,000,000. Raises SettingsError naming backend and
    option.
    """
    known = {field.name: field.default for field in fields(cast(Any, cls))}
    for name, value in (config or {}).items():
        if name not in known:
            raise SettingsError(
                f"memory backend '{backend}' has no option '{name}': it has "
                + (", ".join(sorted(known)) or "none")
            )
        if not _fits(known[name], value):
            raise SettingsError(
                f"option '{name}' of memory backend '{backend}' is {value!r:.60}: give "
                f"{allowed(known[name])}"
            )
    return cls(**(config or {}))


def allowed(default: Any) -> str:
    """Return in words what an option with this default can be given."""
    if isinstance(default, bool):
        return "true or false"
    if isinstance(default, str):
        return "a text"
    whole = isinstance(default, int)
    return f"a {'whole ' if whole else ''}number from {int(whole)} to {_MOST[whole]:,}"


def _fits(default: Any, value: Any) -> bool:
    if isinstance(default, bool) or isinstance(value, bool):
        return isinstance(default, bool) and isinstance(value, bool)
    if isinstance(default, str):
        return isinstance(value, str) and bool(value.strip())
    whole = isinstance(default, int)
    of_kind = isinstance(value, int if whole else (int, float))
    # NaN is in no range.
    return of_kind and int(whole) <= value <= _MOST[whole]


def fingerprint(
    name: str, version: str, options: Any, embedder: Embedder | None = None, *others: str
) -> str:
    """Return the hash of what a backend's results depend on, beside prompts and model.

    `others` is what it rests on of others: what `installed` and `source` return.
    """
    embeds = None if embedder is None else embedder.name
    return content_hash([name, version, asdict(options), embeds, *others])


@lru_cache(maxsize=8)
def installed(package: str) -> str:
    """Return a package's name and installed version; nothing of it is imported."""
    # What is installed does not change while a command runs; looking takes milliseconds.
    try:
        return f"{package} {metadata.version(package)}"
    except metadata.PackageNotFoundError:
        return f"{package} is not installed"


def source(module: str) -> str:
    """Return the source file of an imported module, as a text; '' where it has none.

    Raises SettingsError where it cannot be read.
    """
    file = getattr(sys.modules.get(module), "__file__", None)
    try:
        return Path(file).read_bytes().hex() if file else ""
    except OSError as error:
        raise SettingsError(
            f"{file}: cannot be read ({error.strerror}); make it readable"
        ) from error
