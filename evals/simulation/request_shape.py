"""The shape of the reply that a prompt asks for: JSON that it shows, or fields that it names.

Prompts show JSON that is none: `...`, `<text>`, `string`, comments, a comma too many. So it is
read leniently, and examples of one shape count together.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache

_LONGEST = 4_000
_QUOTED = r"[`'\"“‘](\w+)[`'\"”’]"
_NAMED = re.compile(
    rf"\b(?:keys?|fields?|propert(?:y|ies)|attributes?)\b[^.\n]{{0,30}}?{_QUOTED}", re.I
)
_CALLED = re.compile(rf"{_QUOTED} (?:key|field|property|attribute)\b", re.I)
_LIST = re.compile(r"\b(?:list|array)\b", re.I)
_OBJECTS = re.compile(
    r"\b(?:list|array) of (?:\w+ )?(?:objects|items|entries|dictionaries)\b", re.I
)


@dataclass(frozen=True)
class Shape:
    """A field's value: one text, or a list (of texts, or of objects with these fields)."""

    many: bool = False
    fields: tuple[tuple[str, Shape], ...] = ()


Fields = dict[str, Shape]


@lru_cache(maxsize=64)
def wanted_fields(text: str) -> tuple[tuple[str, Shape], ...]:
    """Return the fields of the reply that an instruction asks for; () where it asks for none.

    The JSON object shown last is the one meant (before it stand examples of what is given);
    where none is shown, the fields that are named beside the word JSON.
    """
    shown = _objects(text)
    if shown:
        last = shown[-1]
        made: Fields = dict(last)
        for other in shown:
            if set(other) & set(last):
                made = _merged(made, other)
        return tuple(made.items())
    if not re.search(r"\bjson\b", text, re.I):
        return ()
    return tuple(_named(text).items())


def _named(text: str) -> Fields:
    """Return the fields that are only named: `with a "facts" key holding a list of strings`."""
    found = [*_NAMED.finditer(text), *_CALLED.finditer(text)]
    outer: Fields = {}
    inner: Fields = {}
    for match in sorted(found, key=lambda m: m.start()):
        before = text[max(0, match.start() - 120) : match.start()]
        after = text[match.end() : match.end() + 80]
        of_items = bool(outer) and bool(_OBJECTS.search(before) or re.search(r"\beach\b", before))
        also = re.match(rf"(?:,? (?:and )?{_QUOTED})+", text[match.end() :])
        names = [match[1], *(re.findall(_QUOTED, also[0]) if also else [])]
        for name in names:
            (inner if of_items else outer)[name] = Shape(bool(_LIST.search(after.split(".")[0])))
    if inner:
        name, shape = next(((n, s) for n, s in outer.items() if s.many), next(iter(outer.items())))
        items = tuple((n, s) for n, s in inner.items() if n != name)
        outer[name] = Shape(True, items or shape.fields)
    return outer


def _merged(one: Fields, other: Fields) -> Fields:
    made = dict(one)
    for name, shape in other.items():
        mine = made.get(name)
        if mine is None:
            made[name] = shape
        else:
            inner = tuple(_merged(dict(mine.fields), dict(shape.fields)).items())
            made[name] = Shape(mine.many or shape.many, inner)
    return made


def _objects(text: str) -> list[Fields]:
    """Return the objects that a text shows, in order; what stands in lists is part of them."""
    found: list[Fields] = []
    place = 0
    while (match := re.compile(r"[{\[]").search(text, place)) is not None:
        reader = _Reader(text[match.start() : match.start() + _LONGEST])
        shape = reader.value()
        if text[match.start()] == "{" and reader.fields:
            found.append(reader.fields)
        whole = reader.closed and (shape.many or reader.fields)
        place = match.start() + (reader.place if whole else 1)
    return found


@dataclass
class _Reader:
    """Reads one value of almost-JSON from the start of a text."""

    text: str
    place: int = 0
    closed: bool = False
    fields: Fields = field(default_factory=dict)

    def value(self, depth: int = 0) -> Shape:
        """Read the value at the present place; return its shape."""
        start = self.text[self.place : self.place + 1]
        if start == "{" and depth < 6:
            fields = self._object(depth)
            if depth == 0:
                self.fields = fields
            return Shape(False, tuple(fields.items()))
        if start == "[" and depth < 6:
            return self._list(depth)
        self._scalar()
        return Shape()

    def _object(self, depth: int) -> Fields:
        self.place += 1
        found: Fields = {}
        while self.place < len(self.text):
            key = re.compile(r"[\s,{]*[\"'“`](\w+)[\"'”`]\s*:\s*").match(self.text, self.place)
            if key is not None:
                self.place = key.end()
                found[key[1]] = self.value(depth + 1)
            elif self.text[self.place] == "}":
                self.place += 1
                self.closed = depth == 0 or self.closed
                return found
            elif self.text[self.place] in "[{" or not (found or self.text[self.place].isspace()):
                return found  # no JSON: a placeholder, a set, prose
            else:
                self.place += 1
        return found

    def _list(self, depth: int) -> Shape:
        self.place += 1
        inner: Fields = {}
        while self.place < len(self.text):
            if self.text[self.place] == "]":
                self.place += 1
                self.closed = depth == 0 or self.closed
                break
            if self.text[self.place] in " \n\t,":
                self.place += 1
                continue
            before = self.place
            inner = _merged(inner, dict(self.value(depth + 1).fields))
            if self.place == before:
                self.place += 1
        return Shape(True, tuple(inner.items()))

    def _scalar(self) -> None:
        quoted = re.compile(r"\"(?:[^\"\\]|\\.)*\"", re.S).match(self.text, self.place)
        bare = quoted or re.compile(r"[^,}\]\n\[{]*").match(self.text, self.place)
        self.place = bare.end() if bare else self.place + 1
