"""Changing what a text says: another value, another date, another person."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from functools import lru_cache

_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip
_MONTH = "|".join(_MONTHS)
_DATE = re.compile(
    rf"\b(?:(?P<iso>\d{{4}}-\d{{2}}-\d{{2}})"
    rf"|(?P<d1>\d{{1,2}}) (?P<m1>{_MONTH})(?: (?P<y1>\d{{4}}))?"
    rf"|(?P<m2>{_MONTH}) (?P<d2>\d{{1,2}})\b(?!\d)(?:,? (?P<y2>\d{{4}}))?)"
)
_RELATIVE = re.compile(
    r"\b(?:yesterday|today|tomorrow|last night|(?:last|next|this) (?:week|month|(?:Mon|Tues|Wednes"
    r"|Thurs|Fri|Satur|Sun)day)|(?:a|two|three|four|five|six|\d+) (?:days?|weeks?) ago)\b",
    re.I,
)
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def spelled(day: date, *, year: bool = True) -> str:
    """Write a date as '3 May 2024' or '3 May'."""
    return f"{day.day} {_MONTHS[day.month - 1]}" + (f" {day.year}" if year else "")


def is_date(text: str) -> bool:
    """Say whether a text is a day and nothing else."""
    return _DATE.fullmatch(text.strip()) is not None


def has_time(text: str) -> bool:
    """Say whether a text names a day, also relative to another."""
    return _DATE.search(text) is not None or _RELATIVE.search(text) is not None


def shift_day(iso: str, days: int) -> str:
    """Return an ISO date that many days on; what is no full date stays as it is."""
    try:
        moved = date.fromisoformat(iso[:10]) + timedelta(days=days)
    except (ValueError, OverflowError):
        return iso
    return moved.isoformat() + iso[10:]


def shift_dates(text: str, days: int, said_on: str) -> str:
    """Move every date in a text by some days; relative words become the moved date.

    `said_on` (ISO) gives the year of dates without one.
    """
    try:
        today = date.fromisoformat(said_on[:10])
    except ValueError:
        today = date(2024, 1, 1)

    def absolute(match: re.Match[str]) -> str:
        if match["iso"]:
            return shift_day(match["iso"], days)
        month = _MONTHS.index(match["m1"] or match["m2"]) + 1
        year = match["y1"] or match["y2"]
        try:
            day = date(int(year or today.year), month, int(match["d1"] or match["d2"]))
            return spelled(day + timedelta(days=days), year=bool(year))
        except (ValueError, OverflowError):
            return match.group()

    moved = _DATE.sub(absolute, text)
    return _RELATIVE.sub(lambda _: f"on {spelled(today + timedelta(days=days))}", moved, count=1)


@lru_cache(maxsize=8192)
def _pattern(phrase: str) -> re.Pattern[str]:
    words = [re.escape(word) for word in re.findall(r"[\w'’,+-]+", phrase)]
    return re.compile(r"(?<![\w-])" + r"\W+".join(words) + r"(?=s?\b|\W|$)", re.I)


def parts_of(value: str) -> tuple[str, ...]:
    """Return a value and, where it is a list, its items."""
    bare = value.strip().rstrip(".")
    items = [item.strip() for item in re.split(r",\s+|\s+and\s+", bare) if item.strip()]
    return tuple(dict.fromkeys([bare, *items])) if len(items) > 1 else (bare,)


def says(text: str, value: str) -> str | None:
    """Return the value, or the item of it, that a text says word for word; None without one."""
    for part in parts_of(value):
        if part and _pattern(part).search(text):
            return part
    return None


def replaced(text: str, old: str, new: str) -> str:
    """Put one value in place of another, wherever a text says it."""
    return _pattern(old).sub(lambda _: new, text)


def renamed(text: str, old: str, new: str) -> str:
    """Put one name in place of another; the possessive stays."""
    return re.sub(rf"\b{re.escape(old)}\b", lambda _: new, text)


def names_among(text: str, people: Iterable[str]) -> list[str]:
    """Return those of the people whom a text names, in the order of the text."""
    found = [(m.start(), p) for p in people if (m := re.search(rf"\b{re.escape(p)}\b", text))]
    return [person for _, person in sorted(found)]


def without_end(text: str) -> str:
    """Return a sentence without its full stop."""
    return text.rstrip().rstrip(".!?").rstrip()


def pick(options: Sequence[str], number: int) -> str:
    """Return one of the options by a number of any size."""
    return options[number % len(options)]
