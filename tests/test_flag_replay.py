"""A wrong answer in use, its cause proved by replaying the user's turns."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agent.chat.flag import Flagged, flag
from agent.chat.graph import MemoryAgent
from agent.chat.replaying import TurnReplayer
from agent.chat.why import turn_of
from agent.cli.main import main
from agent.models.gateway import metered
from agent.settings import load_settings
from tests.chat_fixture import Model, agent_at, config, said, told
from traces.errors import (
    BudgetExceeded,
    ContentError,
    OperationError,
    ProviderError,
    SettingsError,
)

TURNS = ["I live in Lisbon.", "I collect stamps.", "My desk is in room 214."]
ASKED = "Which room is my desk in?"
NOTHING = json.dumps({"facts": []})


class Forgetting(Model):
    """Extracts nothing from what mentions a desk, as long as `broken`."""

    def __init__(self) -> None:
        super().__init__(reply=self._reply)
        self.broken = True

    def _reply(self, task: str) -> str | None:
        dropped = task == "extraction" and "desk" in self.requests[-1] and self.broken
        return NOTHING if dropped else None


def conversed(agent: MemoryAgent, user: str, *texts: str) -> None:
    """Say things, each in a thread of its own: nothing goes with a question."""
    for number, text in enumerate(texts):
        agent.invoke(said(text), config(user, f"thread-{number}"))


@pytest.fixture
def model() -> Forgetting:
    return Forgetting()


@pytest.fixture
def agent(tmp_path: Path, model: Forgetting) -> Iterator[MemoryAgent]:
    """An agent that was told of a desk, did not extract it, and was asked for it."""
    with agent_at(tmp_path / "memory", model) as made:
        conversed(made, "Ana", *TURNS, ASKED)
        model.broken = False
        yield made


def flagged(agent: MemoryAgent, correction: str, *evidence: str, **given: Any) -> Flagged:
    turns = agent.turns
    turn = turn_of(turns.log, "Ana")
    return flag(turns.log, turn, correction, evidence, turns=turns, **given)


def replayer(agent: MemoryAgent, user: str, number: int) -> TurnReplayer:
    turns = agent.turns
    turn = turns.log.turn(user, number)
    assert turn is not None
    graph = turns.log.graph(user, turn.answer_pass)
    return TurnReplayer.opened(turns.parts, turn, graph, turns.embedder)


def rows(agent: MemoryAgent) -> list[Any]:
    database = agent.turns.log.database
    tables = ("turns", "passes", "operations", "answers", "prompt_sets")
    return [database.rows(f"SELECT * FROM {table}") for table in tables]


# the cause -----------------------------------------------------------------------------


def test_the_cause_is_proved_by_repairing_it(agent: MemoryAgent) -> None:
    """The extraction that left the desk out is repaired by itself, and the replayed turn gives
    the correction's answer; what that cost is said."""
    found = flagged(agent, "no, it's room 214, not 12").attribution
    assert (found.method, found.verdict) == ("replay", "certified")
    assert (found.error_type, found.sub_type) == ("ExtractionError", "omission")
    assert found.evidence == ("t000003-1",)
    graph = agent.turns.log.graph("Ana")
    assert graph.operations[found.operations[0]].scope == "t000003"
    certificate = found.certificate or {}
    assert "214" in certificate["answer_after"]
    assert certificate["control"]["same_answer"] is True
    assert 1 <= found.calls <= 24


def test_memory_and_record_stay_what_they_are(agent: MemoryAgent) -> None:
    """Whatever is replayed: the user's entries, turns and operations are untouched, and the
    next turn goes on from them."""
    before = rows(agent), agent.memories("Ana")
    assert flagged(agent, "room 214").attribution.verdict == "certified"
    assert (rows(agent), agent.memories("Ana")) == before
    assert told(agent, "Ana", "What do I collect?") == "stamps"


def test_without_turns_to_replay_the_record_is_read(agent: MemoryAgent) -> None:
    """Provenance names the same operation, unproved, and calls no model."""
    turn = turn_of(agent.turns.log, "Ana")
    with metered() as meter:
        found = flag(agent.turns.log, turn, "room 214").attribution
    assert (found.method, found.verdict, meter.calls) == ("provenance", "suspected", 0)
    assert found.operations == flagged(agent, "room 214").attribution.operations


# the record, replayed --------------------------------------------------------------------


@pytest.mark.parametrize("backend", ["fact_store", "rag"])
def test_every_turn_is_answered_again_from_the_record(tmp_path: Path, backend: str) -> None:
    """Threads with earlier messages, other users, prompts that changed, a turn that was
    remembered late, and entries that were forgotten: each recorded answer comes again, at no
    call and without the user's memory."""
    down = False

    def fault(task: str) -> None:
        if down and task in ("extraction", "update"):
            raise ContentError("no JSON")

    directory, model = tmp_path / "memory", Model(fault)
    with agent_at(directory, model, backend=backend) as agent:
        for user in ("Ana", "Ben"):
            told(agent, user, *TURNS, ASKED)
        conversed(agent, "Ana", "I moved to Porto.", "Where do I live?")
        (entry, *_) = agent.memories("Ana", "stamps")
        agent.forget("Ana", [entry.id])
        conversed(agent, "Ana", "What do I collect?")
        prompts = agent.turns.parts.prompts
    changed = prompts.with_changes({"response": prompts.instructions["response"] + "\nBe brief."})
    with agent_at(directory, model, backend=backend, prompts=changed) as agent:
        down = backend == "fact_store"
        conversed(agent, "Ana", "My cat is called Mia.")
        down = False
        conversed(agent, "Ana", "What is my cat called?", "Where do I live?")
        count = len(agent.turns.log.turns("Ana"))
        assert count == 10
        for number in range(1, count + 1):
            turn = agent.turns.log.turn("Ana", number)
            assert turn is not None
            with metered() as meter:
                opened = replayer(agent, "Ana", number)
                again = opened(_failure(turn), opened.recorded.recorded)([])
            assert (again.prediction, again.ran, meter.calls) == (turn.prediction, (), 0)
            opened.close()


def _failure(turn: Any) -> Any:
    from traces.domain import Conversation
    from traces.results import Failure

    return Failure(Conversation(turn.user, (turn.session,), ()), turn.question, "", 0)


def test_a_record_that_does_not_give_the_answer_again_is_refused(agent: MemoryAgent) -> None:
    """Operations that are not what the turn was made by are no ground for a proof: no model is
    asked, and provenance says what it can."""
    database = agent.turns.log.database
    database.write("UPDATE operations SET reuse_key = 'another' WHERE kind = 'extraction'")
    with pytest.raises(OperationError, match="t000004 cannot be replayed from its record"):
        replayer(agent, "Ana", 4)
    with metered() as meter:
        found = flagged(agent, "room 214")
    assert (found.attribution.method, meter.calls) == ("provenance", 0)
    assert "cannot be replayed" in found.remark
    with pytest.raises(OperationError):
        flagged(agent, "room 214", required=True)


# where replay is not possible ---------------------------------------------------------------


def test_a_model_that_is_down_leaves_provenance(agent: MemoryAgent, model: Forgetting) -> None:
    """The reason is told; who insists on replay gets the error."""

    def fault(task: str) -> None:
        raise ProviderError("no such key")

    model.fault = fault
    found = flagged(agent, "room 214")
    assert (found.attribution.method, found.attribution.verdict) == ("provenance", "suspected")
    assert "no such key" in found.remark
    with pytest.raises(ProviderError):
        flagged(agent, "room 214", required=True)


def test_replay_stays_within_the_budget_of_the_memory(tmp_path: Path, model: Forgetting) -> None:
    """Its calls count like a turn's; where the budget forbids them, the record is read."""
    with agent_at(tmp_path / "memory", model) as agent:
        conversed(agent, "Ana", *TURNS, ASKED)
        spent = agent.turns.parts.gateway.budget.calls
    model.broken = False
    settings = load_settings(max_calls=spent)
    with agent_at(tmp_path / "memory", model, settings=settings) as agent:
        found = flagged(agent, "room 214")
        assert found.attribution.method == "provenance"
        assert "max_calls" in found.remark
        assert agent.turns.parts.gateway.budget.calls == spent
        with pytest.raises(BudgetExceeded):
            flagged(agent, "room 214", required=True)


def test_another_model_than_the_one_that_answered_proves_nothing(
    agent: MemoryAgent, tmp_path: Path
) -> None:
    """A turn of another configuration is not replayed; the line says what to give."""
    parts = replace(agent.turns.parts, parameters="another")
    agent.turns.parts = parts
    found = flagged(agent, "room 214")
    assert found.attribution.method == "provenance"
    assert "give the one that answered (--model" in found.remark
    with pytest.raises(SettingsError, match="would prove nothing"):
        flagged(agent, "room 214", required=True)


# the command ---------------------------------------------------------------------------------


@pytest.fixture
def memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A memory that the simulated model made, seen from a fresh directory."""
    monkeypatch.chdir(tmp_path)
    directory = tmp_path / "memory"
    assert main(["chat", "--user", "Ana", "--once", "I live in Lisbon."]) == 0
    assert main(["chat", "--user", "Ana", "--once", "Where do I live?"]) == 0
    return directory


def test_the_command_replays_and_shows_the_certificate(memory: Path, capsys: Any) -> None:
    """`memtune flag` proves what it can with the model of the chat; its cost is shown."""
    capsys.readouterr()
    assert main(["flag", "--user", "Ana", "--correction", "nobody told you that"]) == 0
    shown = capsys.readouterr().out
    assert "cost" in shown
    assert "replay" in shown
    assert main(["flag", "--user", "Ana", "--correction", "Porto", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["attribution"]["method"] == "replay"
    assert found["not_replayed"] == ""
    arguments = ["flag", "--user", "Ana", "--correction", "Porto", "--method", "provenance"]
    assert main([*arguments, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["attribution"]["method"] == "provenance"


def test_the_backend_of_the_directory_need_not_be_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    """A memory of another backend than the default is replayed with that; `chat` goes on in it."""
    monkeypatch.chdir(tmp_path)
    said = ["chat", "--user", "Ana", "--once"]
    assert main([*said, "I live in Lisbon.", "--backend", "linked_notes"]) == 0
    assert main([*said, "Where do I live?"]) == 0
    capsys.readouterr()
    assert main(["flag", "--user", "Ana", "--correction", "Porto", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["attribution"]["method"], found["not_replayed"]) == ("replay", "")
    arguments = ["flag", "--user", "Ana", "--correction", "Porto", "--json"]
    assert main([*arguments, "--backend", "fact_store"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert "memories of the backend 'linked_notes', not of 'fact_store'" in found["not_replayed"]


def test_what_is_found_nowhere_says_what_to_do(memory: Path, capsys: Any) -> None:
    """An answer that memory was never told: name its messages, or say that it was not told."""
    capsys.readouterr()
    assert main(["flag", "--user", "Ana", "--correction", "Reykjavik"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "memtune flag t000002 --evidence ID,ID" in shown
    assert "--correction 'not mentioned'" in shown


def test_beside_a_running_agent_the_record_is_read(memory: Path, capsys: Any) -> None:
    """The memory is another process's: provenance, saying so; --method replay is refused."""
    from agent import create_memory_agent

    with create_memory_agent(memory=memory):
        capsys.readouterr()
        assert main(["flag", "--user", "Ana", "--correction", "Porto"]) == 0
        shown = " ".join(capsys.readouterr().out.split())
        assert "Not proved by replay:" in shown
        replayed = ["flag", "--user", "Ana", "--correction", "Porto", "--method", "replay"]
        assert main(replayed) == 1
        assert len(capsys.readouterr().err.splitlines()) == 1
    assert main(["flag", "--user", "Ana", "--correction", "x", "--method", "guess"]) == 2
    assert "choose replay or provenance" in capsys.readouterr().err
