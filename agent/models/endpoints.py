"""What of a model's settings may be shown and stored: no keys, no passwords in addresses."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

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
