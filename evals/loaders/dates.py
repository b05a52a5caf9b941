"""Dates as people and programs write them, read as naive local time.

An offset from UTC is cut off, not converted: 23:30+02:00 is 23:30, the time that the
speakers saw on their clocks. Epoch numbers are read as UTC.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from evals.loaders.problems import Trouble, kind_of, shown

_FIX = "write 2024-05-01 or 2024-05-01T13:56"
_WEEKDAY = re.compile(r"\s*\([A-Za-z]+\.?\)")
_YEAR_FIRST = re.compile(r"(\d{4})/(\d{1,2})/(\d{1,2})(?!\d)")
_EPOCH = re.compile(r"\d{9,17}(?:\.\d+)?")
_HOUR = re.compile(r"[T ](\d):")
# Smaller numbers are years, days or serial numbers; between the bounds, seconds since 1970,
# then milliseconds, then microseconds.
_SECONDS, _MILLIS, _MICROS, _END = 1e8, 1e11, 1e14, 1e17


class Date(NamedTuple):
    """A naive local time, and the offset written beside it: "" for none, None without a time."""

    when: datetime
    zone: str | None = None


def read_date(value: object) -> Date | Trouble:
    """Return the date in an ISO 8601 text, year first, or in epoch s, ms or us.

    '2023/05/20 (Sat) 02:21' is understood too. The result is naive; a Trouble says why there
    is none.
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _epoch(float(value), value)
    if not isinstance(value, str):
        kind = "missing" if value is None else "wrong_type"
        return Trouble(kind, f"is {kind_of(value)}", _FIX)
    text = " ".join(value.split())
    if not text:
        return Trouble("empty", "is empty", _FIX)
    if _EPOCH.fullmatch(text):
        return _epoch(float(text), value)
    text = _WEEKDAY.sub("", text)
    text = _YEAR_FIRST.sub(lambda m: f"{m[1]}-{int(m[2]):02}-{int(m[3]):02}", text)
    text = _HOUR.sub(lambda m: f"T0{m[1]}:", text)
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return Trouble("bad_date", f"{shown(value)} is not a date", _FIX)
    zone = _zone(found.utcoffset()) if ":" in text or found.tzinfo else None
    return Date(found.replace(tzinfo=None), zone)


def _zone(offset: timedelta | None) -> str:
    if offset is None:
        return ""
    minutes = round(offset.total_seconds() / 60)
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"


def _epoch(number: float, value: object) -> Date | Trouble:
    if not _SECONDS <= number < _END:
        return Trouble("bad_date", f"{shown(value)} is not a date", _FIX)
    seconds = number / (1 if number < _MILLIS else 1e3 if number < _MICROS else 1e6)
    return Date(datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None), "+00:00")
