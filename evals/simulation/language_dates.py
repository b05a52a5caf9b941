"""Dates in text, as the simulated agent reads them."""

from __future__ import annotations

import re
from datetime import date, timedelta
from functools import lru_cache

MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTH = "|".join(f"{m}|{m[:3]}" for m in MONTHS)
_DAY = "|".join(WEEKDAYS)
_NUMBER = {
    "a": 1,
    "an": 1,
    "one": 1,
    "two": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "six": 6,
    "seven": 7,
    "eight": 8,
    "ten": 10,
    "a couple of": 2,
    "a few": 3,
}
_COUNT = r"(?P<n>\d{1,2}|a couple of|a few|an?|one|two|three|four|five|six|seven|eight|ten)"

ABSOLUTE = re.compile(
    rf"\b(?:(?P<iso>\d{{4}}-\d{{2}}-\d{{2}})"
    rf"|(?P<d1>\d{{1,2}})(?:st|nd|rd|th)?(?: of)? (?P<m1>{_MONTH})\b(?:,? (?P<y1>\d{{4}}))?"
    rf"|(?P<m2>{_MONTH}) (?P<d2>\d{{1,2}})(?:st|nd|rd|th)?\b(?:,? (?P<y2>\d{{4}}))?)"
)
RELATIVE = re.compile(
    rf"\b(?:(?:on |the )?(?:(?P<which>last|next|this past|this coming|past|coming) (?P<day>{_DAY}))"
    rf"|(?P<two>(?:the )?day (?:before yesterday|after tomorrow))"
    rf"|(?P<word>yesterday|today|tomorrow|tonight|this morning|this afternoon|last night)"
    rf"|{_COUNT} (?P<unit>days?|weeks?|months?|years?) ago"
    rf"|in {_COUNT.replace('?P<n>', '?P<n2>')} (?P<unit2>days?|weeks?|months?)(?: time)?"
    rf"|(?:the )?(?P<side>last|next) (?P<period>week|weekend|month|year))\b",
    re.IGNORECASE,
)
MONTH_NAME = re.compile(rf"\b({'|'.join(MONTHS)})\b(?: (?:of )?(\d{{4}}))?")


def spell(day: date) -> str:
    """Write a date as '3 May 2024'."""
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}"


@lru_cache(maxsize=1024)
def parse_iso(text: str) -> date | None:
    """Return the date of an ISO string (a time may follow), or None."""
    try:
        return date.fromisoformat(text.strip()[:10])
    except ValueError:
        return None


def month_number(name: str) -> int:
    """Return 1..12 for a month's name or three-letter abbreviation."""
    return next(i for i, month in enumerate(MONTHS, 1) if month[:3] == name[:3].title())


def absolute(match: re.Match[str], near: date | None) -> date | None:
    """Return the date that an ABSOLUTE match names; without a year the nearest one."""
    try:
        if match["iso"]:
            return date.fromisoformat(match["iso"])
        day = int(match["d1"] or match["d2"])
        month = month_number(match["m1"] or match["m2"])
        year = match["y1"] or match["y2"]
        if year:
            return date(int(year), month, day)
        if near is None:
            return None
        options = [date(near.year + offset, month, day) for offset in (-1, 0, 1)]
    except ValueError:
        return None
    return min(options, key=lambda option: abs((option - near).days))


def _months_later(day: date, count: int) -> str:
    index = day.year * 12 + day.month - 1 + count
    return f"{MONTHS[index % 12]} {index // 12}"


def relative(match: re.Match[str], today: date) -> tuple[str, date | None]:
    """Return the calendar wording of a RELATIVE match and its day, where it names one."""
    resolved: date | None = None
    if match["day"]:
        target = WEEKDAYS.index(match["day"].title())
        if match["which"].lower() in ("last", "this past", "past"):
            resolved = today - timedelta(days=(today.weekday() - target - 1) % 7 + 1)
        else:
            resolved = today + timedelta(days=(target - today.weekday() - 1) % 7 + 1)
    elif match["two"]:
        resolved = today + timedelta(days=-2 if "before" in match["two"].lower() else 2)
    elif match["word"]:
        word = match["word"].lower()
        offset = -1 if word in ("yesterday", "last night") else int(word == "tomorrow")
        resolved = today + timedelta(days=offset)
    elif match["n"] or match["n2"]:
        text = (match["n"] or match["n2"]).lower()
        count = _NUMBER.get(text) or int(text)
        unit = (match["unit"] or match["unit2"]).lower()
        sign = -1 if match["n"] else 1
        if unit.startswith("month"):
            return "in " + _months_later(today, sign * count), None
        if unit.startswith("year"):
            return f"in {today.year + sign * count}", None
        resolved = today + timedelta(days=sign * count * (7 if unit.startswith("week") else 1))
    else:
        sign = -1 if match["side"].lower() == "last" else 1
        period = match["period"].lower()
        if period == "month":
            return "in " + _months_later(today, sign), None
        if period == "year":
            return f"in {today.year + sign}", None
        before = "before" if sign < 0 else "after"
        return f"the {period} {before} {spell(today)}", None
    return "on " + spell(resolved), resolved


def first_day(text: str, near: date | None) -> date | None:
    """Return the first calendar date that the text names."""
    for match in ABSOLUTE.finditer(text):
        found = absolute(match, near)
        if found:
            return found
    return None


def month_range(text: str, asked_on: date | None) -> tuple[str, str] | None:
    """Return first and last day of the date or month(s) that a question names, ISO."""
    day = first_day(text, asked_on)
    if day:
        return day.isoformat(), day.isoformat()
    named = [
        (month_number(m.group(1)), m.group(2), m)
        for m in MONTH_NAME.finditer(text)
        # 'May' opens questions and sentences as a verb.
        if m.group(1) != "May" or m.start() > 0
    ]
    if not named or asked_on is None:
        return None
    first, last = named[0], named[-1]
    year = next((int(y) for _, y, _ in named if y), None)
    return span_of_months(first[0], last[0], asked_on, year)


def span_of_months(
    first: int, last: int, asked_on: date, year: int | None = None
) -> tuple[str, str]:
    """Return first and last day of a run of months: of the year, or the latest begun one."""
    if year is None:
        year = asked_on.year if first <= asked_on.month else asked_on.year - 1
    end_year = year if last >= first else year + 1
    after = date(end_year + (last == 12), last % 12 + 1, 1)
    return date(year, first, 1).isoformat(), (after - timedelta(days=1)).isoformat()
