"""The DSPy side of the gateway: one engine over the ledger, one adapter that re-draws.

DSPy's own cache and retries are off: the ledger is the cache, the gateway retries.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import AbstractContextManager
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import dspy
from dspy import lm15
from dspy.adapters.json_adapter import JSONAdapter
from dspy.utils.exceptions import AdapterParseError

from memory_backends.prediction import model_text
from traces.errors import ContentError, MemtuneError, ProviderError
from traces.operation import BoundOperation

if TYPE_CHECKING:
    from agent.models.gateway import Gateway

# How many samples a request may draw until its content can be read.
DRAWS = 3


class _Engine:
    """DSPy's engine contract (`complete`) over the gateway, for one role and sample."""

    def __init__(
        self, gateway: Gateway, role: str, sample_index: int, operation: BoundOperation | None
    ) -> None:
        self._gateway = gateway
        self._role = role
        self._sample_index = sample_index
        self._operation = operation

    def complete(self, request: lm15.Request) -> lm15.Response:
        messages: list[tuple[str, str]] = []
        if request.system:
            messages.append(("system", str(request.system)))
        for message in request.messages:
            text = "".join(part.text for part in message.parts if isinstance(part, lm15.TextPart))
            messages.append((message.role, text))
        key, completion = self._gateway.complete(self._role, messages, self._sample_index)
        if self._operation is not None:
            self._operation.calls.append(key)
        return lm15.Response(
            id=key,
            model=request.model,
            message=lm15.Message(role="assistant", parts=(lm15.TextPart(text=completion.text),)),
            finish_reason="stop",
            usage=lm15.Usage(
                input_tokens=completion.input_tokens, output_tokens=completion.output_tokens
            ),
        )


class BoundModel(dspy.LM):  # type: ignore[misc]
    """A dspy.LM for one role and, where there is one, one operation."""

    def __init__(
        self,
        gateway: Gateway,
        role: str,
        sample_index: int = 0,
        operation: BoundOperation | None = None,
    ) -> None:
        engine = _Engine(gateway, role, sample_index, operation)
        super().__init__(f"memtune/{role}", engine=engine, cache=False, num_retries=0)
        self._parts = (gateway, role, sample_index, operation)

    def at(self, attempt: int) -> BoundModel:
        """Return the same model `attempt` samples on."""
        gateway, role, sample_index, operation = self._parts
        if operation is not None:
            operation.attempts = max(operation.attempts, attempt + 1)
        return BoundModel(gateway, role, sample_index + attempt, operation)


class RedrawingAdapter(JSONAdapter):  # type: ignore[misc]
    """Asks for JSON; draws again, up to DRAWS samples, when a reply cannot be read.

    Raises ContentError after the last draw; lets memtune's own errors out of DSPy's
    wrapping.
    """

    def __call__(
        self, lm: Any, lm_kwargs: Any, signature: Any, demos: Any, inputs: Any
    ) -> list[dict[str, Any]]:
        attempt = 0
        while True:
            model = lm if attempt == 0 else lm.at(attempt)
            try:
                found: list[dict[str, Any]] = super().__call__(
                    model, dict(lm_kwargs), signature, demos, inputs
                )
                return found
            except (AdapterParseError, RecursionError) as error:
                attempt += 1
                if attempt >= DRAWS or not isinstance(lm, BoundModel):
                    said = getattr(error, "lm_response", "JSON nested too deeply to read")
                    reply = " ".join(str(said).split())[:120]
                    fields = ", ".join(signature.output_fields)
                    raise ContentError(
                        f"the model's reply has no readable JSON with {fields} after {attempt} "
                        f"draws; it began: {reply!r}"
                    ) from error
            except MemtuneError:
                raise
            except Exception as error:
                cause = _unwrapped(error)
                if cause is error:
                    raise
                raise cause from error

    def parse(self, signature: Any, completion: str) -> dict[str, Any]:
        """Read a reply; lone surrogates in it, which could never be sent on, become U+FFFD."""
        found: dict[str, Any] = super().parse(signature, _sendable(completion))
        return found


# A pair of escaped surrogates, a lone one, or any other escape.
_ESCAPE = re.compile(
    r"(\\u[dD][89aAbB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})"
    r"|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})|\\."
)
_SURROGATE = re.compile("[\ud800-\udfff]")


def _sendable(reply: str) -> str:
    lone = _ESCAPE.sub(lambda found: r"\ufffd" if found[2] else found[0], reply)
    return _SURROGATE.sub("\ufffd", lone)


def _unwrapped(error: BaseException) -> BaseException:
    """Return what DSPy has wrapped: our own error, or what broke below the engine.

    Providers translate their vendors' errors, so anything foreign down there (a full disk,
    a defect) is no provider's failure and must not be recorded as one.
    """
    root, seen = error, {id(error)}
    # One error may reach several threads (identical calls are made once), each of which wraps
    # it and raises it from its wrapping: the chain of causes can be a ring.
    while not isinstance(root, MemtuneError) and root.__cause__ is not None:
        root = root.__cause__
        if id(root) in seen:
            break
        seen.add(id(root))
    if isinstance(root, MemtuneError):
        return root
    if not isinstance(error, dspy.utils.exceptions.LMError):
        return error
    if isinstance(root, dspy.utils.exceptions.LMError):
        return ProviderError(f"DSPy: {root}")
    return root


@lru_cache(maxsize=1)
def _adapter() -> RedrawingAdapter:
    dspy.configure_cache(enable_disk_cache=False, enable_memory_cache=False)
    return RedrawingAdapter(use_native_function_calling=False)


def dspy_scope() -> AbstractContextManager[None]:
    """Return the context that all of DSPy runs under here: our adapter, and no history or
    trace, which would keep every prompt of a run in memory."""
    scope: AbstractContextManager[None] = dspy.context(
        adapter=_adapter(), disable_history=True, trace=None
    )
    return scope


class TypedAsk:
    """traces.protocols.Ask over a dspy.Predict."""

    def __init__(self, gateway: Gateway, role: str) -> None:
        self._gateway = gateway
        self._role = role

    def __call__(
        self,
        task: str,
        instruction: str,
        inputs: Mapping[str, str],
        outputs: Mapping[str, Any],
        sample_index: int = 0,
    ) -> dict[str, Any]:
        signature = _signature(task, instruction, tuple(inputs), tuple(outputs.items()))
        model = BoundModel(self._gateway, self._role, sample_index)
        with dspy_scope():
            given = {name: model_text(value) for name, value in inputs.items()}
            prediction = dspy.Predict(signature)(lm=model, **given)
        return {name: getattr(prediction, name) for name in outputs}


@lru_cache(maxsize=256)
def _signature(
    task: str, instruction: str, inputs: tuple[str, ...], outputs: tuple[tuple[str, Any], ...]
) -> Any:
    fields: dict[str, Any] = {name: (str, dspy.InputField()) for name in inputs}
    fields.update({name: (kind, dspy.OutputField()) for name, kind in outputs})
    return dspy.Signature(fields, instruction, task.capitalize())
