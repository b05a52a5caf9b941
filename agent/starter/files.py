"""Writes what a new project begins with: settings, a place for keys, example data."""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from agent.loop.directory import write_whole
from agent.starter.keys import key_variables
from traces.errors import SettingsError
from traces.plugins import is_plugin

SETTINGS = "memtune.toml"
EXAMPLE_DATA = "example.jsonl"
EXAMPLE_KEYS = ".env.example"
IGNORED = (".env", "runs/")
_KEYS_HEAD = """\
# Keys of model providers. Copy this file to .env and fill in what you have;
# memtune hands a key to its provider, and neither stores nor prints it.
# MEMTUNE__NAME variables (MEMTUNE__MAX_USD=5) may stand there too.
"""
_NO_KEYS = """\
# The model that was chosen needs no key. For another one, for example:
# OPENAI_API_KEY=
# ANTHROPIC_API_KEY=
"""
_GITIGNORE = ".gitignore"


@dataclass(frozen=True, slots=True)
class Starter:
    """What was written: the directory, file names in it, and the chosen parts.

    `data` is the data set's file as memtune.toml names it (the example, where none was given);
    `keys` are the variables that the model's provider wants.
    """

    directory: Path
    written: tuple[str, ...]
    data: str
    given: bool
    keys: tuple[str, ...]


def write_starter(
    directory: Path,
    *,
    data: Path | None = None,
    model: str | None = None,
    backend: str | None = None,
    force: bool = False,
) -> Starter:
    """Write the starting files into a directory, which is made where there is none.

    Raises SettingsError, before anything is written, for a file that stands there already
    (unless `force`), data that are not there, an unknown backend or model; and for a directory
    that cannot be written.
    """
    if data is not None and not data.exists():
        raise SettingsError(f"--data {data}: there is no such file; give the data set's file")
    if backend is not None:
        _check_backend(backend)
    # As the settings name it: they are read in the project's directory.
    named = None if data is None else _from(directory, data)
    keys = key_variables(model) if model is not None else ()  # raises for an unknown one
    texts = {
        SETTINGS: settings_text({"data": named, "model": model, "backend": backend}),
        EXAMPLE_KEYS: keys_text(keys),
    }
    if data is None:
        texts[EXAMPLE_DATA] = _example()
    standing = [name for name in texts if os.path.lexists(directory / name)]
    if standing and not force:
        raise SettingsError(
            f"{directory}: there already: {', '.join(standing)}; give --force to "
            "overwrite, or another directory"
        )
    try:
        directory.mkdir(parents=True, exist_ok=True)
        ignore = _ignore_text(directory)
        if ignore is not None:
            texts[_GITIGNORE] = ignore
        for name, text in texts.items():
            _write(directory / name, text)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise SettingsError(
            f"{directory}: cannot be written ({reason}); give another directory"
        ) from error
    return Starter(directory, tuple(texts), named or EXAMPLE_DATA, data is not None, keys)


def template() -> str:
    """Return memtune.toml with every setting explained, and none set."""
    return files("agent.starter").joinpath(SETTINGS).read_text("utf-8")


def settings_text(chosen: Mapping[str, str | None]) -> str:
    """Return the template with the chosen settings set."""
    text = template()
    for name, value in chosen.items():
        if value is not None:
            line = f"{name} = {_toml(value)}"
            text, found = re.subn(rf"(?m)^# {name} = .*$", lambda _, line=line: line, text)  # type: ignore[misc]
            assert found == 1, name
    return text


def keys_text(keys: tuple[str, ...]) -> str:
    """Return .env.example: the names of the variables, without values."""
    return _KEYS_HEAD + "\n" + ("".join(f"{key}=\n" for key in keys) or _NO_KEYS)


def _toml(value: str) -> str:
    # A JSON string is a TOML string, but for the one control character JSON leaves as it is.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _example() -> str:
    from evals.loaders.jsonl import EXAMPLE

    return EXAMPLE


def _check_backend(name: str) -> None:
    from memory_backends.registry import find_backend

    # One of the user's own may be written after the settings.
    if not is_plugin(name):
        find_backend(name)


def _from(directory: Path, data: Path) -> str:
    """Return a path as it is named from within the directory."""
    here, there = directory.resolve(), data.resolve()
    return str(there.relative_to(here) if there.is_relative_to(here) else there)


def _write(path: Path, text: str) -> None:
    """Write a file whole; one that is replaced keeps who may read it."""
    # Nothing secret is in them, and others may have to read a project's settings.
    mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else 0o644
    write_whole(path, text)
    path.chmod(mode)


# git -----------------------------------------------------------------------------


def _ignore_text(directory: Path) -> str | None:
    """Return .gitignore with what is missing in it; None outside git, or where all is there."""
    root = next(
        (
            at
            for at in (directory.resolve(), *directory.resolve().parents)
            if (at / ".git").exists()
        ),
        None,
    )
    if root is None:
        return None
    known = _patterns(directory.resolve() / _GITIGNORE, own=True)
    at = directory.resolve()
    while at != root:
        at = at.parent
        known |= _patterns(at / _GITIGNORE, own=False)
    missing = [name for name in IGNORED if name.rstrip("/") not in known]
    if not missing:
        return None
    own = directory / _GITIGNORE
    text = own.read_text("utf-8") if own.exists() else ""
    if text and not text.endswith("\n"):
        text += "\n"
    return text + "".join(f"{name}\n" for name in missing)


def _patterns(path: Path, *, own: bool) -> set[str]:
    """Return the names that a .gitignore leaves out here; `own`: it lies in this directory."""
    if not path.is_file():
        return set()
    found: set[str] = set()
    for line in path.read_text("utf-8").splitlines():
        name = line.strip().removeprefix("**/").removesuffix("*").removesuffix("/")
        # With a slash at its beginning it speaks of its own directory only.
        found.add(name.removeprefix("/") if own else name)
    return found
