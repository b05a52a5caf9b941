"""From model strings to providers; what is wrong with one is said before anything is paid for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from agent.models.endpoints import is_address, is_secret_name, secrets_in
from agent.models.gateway import ROLES
from agent.models.providers import Provider, SimulatedProvider
from agent.settings import Settings, endpoint_variable, use_dotenv, variable_is_set, vendor_secrets
from traces.errors import SettingsError
from traces.plugins import is_plugin

if TYPE_CHECKING:
    from agent.models.embeddings import EmbeddingModel

SIMULATED = ("sim/rules-1", "sim-server/rules-1")
# What memtune itself says with each call.
_OWN_OPTIONS = frozenset(
    ["model", "messages", "seed", "n", "stream", "stream_options", "response_format", "timeout",
     "request_timeout", "max_retries", "num_retries", "drop_params", "api_base", "base_url",
     "tools", "tool_choice", "functions", "fallbacks", "mock_response"]
)  # fmt: skip
_SERVED_BY_THE_USER = frozenset(
    ["hosted_vllm", "custom_openai", "openai_like", "lm_studio", "litellm_proxy"]
)
# What LiteLLM's list calls the models that serve a purpose here.
_MODES = {"chat": ("chat", "completion", "responses"), "embedding": ("embedding",)}
# Where the key's variable is not called after the vendor.
_KEYS = {"vertex_ai": "GOOGLE_APPLICATION_CREDENTIALS", "bedrock": "AWS_ACCESS_KEY_ID"}


def known_models() -> str:
    """Return the model strings that this version understands, for messages."""
    return (
        "sim/rules-1 (simulated, in process), sim-server/rules-1 (simulated, over its loopback "
        "server), any LiteLLM model (openai/gpt-4o-mini, anthropic/claude-sonnet-4-5, "
        "ollama_chat/llama3:8b, hosted_vllm/NAME with an api_base), or module:attribute for a "
        "LangChain chat model"
    )


def make_providers(settings: Settings) -> dict[str, Provider]:
    """Return a provider by role; roles of the same model and endpoint share one. Where the
    settings name an embedding model, it has the role `embedding`.

    Raises SettingsError for a model string that nobody serves, a plug-in that is no chat
    model, a key that is missing or stands in model_options.
    """
    made: dict[tuple[str, str | None], Provider] = {}
    providers: dict[str, Provider] = {}
    vendors = [role for role in ROLES if settings.model_of(role) not in SIMULATED]
    if vendors or settings.embedding_model is not None:
        use_dotenv()
    if vendors:
        _check_options(settings.model_options)
        if settings.model_options and all(is_plugin(settings.model_of(r)) for r in vendors):
            raise SettingsError(
                "model_options: a chat model given as module:attribute has options of its own; "
                "set them there"
            )
    embedding = _make_embedding(settings)
    # A server is started last: nothing else can fail then.
    for role in sorted(ROLES, key=lambda role: settings.model_of(role).startswith("sim-server/")):
        model = settings.model_of(role)
        option = f"--{role}-model" if getattr(settings, f"{role}_model") else "--model"
        which = (model, settings.api_base_of(role) if _is_litellm(model) else None)
        if which not in made:
            made[which] = _make(settings, model, which[1], option)
        providers[role] = made[which]
    ordered = {role: providers[role] for role in ROLES}
    return ordered if embedding is None else {**ordered, "embedding": embedding}


def log_to(providers: Mapping[str, Provider], log: Callable[..., None]) -> None:
    """Have the providers that have something to say (a schema refused) say it to `log`."""
    from agent.models.vendor_model import VendorModel

    for provider in providers.values():
        if isinstance(provider, VendorModel):
            provider.log = log


def _is_litellm(model: str) -> bool:
    return model not in SIMULATED and not is_plugin(model)


def _make(settings: Settings, model: str, api_base: str | None, option: str) -> Provider:
    from agent.models.timeouts import Timeouts

    if model == SIMULATED[0]:
        return SimulatedProvider(settings.seed, settings.slip)
    if model == SIMULATED[1]:
        from agent.models.sim_server import SimulatedServer

        return SimulatedServer(settings.seed, settings.slip)
    if is_plugin(model):
        from agent.models.langchain_provider import LangChainProvider, load_model

        return LangChainProvider(
            model,
            load_model(model, option),
            timeouts=Timeouts.of(settings),
            json_schema=settings.json_schema,
            secrets=vendor_secrets(),
        )
    from agent.models.litellm_provider import LiteLLMProvider

    return LiteLLMProvider(
        model,
        **litellm_access(model, api_base, option),
        options=settings.model_options,
        timeouts=Timeouts.of(settings),
        json_schema=settings.json_schema,
    )


def _make_embedding(settings: Settings) -> EmbeddingModel | None:
    model = settings.embedding_model
    if model is None:
        return None
    if model in SIMULATED or is_plugin(model):
        raise SettingsError(
            f"--embedding-model {model}: is no embedding model; give a LiteLLM string such as "
            "openai/text-embedding-3-small, or leave it out (character n-grams)"
        )
    from agent.models.embeddings import EmbeddingModel
    from agent.models.timeouts import Timeouts

    api_base = settings.embedding_api_base or settings.api_base
    access = litellm_access(model, api_base, "--embedding-model", "embedding")
    return EmbeddingModel(model, **access, timeouts=Timeouts.of(settings))


def litellm_access(
    model: str, api_base: str | None, option: str, mode: str = "chat"
) -> dict[str, Any]:
    """Return how to reach a LiteLLM model: `api_base`, `api_key`, `key` and `secrets`.

    An endpoint of the user's own is sent a placeholder where no key is set. Raises
    SettingsError where LiteLLM knows neither model nor vendor, that the model is of another
    mode (`chat`, `embedding`), or that a key is missing.
    """
    from agent.models.litellm_module import litellm

    try:
        name, vendor, *_ = litellm().get_llm_provider(model, api_base=api_base)
    except Exception as error:  # LiteLLM's own classes
        raise SettingsError(f"{option} {model}: unknown model; known: {known_models()}") from error
    if not name:
        raise SettingsError(f"{option} {model}: names no model; known: {known_models()}")
    listed = litellm().model_cost.get(model) or litellm().model_cost.get(name) or {}
    if api_base is None and listed.get("mode") not in (None, *_MODES[mode]):
        raise SettingsError(
            f"{option} {model}: is a model for {listed['mode']}, not for {mode}; choose another"
        )
    endpoint = api_base or endpoint_variable(vendor)
    if endpoint is not None and not is_address(endpoint):
        raise SettingsError(
            f"--api-base {endpoint.rpartition('@')[2]}: is no address; write http://host:port/v1"
        )
    if endpoint is None and vendor in _SERVED_BY_THE_USER:
        raise SettingsError(
            f"{option} {model}: where is it served? give --api-base http://host:port/v1"
        )
    missing = litellm().validate_environment(model)["missing_keys"]
    keys = [variable for variable in missing if variable.endswith(("_API_KEY", "_API_TOKEN"))]
    # Where something else is missing too (a project, a region), there may be other ways to sign
    # in, which LiteLLM's list does not know.
    if keys and len(keys) == len(missing) and endpoint is None:
        raise SettingsError(
            f"{option} {model}: no key: set {' or '.join(keys)} in the environment or in .env "
            "(simulated models need none: sim/rules-1)"
        )
    return {
        "api_base": endpoint,
        "api_key": "none" if keys and endpoint is not None else None,
        "key": keys[0] if keys else _key_variable(vendor),
        "secrets": (*vendor_secrets(), *secrets_in(endpoint)),
    }


def _key_variable(vendor: str) -> str:
    """Return the name of the variable that holds a vendor's key, as LiteLLM's are called."""
    conventional = f"{vendor.upper()}_API_KEY"
    name = _KEYS.get(vendor, conventional)
    return name if name != conventional or variable_is_set(name) else ""


def _check_options(options: Mapping[str, Any]) -> None:
    for name, value in options.items():
        if name in _OWN_OPTIONS:
            raise SettingsError(f"model_options: {name}: is set by memtune itself; leave it out")
        inner = value if isinstance(value, Mapping) else {}
        for secret in (name, *inner):
            if is_secret_name(secret):
                raise SettingsError(
                    f"model_options: {secret}: options are stored with the run; put keys into the "
                    "environment or .env, under the vendor's name (OPENAI_API_KEY ...)"
                )
