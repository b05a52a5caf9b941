"""memtune's own format: what may be left out, how dates are read, and what stays stable."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.loaders import load_dataset, read_dataset
from evals.loaders.dates import Date, read_date
from evals.loaders.jsonl import read_jsonl
from evals.loaders.problems import Trouble
from tests.planted_defects import conversation
from traces.domain import Conversation
from traces.errors import DataError, SettingsError


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("jsonl") / "data.jsonl"


def load(file: Path, *conversations: Any, **options: Any) -> tuple[Conversation, ...]:
    file.write_text("".join(json.dumps(c) + "\n" for c in conversations), "utf-8")
    loaded = read_jsonl(file, **options)
    assert loaded.errors == ()
    return loaded.conversations


def bare(text: str = "I live in Lisbon.") -> dict[str, Any]:
    """A conversation with nothing but what is needed."""
    return {
        "sessions": [{"date": "2024-05-01", "messages": [{"speaker": "Ada", "text": text}]}],
        "questions": [{"question": "Where does Ada live?", "answer": "Lisbon"}],
    }


def test_ids_are_made_where_they_are_left_out(file: Path) -> None:
    """Of conversations from what was said, of the rest from their place; evidence may name them."""
    raw = bare()
    raw["questions"][0]["evidence"] = "s1:1"
    one, other = load(file, raw, bare("I live in Porto."))
    assert one.id.startswith("c-")
    assert one.id != other.id
    assert [s.id for s in one.sessions] == ["s1"]
    assert [m.id for m in one.sessions[0].messages] == ["s1:1"]
    assert one.questions[0].evidence == ("s1:1",)
    assert one.questions[0].id == f"{one.id}:q1"


def test_made_ids_do_not_depend_on_the_other_lines(file: Path) -> None:
    """A conversation keeps its id when lines are put before it or its questions change."""
    (alone,) = load(file, bare())
    changed = bare()
    changed["questions"].append({"question": "Since when?", "answer": None})
    assert load(file, bare("x"), changed)[1].id == alone.id


def test_two_lines_with_the_same_messages_are_one_too_many(file: Path) -> None:
    """Without ids they cannot be told apart: refused, naming the first."""
    file.write_text(json.dumps(bare()) + "\n" + json.dumps(bare()) + "\n", "utf-8")
    with pytest.raises(DataError, match=r"line 2: has the same messages as line 1; keep one"):
        read_jsonl(file).dataset()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("listed", [False, True])
def test_layouts_hold_the_same(tmp_path: Path, encoding: str, end: str, listed: bool) -> None:
    """Lines or a list, either line end, with or without a byte order mark: one hash."""
    good = [conversation(n) for n in range(3)]
    good[1]["sessions"][0]["messages"][0]["text"] = "Grüße \U0001f44b\U0001f3fd from Ørsted \u2028!"
    lines = [json.dumps(c, ensure_ascii=False) for c in good]
    text = json.dumps(good, indent=2) if listed else "\n".join(lines)
    path = tmp_path / "d.jsonl"
    path.write_bytes(text.replace("\n", end).encode(encoding))
    plain = tmp_path / "plain.jsonl"
    plain.write_text("\n".join(lines), "utf-8")
    assert load_dataset("jsonl", path).hash == load_dataset("jsonl", plain).hash
    assert load_dataset("jsonl", path).problems == ()


def test_answers_may_be_numbers_and_truth_values(file: Path) -> None:
    """3 is '3', true is 'yes'; null is no gold answer on purpose, and no problem."""
    raw = bare()
    raw["questions"] = [
        {"question": f"q{n}", "answer": answer} for n, answer in enumerate([3, 2.5, True, False])
    ]
    raw["questions"].append({"question": "later", "answer": None})
    (found,) = load(file, raw)
    assert [q.answer for q in found.questions] == ["3", "2.5", "yes", "no", None]
    assert load_dataset("jsonl", file).problems == ()


def test_a_dated_question_is_asked_after_the_last_session_begun(file: Path) -> None:
    """`asked_on` dates the question; without `asked_after` it also says when it is asked."""
    raw = conversation(1)
    raw["questions"] = [
        {"question": "a", "answer": "x", "asked_on": "2024-05-20"},
        {"question": "b", "answer": "x", "asked_on": "2024-07-20T10:00"},
        {"question": "c", "answer": "x", "asked_on": "2024-07-20", "asked_after": "s1"},
        {"question": "d", "answer": "x"},
    ]
    (found,) = load(file, raw)
    assert [q.asked_after for q in found.questions] == ["s1", None, "s1", None]
    assert found.questions[1].asked_on == datetime(2024, 7, 20, 10)
    assert found.questions[3].asked_on is None


def test_time_zones_are_cut_off_and_a_mixture_is_told(file: Path) -> None:
    """Times stay as the speakers saw them; offsets that differ are a warning, dates alone none."""
    raw = conversation(1)
    raw["sessions"][0]["date"] = "2024-05-01T23:30+02:00"
    raw["sessions"][1]["date"] = "2024-06-01"
    (found,) = load(file, raw)
    assert found.sessions[0].date == datetime(2024, 5, 1, 23, 30)
    assert read_jsonl(file).findings == ()
    raw["sessions"][1]["date"] = "2024-06-01T08:00:00Z"
    load(file, raw)
    (finding,) = read_jsonl(file).findings
    assert finding.kind == "mixed_time_zones"
    assert "(+02:00, +00:00)" in finding.problem


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2024-05-01", datetime(2024, 5, 1)),
        ("2024-05-01 18:30", datetime(2024, 5, 1, 18, 30)),
        ("2024-05-01T8:05", datetime(2024, 5, 1, 8, 5)),
        ("2024-05-01T18:30:05.25Z", datetime(2024, 5, 1, 18, 30, 5, 250000)),
        ("2023/05/20 (Sat) 02:21", datetime(2023, 5, 20, 2, 21)),
        ("2025-12-15 (Monday)", datetime(2025, 12, 15)),
        (1714588200, datetime(2024, 5, 1, 18, 30)),
        (1714588200000, datetime(2024, 5, 1, 18, 30)),
        ("1714588200", datetime(2024, 5, 1, 18, 30)),
        (1714588200.5, datetime(2024, 5, 1, 18, 30, 0, 500000)),
    ],
)
def test_dates_are_read_in_these_forms(written: Any, expected: datetime) -> None:
    """ISO 8601, year first, weekdays, epoch seconds and milliseconds."""
    found = read_date(written)
    assert isinstance(found, Date)
    assert found.when == expected


@given(st.text() | st.floats() | st.integers() | st.none() | st.booleans() | st.lists(st.none()))
def test_no_value_breaks_the_reading_of_dates(value: Any) -> None:
    """Whatever it is, it is a naive date or a trouble with a way out."""
    found = read_date(value)
    assert isinstance(found, Trouble) or found.when.tzinfo is None
    assert isinstance(found, Date) or "2024-05-01" in found.fix


@pytest.mark.parametrize("written", ["01/05/2024", "yesterday", "20 May", 20240501, True, "2024"])
def test_ambiguous_dates_are_not_guessed(written: Any) -> None:
    """Day or month first, words and serial numbers are refused."""
    assert isinstance(read_date(written), Trouble)


def test_names_of_fields_are_mapped(file: Path) -> None:
    """A mapping reads other names, dotted ones inside objects, and refuses unknown ones."""
    raw = bare()
    raw["sessions"][0] = {"when": {"start": "2024-05-01"}, "turns": [{"who": "Ada", "text": "x"}]}
    (found,) = load(file, raw, fields={"date": "when.start", "messages": "turns", "speaker": "who"})
    assert found.sessions[0].messages[0].speaker == "Ada"
    with pytest.raises(SettingsError, match="has no field 'txt'; choose among"):
        read_jsonl(file, {"txt": "body"})
    with pytest.raises(SettingsError, match="field names of its own"):
        read_dataset("locomo", file, fields={"text": "body"})


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["id", "sessions", "date", "messages", "speaker", "text", "questions", "question",
                 "answer", "evidence", "asked_after", "unanswerable", "x"]
            ),
            inner, max_size=6,
        ),
        max_leaves=30,
    )
)  # fmt: skip
def test_whatever_a_line_holds_it_is_read_or_told(file: Path, value: Any) -> None:
    """No JSON value breaks the loader: it gives conversations, or errors with line and way out."""
    file.write_text(json.dumps(value).replace("\n", " ") + "\n", "utf-8")
    loaded = read_jsonl(file)
    assert loaded.errors or any(c.questions for c in loaded.conversations)
    assert all(finding.fix for finding in loaded.findings)


def test_the_cost_of_loading_grows_with_the_file(file: Path) -> None:
    """Texts are checked once each, however many messages a conversation has."""
    from evals.loaders import node

    counted: list[int] = []
    with pytest.MonkeyPatch.context() as patch:
        for size in (200, 400):
            calls = 0

            def count(value: object, *, empty: bool = False, inner: Any = node.text_trouble) -> Any:
                nonlocal calls
                calls += 1
                return inner(value, empty=empty)

            raw = bare()
            raw["sessions"][0]["messages"] *= size
            file.write_text(json.dumps(raw), "utf-8")
            patch.setattr(node, "text_trouble", count)
            assert read_jsonl(file).errors == ()
            counted.append(calls)
            patch.undo()
    assert counted[1] - counted[0] == 2 * 200  # a speaker and a text each
