"""One line of the checklist, and how a check that breaks becomes one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from traces.errors import MemtuneError

# Before what is to be done, at the end of a message.
_TO_DO = re.compile(r"; |: (?=(?:set|give|choose|add|write|lower) )")
_RESUME = re.compile(r",? then resume( the run)?$")

Status = Literal["ok", "warning", "problem", "skipped"]


@dataclass(frozen=True, slots=True)
class Check:
    """What was looked at, how it stands, and what mends it ('' where nothing need be done).

    `details` are figures for programs, JSON-native; never a secret.
    """

    name: str
    status: Status
    said: str
    mend: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return JSON-native values."""
        return {
            "check": self.name,
            "status": self.status,
            "said": self.said,
            "mend": self.mend or None,
            "details": dict(self.details),
        }


def broken(name: str, error: Exception, mend: str = "") -> Check:
    """Return the problem that an error is. memtune's own errors end with what to do."""
    line = " ".join(str(error).split())
    if not isinstance(error, MemtuneError):
        line = f"unexpected {type(error).__name__}: {line}"
        return Check(name, "problem", line, mend or "look at what it names, or report it")
    ends = [found.span() for found in _TO_DO.finditer(line)]
    if not ends:
        return Check(name, "problem", line, mend or "correct what it names", {"code": error.code})
    said, what = line[: ends[-1][0]], line[ends[-1][1] :]
    what = _RESUME.sub("", what)  # nothing runs yet
    return Check(name, "problem", said, what, {"code": error.code})


def guarded(name: str, look: Callable[[], Iterable[Check]], mend: str = "") -> Iterator[Check]:
    """Yield what a check finds; where it breaks, that is a problem and no more."""
    try:
        yield from look()
    except Exception as error:
        yield broken(name, error, mend)
