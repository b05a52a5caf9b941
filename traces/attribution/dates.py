"""Times in text as spans of days, so that '9 May 2024', '2024-05-09' and a relative word agree.

Relative words ('yesterday', 'last Friday', 'two weeks ago') are resolved against the day
on which they were said. What is vague is a wide span: 'last week' is any of the 13 days
before, since people mean the calendar week as often as the last seven days.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september",
    "october", "november", "december",
)  # fmt: skip
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_COUNTS = {
    "a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7,
    "eight": 8, "nine": 9, "ten": 10, "couple of": 2, "few": 3, "several": 4,
}  # fmt: skip
_MONTH = r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"  # noqa: E501
_DAY = r"(?:mon(?:day)?|tues?(?:day)?|wed(?:nesday)?|thu(?:rs?|rsday)?|fri(?:day)?|sat(?:urday)?|sun(?:day)?)"  # noqa: E501
_COUNT = r"(?:\d{1,3}|(?:a )?couple of|(?:a )?few|several|an?|one|two|three|four|five|six|seven|eight|nine|ten)"  # noqa: E501
_ORDINAL = r"(?:st|nd|rd|th)?"

_ABSOLUTE = re.compile(
    rf"\b(?:(?P<iso>\d{{4}}-\d{{1,2}}-\d{{1,2}})(?!\d)|(?P<isomonth>\d{{4}}-\d{{2}})(?![\d-])"
    rf"|(?P<d1>\d{{1,2}}){_ORDINAL}(?: of)? (?P<m1>{_MONTH})(?![a-z])(?:,? (?P<y1>\d{{4}})\b)?"
    rf"|(?P<m2>{_MONTH}) (?P<d2>\d{{1,2}}){_ORDINAL}\b(?!\d)(?:,? (?P<y2>\d{{4}})\b)?"
    rf"|(?P<m3>{_MONTH}),? (?:of )?(?P<y3>\d{{4}})\b"
    rf"|(?<=in )(?P<m4>{_MONTH})(?![a-z])|(?P<y4>(?:19|20)\d{{2}})\b(?![-\d]))"
)
_ANCHORED = re.compile(
    rf"\b(?:(?P<count>{_COUNT}) )?(?P<unit>day|weekend|week|month|year|{_DAY})s? "
    r"(?P<side>before|after|prior to|of) "
)
_RELATIVE = re.compile(
    r"\b(?:(?P<word>day before yesterday|day after tomorrow|yesterday|last night|today|tonight"
    r"|this (?:morning|afternoon|evening)|tomorrow)"
    rf"|(?P<which>last|past|this past|previous|next|coming|this coming|this) (?P<day>{_DAY})"
    r"|(?P<side>last|past|previous|next|this) (?P<period>weekend|week|month|year)"
    rf"|(?P<n1>{_COUNT}) (?P<u1>day|week|weekend|month|year)s? ago"
    rf"|in (?P<n2>{_COUNT}) (?P<u2>day|week|month|year)s?)\b"
)


@dataclass(frozen=True, slots=True)
class Span:
    """The days from `first` to `last`. `relative`: it was said as a relative word."""

    first: date
    last: date
    relative: bool = False

    def holds(self, other: Span) -> bool:
        """Say whether `other` names a time within this one; a wide span leaves a day's slack."""
        days = (self.last - self.first).days
        slack = timedelta(days=1 if 0 < days < 27 else 0)
        return self.first - slack <= other.first and other.last <= self.last + slack


def day_of(text: str) -> date | None:
    """Return the date that an ISO text starts with, or None."""
    try:
        return date.fromisoformat(text.strip()[:10])
    except ValueError:
        return None


@lru_cache(maxsize=16_384)
def spans(text: str, said_on: date | None = None) -> tuple[Span, ...]:
    """Return the times that `text` names, in no fixed order, without repeats.

    A date without a year is the one nearest to `said_on`; without `said_on` such dates and
    relative words are left out. Only the first 4,000 characters are read.
    """
    folded = " ".join(text[:4000].lower().split())
    found: dict[Span, None] = {}
    for match in _ABSOLUTE.finditer(folded):
        span = _absolute(match, said_on)
        if span is None:
            continue
        anchor = _anchor(folded, match.start())
        if anchor is not None:
            span = _beside(anchor, span)
        if span is not None:
            found[span] = None
    if said_on is not None:
        for match in _RELATIVE.finditer(folded):
            span = _relative(match, said_on)
            if span is not None:
                found[Span(span.first, span.last, True)] = None
    return tuple(found)


def relative_words(text: str, said_on: date) -> list[tuple[int, Span]]:
    """Return where in `text` each relative word ends, and the time that it names; nothing
    for a text of more than 4,000 characters."""
    folded = text.lower()
    if len(text) > 4000 or len(folded) != len(text):  # lower case spells some letters with two
        return []
    named = ((match.end(), _relative(match, said_on)) for match in _RELATIVE.finditer(folded))
    return [(end, span) for end, span in named if span is not None]


def words_without_times(text: str) -> str:
    """Return `text` in lower case without its times: the words that say what happened."""
    folded = " ".join(text[:4000].lower().split())
    return _RELATIVE.sub(" ", _ABSOLUTE.sub(" ", _ANCHORED.sub(" ", folded)))


def _month(name: str) -> int:
    return next(i for i, month in enumerate(_MONTHS, 1) if month[:3] == name[:3])


def _weekday(name: str) -> int:
    return next(i for i, day in enumerate(_DAYS) if day[:3] == name[:3])


def _month_span(year: int, month: int) -> Span:
    following = date(year + month // 12, month % 12 + 1, 1)
    return Span(date(year, month, 1), following - timedelta(days=1))


def _shifted_month(day: date, count: int) -> Span:
    index = day.year * 12 + day.month - 1 + count
    return _month_span(index // 12, index % 12 + 1)


def _absolute(match: re.Match[str], near: date | None) -> Span | None:
    try:
        if match["iso"]:
            year, month, number = (int(part) for part in match["iso"].split("-"))
            return Span(date(year, month, number), date(year, month, number))
        if match["isomonth"]:
            return _month_span(int(match["isomonth"][:4]), int(match["isomonth"][5:]))
        if match["y4"]:
            return Span(date(int(match["y4"]), 1, 1), date(int(match["y4"]), 12, 31))
        name = match["m1"] or match["m2"] or match["m3"] or match["m4"]
        stated = match["y1"] or match["y2"] or match["y3"]
        years = [int(stated)] if stated else [near.year + o for o in (-1, 0, 1)] if near else []
        if match["m3"] or match["m4"]:
            options = [_month_span(year, _month(name)) for year in years]
        else:
            number = int(match["d1"] or match["d2"])
            days = list(_days(years, _month(name), number))
            options = [Span(day, day) for day in days]
    except ValueError:
        return None
    if not options:
        return None
    return min(options, key=lambda s: abs((s.first - near).days)) if near else options[0]


def _days(years: list[int], month: int, number: int) -> Iterator[date]:
    for year in years:
        try:
            yield date(year, month, number)
        except ValueError:  # 29 February of another year
            continue


def _anchor(text: str, end: int) -> re.Match[str] | None:
    """Return 'the week before ' where it ends right before position `end`."""
    start = max(0, end - 40)
    for match in _ANCHORED.finditer(text, start, end):
        if match.end() == end:
            return match
    return None


def _beside(anchor: re.Match[str], span: Span) -> Span | None:
    day, unit, side = span.first, anchor["unit"], anchor["side"]
    if side == "of":
        # 'the week of 3 May'; 'Friday of ...' and 'the day of ...' add nothing.
        return Span(day - timedelta(6), day + timedelta(6)) if unit == "week" else span
    sign = 1 if side == "after" else -1
    count = _number(anchor["count"]) if anchor["count"] else 1
    if unit in ("day", "week", "weekend", "month", "year"):
        return _away(day, unit, sign * count, vague=True)
    return _next_weekday(day, _weekday(unit), sign)


def _number(text: str) -> int:
    bare = text if text in _COUNTS else text.removeprefix("a ")
    return _COUNTS.get(bare) or int(bare)


def _next_weekday(day: date, weekday: int, sign: int) -> Span:
    gap = (sign * (weekday - day.weekday()) - 1) % 7 + 1
    found = day + timedelta(days=sign * gap)
    return Span(found, found)


def _away(day: date, unit: str, count: int, vague: bool = False) -> Span | None:
    """Return the span that lies `count` units from `day` (negative: before)."""
    try:
        if unit == "day":
            found = day + timedelta(days=count)
            return Span(found, found)
        if unit == "month":
            return _shifted_month(day, count)
        if unit == "year":
            return Span(date(day.year + count, 1, 1), date(day.year + count, 12, 31))
        if unit == "weekend":
            sign = 1 if count > 0 else -1
            saturday = _next_weekday(day, 5, sign).first + timedelta(days=7 * (count - sign))
            if sign < 0 and day.weekday() == 6:
                saturday -= timedelta(days=7)
            return Span(saturday, saturday + timedelta(days=1))
        if vague and abs(count) == 1:
            edges = (day + timedelta(days=count), day + timedelta(days=13 * count))
            return Span(min(edges), max(edges))
        middle = day + timedelta(days=7 * count)
        return Span(middle - timedelta(days=3), middle + timedelta(days=3))
    except (ValueError, OverflowError):
        return None


def _relative(match: re.Match[str], today: date) -> Span | None:
    if match["word"]:
        offsets = {"day before yesterday": -2, "yesterday": -1, "last night": -1,
                   "tomorrow": 1, "day after tomorrow": 2}  # fmt: skip
        found = today + timedelta(days=offsets.get(match["word"], 0))
        return Span(found, found)
    if match["day"]:
        ahead = match["which"] in ("next", "coming", "this coming", "this")
        return _next_weekday(today, _weekday(match["day"]), 1 if ahead else -1)
    if match["period"]:
        if match["side"] == "this":
            if match["period"] in ("month", "year"):
                return _away(today, match["period"], 0)
            return Span(today - timedelta(6), today + timedelta(6))
        sign = 1 if match["side"] == "next" else -1
        return _away(today, match["period"], sign, vague=True)
    if match["u1"]:
        return _away(today, match["u1"], -_number(match["n1"]))
    return _away(today, match["u2"], _number(match["n2"]))
