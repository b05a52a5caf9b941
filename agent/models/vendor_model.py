"""What the providers of vendors' models share: time limits, schemas refused, errors translated."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, Literal

from agent.models.providers import Messages
from agent.models.streaming import text_sink
from agent.models.structured import response_format
from agent.models.timeouts import Timeouts, bounded, overdue
from agent.models.vendor_errors import Vendor, ended, refused, schema_was_refused, translate
from traces.errors import MemtuneError, ProviderError, TransientProviderError
from traces.ledger import Completion

JsonSchema = Literal["auto", "always", "never"]


# What SQLite and JSON can hold exactly.
_MOST_TOKENS = 2**53


def counted(tokens: Any) -> int:
    """Return a provider's count of tokens as one that can be kept; 0 for what is none."""
    try:
        number = int(tokens or 0)
    except (TypeError, ValueError, OverflowError):
        return 0
    return min(max(0, number), _MOST_TOKENS)


class VendorModel(ABC):
    """One model that somebody else serves; subclasses send the request.

    `takes_schema` says whether JSON schemas are asked for. Should the endpoint refuse them
    all the same, the prompt alone has to do for the rest of the process (with `json_schema`
    `always` it is an error). `log` is told of it, as an event with values.
    """

    simulated = False

    def __init__(
        self,
        vendor: Vendor,
        identity: Mapping[str, Any],
        timeouts: Timeouts | None,
        json_schema: JsonSchema,
        takes_schema: bool,
    ) -> None:
        self.log: Callable[..., None] = lambda *_, **__: None
        self._vendor = vendor
        self._identity = {**identity, "json_schema": json_schema}
        self._timeouts = timeouts or Timeouts()
        self._json_schema = json_schema
        self._takes_schema = json_schema == "always" or (json_schema == "auto" and takes_schema)
        self._schema_refused = threading.Event()

    def identity(self, role: str) -> Mapping[str, Any]:
        """Model, endpoint and options; no key and no other credentials."""
        return self._identity

    def accepts_schema(self, role: str) -> bool:
        """Whether schemas are asked for. It stays so when the endpoint refuses them: ledger
        keys must not depend on what this process has seen."""
        return self._takes_schema

    def complete(
        self,
        role: str,
        messages: Messages,
        sample_index: int,
        schema: Mapping[str, Any] | None = None,
    ) -> Completion:
        """Return the model's completion; `sample_index` travels as `seed` where there is one.

        Streams into the sink that is open here. Raises what `translate` returns.
        """
        return bounded(
            lambda: self._complete(messages, sample_index, schema),
            self._timeouts.total,
            str(self._vendor),
        )

    @abstractmethod
    def _ask(
        self, messages: Messages, sample_index: int, format: Mapping[str, Any] | None
    ) -> Completion:
        """Send one request; `format` is the `response_format` to ask for."""

    @abstractmethod
    def _stream(
        self,
        messages: Messages,
        sample_index: int,
        format: Mapping[str, Any] | None,
        feed: Callable[[str], None],
    ) -> Completion:
        """Send one request and hand each piece of the reply to `feed`."""

    def _complete(
        self, messages: Messages, sample_index: int, schema: Mapping[str, Any] | None
    ) -> Completion:
        if schema is None or self._schema_refused.is_set():
            return self._send(messages, sample_index, None)
        try:
            return self._send(messages, sample_index, response_format(schema))
        except _SchemaRefusedError as error:
            if self._json_schema == "always":
                raise ProviderError(f"{error}; set json_schema to auto or never") from error
            if not self._schema_refused.is_set():
                self._schema_refused.set()
                self.log("json_schema_refused", model=str(self._vendor), said=str(error))
            return self._send(messages, sample_index, None)

    def _send(
        self, messages: Messages, sample_index: int, format: Mapping[str, Any] | None
    ) -> Completion:
        sink = text_sink()
        try:
            if sink is None:
                return self._ask(messages, sample_index, format)
            return self._stream(messages, sample_index, format, self._feed(sink))
        except MemtuneError:
            raise
        except Exception as error:
            translated = self._translated(error)
            if format is not None and schema_was_refused(error):
                raise _SchemaRefusedError(str(translated)) from error
            raise translated from error

    def _translated(self, error: Exception) -> ProviderError:
        return translate(error, self._vendor)

    def _feed(self, sink: Callable[[str], None]) -> Callable[[str], None]:
        def feed(piece: str) -> None:
            # A call that was given up may be on its way again: its text must not come twice.
            if overdue():
                raise TransientProviderError(f"{self._vendor}: given up")
            if piece:
                sink(piece)

        return feed

    def _whole(self, finish: object, completion: Completion, refusal: object = None) -> Completion:
        """Return a completion; raise ContentError for one that was cut off or held back."""
        error = ended(finish, self._vendor, completion)
        if error is None and refusal and not completion.text:
            error = refused(self._vendor, str(refusal), completion)
        if error is not None:
            raise error
        return completion


class _SchemaRefusedError(Exception):
    """The endpoint takes no JSON schema."""
