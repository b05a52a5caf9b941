"""Backends of anybody's: made from a class or a function, at the level that it offers.

A class with `ingest` and `retrieve` is a MemoryBackend, traced finely; what it leaves out of
`name`, `slots` and `fingerprint` is filled in. One with `add` and `search` is wrapped and traced
coarsely (`memory_backends.coarse`).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, Literal, cast

from memory_backends.coarse import VERSION, Coarse
from memory_backends.coarse_kinds import coarse
from memory_backends.options import source
from memory_backends.places import place
from memory_backends.plain import Plain
from memory_backends.protocol import MemoryBackend
from memory_backends.retrieval.embeddings import Embedder
from traces.errors import SettingsError
from traces.hashing import content_hash

Level = Literal["fine", "coarse"]
_METHODS: dict[Level, tuple[str, str]] = {"fine": ("ingest", "retrieve"),
                                          "coarse": ("add", "search")}  # fmt: skip
_MORE = ("entries", "put", "remove", "snapshot", "restore", "close")
_HANDED = ("config", "embedder")


def make_foreign(
    name: str,
    factory: Callable[..., Any],
    config: Mapping[str, Any] | None = None,
    embedder: Embedder | None = None,
) -> MemoryBackend:
    """Return a new backend of a class or function: parameters called `config` and `embedder`
    are given these; without a `config` parameter its options are keyword arguments.

    Raises SettingsError where it cannot be made, or is no memory.
    """
    options = dict(config or {})
    if not callable(factory):
        raise SettingsError(
            f"memory backend '{name}' is {type(factory).__name__} {factory!r:.60}; name a class, "
            "or a function that returns a memory"
        )
    arguments, known = _arguments(factory, options, embedder)
    unknown = [] if known is None else sorted(arguments.keys() - known)
    if unknown:
        raise SettingsError(
            f"memory backend '{name}' has no option '{unknown[0]}': it has "
            + (", ".join(sorted(set(known or ()) - set(_HANDED))) or "none")
        )
    missing = _missing(factory, arguments)
    if missing:
        raise SettingsError(
            f"memory backend '{name}' needs the option '{missing}': give it in a run as "
            f"{missing} = VALUE under [backend_config] in memtune.toml, for 'memtune backends "
            f"check' as --option {missing}=VALUE, or give the parameter a default"
        )
    try:
        made = factory(**arguments)
    except (Exception, SystemExit) as error:
        raise SettingsError(
            f"memory backend '{name}' cannot be made ({type(error).__name__}: "
            f"{str(error)[:200]}; {place(error)}); it is made once for each conversation"
        ) from error
    prints = _fingerprint(name, made, factory, options, embedder)
    if level_of(name, made) == "coarse":
        return coarse(cast(Plain, made), name, content_hash([VERSION, prints]))
    _fill_in(name, made, prints)
    return cast(MemoryBackend, made)


def level_of(name: str, made: Any) -> Level:
    """Return how finely a backend is traced. Raises SettingsError for what is no memory."""
    if isinstance(made, Coarse):
        return "coarse"
    for level, methods in _METHODS.items():
        if all(callable(getattr(made, method, None)) for method in methods):
            for method in (*methods, *_MORE):
                if inspect.iscoroutinefunction(getattr(made, method, None)):
                    raise SettingsError(
                        f"memory backend '{name}': {type(made).__name__}.{method} is async, and is "
                        "not awaited; let it be a plain method that runs its loop itself"
                    )
            return level
    there = [m for methods in _METHODS.values() for m in methods if hasattr(made, m)]
    raise SettingsError(
        f"memory backend '{name}' is no memory: {type(made).__name__} has "
        f"{' and '.join(there) or 'none'} of its methods; give it add(messages) and "
        "search(question), or ingest(session, ctx) and retrieve(question, asked_on, ctx)"
    )


def parameters(factory: Any) -> dict[str, tuple[Any, str]]:
    """Return the options that a class or function names: its default (`...`: it has none) and
    what it is annotated with, by name."""
    try:
        found = inspect.signature(factory).parameters.values()
    except (TypeError, ValueError):
        return {}
    return {
        one.name: (
            ... if one.default is one.empty else one.default,
            _annotated(one.annotation),
        )
        for one in found
        if one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY) and one.name not in _HANDED
    }


def _annotated(annotation: Any) -> str:
    if annotation is inspect.Parameter.empty:
        return ""
    return annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)


def _arguments(
    factory: Callable[..., Any], options: dict[str, Any], embedder: Embedder | None
) -> tuple[dict[str, Any], set[str] | None]:
    """Return keyword arguments, and the names that it knows (None: any)."""
    try:
        known = inspect.signature(factory).parameters
    except (TypeError, ValueError):  # some classes written in C tell nothing
        return options, None
    arguments = dict(options)
    if "config" in known:
        arguments = {"config": options}
    if "embedder" in known:
        arguments["embedder"] = embedder
    takes_any = any(p.kind is p.VAR_KEYWORD for p in known.values())
    return arguments, None if takes_any else set(known)


def _missing(factory: Callable[..., Any], arguments: Mapping[str, Any]) -> str:
    """Return the name of a parameter that has no default and is not given, or ''."""
    for name, (default, _) in parameters(factory).items():
        if default is ... and name not in arguments:
            return name
    return ""


def _fill_in(name: str, made: Any, prints: str) -> None:
    """Give a memory what the protocol asks for and it leaves out; its fingerprint covers its
    source from now on, where it can be set."""
    wanted = {"slots": tuple(getattr(made, "slots", ())), "fingerprint": prints}
    if not isinstance(getattr(made, "name", None), str):
        wanted["name"] = name
    for attribute, value in wanted.items():
        try:
            setattr(made, attribute, value)
        except AttributeError as error:
            if hasattr(made, attribute):  # a property: its own business
                continue
            raise SettingsError(
                f"memory backend '{name}': '{attribute}' cannot be set ({error}); let "
                f"{type(made).__name__} have one"
            ) from error


def _fingerprint(
    name: str, made: Any, factory: Callable[..., Any], options: Mapping[str, Any],
    embedder: Embedder | None,
) -> str:  # fmt: skip
    """Return the hash of what results depend on: name, the memory's own fingerprint, its source
    file, options and embedder. What the file imports is not covered."""
    own = getattr(made, "fingerprint", None)
    what = [own if isinstance(own, str) else "", _source(factory)]
    embeds = None if embedder is None else embedder.name
    try:
        return content_hash([name, what, dict(options), embeds])
    except TypeError as error:
        raise SettingsError(
            f"memory backend '{name}': an option cannot be written as JSON ({error})"
        ) from error


def _source(factory: Any) -> str:
    return source(getattr(factory, "__module__", None) or "") or repr(factory)
