"""Vendors' exceptions, told apart by what they carry, whoever's library raised them."""

from __future__ import annotations

import json
import time
from email.utils import formatdate
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.models.endpoints import is_secret_name, without_credentials
from agent.models.vendor_errors import Vendor, ended, translate
from agent.models.vendor_facts import clean, retry_after
from traces.errors import ContentError, ProviderError, TransientProviderError
from traces.ledger import Completion

VENDOR = Vendor("openai/m", "http://host/v1", "OPENAI_API_KEY", 500, ("hunter2hunter2",))


class _Response:
    def __init__(self, status: int, headers: dict[str, str]) -> None:
        self.status_code, self.headers = status, headers


def http_error(
    status: int, message: str = "said", code: str | None = None, **headers: str
) -> Exception:
    """An exception as an SDK raises it for an HTTP error."""
    error = type("SomeStatusError", (Exception,), {})(message)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    error.response = _Response(status, named)
    error.body = {"error": {"message": message, "code": code}}
    return error


@pytest.mark.parametrize(
    ("error", "kind", "says"),
    [
        (http_error(401), ProviderError, "set OPENAI_API_KEY"),
        (http_error(403), ProviderError, "does not allow this key"),
        (http_error(402), ProviderError, "no credit is left"),
        (http_error(404), ProviderError, "no such model or address"),
        (http_error(400), ProviderError, "refused the request"),
        (http_error(422), ProviderError, "refused the request"),
        (http_error(429, "quota", "insufficient_quota"), ProviderError, "no credit is left"),
        (http_error(429), TransientProviderError, "HTTP 429"),
        (http_error(408), TransientProviderError, "HTTP 408"),
        (http_error(500), TransientProviderError, "HTTP 500"),
        (http_error(529, "overloaded"), TransientProviderError, "overloaded"),
        (http_error(413), ContentError, "too long"),
        (http_error(400, "x", "context_length_exceeded"), ContentError, "too long"),
        (http_error(400, "prompt is too long: 300 tokens"), ContentError, "budget_chars"),
        (http_error(400, "x", "content_filter"), ContentError, "refused for its content"),
        (http_error(200, "<!DOCTYPE html><html>x"), ProviderError, "an HTML page"),
        (http_error(502, "<html >x"), TransientProviderError, "HTTP 502 with an HTML page"),
        (http_error(403, "<html>x"), ProviderError, "HTTP 403 with an HTML page"),
        (http_error(429, "<html>x"), TransientProviderError, "HTTP 429 with an HTML page"),
        (ConnectionResetError("reset by peer"), TransientProviderError, "reset by peer"),
        (TimeoutError("x"), TransientProviderError, "no answer in time"),
        (json.JSONDecodeError("Expecting value", "x", 0), TransientProviderError, "not the API's"),
        (KeyError("boom"), ProviderError, "KeyError"),
    ],
)
def test_an_error_becomes_what_it_means_in_one_line(
    error: Exception, kind: type[ProviderError], says: str
) -> None:
    """Transient, one bad sample, or for good; the line names the model and its endpoint."""
    found = translate(error, VENDOR)
    assert type(found) is kind
    assert says in str(found)
    assert str(found).startswith("openai/m at http://host/v1: ")
    assert "\n" not in str(found)


def test_the_cause_below_a_librarys_own_error_counts() -> None:
    """A status that a wrapper makes up gives way to the one that was sent."""

    class WrapperError(Exception):
        status_code = 500

    WrapperError.__module__ = "litellm.exceptions"
    error = WrapperError("litellm.InternalServerError: OpenAIException - nope")
    error.__cause__ = http_error(401, "bad key")
    assert "refused the key (HTTP 401: bad key)" in str(translate(error, VENDOR))
    error.__cause__ = ConnectionRefusedError(111, "Connection refused")
    found = translate(error, VENDOR)
    assert isinstance(found, TransientProviderError)
    assert "Connection refused" in str(found)


def test_a_ring_of_causes_ends() -> None:
    """An exception that is its own cause's cause is read once."""
    first, second = ValueError("a"), ValueError("b")
    first.__cause__, second.__cause__ = second, first
    assert isinstance(translate(first, VENDOR), ProviderError)


def test_no_message_repeats_a_key() -> None:
    """Keys that look like ones, keys that are known, and passwords in addresses are left out."""
    said = "bad sk-proj-abcdef123456 and hunter2hunter2 at http://user:pw@host/v1"
    line = clean(said, VENDOR.secrets)
    for secret in ("abcdef123456", "hunter2", "user", "pw@"):
        assert secret not in line


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-3"}, None),
        ({}, None),
    ],
)
def test_retry_after_in_all_its_forms(headers: dict[str, str], seconds: float | None) -> None:
    """Seconds, milliseconds or a date; what cannot be read asks for nothing."""
    assert retry_after(headers) == seconds


def test_retry_after_as_a_date_counts_from_now() -> None:
    """A date in the future becomes the seconds until then."""
    wait = retry_after({"retry-after": formatdate(time.time() + 60, usegmt=True)})
    assert wait is not None
    assert 50 < wait <= 61


@given(st.text(max_size=40), st.text(max_size=40))
def test_no_header_breaks_the_reading(first: str, second: str) -> None:
    """Whatever a server writes, the wait is None or a number of seconds that is not negative."""
    wait = retry_after({"retry-after": first, "retry-after-ms": second})
    assert wait is None or wait >= 0


@given(st.text(max_size=300), st.sampled_from([None, 200, 400, 401, 429, 500, 599]))
def test_every_error_becomes_one_line(text: str, status: int | None) -> None:
    """Whatever an exception says, the result is a provider's error of one line."""
    error: Any = ValueError(text) if status is None else http_error(status, text)
    found = translate(error, VENDOR)
    assert isinstance(found, ProviderError)
    assert "\n" not in str(found)


@pytest.mark.parametrize("reason", ["length", "MAX_TOKENS", "max_tokens"])
def test_a_reply_cut_off_says_where_and_what_it_cost(reason: str) -> None:
    """The line names the limit and how to raise it; the tokens are still spent."""
    error = ended(reason, VENDOR, Completion("half", 7, 500))
    assert error is not None
    assert "max_tokens (500)" in str(error)
    assert "model_options" in str(error)
    assert (error.input_tokens, error.output_tokens) == (7, 500)


@pytest.mark.parametrize("reason", [None, "", "stop", "end_turn", "STOP"])
def test_a_whole_reply_is_no_error(reason: str | None) -> None:
    """Other finish reasons are those of whole replies."""
    assert ended(reason, VENDOR, Completion("x")) is None


def test_addresses_are_stored_without_secrets() -> None:
    """User, password and keys in the query go; what else the address says stays."""
    shown = without_credentials("https://me:pw@host:8443/v1/?api_key=abc&api-version=3")
    assert shown == "https://host:8443/v1?api-version=3"
    assert without_credentials(None) is None
    assert without_credentials("http://me:pw@[bad/v1") == "[bad/v1"


@pytest.mark.parametrize("name", ["api_key", "X-API-Key", "Authorization", "auth_token", "secret"])
def test_secret_names_are_known(name: str) -> None:
    """Options and headers of these names hold secrets; limits in tokens do not."""
    assert is_secret_name(name)
    assert not is_secret_name("max_tokens")
    assert not is_secret_name("keyword")
