"""Where completions come from. A provider translates its vendor's errors once, here."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from traces.errors import ProviderError, TransientProviderError
from traces.ledger import Completion

if TYPE_CHECKING:
    import openai

    from evals.simulation.model import SimulatedModel

Messages = Sequence[tuple[str, str]]

_SIMULATED = re.compile(r"(.*/)?sim/rules-[0-9]+(:[a-z]+)?")


def is_simulated_name(model: str) -> bool:
    """Say whether a model's name is the simulated one's, whatever serves it."""
    return _SIMULATED.fullmatch(model) is not None


def plays_simulated(model: str) -> bool:
    """Say whether a model string is the simulated model: in process, over its own server, or
    by a name that its loopback server is called by through another provider."""
    return model == "sim-server/rules-1" or is_simulated_name(model)


class Provider(Protocol):
    """Makes one completion; owns its connection, not budget, retry or ledger.

    `identity(role)` is everything that a result depends on besides the messages and the
    schema (ledger key). `accepts_schema` says whether a JSON schema for the reply may be
    handed to `complete`. Raises TransientProviderError where the same request may succeed
    later, ContentError where the reply is cut off or refused, ProviderError where it will
    not.
    """

    simulated: bool

    def identity(self, role: str) -> Mapping[str, Any]: ...
    def accepts_schema(self, role: str) -> bool: ...
    def complete(
        self,
        role: str,
        messages: Messages,
        sample_index: int,
        schema: Mapping[str, Any] | None = None,
    ) -> Completion: ...
    def close(self) -> None: ...


class SimulatedProvider:
    """The simulated model in process."""

    simulated = True

    def __init__(self, seed: int, slip: float) -> None:
        from evals.simulation.model import VERSION, SimulatedModel
        from evals.simulation.seeds import model_seed

        self._model: SimulatedModel = SimulatedModel(model_seed(seed), slip)
        self._identity = {"provider": "sim", "version": VERSION, "seed": seed, "slip": slip}

    def identity(self, role: str) -> Mapping[str, Any]:
        """The same in process and over the server: the same calls, the same ledger."""
        return {**self._identity, "model": f"sim/rules-1:{role}"}

    def accepts_schema(self, role: str) -> bool:
        """The simulated model reads the wanted fields from its messages."""
        return False

    def complete(
        self,
        role: str,
        messages: Messages,
        sample_index: int,
        schema: Mapping[str, Any] | None = None,
    ) -> Completion:
        """Return the simulated completion."""
        done = self._model.complete(
            f"sim/rules-1:{role}",
            [{"role": role_, "content": content} for role_, content in messages],
            sample_index,
        )
        return Completion(done.text, done.input_tokens, done.output_tokens)

    def close(self) -> None:
        """Nothing to close."""


class OpenAIProvider:
    """An OpenAI-compatible chat-completions endpoint, through the `openai` client.

    `model_of` gives the model name by role. Its own retries are off: retry and its
    counting belong to the gateway.
    """

    def __init__(
        self,
        model_of: Mapping[str, str],
        api_base: str,
        *,
        identity: Mapping[str, Any] | None = None,
        simulated: bool = False,
        timeout: float = 60.0,
        api_key: str = "unused",
    ) -> None:
        self.simulated = simulated
        self._models = model_of
        self._base = api_base
        self._given = identity
        self._arguments: dict[str, Any] = {
            "base_url": api_base, "api_key": api_key, "timeout": timeout, "max_retries": 0,
        }  # fmt: skip
        self._client: openai.OpenAI | None = None
        self._lock = threading.Lock()

    def identity(self, role: str) -> Mapping[str, Any]:
        """Return the given identity (the simulated model's) or endpoint and model."""
        if self._given is not None:
            return {**self._given, "model": self._models[role]}
        return {"provider": "openai", "api_base": self._base, "model": self._models[role]}

    def _connected(self) -> openai.OpenAI:
        with self._lock:
            if self._client is None:
                import openai

                self._client = openai.OpenAI(**self._arguments)
            return self._client

    def accepts_schema(self, role: str) -> bool:
        """The simulated model reads the wanted fields from its messages."""
        return False

    def complete(
        self,
        role: str,
        messages: Messages,
        sample_index: int,
        schema: Mapping[str, Any] | None = None,
    ) -> Completion:
        """Return the endpoint's completion; `sample_index` travels as `seed`."""
        import openai

        chat: Any = [{"role": role_, "content": text} for role_, text in messages]
        try:
            response = self._connected().chat.completions.create(
                model=self._models[role], messages=chat, seed=sample_index
            )
        except (openai.APIConnectionError, openai.APITimeoutError) as error:
            raise TransientProviderError(f"{self._base}: {error}") from error
        except openai.APIStatusError as error:
            line = f"{self._base}: HTTP {error.status_code}: {error.message}"[:300]
            if error.status_code in (408, 409, 429) or error.status_code >= 500:
                from agent.models.vendor_facts import retry_after

                raise TransientProviderError(line, retry_after(error.response.headers)) from error
            if error.status_code == 404:
                raise ProviderError(f"{line} (is the model's name right?)") from error
            raise ProviderError(line) from error
        except (openai.APIError, ValueError) as error:
            raise TransientProviderError(f"{self._base}: broken response ({error})") from error
        if not getattr(response, "choices", None):
            raise TransientProviderError(f"{self._base}: a response without choices")
        usage = response.usage
        return Completion(
            response.choices[0].message.content or "",
            usage.prompt_tokens if usage else 0,
            usage.completion_tokens if usage else 0,
        )

    def close(self) -> None:
        """Close the client's connections."""
        if self._client is not None:
            self._client.close()
