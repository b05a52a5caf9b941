"""A LangChain chat model of the user's own, named as `module:attribute`."""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable, Mapping
from math import ceil
from typing import TYPE_CHECKING, Any

from agent.models.endpoints import is_secret_name, without_credentials
from agent.models.providers import Messages, is_simulated_name
from agent.models.timeouts import Timeouts
from agent.models.vendor_errors import Vendor
from agent.models.vendor_model import JsonSchema, VendorModel, counted
from traces.errors import ProviderError, SettingsError, TransientProviderError
from traces.hashing import content_hash
from traces.ledger import Completion
from traces.plugins import load_object

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import AIMessage, BaseMessage

# Where a chat model keeps its name and its address; each vendor's class has its own.
_NAMES = ("model_name", "model", "model_id", "deployment_name")
_ADDRESSES = ("openai_api_base", "base_url", "anthropic_api_url", "endpoint_url", "azure_endpoint")


def load_model(name: str, option: str = "--model") -> BaseChatModel:
    """Return the chat model that `module:attribute` names: an instance, or what a class or a
    function without arguments makes. Raises SettingsError that says what was found."""
    from langchain_core.language_models import BaseChatModel

    found = load_object(name, option)
    if isinstance(found, BaseChatModel):
        return found
    made = found
    if callable(found):
        try:
            made = found()
        except (Exception, SystemExit) as error:
            raise SettingsError(
                f"{option} {name}: calling it failed ({type(error).__name__}: "
                f"{' '.join(str(error).split())[:200]}); it must give a chat model without "
                "arguments"
            ) from error
        if isinstance(made, BaseChatModel):
            return made
    what = "gives" if callable(found) else "is"
    raise SettingsError(
        f"{option} {name}: {what} a {type(made).__module__}.{type(made).__qualname__}; name a "
        "LangChain BaseChatModel, its class, or a function without arguments that returns one"
    )


class LangChainProvider(VendorModel):
    """A LangChain chat model. Its own timeouts and retries are its owner's; the total is kept.

    Its identity holds the class and a hash of its parameters without anything secret, so a
    changed temperature is another model. `sample_index` is its `seed`, where it has one. A
    JSON schema is asked for of `ChatOpenAI` only.
    """

    def __init__(
        self,
        name: str,
        model: BaseChatModel,
        *,
        timeouts: Timeouts | None = None,
        json_schema: JsonSchema = "auto",
        secrets: tuple[str, ...] = (),
    ) -> None:
        self._model = model
        called = _first(model, _NAMES) or name
        endpoint = without_credentials(_first(model, _ADDRESSES))
        kinds = [kind.__name__ for kind in type(model).__mro__]
        super().__init__(
            Vendor(
                f"{name} ({called})",
                endpoint or "",
                max_tokens=_first(model, ("max_tokens",)),
                secrets=secrets,
                options="where the model is made",
            ),
            {
                "provider": "langchain",
                "model": name,
                "class": f"{type(model).__module__}.{type(model).__qualname__}",
                "name": called,
                "api_base": endpoint,
                "parameters": content_hash(_public(dict(model._identifying_params))),
            },
            timeouts,
            json_schema,
            "ChatOpenAI" in kinds,
        )
        self._openai = "BaseChatOpenAI" in kinds
        self._seeded = "seed" in type(model).model_fields
        self.simulated = is_simulated_name(called)

    def accepts_schema(self, role: str) -> bool:
        """Whether schemas are asked for; a class of which nothing is known cannot be asked."""
        return self._takes_schema and self._openai

    def close(self) -> None:
        """Nothing to close: connections are those of the vendor's library."""

    def _ask(
        self, messages: Messages, sample_index: int, format: Mapping[str, Any] | None
    ) -> Completion:
        made = self._at(sample_index).invoke(_chat(messages), **_options(format))
        return self._read(made, messages)

    def _stream(
        self,
        messages: Messages,
        sample_index: int,
        format: Mapping[str, Any] | None,
        feed: Callable[[str], None],
    ) -> Completion:
        total: Any = None
        # ChatOpenAI does not ask strangers' endpoints for the tokens used unless told to.
        options = {**_options(format), **({"stream_usage": True} if self._openai else {})}
        for chunk in self._at(sample_index).stream(_chat(messages), **options):
            total = chunk if total is None else total + chunk
            feed(str(chunk.text))
        if total is None:
            raise TransientProviderError(f"{self._vendor}: the stream broke off before its end")
        made = self._read(total, messages)
        if self._openai and not total.response_metadata.get("finish_reason"):
            raise TransientProviderError(f"{self._vendor}: the stream broke off before its end")
        return made

    def _translated(self, error: Exception) -> ProviderError:
        found = super()._translated(error)
        if type(found) is ProviderError and "HTML" not in str(found) and _met_no_api(error):
            return TransientProviderError(f"{found} (the answer is not that of the API)")
        return found

    def _at(self, sample_index: int) -> BaseChatModel:
        return (
            self._model.model_copy(update={"seed": sample_index}) if self._seeded else self._model
        )

    def _read(self, message: AIMessage, messages: Messages) -> Completion:
        text = str(message.text)
        told = message.response_metadata
        # ChatOpenAI leaves the counts of a streamed reply with a schema in their raw form.
        raw = told.get("token_usage") or {}
        used: Mapping[str, Any] = message.usage_metadata or {
            "input_tokens": raw.get("prompt_tokens"),
            "output_tokens": raw.get("completion_tokens"),
        }
        completion = Completion(
            text,
            counted(used["input_tokens"]) or ceil(sum(len(t) for _, t in messages) / 4),
            counted(used["output_tokens"]) or ceil(len(text) / 4),
        )
        finish = told.get("finish_reason") or told.get("stop_reason") or told.get("done_reason")
        return self._whole(finish, completion, message.additional_kwargs.get("refusal"))


def _met_no_api(error: Exception) -> bool:
    """Say whether a vendor's library stumbled over an answer; in the user's own code the same
    exception is a defect, which does not pass."""
    if not isinstance(error, ValueError | TypeError | LookupError):
        return False
    packages = [
        str(frame.f_globals.get("__name__")).split(".")[0]
        for frame, _ in traceback.walk_tb(error.__traceback__)
    ]
    where = [package for package in packages if package not in ("pydantic", "json")]
    return where[-1].startswith(("langchain", "openai", "anthropic", "google"))


def _chat(messages: Messages) -> list[BaseMessage]:
    from langchain_core.messages import AIMessage, HumanMessage, SystemMessage

    kinds: dict[str, Any] = {"system": SystemMessage, "assistant": AIMessage}
    return [kinds.get(role, HumanMessage)(content=text) for role, text in messages]


def _options(format: Mapping[str, Any] | None) -> dict[str, Any]:
    return {} if format is None else {"response_format": dict(format)}


def _first(model: Any, names: tuple[str, ...]) -> Any:
    found = (getattr(model, name, None) for name in names)
    return next((value for value in found if isinstance(value, str | int) and value), None)


def _public(value: Any) -> Any:
    """Return a JSON value of parameters, without what may be secret."""
    if isinstance(value, Mapping):
        return {
            str(name): _public(inner)
            for name, inner in value.items()
            if not is_secret_name(str(name))
        }
    if isinstance(value, list | tuple):
        return [_public(inner) for inner in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    try:
        return json.loads(json.dumps(value))
    except (TypeError, ValueError):
        return type(value).__qualname__  # an address in memory differs from process to process
