"""What model vendors' exceptions mean, whoever's library raised them.

Read by status code, error code, class name and text, never by type: no vendor's library
is imported for it. LiteLLM and LangChain wrap the errors of the clients below them, so the
whole chain of causes is looked at.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

from traces.errors import ContentError, ProviderError, TransientProviderError
from traces.ledger import Completion

_LONGEST = 200
_HTML = re.compile(r"<!doctype html|<html[\s>]", re.IGNORECASE)
_TOO_LONG = re.compile(
    r"context[ _](length|window|size)|maximum context|too many (input )?tokens"
    r"|(prompt|input|request) (is|was) too (long|large)|reduce the length of the (messages|prompt)",
    re.IGNORECASE,
)
_POLICY = re.compile(
    r"safety system|content[ _](management )?policy|content[ _]filter|flagged as", re.IGNORECASE
)
_SCHEMA = re.compile(
    r"response_format|json_schema|json_object|response[ _]schema|structured output|json mode",
    re.IGNORECASE,
)
_KEYS = re.compile(r"\b(sk|pk|gsk|xai|key|AIza)[-_][A-Za-z0-9_\-*]{6,}|\bAIza[A-Za-z0-9_\-]{20,}")
_USER_INFO = re.compile(r"//[^/@\s]+@")
# How libraries begin their messages: "litellm.BadRequestError: OpenAIException - ".
_PREFIX = re.compile(r"^\s*((litellm\.)?\w*(Error|Exception|Timeout)\s*(:|-)\s*)+")
# What they add to them.
_NOISE = re.compile(r"Traceback \(most recent call last\)|, Received response - <")
_BROKEN_CONNECTION = (
    "APIConnectionError", "ConnectError", "ConnectionError", "ReadError", "WriteError",
    "RemoteProtocolError", "LocalProtocolError", "ProtocolError", "ChunkedEncodingError",
)  # fmt: skip
_TRANSIENT_STATUS = (408, 409, 425, 429)


@dataclass(frozen=True, slots=True)
class Vendor:
    """What messages say of a model: its name, its endpoint, the variable that holds its key,
    how long its replies may be, where that is set; and the secrets that none may repeat."""

    model: str
    endpoint: str = ""
    key: str = ""
    max_tokens: Any = None
    secrets: Sequence[str] = ()
    options: str = "in model_options, such as MEMTUNE__MODEL_OPTIONS='{\"max_tokens\": 8000}'"

    def __str__(self) -> str:
        return f"{self.model} at {self.endpoint}" if self.endpoint else self.model


def translate(error: BaseException, vendor: Vendor) -> ProviderError:
    """Return what a vendor's exception means here, in one line.

    TransientProviderError where the same request may succeed later, ContentError where
    only this request's content is at fault, else ProviderError.
    """
    facts = _Facts.of(error, vendor.secrets)
    said, status, where = facts.said, facts.status, str(vendor)
    if facts.named("LengthFinishReasonError"):
        return cut_off(vendor)
    if facts.html:
        line = (
            f"{where}: answered {'HTTP ' + str(status) + ' with ' if status else ''}an HTML page, "
            "not the API's JSON; check the address (api_base) and what stands between"
        )
        return TransientProviderError(line) if status and status >= 500 else ProviderError(line)
    if facts.too_long:
        return ContentError(
            f"{where}: the input is too long for the model ({said}); lower what the operation "
            "sends (the backend's top_k, window or budget_chars) or max_tokens, or take a "
            "model with a longer context"
        )
    if facts.refused:
        return refused(vendor, said)
    if facts.codes & {"insufficient_quota", "billing_hard_limit_reached"} or status == 402:
        return ProviderError(
            f"{where}: no credit is left ({said}); top up the account, then resume"
        )
    if status in (401, 403):
        hint = f"set {vendor.key} to a valid key" if vendor.key else "give the model a valid key"
        what = "refused the key" if status == 401 else "does not allow this key to use it"
        return ProviderError(f"{where}: {what} (HTTP {status}: {said}); {hint}, then resume")
    if status == 404:
        return ProviderError(
            f"{where}: no such model or address (HTTP 404: {said}); check the model's name and "
            "its address (api_base)"
        )
    if status is not None and (status in _TRANSIENT_STATUS or status >= 500):
        return TransientProviderError(f"{where}: HTTP {status}: {said}", facts.retry_after)
    if status is not None and status >= 400:
        return ProviderError(f"{where}: refused the request (HTTP {status}: {said})")
    if facts.timed_out:
        return TransientProviderError(
            f"{where}: no answer in time (connect_timeout, first_byte_timeout)", facts.retry_after
        )
    if facts.broken:
        what = "the answer is not the API's JSON: " if facts.unreadable else ""
        return TransientProviderError(f"{where}: {what}{said}", facts.retry_after)
    return ProviderError(f"{where}: {type(error).__name__}: {said}")


def cut_off(vendor: Vendor, reply: Completion | None = None) -> ContentError:
    """Return the error of a reply that ended at its greatest length."""
    limit = f"max_tokens ({vendor.max_tokens})" if vendor.max_tokens else "the model's max_tokens"
    return _content(f"{vendor}: the reply was cut off at {limit}; raise it {vendor.options}", reply)


def refused(vendor: Vendor, said: str, reply: Completion | None = None) -> ContentError:
    """Return the error of a reply that the vendor's policy held back."""
    why = clean(said, vendor.secrets) or "content filter"
    return _content(f"{vendor}: refused for its content ({why}); the sample is left out", reply)


def _content(line: str, reply: Completion | None) -> ContentError:
    tokens = (reply.input_tokens, reply.output_tokens) if reply else (0, 0)
    return ContentError(line, *tokens)


def ended(finish: object, vendor: Vendor, reply: Completion) -> ContentError | None:
    """Return the error that a finish reason stands for, or None for a whole reply."""
    reason = str(finish or "").lower()
    if reason in ("length", "max_tokens", "model_length"):
        return cut_off(vendor, reply)
    if reason in ("content_filter", "refusal", "safety", "prohibited_content", "blocklist"):
        return refused(vendor, "", reply)
    return None


def schema_was_refused(error: BaseException) -> bool:
    """Say whether an endpoint answered that it takes no JSON schema for the reply."""
    facts = _Facts.of(error)
    return (
        facts.status in (400, 404, 405, 415, 422, 501)
        and not facts.too_long
        and _SCHEMA.search(facts.raw) is not None
    )


@dataclass(frozen=True, slots=True)
class _Facts:
    """What a chain of exceptions says. `status` is None where no HTTP error was sent."""

    status: int | None
    names: frozenset[str]
    codes: frozenset[str]
    raw: str
    said: str
    retry_after: float | None

    @classmethod
    def of(cls, error: BaseException, secrets: Sequence[str] = ()) -> _Facts:
        chain = list(_chain(error))
        bodies = [body for one in chain for body in _bodies(one)]
        raw = " ".join(_text(one) for one in chain)
        said = next((str(b["message"]) for b in bodies if b.get("message")), "") or _plain(chain)
        names = frozenset(cls_.__name__ for one in chain for cls_ in type(one).__mro__)
        codes = {str(getattr(one, "code", None)).lower() for one in chain}
        codes |= {str(body.get(key)).lower() for body in bodies for key in ("code", "type")}
        return cls(
            _status(chain, bodies),
            names,
            frozenset(codes),
            raw,
            clean(said, secrets),
            _retry_after(chain),
        )

    def named(self, *names: str) -> bool:
        return not self.names.isdisjoint(names)

    @property
    def html(self) -> bool:
        # openai's client hands on a page with status 200 as text, which LangChain cannot read.
        return (
            _HTML.search(self.raw) is not None
            or "'str' object has no attribute 'model_dump'" in self.raw
        )

    @property
    def too_long(self) -> bool:
        return (
            self.named("ContextWindowExceededError", "ContextOverflowError")
            or "context_length_exceeded" in self.codes
            or self.status == 413
            or (self.status in (400, 422) and _TOO_LONG.search(self.said) is not None)
        )

    @property
    def refused(self) -> bool:
        return (
            self.named("ContentPolicyViolationError", "ContentFilterFinishReasonError")
            or not self.codes.isdisjoint({"content_filter", "content_policy_violation"})
            or (self.status in (400, 403) and _POLICY.search(self.said) is not None)
        )

    @property
    def timed_out(self) -> bool:
        return any(re.search(r"Timeout(Error|Exception)?$", name) for name in self.names)

    @property
    def unreadable(self) -> bool:
        return re.search(r"Expecting (value|property|'.' delim)|Unterminated", self.raw) is not None

    @property
    def broken(self) -> bool:
        """A connection or body that broke, or an error that came without a status."""
        return self.named(*_BROKEN_CONNECTION, "OSError", "JSONDecodeError", "APIError")


def clean(text: str, secrets: Sequence[str] = ()) -> str:
    """Return `text` on one line, cut, without keys and without passwords in addresses."""
    line = " ".join(_NOISE.split(text)[0].split())
    for secret in secrets:
        line = line.replace(secret, "***")
    line = _USER_INFO.sub("//", _KEYS.sub("***", line))
    return line if len(line) <= _LONGEST else line[:_LONGEST] + " [...]"


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    one: BaseException | None = error
    while one is not None and id(one) not in seen:
        seen.add(id(one))
        yield one
        one = one.__cause__ or one.__context__


def _text(error: BaseException) -> str:
    body = getattr(error, "body", None)
    return f"{error} {body}" if isinstance(body, str | Mapping) else str(error)


def _bodies(error: BaseException) -> Iterator[Mapping[str, Any]]:
    """Yield the error objects in an exception's body or text."""
    found: list[Any] = [getattr(error, "body", None)]
    text = str(error)
    start, end = text.find("{"), text.rfind("}")
    if 0 <= start < end:
        with suppress(ValueError, RecursionError):
            found.append(json.loads(text[start : end + 1]))
    for body in found:
        if isinstance(body, Mapping):
            inner = body.get("error")
            yield inner if isinstance(inner, Mapping) else body


def _plain(chain: Sequence[BaseException]) -> str:
    """Return the message of the outermost error; of a broken connection, its root's."""
    connection = any(
        kind.__name__ in _BROKEN_CONNECTION for one in chain for kind in type(one).__mro__
    )
    told = [one for one in chain if str(one).strip()] or [chain[0]]
    chosen = told[-1] if connection else told[0]
    return _PREFIX.sub("", str(chosen)) or f"an error without a message ({type(chosen).__name__})"


def _status(chain: Sequence[BaseException], bodies: Sequence[Mapping[str, Any]]) -> int | None:
    """Return the HTTP status that was sent, or None: LiteLLM makes up 500 and 408."""
    made_up: int | None = None
    for one in reversed(chain):  # the innermost error is the HTTP client's own
        response = getattr(one, "response", None)
        for code in (getattr(response, "status_code", None), getattr(one, "status_code", None)):
            if not isinstance(code, int) or not 400 <= code < 600:
                continue
            if _clients_own(one):
                return code
            if code not in (408, 500):
                made_up = code
    if made_up is not None:
        return made_up
    codes = (str(body.get("code", "")) for body in bodies)
    return next((int(code) for code in codes if re.fullmatch("[45][0-9]{2}", code)), None)


def _clients_own(error: BaseException) -> bool:
    kinds = type(error).__mro__
    return kinds[0].__module__.split(".")[0] != "litellm" or any(
        kind.__name__ == "HTTPStatusError" for kind in kinds
    )


def _retry_after(chain: Sequence[BaseException]) -> float | None:
    """Return what a response asked to wait, in seconds."""
    for one in chain:
        for headers in (
            getattr(one, "litellm_response_headers", None),
            getattr(getattr(one, "response", None), "headers", None),
            getattr(one, "headers", None),
        ):
            if isinstance(headers, Mapping):
                wait = retry_after({str(k).lower(): str(v) for k, v in headers.items()})
                if wait is not None:
                    return wait
    return None


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return `retry-after-ms` or `Retry-After` (seconds or an HTTP date) in seconds; None
    where there is none that can be read. Names are in lower case."""
    for name, unit in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        value = headers.get(name, "").strip()
        if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", value):
            return float(value) / unit
    try:
        date = parsedate_to_datetime(headers.get("retry-after", ""))
        return max(0.0, date.timestamp() - time.time())
    except (TypeError, ValueError, OverflowError, OSError, IndexError):
        return None
