"""Dates and months, as periods of days: read from values and found in texts."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import date
from functools import lru_cache

Period = tuple[date, date]  # first and last day

_NAMES = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip
_MONTHS = {
    **{name: number for number, name in enumerate(_NAMES, start=1)},
    **{name[:3]: number for number, name in enumerate(_NAMES, start=1)},
    "sept": 9,
}
_MONTH = r"(?P<{0}>" + "|".join(sorted(_MONTHS, key=len, reverse=True)) + r")\b\.?"
_YEAR = r"(?P<{0}>[12][0-9]{{3}})(?![0-9])"
_DAY = r"(?P<{0}>[0-3]?[0-9])(?:st|nd|rd|th)?"

# 2024-05-12, 2024-05 | 12 May 2024, 12th of May, 2024 | May 12, 2024, May 2024
_DATE = re.compile(
    r"(?<![0-9-])(?P<iy>[12][0-9]{3})-(?P<im>[01][0-9])(?:-(?P<id>[0-3][0-9]))?(?![0-9-])"
    rf"|(?<![0-9.]){_DAY.format('dd')} (?:of )?{_MONTH.format('dm')},? {_YEAR.format('dy')}"
    rf"|\b{_MONTH.format('mm')} (?:{_DAY.format('md')},? )?{_YEAR.format('my')}",
    re.IGNORECASE,
)
_ISO = re.compile(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2})(?:[T ].*)?)?)?", re.DOTALL)


def period_of(text: str) -> Period | None:
    """Return the days that an ISO 8601 date, month or year covers; None for anything else."""
    match = _ISO.fullmatch(text.strip())
    return None if match is None else _days(*match.groups())


@lru_cache(maxsize=16_384)
def periods_in(text: str) -> tuple[Period, ...]:
    """Return the dates and months that a text names, as ISO or as '12 May 2024'."""
    found = []
    for match in _DATE.finditer(text):
        parts = match.groupdict()
        if parts["iy"]:
            period = _days(parts["iy"], parts["im"], parts["id"])
        else:
            kind = "d" if parts["dm"] else "m"
            month = _MONTHS[parts[f"{kind}m"].lower()]
            period = _days(parts[f"{kind}y"], str(month), parts[f"{kind}d"])
        if period is not None:
            found.append(period)
    return tuple(found)


def _days(year: str, month: str | None, day: str | None) -> Period | None:
    try:
        first = date(int(year), int(month or 1), int(day or 1))
        if day:
            return first, first
        last_month = int(month or 12)
        return first, date(first.year, last_month, monthrange(first.year, last_month)[1])
    except ValueError:
        return None
