"""What memory backends there are, and what each of them can do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, is_dataclass
from typing import Any

from memory_backends.coarse import Coarse
from memory_backends.foreign import level_of, parameters
from memory_backends.options import allowed
from memory_backends.persistent import keepable
from memory_backends.protocol import Closable, Inspectable, MemoryBackend, Snapshottable
from memory_backends.registry import backend_names, create_backend, find_backend, open_backend
from traces.domain import PromptSlot
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


@dataclass(frozen=True, slots=True)
class Option:
    """One option of a backend. `allowed` says in words what it can be given; one that is
    `required` has no default."""

    name: str
    default: Any
    allowed: str
    required: bool = False


@dataclass(frozen=True, slots=True)
class Details:
    """All that is known of one backend. `about` says what its options mean; `chat` whether the
    agent can keep it on disk."""

    row: Row
    slots: tuple[PromptSlot, ...]
    options: tuple[Option, ...]
    about: str
    chat: bool

    def to_json(self) -> dict[str, Any]:
        """Return JSON-native values."""
        slots = [{"name": s.name, "kind": s.kind, "max_chars": s.max_chars} for s in self.slots]
        options = [{**asdict(o), "default": _native(o.default)} for o in self.options]
        return {
            **self.row.to_json(), "slots": slots, "options": options, "about": self.about,
            "chat": self.chat,
        }  # fmt: skip


def details(name: str, config: Mapping[str, Any] | None = None) -> Details:
    """Return what is known of one backend, with the slots that it has under these options.

    Raises SettingsError for an unknown name, and for one that cannot be made.
    """
    found = find_backend(name)
    with open_backend(name, config) as backend:
        options, about = _options(backend, found.load(), found.own)
        row, slots = _described(name, found.source, backend), tuple(backend.slots)
        return Details(row, slots, options, about, keepable(backend))


def _options(backend: MemoryBackend, factory: Any, own: bool) -> tuple[tuple[Option, ...], str]:
    if own:
        # Each of memtune's has a dataclass; its docstring, and those of what it extends, say what
        # they mean.
        held = backend.options  # type: ignore[attr-defined]
        known = [Option(f.name, f.default, allowed(f.default)) for f in fields(held)]
        docs = [c.__doc__ or "" for c in reversed(type(held).__mro__) if is_dataclass(c)]
        return tuple(known), " ".join(" ".join(docs).split())
    return tuple(
        Option(name, None if default is ... else default, annotation, default is ...)
        for name, (default, annotation) in parameters(factory).items()
    ), ""


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
        return _described(name, source, backend)
    finally:
        if isinstance(backend, Closable):
            backend.close()


def _described(name: str, source: str, backend: MemoryBackend) -> Row:
    return Row(
        name,
        source,
        level_of(name, backend),
        tuple(slot.name for slot in backend.slots),
        isinstance(backend, Inspectable),
        isinstance(backend, Snapshottable),
        isinstance(backend.inner if isinstance(backend, Coarse) else backend, Closable),
    )


def _native(value: Any) -> Any:
    return value if value is None or isinstance(value, str | int | float | bool) else repr(value)
