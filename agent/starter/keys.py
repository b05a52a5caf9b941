"""Which variables hold the keys of a model's provider."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from agent.models.choose import SIMULATED, known_models
from traces.errors import SettingsError
from traces.plugins import is_plugin


def key_variables(model: str, api_base: str | None = None) -> tuple[str, ...]:
    """Return the names of the variables that LiteLLM wants for a model, set or not.

    Empty where it needs none or knows none (a simulated model, one of the user's own). Raises
    SettingsError for a model that LiteLLM does not know.
    """
    if model in SIMULATED or is_plugin(model):
        return ()
    from agent.models.litellm_module import litellm

    module = litellm()
    try:
        module.get_llm_provider(model)
    except Exception as error:  # LiteLLM's own classes
        raise SettingsError(f"--model {model}: unknown model; known: {known_models()}") from error
    # LiteLLM names only what is missing, and looks nowhere but in the environment.
    with _nothing_set():
        found = module.validate_environment(model, api_base=api_base)
    return tuple(dict.fromkeys(str(name) for name in found["missing_keys"]))


@contextmanager
def _nothing_set() -> Iterator[None]:
    held = dict(os.environ)
    os.environ.clear()
    try:
        yield
    finally:
        os.environ.update(held)
