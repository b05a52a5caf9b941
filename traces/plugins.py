"""Objects of the user's own, named as `module:attribute`."""

from __future__ import annotations

import os
import re
import sys
from importlib import import_module
from typing import Any

from traces.errors import SettingsError

_SPEC = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*:[A-Za-z_][A-Za-z0-9_.]*")


def is_plugin(name: str) -> bool:
    """Say whether a name has the form `module:attribute`."""
    return _SPEC.fullmatch(name) is not None


def load_object(name: str, option: str) -> Any:
    """Return the object that `module:attribute` names; the working directory is searched too.

    `option` is what the user gave it with, for the message. Raises SettingsError when the
    module cannot be imported or has no such attribute.
    """
    module_name, _, attribute = name.partition(":")
    here = os.getcwd()
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        found: Any = import_module(module_name)
    except (Exception, SystemExit) as error:
        raise SettingsError(
            f"{option} {name}: module {module_name} cannot be imported "
            f"({type(error).__name__}: {str(error)[:300]}); check its name and install what it "
            "needs"
        ) from error
    for part in attribute.split("."):
        try:
            found = getattr(found, part)
        except AttributeError:
            raise SettingsError(
                f"{option} {name}: module {module_name} has no '{attribute}'; check the name"
            ) from None
    return found
