"""Data from a loader of the user's own, and which loader a file is for when nobody says."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from textwrap import dedent

import pytest

from agent.loop.assemble import load_data
from agent.loop.data_source import dataset_name
from agent.settings import load_settings
from evals.loaders.detect import CHOICES, detect
from tests.locomo_fixture import locomo_samples, write_locomo
from tests.planted_defects import conversation
from tests.test_loader_published import item, person
from traces.domain import Dataset
from traces.errors import DataError, SettingsError

Write = Callable[[str], str]
HEAD = """
    from dataclasses import replace
    from datetime import datetime, timezone
    from traces.domain import Conversation, Dataset, Message, Question, Session

    def made(n, **changes):
        message = Message("m1", "Ada", f"My locker has number {n}.")
        question = Question("q1", "Which locker has Ada?", str(n), evidence=("m1",))
        session = Session("s1", datetime(2024, 5, 1), (message,))
        return replace(Conversation(f"c{n}", (session,), (question,)), **changes)
"""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Write a loader of the user's own into the working directory; return its name."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))

    def write(body: str) -> str:
        name = f"own_loader_{abs(hash(body)) % 10**12}"
        (tmp_path / f"{name}.py").write_text(dedent(HEAD) + dedent(body), "utf-8")
        monkeypatch.delitem(sys.modules, name, raising=False)
        return f"{name}:load"

    return write


def load(name: str, data: Path | None = None) -> Dataset:
    return load_data(load_settings(dataset=name, data=data))


def refused(name: str, data: Path | None = None) -> str:
    """Return the one line that the loader is refused with."""
    with pytest.raises((DataError, SettingsError)) as caught:
        load(name, data)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(f"--dataset {name}: ")
    return message


def test_a_generator_a_list_and_a_data_set_are_taken(own: Write) -> None:
    """With the path where there is one; a data set keeps its name and what it says of itself."""
    generator = own("def load(path):\n    for n in range(int(path.read_text())): yield made(n)")
    Path("number.txt").write_text("4")
    found = load(generator, Path("number.txt"))
    assert [c.id for c in found.conversations] == ["c0", "c1", "c2", "c3"]
    assert found.name == generator.replace(":", ".")
    assert found.problems == ()
    assert load(own("def load():\n    return [made(1), made(2)]")).conversations == (
        load(own("def load(path=None):\n    return (made(n) for n in (1, 2))")).conversations
    )
    whole = load(own("def load():\n    return Dataset('mine', (made(1),), ('old',), True)"))
    assert (whole.name, whole.problems, whole.simulated) == ("mine", ("old",), True)


def test_a_loader_that_raises_on_its_seventh_record_is_one_line(own: Write) -> None:
    """Its name, what it raised and where, how many conversations came before, the way out."""
    name = own(
        """
        def load():
            for n in range(9):
                if n == 6:
                    raise ValueError("no such\\n column")
                yield made(n)
        """
    )
    said = refused(name)
    assert "raised ValueError: no such column (own_loader_" in said
    assert ", line " in said
    assert "after 6 conversations" in said
    assert "memtune validate" in said


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("def load():\n    raise KeyError('x')", "raised KeyError: 'x' ("),
        ("def load():\n    raise SystemExit(3)", "raised SystemExit: 3 ("),
        ("def load():\n    return {'a': 1}", "gave a dict; return a traces.domain.Dataset"),
        ("def load():\n    return None", "gave a NoneType; return"),
        ("def load():\n    return 'c1'", "gave a str; return"),
        ("def load():\n    return [made(1), {}]", "gave a dict as conversation 2; return"),
        ("def load(path):\n    return []", "needs a path: give --data"),
        ("load = 5", "is no function but a int"),
        ("def load():\n    return []", "top level: holds no conversations"),
        ("def load():\n    return [made(1, questions=())]", "no conversation has a usable"),
        ("def load():\n    return [made(1), made(1)]", "id 'c1' is that of conversation 1"),
        ("def load():\n    return [made(1, sessions=None)]", "conversation 1 ('c1').sessions: is "),
        (
            "def load():\n    s = made(1).sessions[0]\n"
            "    return [made(1, sessions=(replace(s, date='2024'),))]",
            "conversation 1 ('c1').sessions[0].date: is of type str; give a datetime",
        ),
        (
            "def load():\n    s = made(1).sessions[0]\n"
            "    return [made(1, sessions=(replace(s, messages=(Message('m', 'A', 3),)),))]",
            "sessions[0].messages[0].text: is a number",
        ),
    ],
)
def test_what_cannot_be_used_is_named(own: Write, body: str, expected: str) -> None:
    """Exceptions, other types and unusable conversations, each in one line with a way out."""
    assert expected in refused(own(body))


def test_a_path_that_is_not_wanted_is_told(own: Write) -> None:
    """So is a module that is not there, and an attribute that it does not have."""
    name = own("def load():\n    return [made(1)]")
    Path("x").write_text("")
    assert "takes no path: leave out --data" in refused(name, Path("x"))
    assert "cannot be imported" in refused("no_such_module:load")
    assert "has no 'lod'" in refused(name.replace(":load", ":lod"))


def test_conversations_of_a_program_are_checked_like_those_of_a_file(own: Write) -> None:
    """Evidence to nowhere is a problem; a time zone is cut off; what is unknown to judge by is
    left out with a problem."""
    name = own(
        """
        def load():
            c = made(1)
            aware = replace(c.sessions[0], date=datetime(2024, 5, 1, 23, tzinfo=timezone.utc))
            yield replace(c, sessions=[aware], questions=(
                replace(c.questions[0], evidence=["m1", "m7"]),
                Question("q2", "Why?", None),
            ))
        """
    )
    found = load(name)
    (only,) = found.conversations
    assert only.sessions[0].date == datetime(2024, 5, 1, 23, tzinfo=UTC).replace(tzinfo=None)
    assert [q.evidence for q in only.questions] == [("m1",)]
    assert found.problems == (
        "c1, question q1: evidence 'm7' points to no message",
        "1 question has no gold answer and cannot be judged: not asked",
    )


# which loader a file is for -------------------------------------------------------


def _files(directory: Path) -> dict[str, Path]:
    """Return a file in each format, named so that the name says nothing."""
    made = {name: directory / f"{name}.data" for name in CHOICES}
    made["jsonl"].write_text(json.dumps(conversation(1)) + "\n", "utf-8")
    made["csv"].write_text("conversation;date;speaker;text\n", "utf-8-sig")
    made["chat"].write_text(json.dumps([{"messages": [{"role": "user"}]}], indent=1), "utf-8")
    write_locomo(made["locomo"], locomo_samples())
    made["longmemeval"].write_text(json.dumps([item("a")]), "utf-8")
    made["realmem"].write_text(json.dumps(person(), indent=2), "utf-8")
    return made


def test_each_format_is_recognised_by_its_content(tmp_path: Path) -> None:
    """Keys of the first record, or the names of columns; a broken first line does not hide it."""
    made = _files(tmp_path)
    assert {name: detect(path) for name, path in made.items()} == {n: n for n in CHOICES}
    for name in ("jsonl", "chat", "longmemeval", "realmem", "locomo"):
        whole = made[name].read_bytes()
        made[name].write_bytes(whole[: len(whole) * 3 // 4])
        assert detect(made[name]) == name
    made["jsonl"].write_text("{broken\n" + json.dumps(conversation(1)) + "\n", "utf-8")
    assert detect(made["jsonl"]) == "jsonl"


def test_the_user_s_names_of_fields_count_for_recognition(tmp_path: Path) -> None:
    """A file whose fields are called otherwise is recognised with the mapping."""
    path = tmp_path / "a.data"
    path.write_text('{"log": {"turns": []}}\n', "utf-8")
    assert detect(path, {"messages": "log.turns"}) == "chat"
    assert detect(path, {"sessions": "log"}) == "jsonl"
    path.write_text("who,body\n", "utf-8")
    assert detect(path, {"speaker": "who", "text": "body"}) == "csv"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b'{"messages": [], "sessions": []}', "could be jsonl or chat; say which with --dataset"),
        (b'[{"a": 1}]', "is in no format that is known; say which with --dataset jsonl, csv"),
        (b"hello world", "is in no format that is known"),
        (b"\x1f\x8b\x08\x00", "is compressed"),
        (b"PK\x03\x04", "save the sheet as CSV"),
        ("id,text".encode("utf-16"), "is not UTF-8 but UTF-16"),
        (b" \n", "is empty"),
        (b"[" * 100_000, "is in no format that is known"),
        (b"\x00\xff", "is in no format that is known"),
    ],
)
def test_what_cannot_be_told_is_asked_for(tmp_path: Path, content: bytes, expected: str) -> None:
    """Two formats, none and foreign files are refused, with the choices."""
    path = tmp_path / "a.json"
    path.write_bytes(content)
    with pytest.raises(DataError, match=expected):
        detect(path)


def test_a_pipe_is_refused_not_read_in_part(tmp_path: Path) -> None:
    """A file is opened more than once; what can be read only once would lose its beginning."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DataError, match="is no regular file; write its content to one first"):
        detect(tmp_path / "pipe")


def test_the_name_that_was_asked_for_is_not_second_guessed(tmp_path: Path) -> None:
    """--dataset wins; with neither it is the synthetic world; a directory holds RealMem."""
    path = _files(tmp_path)["chat"]
    assert dataset_name(load_settings(data=path)) == "chat"
    assert dataset_name(load_settings(data=path, dataset="jsonl")) == "jsonl"
    assert dataset_name(load_settings()) == "synthetic"
    with pytest.raises(DataError, match="is a directory"):
        detect(tmp_path)
    (tmp_path / "Lin.json").write_text("{}", "utf-8")
    assert detect(tmp_path) == "realmem"
    with pytest.raises(DataError, match=r"is generated, not read.*leave out --dataset"):
        load_data(load_settings(data=path, dataset="synthetic"))
