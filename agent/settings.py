"""The only reader of the environment, `.env` and `memtune.toml`.

Precedence: flags over `MEMTUNE__...` variables over `.env` over `memtune.toml` over
defaults. Values are passed on explicitly from here.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_serializer,
    field_validator,
)
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)
from pydantic_settings.exceptions import SettingsError as SourceError

from agent.models.endpoints import without_credentials
from traces.errors import SettingsError

_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "": 1.0}


class _OwnVariables(DotEnvSettingsSource):
    """`.env` without the variables of other programs, which it holds as a rule."""

    def __call__(self) -> dict[str, Any]:
        known = self.settings_cls.model_fields
        return {name: value for name, value in super().__call__().items() if name in known}


class Price(BaseModel):
    """What a model costs, in US dollars a million tokens."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    input: float = Field(ge=0, allow_inf_nan=False)
    output: float = Field(ge=0, allow_inf_nan=False)


class Settings(BaseSettings):
    """Everything that a run can be told. Unknown names in memtune.toml are errors."""

    model_config = SettingsConfigDict(
        env_prefix="MEMTUNE__",
        env_nested_delimiter="__",
        env_file=".env",
        toml_file="memtune.toml",
        extra="forbid",
    )

    # what is run: fixes the run's identity
    dataset: str | None = None
    data: Path | None = None
    fields: dict[str, str] = Field(default_factory=dict)
    conversations: int = Field(30, ge=1)
    limit_episodes: int | None = Field(None, ge=3)
    limit_questions: int | None = Field(None, ge=1)
    seed: int = Field(0, ge=0)
    rules: int | None = Field(None, ge=0, description="house rules of the synthetic world")
    backend: str = "fact_store"
    backend_config: dict[str, Any] = Field(default_factory=dict)
    slots: tuple[str, ...] | None = None
    model: str = "sim/rules-1"
    agent_model: str | None = None
    judge_model: str | None = None
    reflection_model: str | None = None
    api_base: str | None = None
    agent_api_base: str | None = None
    judge_api_base: str | None = None
    reflection_api_base: str | None = None
    model_options: dict[str, Any] = Field(default_factory=dict)
    json_schema: Literal["auto", "always", "never"] = "auto"
    embedding_model: str | None = None
    embedding_api_base: str | None = None
    slip: float = Field(0.02, ge=0, le=1)
    scorer: str = "judge"
    judge_prompt: Path | None = None
    optimizer: str = "attribution_guided"
    attribution: str = "replay"
    prompts: Path | None = None
    gate_mode: Literal["auto", "population", "these_conversations"] = "auto"
    min_gain: float = Field(0.0, ge=0, le=1)

    # limits: may change between a run and its resumption
    rounds: int = Field(5, ge=1, le=100)
    concurrency: int = Field(4, ge=1, le=256)
    max_calls: int | None = Field(None, ge=1)
    max_tokens: int | None = Field(None, ge=1)
    max_usd: float | None = Field(None, gt=0, allow_inf_nan=False)
    prices: dict[str, Price] = Field(default_factory=dict)
    requests_per_minute: int | None = Field(None, ge=1)
    tokens_per_minute: int | None = Field(None, ge=1)
    connect_timeout: float = Field(10.0, gt=0, description="seconds")
    first_byte_timeout: float = Field(120.0, gt=0, description="seconds")
    total_timeout: float = Field(600.0, gt=0, description="seconds")
    backend_timeout: float = Field(300.0, gt=0, description="seconds")
    deadline: float | None = Field(None, gt=0, description="seconds; '90s', '30m', '8h'")
    patience: int = Field(3, ge=1)
    target: float | None = Field(None, gt=0, le=1)

    # where things are kept
    out: Path | None = None
    ledger: Path | None = None
    state_dir: Path | None = None

    @field_validator("deadline", mode="before")
    @classmethod
    def _duration(cls, value: Any) -> Any:
        if isinstance(value, str):
            match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([smh]?)\s*", value)
            if match is None:
                raise ValueError("give seconds or a duration such as 90s, 30m, 8h")
            return float(match[1]) * _UNITS[match[2]]
        return value

    @field_validator("fields", mode="before")
    @classmethod
    def _pairs(cls, value: Any) -> Any:
        """Read ["text=body", "speaker=author,date=when"] as a mapping."""
        if not isinstance(value, list | tuple):
            return value
        found: dict[str, str] = {}
        for pair in (part for item in value for part in str(item).split(",") if part.strip()):
            name, equals, theirs = pair.partition("=")
            if not equals:
                raise ValueError("give NAME=THEIRS, such as text=body")
            found[name.strip()] = theirs.strip()
        return found

    @field_validator("slots", mode="before")
    @classmethod
    def _names(cls, value: Any) -> Any:
        if isinstance(value, str):
            names = tuple(name.strip() for name in value.split(",") if name.strip())
            if not names:
                raise ValueError("names no slot; leave it out to tune the backend's slots")
            return names
        return value

    @field_serializer("api_base", "agent_api_base", "judge_api_base", "reflection_api_base",
                      "embedding_api_base", when_used="json")  # fmt: skip
    def _shown(self, value: str | None) -> str | None:
        """An address is stored without the secrets that it may hold."""
        return without_credentials(value)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Flags, environment, .env, memtune.toml; see the module's docstring."""
        toml = TomlConfigSettingsSource(settings_cls)
        return init_settings, env_settings, _OwnVariables(settings_cls), toml

    def model_of(self, role: str) -> str:
        """Return the model string of a role."""
        chosen = {
            "agent": self.agent_model,
            "judge": self.judge_model,
            "reflection": self.reflection_model,
        }[role]
        return chosen or self.model

    def api_base_of(self, role: str) -> str | None:
        """Return the endpoint of a role's model, or None for the provider's own."""
        chosen = {
            "agent": self.agent_api_base,
            "judge": self.judge_api_base,
            "reflection": self.reflection_api_base,
        }[role]
        return chosen or self.api_base

    def state_directory(self) -> Path:
        """Return where memtune remembers things between runs (test openings)."""
        if self.state_dir is not None:
            return self.state_dir
        base = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
        return Path(base) / "memtune"


def use_dotenv() -> None:
    """Put the variables of other programs in `.env` (vendors' keys) into the environment, where
    they are not set. Their values are never logged or stored."""
    from dotenv import dotenv_values

    for name, value in dotenv_values(str(Settings.model_config["env_file"])).items():
        if value and not name.upper().startswith(str(Settings.model_config["env_prefix"])):
            os.environ.setdefault(name, value)


def endpoint_variable(vendor: str) -> str | None:
    """Return the address that a variable of the vendor's library gives, such as OPENAI_BASE_URL."""
    name = vendor.upper().removesuffix("_CHAT")
    found = (os.environ.get(f"{name}_{suffix}") for suffix in ("API_BASE", "BASE_URL"))
    return next((address for address in found if address), None)


def variable_is_set(name: str) -> bool:
    """Say whether a variable is in the environment."""
    return bool(os.environ.get(name))


def vendor_secrets() -> tuple[str, ...]:
    """Return the values of the environment's keys, which no message may repeat."""
    return tuple(
        value
        for name, value in os.environ.items()
        if re.search("(KEY|TOKEN|SECRET|PASSWORD)$", name.upper()) and len(value) >= 8
    )


def settings_in_force() -> dict[str, list[str]]:
    """Return the names of the settings that each source sets, first the one that goes before."""
    sources = {
        "environment": EnvSettingsSource(Settings),
        ".env": _OwnVariables(Settings),
        "memtune.toml": TomlConfigSettingsSource(Settings),
    }
    return {name: sorted(source()) for name, source in sources.items()}


def source_of(name: str) -> str:
    """Return which source sets a setting, in words; '' where none of them does."""
    found = next((source for source, names in settings_in_force().items() if name in names), "")
    variable = f"{Settings.model_config['env_prefix']}{name.upper()}"
    return f"the variable {variable}" if found == "environment" else found


_ROLE_MODELS = ("agent_model", "judge_model", "reflection_model")


def load_settings(**flags: Any) -> Settings:
    """Read all sources; flags that are None were not given.

    Raises SettingsError naming the field and what is wrong with it.
    """
    given = {name: value for name, value in flags.items() if value is not None}
    if "model" in given:
        # A flag for all roles goes before what a file says of one.
        given = {**dict.fromkeys(_ROLE_MODELS), **given}
    return read_settings(given)


def _refuse_unknown_variables() -> None:
    """Raise SettingsError for a MEMTUNE__ variable that sets nothing: a typing error in a
    limit must not mean that there is none."""
    prefix = str(Settings.model_config["env_prefix"])
    for name in sorted(os.environ):
        field = name.removeprefix(prefix).split("__")[0].lower()
        if name.upper().startswith(prefix) and field not in Settings.model_fields:
            raise SettingsError(
                f"{name}: there is no such setting; unset it, or choose among "
                f"{', '.join(Settings.model_fields)}"
            )


def read_settings(given: Mapping[str, Any]) -> Settings:
    """Return settings of which all that is `given` stands, None too.

    Raises SettingsError as `load_settings` does.
    """
    _refuse_unknown_variables()
    try:
        return Settings(**given)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "settings"
        if first["type"] == "extra_forbidden":
            raise SettingsError(
                f"memtune.toml: {field}: there is no such setting; remove it, or choose among "
                f"{', '.join(Settings.model_fields)}"
            ) from error
        message = str(first["msg"]).removeprefix("Value error, ")
        value = repr(first.get("input"))[:60]
        flag = "--" + field.replace("_", "-")
        raise SettingsError(
            f"{flag} (or {field} in memtune.toml, MEMTUNE__{field.upper()}): {message}, got {value}"
        ) from error
    except SourceError as error:
        raise SettingsError(f"MEMTUNE__ variable or .env: {error}; write it as JSON") from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"memtune.toml: is not TOML: {error}; correct it") from error
    except (OSError, ValueError) as error:
        raise SettingsError(f"memtune.toml or .env cannot be read: {error}; correct it") from error
