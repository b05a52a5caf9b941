"""What model vendors' exceptions mean, whoever's library raised them: translated once, here."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from agent.models.vendor_facts import Facts, clean
from traces.errors import ContentError, ProviderError, TransientProviderError
from traces.ledger import Completion

_SCHEMA = re.compile(
    r"response_format|json_schema|json_object|response[ _]schema|structured output|json mode",
    re.IGNORECASE,
)
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
    facts = Facts.of(error, vendor.secrets)
    said, status, where = facts.said, facts.status, str(vendor)
    passing = status is not None and (status in _TRANSIENT_STATUS or status >= 500)
    if facts.named("LengthFinishReasonError"):
        return cut_off(vendor)
    if facts.html:
        line = (
            f"{where}: answered {'HTTP ' + str(status) + ' with ' if status else ''}an HTML page, "
            "not the API's JSON; check the address (api_base) and what stands between"
        )
        return TransientProviderError(line, facts.retry_after) if passing else ProviderError(line)
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
    if passing:
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
    return _content(
        f"{vendor}: the reply was cut off at {limit}; raise it {vendor.options}, "
        "which begins a new run",
        reply,
    )


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
    facts = Facts.of(error)
    return (
        facts.status in (400, 404, 405, 415, 422, 501)
        and not facts.too_long
        and _SCHEMA.search(facts.raw) is not None
    )
