"""Python, the packages and SQLite, against what memtune was made for."""

from __future__ import annotations

import platform
import sqlite3
from collections.abc import Iterator
from importlib import metadata

from agent.doctor.check import Check

PACKAGE = "memtune"
# Upserts came with it; the store is written with them.
OLDEST_SQLITE = (3, 24, 0)


def python() -> Iterator[Check]:
    """Python's version against `requires-python`."""
    from packaging.specifiers import SpecifierSet

    here = platform.python_version()
    try:
        wanted = metadata.metadata(PACKAGE)["Requires-Python"] or ""
    except metadata.PackageNotFoundError:
        yield Check(
            "python", "warning", f"{here}; {PACKAGE} is not installed, its bounds are not known",
            "install it: pip install -e .",
        )  # fmt: skip
        return
    if SpecifierSet(wanted).contains(here, prereleases=True):
        yield Check("python", "ok", f"{here} ({PACKAGE} {metadata.version(PACKAGE)})")
    else:
        yield Check("python", "problem", f"{here} is outside {wanted}", f"use Python {wanted}")


def packages() -> Iterator[Check]:
    """Installed packages against the bounds that memtune declares; extras are left out."""
    from packaging.requirements import Requirement

    within = 0
    for line in metadata.requires(PACKAGE) or ():
        wanted = Requirement(line)
        if wanted.marker is not None and not wanted.marker.evaluate({"extra": ""}):
            continue
        bounds = f"{wanted.name}{wanted.specifier}"
        try:
            here = metadata.version(wanted.name)
        except metadata.PackageNotFoundError:
            yield Check(
                "packages", "problem", f"{wanted.name} is missing", f"pip install '{bounds}'"
            )
            continue
        if wanted.specifier.contains(here, prereleases=True):
            within += 1
        else:
            yield Check(
                "packages", "problem", f"{wanted.name} {here} is outside {wanted.specifier}",
                f"pip install '{bounds}'",
            )  # fmt: skip
    yield Check("packages", "ok", f"{within} within their bounds", details={"within": within})


def sqlite() -> Iterator[Check]:
    """SQLite's version, and that it was built for several threads."""
    here = sqlite3.sqlite_version
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        oldest = ".".join(map(str, OLDEST_SQLITE))
        yield Check(
            "sqlite", "problem", f"{here} is older than {oldest}",
            "use a Python that was built with a newer SQLite",
        )  # fmt: skip
    elif sqlite3.threadsafety < 1:
        yield Check(
            "sqlite", "problem", f"{here} was built for one thread",
            "use a Python whose SQLite is thread-safe",
        )  # fmt: skip
    else:
        yield Check("sqlite", "ok", here)
