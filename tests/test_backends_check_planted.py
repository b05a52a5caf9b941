"""One planted violation for each check of the conformance suite, and no other check objects."""

from __future__ import annotations

import contextlib
import io
import sys
import threading
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from agent.backend_check import check_backend
from agent.backend_list import _row
from memory_backends.conformance import CHECKS
from memory_backends.rag import Rag
from tests import test_backends_check as others
from tests.broken_backends import Counted, Editable, Opaque, Sound
from tests.check_fixture import errors, results
from traces.domain import Question, Session
from traces.operation import OperationContext
from traces.schema import MemoryEntry, change, message_variable

Entry = dict[str, Any]


class TakesMore(Sound):
    """Wants to be told more than a question."""

    def search(self, question: str, user_id: str) -> list[Entry]:  # type: ignore[override]
        return super().search(question)


class FindsNothing(Sound):
    """Finds nothing, whatever it is asked."""

    def search(self, question: str) -> list[Entry]:
        return []


class TakesOutput(Sound):
    """Wants to be quiet, and makes everything quiet."""

    def add(self, messages: list[Entry]) -> None:
        sys.stdout = io.StringIO()
        super().add(messages)


class TextAsId(Sound):
    """Two messages of one text have one id."""

    def add(self, messages: list[Entry]) -> None:
        self.kept += [{"id": m["text"], "text": m["text"]} for m in messages]


class Remembers(Sound):
    """Keeps what it was asked."""

    def search(self, question: str) -> list[Entry]:
        found = [e for e in super().search(question) if not e["id"].startswith("asked")]
        self.kept.append({"id": f"asked{len(self.kept)}", "text": f"asked: {question}"})
        return found


class LiveSnapshot(Sound):
    """Its snapshot is the memory itself, which goes on changing."""

    def snapshot(self) -> list[Entry]:
        return self.kept

    def restore(self, snapshot: list[Entry]) -> None:
        self.kept = snapshot


class _OwnEntries(Rag):
    """Applies entries that it made outside of `perform`."""

    unless_gone = False

    def ingest(self, session: Session, ctx: OperationContext) -> None:
        for message in session.messages:
            made = MemoryEntry(message.id, message.text, sources=(message.id,))
            outputs = ctx.perform(
                "update", name="keep", identity=[message.id],
                inputs={"message": [message_variable(message, session.date)]},
                call=lambda op, made=made: {
                    "changes": [change("add", None)], "entries": [made.as_variable()],
                },
            )  # fmt: skip
            if outputs or not self.unless_gone:
                self._state.put(made, made.text)


class StandsWhenGone(_OwnEntries):
    """Does so also where a repair put out nothing."""


class IgnoresRepair(_OwnEntries):
    """Does so where a repair put out another entry."""

    unless_gone = True


class OneQuestion(Rag):
    """Has one place for the question that it is working on."""

    def retrieve(
        self, question: Question, asked_on: datetime, ctx: OperationContext
    ) -> Sequence[MemoryEntry]:
        self._asked = question
        time.sleep(0.05)
        return super().retrieve(self._asked, asked_on, ctx)


class Ascii(Sound):
    """Drops all but ASCII."""

    def add(self, messages: list[Entry]) -> None:
        kept = [{**m, "text": m["text"].encode("ascii", "ignore").decode()} for m in messages]
        super().add(kept)


class AsciiUnseen(Opaque):
    """The same, and shows no entries."""

    def __init__(self) -> None:
        self._inner = Ascii()


class FirstWord(Sound):
    """Takes for granted that a message has a word."""

    def add(self, messages: list[Entry]) -> None:
        super().add([{**m, "first": m["text"].split()[0]} for m in messages])


class Short(Editable):
    """Keeps no message of 500 characters or more."""

    def add(self, messages: list[Entry]) -> None:
        super().add([m for m in messages if len(m["text"]) < 500])


class ShortUnseen(Opaque):
    """The same, and shows no entries."""

    def __init__(self) -> None:
        self._inner = Short()


class Few(Sound):
    """Keeps no more than fifty messages of a session: the first ones."""

    def add(self, messages: list[Entry]) -> None:
        super().add(messages[:50])


class KeepsThread(Sound):
    """Every instance starts a thread that nothing ends; a daemon, so that no process waits."""

    def __init__(self) -> None:
        super().__init__()
        threading.Thread(target=_END.wait, daemon=True).start()


_END = threading.Event()


@pytest.mark.parametrize(
    ("check", "name", "problem", "told"),
    [
        ("protocol", "TakesMore", "protocol", "search is called as search(question), and is"),
        ("works", "FindsNothing", "finds_nothing", "told word for word ('I am allergic"),
        ("works", "TakesOutput", "takes_output", "sys.stdout"),
        ("ids", "TextAsId", "ids", "entries() returns the id 'Yes.' twice"),
        ("read_only", "Remembers", "not_read_only", "a search changed the entries"),
        ("snapshots", "LiveSnapshot", "snapshot", "a restored memory finds something else"),
        ("repair", "StandsWhenGone", "repair", "stand although a repair put out none"),
        ("repair", "IgnoresRepair", "repair", "that a repair put in the place of that of 'keep'"),
        ("threads", "OneQuestion", "threads", "questions asked in several threads"),
        ("unicode", "Ascii", "loses_text", "'зоя 北京' is not in memory"),
        ("unicode", "AsciiUnseen", "loses_text", "'зоя 北京' is not found by the same words"),
        ("empty", "FirstWord", "raises", "IndexError"),
        ("huge", "Short", "loses_text", "'parcel cellar' is not in memory"),
        ("huge", "ShortUnseen", "loses_text", "'parcel cellar' is not found by the same words"),
        ("huge", "Few", "loses_text", "'number 119' is not in memory"),
        ("cleanup", "KeepsThread", "leaves_behind", "threads go on running"),
    ],
)
def test_each_check_finds_its_planted_violation(
    check: str, name: str, problem: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That check, that problem, what it is, and how to mend it; and it alone."""
    monkeypatch.chdir(tmp_path)  # what others write beside it is not its doing
    with contextlib.redirect_stdout(sys.stdout):  # which one of them takes
        found = results(f"{__name__}:{name}")
    _END.set()
    _END.clear()
    ((where, finding),) = errors(found)
    assert (where, finding.problem) == (check, problem)
    assert told in finding.what
    assert finding.mend


def test_every_check_has_a_planted_violation() -> None:
    """Here, or beside the backends that are broken in other ways."""
    planted = {"determinism"}  # in processes of other days: by a test that has no table
    for test in (
        test_each_check_finds_its_planted_violation,
        others.test_what_a_finely_traced_backend_does_wrong_is_named,
    ):
        (table,) = (m for m in test.pytestmark if m.name == "parametrize")  # type: ignore[attr-defined]
        names, rows = table.args
        planted |= {row[names.index("check")] for row in rows}
    assert planted == {check.name for check in CHECKS}


def test_the_suite_closes_what_it_makes() -> None:
    """Every instance, by the end of the check that made it; and so it is shown in the list."""
    for result in check_backend(f"{__name__}:Counted", processes=False):
        assert not Counted.open, result.check
    assert Counted.made > len(CHECKS)
    assert _row(f"{__name__}:Counted").closes
    assert not _row(f"{__name__}:FirstWord").closes
