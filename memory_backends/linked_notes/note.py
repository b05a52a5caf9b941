"""A note: a memory entry whose variable holds keywords, tags, context and links besides."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from memory_backends.prediction import one_line
from traces.schema import MemoryEntry, Variable


@dataclass(frozen=True, slots=True)
class Note:
    """An entry with what describes it; the entry's text is its content and its context.

    `links` are entry ids; None for an entry that no linking made (a substituted output).
    """

    entry: MemoryEntry
    keywords: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    context: str = ""
    links: tuple[str, ...] | None = None

    @classmethod
    def of(cls, entry: MemoryEntry) -> Note:
        """Return an entry as a note; descriptions that it does not have are empty."""
        value = {} if entry.variable is None else entry.variable.value
        links = value.get("links")
        return cls(
            entry,
            texts_in(value.get("keywords")),
            texts_in(value.get("tags")),
            _context(entry.text, value.get("context")),
            None if links is None else texts_in(links),
        )

    @property
    def content(self) -> str:
        """What the note says, without its context."""
        return self.entry.text.removesuffix(_told(self.context))

    @property
    def found_by(self) -> str:
        """What the note is searched by: all that it says."""
        return " ".join((self.entry.text, *self.keywords, *self.tags))

    @property
    def variable(self) -> Variable:
        """The variable that the entry came from, where it came from one."""
        return self.entry.variable or self.as_variable()

    def described(self, context: str, tags: Sequence[str], sources: Iterable[str] = ()) -> Note:
        """Return the next version, described anew; a new context rests on `sources` too."""
        entry, text = self.entry, note_text(self.content, context)
        rests_on = (*entry.sources, *sources) if text != entry.text else entry.sources
        made = replace(
            entry, text=text, sources=tuple(dict.fromkeys(rests_on)), version=entry.version + 1,
            variable=None,
        )  # fmt: skip
        return replace(self, entry=made, context=context, tags=tuple(tags))

    def as_variable(self, kind: Literal["entry", "retrieved"] = "entry") -> Variable:
        """Return the note as a variable that holds its descriptions too."""
        described = {
            "keywords": list(self.keywords),
            "tags": list(self.tags),
            "context": self.context,
            "links": list(self.links or ()),
        }
        return Variable(kind, {**self.entry.as_variable().value, **described})

    def line(self, number: int, chars: int) -> str:
        """Return the note as a prompt shows it, under this number."""
        parts = [f"[{number}] ({self.entry.date}) {one_line(self.content, chars)}"]
        parts += [f"context: {one_line(self.context, chars)}"] if self.context else []
        parts += [f"tags: {one_line(', '.join(self.tags), chars)}"] if self.tags else []
        return " | ".join(parts)


def note_text(content: str, context: str) -> str:
    """Return what a note's entry says."""
    return content + _told(context)


def lines(notes: Sequence[Note], chars: int) -> str:
    """Return notes one a line, numbered from 1."""
    return "\n".join(note.line(number, chars) for number, note in enumerate(notes, start=1))


def texts_in(values: Any) -> tuple[str, ...]:
    """Return the texts in a list, without repeats, '' and what is no text."""
    found = values if isinstance(values, list) else []
    stripped = (value.strip() for value in found if isinstance(value, str))
    return tuple(dict.fromkeys(text for text in stripped if text))


def _told(context: str) -> str:
    return f" ({context})" if context else ""


def _context(text: str, context: Any) -> str:
    """Return the context that a text ends with; what it no longer tells is none of its."""
    known = context if isinstance(context, str) else ""
    return known if text.endswith(_told(known)) else ""
