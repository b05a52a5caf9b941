"""What cannot be loaded is refused in one line that says where, and what to do."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evals.loaders.locomo import load_locomo
from tests.locomo_fixture import locomo_samples
from traces.errors import DataError

Edit = Callable[[list[Any]], Any]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "locomo.json"


def _turn(samples: list[Any]) -> dict[str, Any]:
    turn: dict[str, Any] = samples[0]["conversation"]["session_1"][0]
    return turn


BAD: dict[str, tuple[Edit, str]] = {
    "no samples": (lambda s: s.clear(), "top level: holds no conversations"),
    "no object": (lambda s: s.insert(0, 3), r"\[0\]: is a number; expected an object"),
    "no id": (lambda s: s[0].pop("sample_id"), r"\[0\].sample_id: is missing"),
    "id twice": (lambda s: s[1].update(sample_id="conv-1"), r"\[1\].sample_id: repeats 'conv-1'"),
    "no history": (lambda s: s[0].pop("conversation"), "conversation: is missing"),
    "no sessions": (lambda s: s[0].update(conversation={}), "holds no session"),
    "no date": (
        lambda s: s[0]["conversation"].pop("session_1_date_time"),
        r"\[0\] \('conv-1'\).conversation.session_1_date_time: is missing",
    ),
    "odd date": (
        lambda s: s[0]["conversation"].update(session_1_date_time="yesterday"),
        "'yesterday' is not a date; write '1:56 pm on 8 May, 2023'",
    ),
    "turns no list": (lambda s: s[0]["conversation"].update(session_1="x"), "expected a list"),
    "no text": (lambda s: _turn(s).pop("text"), r"session_1\[0\].text: is missing"),
    "no speaker": (lambda s: _turn(s).update(speaker=" "), r"session_1\[0\].speaker: is empty"),
    "dia_id twice": (lambda s: _turn(s).update(dia_id="D1:2"), "'D1:2' occurs twice"),
    "surrogate": (lambda s: _turn(s).update(text="a\ud800"), "a lone surrogate at position 1"),
    "NUL": (lambda s: _turn(s).update(text="ab\0"), "a NUL character at position 2"),
    "10 MB": (lambda s: _turn(s).update(text="x" * 10_000_000), "has 10,000,000 characters"),
    "no qa": (lambda s: s[0].pop("qa"), "qa: is missing"),
    "no questions": (lambda s: [x.update(qa=[]) for x in s], "no conversation has a usable"),
    "category": (lambda s: s[0]["qa"][0].update(category=7), r"qa\[0\].category: is 7"),
    "answer type": (lambda s: s[0]["qa"][0].update(answer=["a"]), r"qa\[0\].answer: is a list"),
    "evidence type": (lambda s: s[0]["qa"][0].update(evidence=[4]), r"qa\[0\].evidence: is a num"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_content_is_one_line_that_names_file_and_field(file: Path, name: str) -> None:
    """Each kind of unusable content raises DataError of one short line."""
    edit, expected = BAD[name]
    samples = locomo_samples(conversations=2)
    edit(samples)
    file.write_text(json.dumps(samples), encoding="utf-8")
    with pytest.raises(DataError, match=expected) as caught:
        load_locomo(file)
    message = str(caught.value)
    assert message.startswith(f"{file}: ")
    assert "\n" not in message
    assert len(message) < 300 + len(str(file))
    message.encode("utf-8")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "is empty"),
        (b" \n", "is empty"),
        (b"{", "line 1, column 2: is not JSON"),
        (b"[\n\xff]", "line 2: is not UTF-8"),
        (b'{"a": 1}', "top level: is an object; expected a list"),
        (b'[{"a": 1, "a": 2}]', "key 'a' occurs twice"),
        (b"[" * 200_000, "nested too deeply|is not JSON"),
        (b"[" + b"1" * 5000 + b"]", "a number too long"),
    ],
)
def test_files_that_are_not_the_format_are_refused(
    file: Path, content: bytes, expected: str
) -> None:
    """Broken bytes, broken JSON and other shapes each say what is wrong and where."""
    file.write_bytes(content)
    with pytest.raises(DataError, match=expected):
        load_locomo(file)


def test_unreadable_paths_are_refused(tmp_path: Path) -> None:
    """A missing file and a directory say that they cannot be read."""
    for path in (tmp_path / "none.json", tmp_path):
        with pytest.raises(DataError, match="cannot be read"):
            load_locomo(path)
    with pytest.raises(DataError, match="usable path"):
        load_locomo(Path("a\0b"))


def test_a_byte_order_mark_is_tolerated(file: Path) -> None:
    """A file that an editor marked as UTF-8 loads."""
    file.write_text(json.dumps(locomo_samples()), encoding="utf-8-sig")
    assert load_locomo(file).conversations
