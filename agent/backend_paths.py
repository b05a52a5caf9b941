"""From what a user points at (a name, `module:attr`, a file, a folder) to a backend's name."""

from __future__ import annotations

import sys
import tomllib
from importlib import import_module
from pathlib import Path
from typing import Any

from memory_backends.registry import GROUP, backend_names
from traces.errors import SettingsError
from traces.plugins import is_plugin

_LEVELS = (("ingest", "retrieve"), ("add", "search"))


def named(target: str) -> str:
    """Return the name under which the registry finds a backend; paths become `module:attr`, and
    their folder importable.

    Raises SettingsError for what is not there, holds no memory, or more than one.
    """
    path, _, attribute = target.partition(":")
    if target in backend_names() or (is_plugin(target) and not path.endswith(".py")):
        return target
    place = Path(path)
    if not place.exists():
        raise SettingsError(
            f"{target}: is no backend, no module:attr, no file and no folder; "
            f"there are the backends {', '.join(backend_names())}"
        )
    place = place.resolve()
    if place.is_file():
        if place.suffix != ".py":
            raise SettingsError(f"{target}: is no Python file; give a .py file or a folder")
        return _in_module(place.parent, place.stem, attribute, target)
    if (place / "pyproject.toml").is_file():
        spec = attribute or _entry_point(place / "pyproject.toml", target)
        for folder in (place, place / "src"):
            _importable(folder)
        return spec
    if (place / "__init__.py").is_file():
        return _in_module(place.parent, place.name, attribute, target)
    raise SettingsError(
        f"{target}: holds neither pyproject.toml nor __init__.py; give a package's folder"
    )


def _importable(folder: Path) -> None:
    if folder.is_dir() and str(folder) not in sys.path:
        sys.path.insert(0, str(folder))


def _in_module(folder: Path, module: str, attribute: str, target: str) -> str:
    _importable(folder)
    if attribute:
        return f"{module}:{attribute}"
    try:
        found = import_module(module)
    except (Exception, SystemExit) as error:
        raise SettingsError(
            f"{target}: cannot be imported ({type(error).__name__}: {str(error)[:200]}); check it"
        ) from error
    classes = [name for name, value in vars(found).items() if _is_memory(value, module)]
    if len(classes) != 1:
        held = f"the memories {', '.join(classes)}" if classes else "no memory"
        raise SettingsError(
            f"{target}: holds {held} (a class with add and search, or ingest and retrieve); "
            f"name one as {target}:CLASS"
        )
    return f"{module}:{classes[0]}"


def _is_memory(value: Any, module: str) -> bool:
    return (
        isinstance(value, type)
        and value.__module__.partition(".")[0] == module
        and any(all(callable(getattr(value, m, None)) for m in methods) for methods in _LEVELS)
    )


def _entry_point(file: Path, target: str) -> str:
    try:
        offered = tomllib.loads(file.read_text("utf-8"))["project"]["entry-points"][GROUP]
        (spec,) = offered.values()
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise SettingsError(
            f'{target}: {file} has not one entry point in [project.entry-points."{GROUP}"]; '
            f"declare it, or name the class as {target}:MODULE:CLASS"
        ) from error
    return str(spec)
