"""Writes a small installable package with a memory backend of one's own, and a test."""

from __future__ import annotations

import keyword
import re
import sys
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from agent.loop.directory import write_whole
from traces.errors import SettingsError

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[-_][A-Za-z0-9]+)*")


@dataclass(frozen=True, slots=True)
class Package:
    """What was written: directory, files in it, and the class as `module:attr`."""

    directory: Path
    written: tuple[str, ...]
    spec: str


def write_backend(name: str, directory: Path | None = None) -> Package:
    """Write the package `name` into a new directory (default: of its name).

    Raises SettingsError, before anything is written, for a name that cannot be used and for a
    directory that is there and not empty.
    """
    module = name.replace("-", "_").lower()
    _check(name, module)
    target = directory if directory is not None else Path(name)
    class_name = "".join(part.capitalize() for part in module.split("_"))
    given = {"name": name, "module": module, "class_name": class_name}
    texts = {
        "pyproject.toml": _text("pyproject.toml", given),
        f"{module}/__init__.py": _text("memory.py", given),
        f"tests/test_{module}.py": _text("test_memory.py", given),
    }
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise SettingsError(f"{target}: is there already; choose another name, or give --out DIR")
    try:
        for file, text in texts.items():
            path = target / file
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, text)
            path.chmod(0o644)
    except OSError as error:
        raise SettingsError(
            f"{target}: cannot be written ({error.strerror}); give another directory"
        ) from error
    return Package(target, tuple(texts), f"{module}:{class_name}")


def _check(name: str, module: str) -> None:
    from memory_backends.registry import backend_names

    if not _NAME.fullmatch(name) or keyword.iskeyword(module):
        raise SettingsError(
            f"{name!r}: cannot name a package; use letters, digits and single hyphens or "
            "underscores, a letter first"
        )
    if name in backend_names():
        raise SettingsError(f"{name}: there is a backend of this name; choose another")
    if module in sys.stdlib_module_names or module in ("tests", "agent", "evals", "traces"):
        raise SettingsError(f"{name}: Python has a module '{module}' already; choose another name")


def _text(template: str, given: dict[str, str]) -> str:
    text = files("agent.starter").joinpath("backend", f"{template}.txt").read_text("utf-8")
    return text.format(**given)
