"""A wrong answer in use becomes a question of a data set, and its cause is shown."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from agent.chat.data_set import add_question, conversation_id
from agent.chat.flag import flag
from agent.chat.graph import MemoryAgent
from agent.chat.why import turn_of
from agent.cli.main import main
from evals.loaders import read_dataset
from tests.chat_fixture import agent_at, config, said, told
from traces.domain import Conversation, Message, Question, Session
from traces.errors import DataError, SettingsError

TURNS = ["I live in Lisbon.", "I collect stamps.", "I moved to Porto.", "Where do I live?"]


@pytest.fixture(scope="module")
def memory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A memory directory in which three users were told an old address as theirs."""
    directory = tmp_path_factory.mktemp("memory")
    with agent_at(directory) as agent:
        for user in ("Ana", "Ben", "Cleo"):
            assert told(agent, user, *TURNS) == "Lisbon"
        assert told(agent, "Ana", "What do I collect?") == "stamps"
    return directory


@pytest.fixture
def agent(memory: Path) -> Any:
    with agent_at(memory) as made:
        yield made


def flagged(agent: MemoryAgent, turn: str | None, correction: str, *evidence: str) -> Any:
    return flag(agent.turns.log, turn_of(agent.turns.log, "Ana", turn), correction, evidence)


def test_the_cause_is_named_from_the_record_alone(agent: MemoryAgent) -> None:
    """The attribution names the update that left the old address standing; it finds the
    evidence by itself, and calls no model."""
    found = flagged(agent, "t000004", "it is Porto").attribution
    assert (found.method, found.verdict) == ("provenance", "suspected")
    assert (found.error_type, found.sub_type) == ("UpdateError", "stale")
    assert found.evidence == ("t000003-1",)
    assert found.calls == 0
    graph = agent.turns.log.graph("Ana")
    assert graph.operations[found.operations[0]].scope == "t000003"
    assert found == flagged(agent, "4", "Porto", "t000003-1").attribution


def test_where_nothing_can_be_known_it_abstains_with_a_reason(agent: MemoryAgent) -> None:
    """A correction that nobody ever said in the conversation is not attributed."""
    found = flagged(agent, "t000004", "Reykjavik").attribution
    assert found.verdict == "abstained"
    assert found.reason == "no_evidence"


def test_the_conversation_is_what_memory_had_been_told(agent: MemoryAgent) -> None:
    """Sessions are the turns before the answer, dated by the clock; the question is asked as
    it was, on its own date; an "it is" before a correction is no part of the gold answer."""
    found = flagged(agent, "t000004", "No, it's  Porto ")
    sessions = found.conversation.sessions
    assert [(s.id, s.messages[0].text) for s in sessions] == [
        ("t000001", TURNS[0]), ("t000002", TURNS[1]), ("t000003", TURNS[2]),
    ]  # fmt: skip
    question = found.question
    assert (question.text, question.answer) == ("Ana: Where do I live?", "Porto")
    assert (question.asked_after, question.evidence) == ("t000003", ())
    assert question.asked_on == found.turn.date > sessions[-1].date
    nothing = flagged(agent, "t000004", "not mentioned").question
    assert (nothing.unanswerable, nothing.answer) == (True, None)


def test_wrong_flags_are_one_clear_line(agent: MemoryAgent) -> None:
    """No such turn or user, an empty correction, evidence that is none, and a first turn."""
    wrong = [
        ("t000099", "x", (), "no such turn; the last one is t000005"),
        ("soon", "x", (), "no such turn"),
        ("t000004", "  ", (), "--correction is empty"),
        ("t000004", "x", ("t000004-1",), "no message before t000004 has this id"),
    ]
    for turn, correction, evidence, line in wrong:
        with pytest.raises(SettingsError, match=line):
            flagged(agent, turn, correction, *evidence)
    with pytest.raises(DataError, match="is the first turn of 'Ana'"):
        flagged(agent, "t000001", "x")
    with pytest.raises(SettingsError, match=r"'Zoe' has no turn .* known users: Ana, Ben, Cle"):
        turn_of(agent.turns.log, "Zoe")


# the data set --------------------------------------------------------------------


def test_flagged_twice_is_one_question_and_one_conversation_a_user(
    agent: MemoryAgent, tmp_path: Path
) -> None:
    """A question flagged again has the later correction; another question of the user goes to
    the same conversation, which keeps the longest history; other lines stay byte for byte."""
    path = tmp_path / "data" / "flagged.jsonl"
    path.parent.mkdir()
    foreign = '{"id": "other",  "sessions": [{"date": "2024-01-01", "messages": [{"speaker": "X", "text": "Hi."}]}], "questions": [{"question": "Q?", "answer": "A"}]}'  # fmt: skip  # noqa: E501
    path.write_text(foreign, "utf-8")
    later = flagged(agent, "t000005", "coins").conversation
    first = add_question(path, flagged(agent, "t000004", "Oslo").conversation)
    assert (first.replaced, first.questions, first.conversations) == (False, 2, 2)
    add_question(path, later)
    again = add_question(path, flagged(agent, "t000004", "Porto").conversation)
    assert (again.replaced, again.questions, again.conversations) == (True, 3, 2)
    lines = path.read_text("utf-8").splitlines()
    assert lines[0] == foreign
    loaded = read_dataset("jsonl", path)
    assert loaded.findings == ()
    ana = next(c for c in loaded.dataset().conversations if c.id == "Ana")
    assert ana.sessions == later.sessions
    assert {q.id: q.answer for q in ana.questions} == {"t000004-q": "Porto", "t000005-q": "coins"}
    assert all(q.asked_on is not None for q in ana.questions)


def small(text: str = "Hello.", id: str = "Ana") -> Conversation:
    session = Session("t000001", datetime(2024, 5, 1), (Message("t000001-1", "Ana", text),))
    question = Question("t000002-q", "Ana: Who?", "Bo", "flagged", (), "t000001")
    return Conversation(id, (session,), (question,))


def test_a_file_that_is_no_data_set_of_ours_is_left_alone(tmp_path: Path) -> None:
    """Another conversation of the same name, a JSON list, and what is no JSON are refused in
    a line, and not touched."""
    path = tmp_path / "data.jsonl"
    add_question(path, small())
    for content, line in (
        (path.read_text("utf-8"), "holds another conversation of the name 'Ana'"),
        ("[" + path.read_text("utf-8") + "]", "one JSON object a line is wanted"),
        ("a,b,c\n", "data.jsonl"),
    ):
        path.write_text(content, "utf-8")
        with pytest.raises(DataError, match=line):
            add_question(path, small("Good evening."))
        assert path.read_text("utf-8") == content
    with pytest.raises(DataError, match=r"cannot be written .* choose another --out"):
        add_question(path / "below", small())


@pytest.mark.parametrize("user", ["Ana", "ana@example.org", "auth0|x", "x" * 300, "a\nb", " a "])
def test_any_users_conversation_can_be_loaded(tmp_path: Path, user: str) -> None:
    """Whatever a user is called and says, the file loads without a finding."""
    path = tmp_path / "data.jsonl"
    made = small("Null \x00 and half a pair \ud800.", user)
    add_question(path, made)
    loaded = read_dataset("jsonl", path)
    assert loaded.findings == ()
    (found,) = loaded.dataset().conversations
    assert found.id == conversation_id(user)
    assert found.sessions[0].messages[0].text == "Null \ufffd and half a pair \ufffd."


# the command ---------------------------------------------------------------------


def test_the_command_shows_the_cause_and_a_run_can_use_the_file(
    memory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    """`memtune flag` works beside a running agent, prints the marked journey at 80 columns,
    labelled; the file validates, and a run over three users attributes these failures."""
    monkeypatch.chdir(tmp_path)
    with agent_at(memory):
        base = ["flag", "t000004", "--memory", str(memory), "--correction", "it is Porto"]
        assert main([*base, "--user", "Ana"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("SIMULATED: a program plays the model")
    assert "cause     UpdateError/stale at update operation 'update', suspected" in shown
    assert "✗ here" in shown
    assert "Added to flagged.jsonl: now 1 question, 1 conversation." in shown
    assert "A run needs 3 conversations: 2 more users to flag." in shown
    assert all(len(line) <= 80 for line in shown.splitlines())
    assert main([*base, "--user", "Ben", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["attribution"]["verdict"] == "suspected"
    assert found["added"]["conversations"] == 2
    assert main([*base, "--user", "Cleo"]) == 0
    assert main(["validate", "--data", "flagged.jsonl"]) == 0
    arguments = ["run", "--data", "flagged.jsonl", "--rounds", "1", "--slip", "0", "--out", "r"]
    monkeypatch.setenv("MEMTUNE__STATE_DIR", str(tmp_path / "state"))
    assert main([*arguments, "--optimizer", "noop"]) == 0
    capsys.readouterr()
    assert main(["trace", "r", "Ana/t000004-q", "--json"]) == 0
    traced = json.loads(capsys.readouterr().out)
    assert traced["answer"]["prediction"] == "Lisbon"
    assert traced["attribution"]["sub_type"] == "stale"


def test_the_command_says_what_is_missing(
    memory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    """No correction, no memory there, no such user or turn: one line, exit code 2."""
    monkeypatch.chdir(tmp_path)
    for arguments, line in (
        (["flag"], "Missing option '--correction'"),
        (["flag", "--correction", "x"], "--memory memory: holds no turns (no memtune.db)"),
        (["flag", "--correction", "x", "--memory", str(memory)], "user 'user' has no turn"),
        (["flag", "7", "--correction", "x", "--memory", str(memory), "--user", "Ben"], "7: user"),
    ):
        assert main(arguments) == 2
        error = capsys.readouterr().err
        assert line in error
        assert len(error.splitlines()) == 1
    assert not (tmp_path / "flagged.jsonl").exists()


def test_a_flag_in_a_chat_does_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`/flag it is X` flags the last answer of the chat."""
    from agent.cli.chat_session import ChatSession

    with agent_at(tmp_path / "memory") as agent:
        for text in TURNS:
            agent.invoke(said(text), config("Ana"))
        session = ChatSession(agent, "Ana", tmp_path / "flagged.jsonl")
        session.take("/flag it is Porto")
        assert "UpdateError/stale" in capsys.readouterr().out
        with pytest.raises(SettingsError, match="--correction is empty"):
            session.take("/flag")
    (ana,) = read_dataset("jsonl", tmp_path / "flagged.jsonl").dataset().conversations
    assert ana.questions[0].answer == "Porto"
