"""What memory backends there are, and what each of them can do."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from memory_backends.coarse import Coarse
from memory_backends.foreign import level_of
from memory_backends.protocol import Closable, Inspectable, Snapshottable
from memory_backends.registry import backend_names, create_backend, find_backend
from traces.errors import SettingsError


@dataclass(frozen=True, slots=True)
class Row:
    """One backend. `problem` says why it cannot be used; the rest is empty then."""

    name: str
    source: str
    level: str = ""
    slots: tuple[str, ...] = ()
    entries: bool = False
    snapshots: bool = False
    closes: bool = False
    problem: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return JSON-native values."""
        return asdict(self)


def listed() -> list[Row]:
    """Return all backends that have a name, sorted by it."""
    return [_row(name) for name in backend_names()]


def _row(name: str) -> Row:
    source = ""
    try:
        source = find_backend(name).source
        backend = create_backend(name)
    except SettingsError as error:
        return Row(name, source, problem=str(error))
    try:
        return Row(
            name,
            source,
            level_of(name, backend),
            tuple(slot.name for slot in backend.slots),
            isinstance(backend, Inspectable),
            isinstance(backend, Snapshottable),
            isinstance(backend.inner if isinstance(backend, Coarse) else backend, Closable),
        )
    finally:
        if isinstance(backend, Closable):
            backend.close()
