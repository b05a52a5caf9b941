"""The checklist in its order. No check that breaks keeps the others from being made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from agent.doctor import inputs, models, places, surroundings
from agent.doctor.check import Check, broken, guarded
from traces.errors import DataError, MemtuneError

if TYPE_CHECKING:
    from agent.settings import Settings
    from traces.domain import Dataset


def examine(flags: Mapping[str, Any], *, calls: bool = True) -> Iterator[Check]:
    """Yield what is found, as it is found. `flags` are a run's, by setting name.

    With `calls`, each distinct model is asked once. Raises nothing that a check can tell.
    """
    yield from guarded("python", surroundings.python)
    yield from guarded("packages", surroundings.packages, "install memtune anew")
    yield from guarded("sqlite", surroundings.sqlite)
    found: list[Settings] = []
    yield from guarded("settings", partial(_settings, flags, found), "correct it where it is set")
    if not found:
        yield Check(
            "settings", "skipped", "data, models and directories: not looked at without settings"
        )
        return
    yield from _run(found[0], calls)


def _settings(flags: Mapping[str, Any], found: list[Settings]) -> Iterator[Check]:
    from agent.settings import load_settings

    found.append(load_settings(**flags))
    yield from places.sources(flags)


def _run(settings: Settings, calls: bool) -> Iterator[Check]:
    loaded: list[Dataset] = []
    yield from guarded("data", partial(_data, settings, loaded))
    dataset = loaded[0] if loaded else None
    if dataset is not None:
        yield from guarded("gate", partial(inputs.gate, settings, dataset))
        yield from guarded("test", partial(inputs.openings, settings, dataset))
    yield from guarded("backend", partial(inputs.backend, settings))
    yield from guarded("prompts", partial(inputs.prompts, settings))
    yield from guarded("methods", partial(inputs.methods, settings, dataset))
    played = models.Played()
    for model in models.models(settings):
        look = partial(models.examine, settings, model, played, calls=calls)
        yield from guarded("model", look)
    yield from guarded(
        "embedding", partial(models.examine_embedding, settings, played, calls=calls)
    )
    yield from guarded("state", partial(places.state, settings))
    yield from guarded("ledger", partial(places.shared_ledger, settings))
    yield from guarded("run", partial(_place, settings, dataset, played))


def _data(settings: Settings, loaded: list[Dataset]) -> Iterator[Check]:
    try:
        loaded.append(inputs.load(settings))
    except DataError as error:
        found = broken("data", error)
        all_of_it = f"; '{inputs.validation(settings)}' lists all" if settings.data else ""
        yield replace(found, mend=found.mend + all_of_it)
        return
    yield from inputs.data(settings, loaded[0])


def _place(settings: Settings, dataset: Dataset | None, played: models.Played) -> Iterator[Check]:
    yield from places.run_directory(settings, _identity(settings, dataset, played))


def _identity(
    settings: Settings, dataset: Dataset | None, played: models.Played
) -> Mapping[str, Any] | None:
    """Return what would fix the run; None where other checks have told why it cannot be."""
    from agent.loop import assemble

    if dataset is None or not played.whole(settings):
        return None
    try:
        prompts = assemble.seed_prompts(settings)
        return assemble.identity_of(settings, dataset, prompts, played.identities, played.embedder)
    except MemtuneError:
        return None
