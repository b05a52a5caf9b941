"""Writes a small installable package with a memory backend of one's own, and a test."""

from __future__ import annotations

import keyword
import re
import sys
from dataclasses import dataclass
from importlib.machinery import ModuleSpec
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

from agent.loop.directory import write_whole
from traces.errors import SettingsError

_LONGEST = 60
# Names of folders and files that Python's tools look for, and memtune's own, wherever it is.
_TAKEN = frozenset(
    {*sys.stdlib_module_names, "tests", "test", "conftest", "setup", "src", "build", "dist",
     "docs", "memtune", "agent", "evals", "memory_backends", "optimizers", "traces"}
)  # fmt: skip
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[-_][A-Za-z0-9]+)*")


@dataclass(frozen=True, slots=True)
class Package:
    """What was written: directory, files in it, and the class as `module:attr`."""

    directory: Path
    written: tuple[str, ...]
    spec: str


def write_backend(name: str, directory: Path | None = None, fine: bool = False) -> Package:
    """Write the package `name` into a new directory (default: of its name): a plain memory, or
    (`fine`) one whose steps run through the context, with prompts of its own.

    Raises SettingsError, before anything is written, for a name that cannot be used and for a
    directory that is there and not empty.
    """
    module = name.replace("-", "_").lower()
    target = directory if directory is not None else Path(name)
    _check(name, module, target)
    class_name = "".join(part.capitalize() for part in module.split("_"))
    given = {"name": name, "module": module, "class_name": class_name}
    kind = "memory_fine" if fine else "memory"
    texts = {
        "pyproject.toml": _text("pyproject.toml", given),
        f"{module}/__init__.py": _text(f"{kind}.py", given),
        f"tests/test_{module}.py": _text(f"test_{kind}.py", given),
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


def _check(name: str, module: str, target: Path) -> None:
    from memory_backends.registry import backend_names

    if not _NAME.fullmatch(name) or keyword.iskeyword(module):
        raise SettingsError(
            f"{name!r}: cannot name a package; use letters, digits and single hyphens or "
            "underscores, a letter first"
        )
    if len(name) > _LONGEST:
        raise SettingsError(
            f"{name[:20]}...: a package's name of {len(name)} characters is too long; use at most "
            f"{_LONGEST}"
        )
    if name in backend_names():
        raise SettingsError(f"{name}: there is a backend of this name; choose another")
    spec = None if module in _TAKEN else _module(module)
    if module in _TAKEN or (spec is not None and not _inside(spec, target)):
        raise SettingsError(
            f"{name}: there is a module '{module}' already, or such a name means something else to "
            "Python's tools; choose another name"
        )


def _module(name: str) -> ModuleSpec | None:
    """Return the module of a name that Python finds; nothing is imported."""
    try:
        return find_spec(name)
    except ValueError:  # it is imported already, and says nothing of where from
        return ModuleSpec(name, None)


def _inside(spec: ModuleSpec, target: Path) -> bool:
    """Say whether a module is the package that is to be written itself, written before."""
    places = [spec.origin] if spec.origin else list(spec.submodule_search_locations or ())
    return bool(places) and all(
        Path(place).resolve().is_relative_to(target.resolve()) for place in places
    )


def _text(template: str, given: dict[str, str]) -> str:
    text = files("agent.starter").joinpath("backend", f"{template}.txt").read_text("utf-8")
    return text.format(**given)
