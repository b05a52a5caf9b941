"""Chat logs and tables: how messages become sessions, and where questions come from."""

from __future__ import annotations

import csv
import io
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.loaders.chat import read_chat
from evals.loaders.csv_file import read_csv
from evals.loaders.findings import Loaded
from traces.errors import DataError


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("logs") / "log"


def said(text: Any, when: Any = None, role: str = "user", **more: Any) -> dict[str, Any]:
    dated = {} if when is None else {"timestamp": when}
    return {"role": role, "content": text, **dated, **more}


def chat(file: Path, *records: Any, **fields: str) -> Loaded:
    file.write_text("".join(json.dumps(r) + "\n" for r in records), "utf-8")
    return read_chat(file, fields)


def table(file: Path, content: str, **fields: str) -> Loaded:
    file.write_bytes(content.encode("utf-8", "surrogateescape"))
    return read_csv(file, fields)


def kinds(loaded: Loaded) -> list[tuple[str, int | None]]:
    return [(finding.kind, finding.line) for finding in loaded.findings]


QUESTION = {"question": "Where?", "answer": "Lisbon"}


def test_a_gap_of_more_than_six_hours_begins_a_session(file: Path) -> None:
    """Its date is that of its first message; six hours are still the same session."""
    loaded = chat(
        file,
        {
            "id": "t",
            "questions": [QUESTION],
            "messages": [
                said("a", "2024-05-01T08:00"),
                said("b", "2024-05-01T14:00", role="assistant"),
                said("c", "2024-05-01T20:00:01"),
            ],
        },
    )
    assert loaded.findings == ()
    (found,) = loaded.conversations
    assert [[m.text for m in s.messages] for s in found.sessions] == [["a", "b"], ["c"]]
    assert found.sessions[1].date == datetime(2024, 5, 1, 20, 0, 1)
    assert [m.speaker for m in found.sessions[0].messages] == ["user", "assistant"]
    assert found.questions[0].answer == "Lisbon"


def test_a_session_field_divides_where_there_is_one(file: Path) -> None:
    """Whatever the times: equal values are one session, in the order of their dates."""
    loaded = chat(
        file,
        {
            "questions": [QUESTION],
            "messages": [
                said("b", "2024-05-02", session="two"),
                said("a", "2024-05-01", session="one"),
                said("c", "2024-05-03", session="two"),
            ],
        },
    )
    sessions = loaded.conversations[0].sessions
    assert [(s.id, [m.text for m in s.messages]) for s in sessions] == [
        ("one", ["a"]), ("two", ["b", "c"]),
    ]  # fmt: skip


def test_records_of_one_user_become_one_conversation(file: Path) -> None:
    """A mapped field joins records, each at least a session; questions may follow on their own."""
    loaded = chat(
        file,
        {"id": "2", "user": {"id": "ada"}, "messages": [said("later", 1714588200)]},
        {"id": "1", "user": {"id": "ada"}, "messages": [said("first", 1714588100000)]},
        {"conversation": "ada", "id": "q9", **QUESTION, "evidence": ["s1:1"]},
        conversation="user.id",
    )
    assert loaded.findings == ()
    (found,) = loaded.conversations
    assert found.id == "ada"
    assert [[m.text for m in s.messages] for s in found.sessions] == [["first"], ["later"]]
    assert (found.questions[0].id, found.questions[0].evidence) == ("q9", ("s1:1",))


def test_what_is_no_utterance_is_left_out_and_said(file: Path) -> None:
    """System and tool messages, calls without text and pictures: each told once, with a count."""
    parts = [{"type": "text", "text": "Look:"}, {"type": "image_url", "image_url": {"url": "x"}}]
    loaded = chat(
        file,
        {
            "questions": [QUESTION],
            "created_at": "2024-05-01",
            "messages": [
                said("be kind", role="system"),
                said("be brief", role="system"),
                said(None, role="assistant", tool_calls=[{}]),
                said("42", role="tool"),
                said(parts, name="Ada"),
                said(["plain", {"text": "part"}]),
            ],
        },
    )
    assert loaded.errors == ()
    messages = loaded.conversations[0].sessions[0].messages
    assert [(m.speaker, m.text) for m in messages] == [
        ("Ada", "Look:"), ("user", "plain\npart"),
    ]  # fmt: skip
    assert loaded.conversations[0].sessions[0].date == datetime(2024, 5, 1)
    told = {finding.kind: finding.problem for finding in loaded.findings}
    assert set(told) == {"left_out_role", "message_without_text", "left_out_part"}
    assert any("system" in f.problem and "first of 2" in f.problem for f in loaded.findings)


def test_messages_without_any_date_are_refused_with_a_way_out(file: Path) -> None:
    """A date is never made up."""
    loaded = chat(file, {"questions": [QUESTION], "messages": [said("a"), said("b")]})
    (finding,) = loaded.findings
    assert (finding.kind, finding.line) == ("missing_date", 1)
    assert "'created_at'" in finding.fix


def test_a_log_of_any_order_is_told_and_loaded(file: Path) -> None:
    """Messages that go back in time are kept as they stand, with a warning."""
    loaded = chat(
        file,
        {"questions": [QUESTION],
         "messages": [said("a", "2024-05-01T10:00"), said("b", "2024-05-01T09:00")]},
    )  # fmt: skip
    assert kinds(loaded) == [("message_order", 1)]
    assert len(loaded.conversations[0].sessions) == 1


def test_a_question_about_nobody_is_refused(file: Path) -> None:
    """It names a conversation that has no messages, or none at all."""
    loaded = chat(
        file,
        {"id": "a", "messages": [said("a", 1714588200)]},
        {"conversation": "b", **QUESTION},
        QUESTION,
    )
    assert {("unknown_conversation", 2), ("missing_conversation", 3)} <= set(kinds(loaded))


TABLE = """conversation,session,date,speaker,text,question,answer,evidence
ada,s1,2024-05-01T18:30,Ada,"I live in Lisbon, ""the old town"".
Really.",,,
ada,s1,,Bruno,Lovely \U0001f642!,,,
ada,,2024-06-01,,,Where does Ada live?,Lisbon,"s1:1; s1:2"
"""


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("bom", ["", "\ufeff"])
def test_a_table_is_read_whatever_its_dialect(
    file: Path, delimiter: str, end: str, bom: str
) -> None:
    """Delimiters, quotes, line ends inside and outside of them, and a byte order mark."""
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, lineterminator=end).writerows(
        csv.reader([*io.StringIO(TABLE)])
    )
    loaded = table(file, bom + out.getvalue())
    assert loaded.findings == ()
    (found,) = loaded.conversations
    (session,) = found.sessions
    assert session.messages[0].text == 'I live in Lisbon, "the old town".\nReally.'
    assert session.messages[1].text == "Lovely \U0001f642!"
    assert session.date == datetime(2024, 5, 1, 18, 30)
    (question,) = found.questions
    assert question.evidence == ("s1:1", "s1:2")
    assert question.asked_on == datetime(2024, 6, 1)


def test_a_row_that_is_wrong_is_told_with_the_line_it_begins_on(file: Path) -> None:
    """Rows before it may take several lines; rows after it are still read."""
    loaded = table(
        file,
        TABLE
        + "ada,s1,,,no speaker,,,\n"
        + "ada,s1,,Ada,a,b,,\n"
        + 'ada,s1,,Ada,"a"b,,,\n'
        + "ada,s1,,Ada,\udcff,,,\n"
        + "ada,s1,,Ada,a,,,,more\n"
        + ",s1,,Ada,a,,,\n"
        + "ada,,,,,Why?,,m9\n"
        + "ada,s1,soon,Ada,a,,,\n",
    )
    assert kinds(loaded) == [
        ("empty_speaker", 6), ("message_and_question", 7), ("bad_quotes", 8), ("not_utf8", 9),
        ("row_too_long", 10), ("missing_conversation", 11), ("bad_date", 13),
        ("missing_answer", 7), ("missing_answer", 12),
    ]  # fmt: skip


def test_columns_are_mapped_missed_and_suggested(file: Path) -> None:
    """What is needed must be there under some name; what looks like it is suggested."""
    loaded = table(file, "user,who,body,dat\nada,Ada,Hello,2024-05-01\n")
    assert {k for k, _ in kinds(loaded)} == {"unknown_field", "missing_column"}
    assert any("did you mean 'date'?" in finding.fix for finding in loaded.findings)
    loaded = table(
        file, "user,who,body,day,q\nada,Ada,Hello,2024-05-01,\nada,,,,Hm?\n",
        conversation="user", speaker="who", text="body", date="day", question="q",
    )  # fmt: skip
    assert loaded.errors == ()
    assert loaded.conversations[0].sessions[0].messages[0].text == "Hello"


@given(st.text(alphabet='abc,;"\n\r\t\0|\ufeff \udcff', max_size=60))
def test_no_table_breaks_the_loader(file: Path, rest: str) -> None:
    """Any text after the columns gives conversations or errors, and the csv module's limit is
    put back."""
    before = csv.field_size_limit()
    loaded = table(file, "conversation,speaker,text,question\n" + rest)
    assert loaded.errors or loaded.conversations
    assert csv.field_size_limit() == before


@pytest.mark.parametrize("content", ["", "\n \n", "\ufeff"])
def test_an_empty_table_is_an_empty_file(file: Path, content: str) -> None:
    """Blank lines are nothing."""
    with pytest.raises(DataError, match="is empty"):
        table(file, content).dataset()
