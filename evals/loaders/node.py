"""A JSON value with its place: what it should be is asked of it, what it is not is noted."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from evals.loaders.dates import Date, read_date
from evals.loaders.findings import At, Findings
from evals.loaders.problems import Trouble, kind_of, shown, text_trouble

LONGEST_ID = 200
_TRUE, _FALSE = ("true", "yes", "1"), ("false", "no", "0", "")


class Node:
    """A value, its place and where to note what is wrong with it.

    The methods return None after noting an error.
    """

    __slots__ = ("at", "findings", "value")

    def __init__(self, value: Any, at: At, findings: Findings) -> None:
        self.value = value
        self.at = at
        self.findings = findings

    def child(self, *keys: str) -> Node:
        """Return a field of an object by its path; its value is None where it is missing."""
        value = self.value
        for key in keys:
            value = value.get(key) if isinstance(value, dict) else None
        return Node(value, At((*self.at.path, *keys), self.at.line), self.findings)

    def mapping(self) -> dict[str, Any] | None:
        """Return the object."""
        if isinstance(self.value, dict):
            return self.value
        self._wrong("an object")
        return None

    def mapping_or_none(self) -> dict[str, Any] | None:
        """Return the object, or None, without a note, where it is something else."""
        return self.value if isinstance(self.value, dict) else None

    def sequence(self) -> list[Node] | None:
        """Return the list's items."""
        if isinstance(self.value, list):
            return list(self.children())
        self._wrong("a list")
        return None

    def listed(self) -> list[Node]:
        """Return the list's items; none, without a note, where it is left out."""
        return [] if self.value is None else self.sequence() or []

    def children(self) -> Iterator[Node]:
        """Return the items of what is known to be a list."""
        for index, value in enumerate(self.value):
            yield Node(value, At((*self.at.path, index), self.at.line), self.findings)

    def text(self, *, empty: bool = False) -> str | None:
        """Return the text; blank text only where `empty`."""
        found = text_trouble(self.value, empty=empty)
        if found is None:
            text: str = self.value
            return text
        self._refuse(found)
        return None

    def optional_text(self) -> str | None:
        """Return the text, a number as text; None, without a note, for null and blank text."""
        value = self.value
        if value is None or (isinstance(value, str) and not value.strip()):
            return None
        if isinstance(value, int | float) and not isinstance(value, bool):
            return str(value)
        found = self.text()
        return None if found is None else found.strip()

    def id(self) -> str | None:
        """Return an id: a short text of one line, or a number; None where it is left out."""
        found = self.optional_text()
        if found is None or (len(found) <= LONGEST_ID and found.isprintable()):
            return found
        self.error(
            "bad_id", f"is no usable id: {shown(found)}",
            f"write one line of at most {LONGEST_ID} characters",
        )  # fmt: skip
        return None

    def date(self) -> Date | None:
        """Return the date."""
        found = read_date(self.value)
        if isinstance(found, Date):
            return found
        self._refuse(found)
        return None

    def optional_date(self) -> datetime | None:
        """Return the date; None, without a note, where it is left out."""
        if self.value is None or self.value == "":
            return None
        found = self.date()
        return None if found is None else found.when

    def truth(self) -> bool:
        """Return the truth value; false where it is left out."""
        word = str(self.value).strip().casefold() if self.value is not None else ""
        if isinstance(self.value, bool) or word in _TRUE + _FALSE:
            return word in _TRUE
        self.error("wrong_type", f"is {shown(self.value)}", "write true or false")
        return False

    def error(self, kind: str, problem: str, fix: str) -> None:
        """Note an error about this value."""
        self.findings.error(kind, self.at, problem, fix)

    def _wrong(self, wanted: str) -> None:
        kind = "missing" if self.value is None else "wrong_type"
        self._refuse(Trouble(kind, f"is {kind_of(self.value)}", f"expected {wanted}"))

    def _refuse(self, found: Trouble) -> None:
        kind = found.kind
        if kind in ("missing", "empty"):
            name = next((key for key in reversed(self.at.path) if isinstance(key, str)), "record")
            kind = f"{kind}_{name}"
        self.findings.trouble(self.at, found._replace(kind=kind))
