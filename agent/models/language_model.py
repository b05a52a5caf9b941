"""The DSPy side of the gateway: one engine over the ledger, one adapter that asks again.

DSPy's own cache and retries are off: the ledger is the cache, the gateway retries.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol

import dspy
from dspy import lm15
from dspy.adapters.json_adapter import JSONAdapter
from dspy.utils.exceptions import AdapterParseError

from agent.models.structured import complaint, problem_of, schema_of
from memory_backends.prediction import model_text
from traces.errors import ContentError, MemtuneError, ProviderError
from traces.operation import BoundOperation

if TYPE_CHECKING:
    from agent.models.providers import Messages
    from traces.ledger import Completion


class Completing(Protocol):
    """A way to the models: the gateway, or what stands before it."""

    def complete(
        self,
        role: str,
        messages: Messages,
        sample_index: int,
        schema: Mapping[str, Any] | None = None,
    ) -> tuple[str, Completion]:
        """Return (ledger key, completion); see `agent.models.gateway.Gateway`."""


# How many requests may be made until one reply's content can be read: a draw, its repair, and
# a new draw.
REQUESTS = 3


class _Engine:
    """DSPy's engine contract (`complete`) over the gateway, for one request."""

    def __init__(self, gateway: Completing, role: str, draw: _Draw) -> None:
        self._gateway = gateway
        self._role = role
        self._draw = draw
        self.reply = ""

    def complete(self, request: lm15.Request) -> lm15.Response:
        messages: list[tuple[str, str]] = []
        if request.system:
            messages.append(("system", str(request.system)))
        for message in request.messages:
            text = "".join(part.text for part in message.parts if isinstance(part, lm15.TextPart))
            messages.append((message.role, text))
        draw = self._draw
        messages += draw.more
        key, completion = self._gateway.complete(
            self._role, messages, draw.sample_index, draw.schema
        )
        self.reply = completion.text
        if draw.operation is not None:
            draw.operation.calls.append(key)
        return lm15.Response(
            id=key,
            model=request.model,
            message=lm15.Message(role="assistant", parts=(lm15.TextPart(text=completion.text),)),
            finish_reason="stop",
            usage=lm15.Usage(
                input_tokens=completion.input_tokens, output_tokens=completion.output_tokens
            ),
        )


@dataclass(frozen=True)
class _Draw:
    """What a request has besides DSPy's messages: the sample, the operation that it is made
    for, the schema of the reply, and messages that follow DSPy's."""

    sample_index: int = 0
    operation: BoundOperation | None = None
    schema: Mapping[str, Any] | None = None
    more: tuple[tuple[str, str], ...] = ()


class BoundModel(dspy.LM):  # type: ignore[misc]
    """A dspy.LM for one role and, where there is one, one operation."""

    def __init__(
        self,
        gateway: Completing,
        role: str,
        sample_index: int = 0,
        operation: BoundOperation | None = None,
        *,
        schema: Mapping[str, Any] | None = None,
        more: tuple[tuple[str, str], ...] = (),
    ) -> None:
        self._draw = _Draw(sample_index, operation, schema, more)
        self._asked = _Engine(gateway, role, self._draw)
        super().__init__(f"memtune/{role}", engine=self._asked, cache=False, num_retries=0)
        self._parts = (gateway, role)

    def request(
        self,
        number: int,
        samples_on: int,
        schema: Mapping[str, Any] | None,
        more: tuple[tuple[str, str], ...],
    ) -> BoundModel:
        """Return the model of the request of this number (1, 2 ...) for the same content:
        `samples_on` samples on, with messages that follow DSPy's."""
        operation = self._draw.operation
        if operation is not None:
            operation.attempts = max(operation.attempts, number)
        sample_index = self._draw.sample_index + samples_on
        return BoundModel(*self._parts, sample_index, operation, schema=schema, more=more)

    def through(self, way: Callable[[Completing], Completing]) -> BoundModel:
        """Return the same model, asked another way."""
        (gateway, role), draw = self._parts, self._draw
        return BoundModel(
            way(gateway), role, draw.sample_index, draw.operation,
            schema=draw.schema, more=draw.more,
        )  # fmt: skip

    @property
    def reply(self) -> str:
        """The text of the reply that came last."""
        return self._asked.reply


class RedrawingAdapter(JSONAdapter):  # type: ignore[misc]
    """Asks for JSON, by its schema where the provider takes one and by the prompt everywhere.

    A reply that cannot be read is sent back once, at the same sample index, with what is
    wrong with it; an empty one, and one whose repair cannot be read, is drawn anew at the
    next. At most REQUESTS requests in all, then ContentError. memtune's own errors come out
    of DSPy's wrapping.
    """

    def __call__(
        self, lm: Any, lm_kwargs: Any, signature: Any, demos: Any, inputs: Any
    ) -> list[dict[str, Any]]:
        fields = signature.output_fields
        schema = schema_of(signature) if isinstance(lm, BoundModel) else None
        samples_on, number = 0, 0
        repair: tuple[tuple[str, str], ...] = ()
        failure: Exception | None = None
        reply = ""
        while number < REQUESTS:
            number += 1
            model = lm
            if isinstance(lm, BoundModel):
                model = lm.request(number, samples_on, schema, repair)
            try:
                return self._once(model, dict(lm_kwargs), signature, demos, inputs)
            except (AdapterParseError, RecursionError) as error:
                failure = error
                if not isinstance(lm, BoundModel):
                    break
                reply = model.reply
                if reply.strip() and not repair:
                    repair = complaint(reply, problem_of(error, fields), fields)
                    continue
            except ContentError:
                # A repair that was cut off or refused costs itself only.
                if not repair:
                    raise
            samples_on, repair = samples_on + 1, ()
        began = " ".join(reply.split())[:120]
        raise ContentError(
            f"the model's reply has no readable JSON with {', '.join(fields)} after {number} "
            f"requests; the last reply began: {began!r}"
        ) from failure

    def _once(
        self, lm: Any, lm_kwargs: Any, signature: Any, demos: Any, inputs: Any
    ) -> list[dict[str, Any]]:
        try:
            found: list[dict[str, Any]] = super().__call__(lm, lm_kwargs, signature, demos, inputs)
            return found
        except (AdapterParseError, RecursionError, MemtuneError):
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

    def __init__(self, gateway: Completing, role: str) -> None:
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
