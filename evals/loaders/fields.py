"""What a file calls memtune's fields: the names by default, changed by the user's mapping."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from traces.errors import SettingsError


class Names:
    """Field names of one format: memtune's name -> the file's."""

    def __init__(self, defaults: Mapping[str, str], given: Mapping[str, str], format: str) -> None:
        """Raises SettingsError for a given name that the format does not have, or an empty one."""
        for name, theirs in given.items():
            if name not in defaults:
                raise SettingsError(
                    f"fields: data set '{format}' has no field '{name}'; choose among "
                    f"{', '.join(defaults)}"
                )
            if not theirs.strip():
                raise SettingsError(
                    f"fields: '{name}' is given no name; write what the file calls it"
                )
        self._names = {**defaults, **given}
        self._tops: dict[tuple[str, ...], frozenset[str]] = {}
        self.given = frozenset(given)

    def __getitem__(self, name: str) -> str:
        return self._names[name]

    def path(self, name: str, holder: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the keys that lead to a field: its name as it stands, else cut at the dots."""
        theirs = self._names[name]
        return (theirs,) if theirs in holder or "." not in theirs else tuple(theirs.split("."))

    def get(self, name: str, holder: Mapping[str, Any]) -> Any:
        """Return the field's value in an object; None where a step of its path is missing."""
        found: Any = holder
        for key in self.path(name, holder):
            if not isinstance(found, Mapping) or key not in found:
                return None
            found = found[key]
        return found

    def tops(self, *names: str) -> frozenset[str]:
        """Return the keys under which the fields lie in an object."""
        found = self._tops.get(names)
        if found is None:
            theirs = [self._names[name] for name in names]
            found = frozenset([*theirs, *(name.split(".")[0] for name in theirs)])
            self._tops[names] = found
        return found
