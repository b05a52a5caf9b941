"""Any model by its LiteLLM string: `openai/gpt-4o-mini`, `anthropic/...`, `ollama_chat/...`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from agent.models.endpoints import without_credentials
from agent.models.litellm_module import litellm
from agent.models.providers import Messages, is_simulated_name
from agent.models.timeouts import Timeouts
from agent.models.vendor_errors import Vendor
from agent.models.vendor_model import JsonSchema, VendorModel, counted
from traces.errors import TransientProviderError
from traces.ledger import Completion


class LiteLLMProvider(VendorModel):
    """One model at one endpoint, through `litellm.completion` with its retries off.

    `api_base` None is the vendor's own endpoint. `key` is the name of the variable that holds
    the key, for messages; `api_key` is handed over only where the environment has none to
    give. `options` go with every call (temperature, max_tokens ...). With `json_schema`
    `auto` a schema is asked for where LiteLLM knows that the model takes one.
    """

    def __init__(
        self,
        model: str,
        *,
        api_base: str | None = None,
        options: Mapping[str, Any] | None = None,
        timeouts: Timeouts | None = None,
        json_schema: JsonSchema = "auto",
        api_key: str | None = None,
        key: str = "",
        secrets: tuple[str, ...] = (),
    ) -> None:
        given = dict(options or {})
        endpoint = without_credentials(api_base)
        _, vendor, *_ = litellm().get_llm_provider(model, api_base=api_base)
        longest = given.get("max_completion_tokens") or given.get("max_tokens")
        super().__init__(
            Vendor(model, endpoint or "", key, longest, secrets),
            {
                "provider": f"litellm/{vendor}",
                "model": model,
                "api_base": endpoint,
                "options": given,
            },
            timeouts,
            json_schema,
            bool(litellm().supports_response_schema(model)),
        )
        self.simulated = is_simulated_name(model)
        self._arguments: dict[str, Any] = {
            **given,
            "model": model,
            "timeout": self._timeouts.httpx(),
            "max_retries": 0,
            "num_retries": 0,
            "drop_params": True,
        }
        if api_base is not None:
            self._arguments["api_base"] = api_base
        if api_key is not None:
            self._arguments["api_key"] = api_key

    def close(self) -> None:
        """Nothing to close: connections are those of the vendor's library."""

    def _ask(
        self, messages: Messages, sample_index: int, format: Mapping[str, Any] | None
    ) -> Completion:
        response = litellm().completion(**self._request(messages, sample_index, format))
        if not getattr(response, "choices", None):
            raise TransientProviderError(f"{self._vendor}: a response without choices")
        choice = response.choices[0]
        completion = _completion(choice.message.content, getattr(response, "usage", None))
        refusal = (getattr(choice.message, "provider_specific_fields", None) or {}).get("refusal")
        return self._whole(choice.finish_reason, completion, refusal)

    def _stream(
        self,
        messages: Messages,
        sample_index: int,
        format: Mapping[str, Any] | None,
        feed: Callable[[str], None],
    ) -> Completion:
        stream = litellm().completion(
            **self._request(messages, sample_index, format),
            stream=True,
            stream_options={"include_usage": True},
        )
        pieces: list[str] = []
        finish: Any = None
        usage: Any = None
        for chunk in stream:
            usage = getattr(chunk, "usage", None) or usage
            for choice in chunk.choices[:1]:
                finish = choice.finish_reason or finish
                pieces.append(choice.delta.content or "")
                feed(pieces[-1])
        # LiteLLM ends a stream that broke off with a 'stop' of its own.
        if getattr(stream, "received_finish_reason", finish) is None:
            raise TransientProviderError(f"{self._vendor}: the stream broke off before its end")
        return self._whole(finish, _completion("".join(pieces), usage))

    def _request(
        self, messages: Messages, sample_index: int, format: Mapping[str, Any] | None
    ) -> dict[str, Any]:
        request = {
            **self._arguments,
            "messages": [{"role": role, "content": text} for role, text in messages],
            "seed": sample_index,
        }
        return request if format is None else {**request, "response_format": dict(format)}


def _completion(text: Any, usage: Any) -> Completion:
    return Completion(
        text if isinstance(text, str) else "",
        counted(getattr(usage, "prompt_tokens", 0)),
        counted(getattr(usage, "completion_tokens", 0)),
    )
