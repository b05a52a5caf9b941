"""What a vendor's exception carries: status, codes, names, text, and when to try again.

Nothing is asked of the exception's type: LiteLLM and LangChain wrap the errors of the
clients below them, so the whole chain of causes is looked at, by attributes and names.
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


@dataclass(frozen=True, slots=True)
class Facts:
    """What a chain of exceptions says. `status` is None where no HTTP error was sent."""

    status: int | None
    names: frozenset[str]
    codes: frozenset[str]
    raw: str
    said: str
    retry_after: float | None

    @classmethod
    def of(cls, error: BaseException, secrets: Sequence[str] = ()) -> Facts:
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
