"""The findings for what a backend raised, and how to mend what is seen often."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Sequence

from memory_backends.conformance.finding import Finding
from memory_backends.conformance.samples import GLACIER, LISBON, TELLING
from memory_backends.conformance.subject import Hung, NoModel, where
from memory_backends.isolation import NotIsolated
from traces.errors import OperationError, SettingsError

_WORD = re.compile(r"\w+")
INSTANCE = (
    "keep everything in the instance (self.x, set in __init__); a database or directory of its own "
    "each: tempfile.mkdtemp() in __init__, removed in close()"
)
_PLAIN = (
    "return strings, or dicts with 'text' and where known 'id' and 'sources', such as "
    "[{'text': hit.content} for hit in hits]"
)
_TRACED = (
    "return what the protocol says: `retrieve` and `entries` MemoryEntry values, an operation "
    "variables of its kind"
)


def broke(error: BaseException, doing: str) -> Finding:
    """Return the finding for what a backend raised, or that it hung."""
    if isinstance(error, Hung):
        return Finding(
            "hangs", f"{doing} {error}", error.where,
            "give every wait a timeout and every loop an end; a thread cannot be killed, so a run "
            "loses its worker",
        )  # fmt: skip
    if isinstance(error, NoModel):
        return Finding("no_model", f"{doing} needs a model: {error}", "", "hand one in")
    if isinstance(error, NotIsolated):
        what = f"{doing}: a new memory holds something already{':' if error.found else ''}"
        return from_nothing(what, error.found, error.asked)
    cause = error.__cause__
    if isinstance(error, SettingsError):
        return Finding("cannot_be_made", str(error), "", "mend its constructor")
    if isinstance(error, OperationError) and cause is None:
        return Finding(
            "garbage", f"{doing}: {_line(error)}", "",
            _PLAIN if str(error).startswith(("search ", "entries ")) else _TRACED,
        )  # fmt: skip
    real = cause if isinstance(error, OperationError) and cause is not None else error
    mend = "mend it; a run counts each such episode as broken and goes on"
    if isinstance(real, sqlite3.ProgrammingError) and "thread" in str(real):
        mend = (
            "open the connection with check_same_thread=False, or one for each call: memory is "
            "used from several threads, one after another"
        )
    return Finding(
        "raises", f"{doing} raised {type(real).__name__}: {_line(real)[:200]}", where(real),
        mend,
    )  # fmt: skip


def from_nothing(what: str, found: Sequence[str], asked: str = "") -> Finding:
    """Return the finding for a memory that was given nothing and finds something: what another
    conversation told, or what nobody told. Several texts that the check has not told are what an
    earlier process left in a place that is shared; a single one is a text of the memory's own."""
    shown = f"{what} {found[0][:80]!r}" if found else what
    told = {m.text.lower() for c in (LISBON, GLACIER) for s in c.sessions for m in s.messages}
    # The question's own words may come from the question.
    echoed = set(_WORD.findall(asked.lower()))
    texts = {frozenset(_WORD.findall(text.lower())) - echoed for text in found}
    telling = set(TELLING).intersection(set().union(*texts))
    if telling or len(texts) != 1 or any(text.strip().lower() in told for text in found):
        return Finding("leaks", shown, "", INSTANCE)
    return Finding(
        "garbage", shown, "", "let a search return what was added, and nothing where nothing was"
    )


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())
