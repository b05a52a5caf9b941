"""What of a model's settings may be shown and stored: no keys, no passwords in addresses."""

from __future__ import annotations

import re
from base64 import b64encode
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit, urlunsplit

_SECRET = re.compile(
    r"(^|[_-])(key|token|secret|password|credentials?|authorization)$|api_?key", re.IGNORECASE
)


def is_secret_name(name: str) -> bool:
    """Say whether an option or header of this name holds a secret."""
    return _SECRET.search(name) is not None


def without_credentials(url: str | None) -> str | None:
    """Return an address without user, password and the keys in its query."""
    if url is None:
        return None
    try:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
        query = urlencode([q for q in parse_qsl(parts.query) if not is_secret_name(q[0])])
    except ValueError:
        return url.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path.rstrip("/"), query, ""))


def is_address(url: str) -> bool:
    """Say whether requests can be sent to this address at all."""
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises for what is no port
        return parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return False


def secrets_in(url: str | None) -> tuple[str, ...]:
    """Return the password and keys in an address, in the forms in which a server may echo them."""
    if url is None:
        return ()
    parts = urlsplit(url)
    found = [value for name, value in parse_qsl(parts.query) if is_secret_name(name)]
    if parts.password:
        user, password = unquote(parts.username or ""), unquote(parts.password)
        pair = b64encode(f"{user}:{password}".encode()).decode()
        found += [parts.password, password, pair]
    return tuple(dict.fromkeys(secret for secret in found if secret))
