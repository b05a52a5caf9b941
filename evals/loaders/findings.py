"""What is wrong with a data file: everything, each with its line, its field and a way out.

An error makes the file unusable or its meaning a guess; a warning is what costs one
question or one reference. Nothing is dropped without either.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal, NamedTuple

from evals.loaders.json_lines import lines_of
from evals.loaders.problems import Trouble, shown
from traces.domain import Conversation, Dataset
from traces.errors import DataError

FieldPath = tuple[str | int, ...]
Severity = Literal["error", "warning"]


class At(NamedTuple):
    """A place in a file: the path to a field, and the line (from 1) where it is known."""

    path: FieldPath = ()
    line: int | None = None

    def child(self, *keys: str | int) -> At:
        """Return the place of a field within this one."""
        return At((*self.path, *keys), self.line)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong. `kind` is stable and meant for programs.

    `place` is the path to the field, empty for a whole line; `subject` names conversation and
    question where they are known; `file` is named where a directory was read.
    """

    kind: str
    severity: Severity
    line: int | None
    place: str
    problem: str
    fix: str
    subject: str = ""
    file: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return JSON-native values."""
        return asdict(self)

    def told(self) -> str:
        """Return the line of `Dataset.problems`: where, and what."""
        return f"{self.subject or self.where() or 'the file'}: {self.problem}"

    def where(self) -> str:
        """Return file, line and field, as far as they are known."""
        line = f"line {self.line}" if self.line is not None else ""
        column = self.place.startswith("column ")
        spot = (", " if column else ": ").join(part for part in (line, self.place) if part)
        return ": ".join(part for part in (self.file, spot) if part)


class Findings:
    """Collects findings about one file, in the order in which they are made."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.errors = 0
        # The name of the file being read, where `path` is a directory.
        self.file = ""
        self._found: list[Finding] = []
        self._paths: list[FieldPath] = []
        self._names: dict[int, str] = {}
        self._line: int | None = None
        self._repeated: dict[tuple[str, str], list[int]] = {}

    @contextmanager
    def record(self, line: int, text: str = "", index: int | None = None) -> Iterator[None]:
        """What is found inside belongs to the record that begins on `line`.

        With its text, findings get the lines of their fields; `index` is the record's place
        in a list, which paths begin with then.
        """
        before, self._line = len(self._found), line
        try:
            yield
        finally:
            self._line = None
            if "\n" in text:
                self._put_lines(before, text, line, 0 if index is None else 1)

    def name(self, index: int | None, name: object) -> None:
        """Show the `index`-th record of a list with its name, where both are known."""
        if index is not None and isinstance(name, str):
            self._names[index] = name

    def error(
        self, kind: str, at: At, problem: str, fix: str, subject: str = "", place: str | None = None
    ) -> None:
        """Note what the file cannot be used with."""
        self.errors += 1
        self._add("error", kind, at, problem, fix, subject, place)

    def warn(self, kind: str, at: At, problem: str, fix: str, subject: str = "") -> None:
        """Note what costs one question or reference."""
        self._add("warning", kind, at, problem, fix, subject, None)

    def trouble(self, at: At, found: Trouble) -> None:
        """Note what is wrong with a text, as an error."""
        self.error(found.kind, at, found.problem, found.fix)

    def warn_once(self, kind: str, name: str, at: At, problem: str, fix: str) -> None:
        """Note what may be the same all over the file: where it is first, and how often."""
        key = (kind, name)
        if key in self._repeated:
            self._repeated[key][1] += 1
            return
        self._repeated[key] = [len(self._found), 1]
        self.warn(kind, at, problem, fix)

    def drop(self, kind: str) -> None:
        """Forget the warnings of a kind, which a finding about the whole file replaces."""
        kept = [index for index, finding in enumerate(self._found) if finding.kind != kind]
        moved = {index: place for place, index in enumerate(kept)}
        self._found = [self._found[index] for index in kept]
        self._paths = [self._paths[index] for index in kept]
        self._repeated = {
            key: [moved[index], times]
            for key, (index, times) in self._repeated.items()
            if index in moved
        }

    def all(self) -> tuple[Finding, ...]:
        """Return the findings; those noted once say how often they apply."""
        found = list(self._found)
        for index, times in self._repeated.values():
            if times > 1:
                first = found[index]
                found[index] = replace(first, problem=f"{first.problem} (first of {times:,})")
        return tuple(found)

    def line_of(self, at: At) -> int | None:
        """Return the line of a place: its own, or that of the record being read."""
        return self._line if at.line is None else at.line

    def spot(self, at: At) -> str:
        """Return a place in words, for a finding that refers to another place."""
        line = self.line_of(at)
        return ", ".join(
            part for part in (f"line {line}" if line else "", self.place(at.path)) if part
        )

    def place(self, path: FieldPath) -> str:
        """Return a path as text: `[0] ('conv-1').questions[2].answer`."""
        parts: list[str] = []
        for position, key in enumerate(path):
            if isinstance(key, str):
                parts.append(f".{key}" if parts else key)
                continue
            parts.append(f"[{key}]")
            if position == 0 and key in self._names:
                parts.append(f" ({shown(self._names[key])})")
        return "".join(parts)

    def _add(
        self,
        severity: Severity,
        kind: str,
        at: At,
        problem: str,
        fix: str,
        subject: str,
        place: str | None,
    ) -> None:
        line = self.line_of(at)
        shown_place = self.place(at.path) if place is None else place
        self._found.append(
            Finding(kind, severity, line, shown_place, problem, fix, subject, self.file)
        )
        self._paths.append(at.path)

    def _put_lines(self, start: int, text: str, first: int, skip: int) -> None:
        wanted = [path[skip:] for path in self._paths[start:]]
        if not wanted:
            return
        lines = lines_of(text, wanted)
        for index, path in enumerate(wanted, start):
            if self._found[index].line == first and path in lines:
                self._found[index] = replace(self._found[index], line=first + lines[path])


@dataclass(frozen=True, slots=True)
class Loaded:
    """A file as read: its conversations, as far as they can be used, and all findings.

    `path` may be a loader of the user's own, module:attr. `base` is the data set that such a
    loader made, where it made one; its name, labels and problems stand.
    """

    name: str
    path: Path
    conversations: tuple[Conversation, ...]
    findings: tuple[Finding, ...]
    base: Dataset | None = None

    @classmethod
    def of(
        cls,
        name: str,
        found: Findings,
        conversations: Sequence[Conversation],
        base: Dataset | None = None,
    ) -> Loaded:
        """Return what was read; a file without conversation or question is an error too."""
        if not found.errors:
            if not conversations:
                found.error(
                    "no_conversations", At(), "holds no conversations", "add at least one",
                    place="top level",
                )  # fmt: skip
            elif not any(conversation.questions for conversation in conversations):
                found.drop("conversation_without_questions")
                found.error(
                    "no_questions", At(), "no conversation has a usable question",
                    "add some: 'memtune validate --example' shows how", place="questions",
                )  # fmt: skip
        return cls(name, found.path, tuple(conversations), found.all(), base)

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings that forbid a run."""
        return tuple(finding for finding in self.findings if finding.severity == "error")

    def dataset(self) -> Dataset:
        """Return the data set, its warnings as problems.

        Raises DataError with the first error and how many more there are.
        """
        errors = self.errors
        if errors:
            first = errors[0]
            where = first.where()
            more = len(errors) - 1
            rest = f" ({more:,} more: 'memtune validate' lists them)" if more else ""
            raise DataError(
                f"{self.path}: {where + ': ' if where else ''}{first.problem}; {first.fix}{rest}"
            )
        told = tuple(finding.told() for finding in self.findings)
        if self.base is None:
            return Dataset(self.name, self.conversations, told)
        problems = (*self.base.problems, *told)
        return replace(self.base, conversations=self.conversations, problems=problems)
