"""The agent's graph in evaluation: a session is ingested, a question answered."""

from __future__ import annotations

from datetime import datetime

from agent.episodes import EpisodeRunner
from agent.memory_agent import build_agent
from agent.models.budget import Budget, Limits
from agent.models.gateway import Gateway
from agent.models.language_model import dspy_scope
from agent.response import response_slot
from agent.turn import Turn
from memory_backends.registry import create_backend
from tests.chat_fixture import Model
from traces.database import Database
from traces.domain import Conversation, Message, PromptSet, Question, Session
from traces.ledger import Ledger
from traces.operation import OperationContext, Recorder

SESSION = Session("s1", datetime(2024, 5, 1), (Message("m1", "Ana", "I live in Lisbon."),))
QUESTION = Question("q1", "Where does Ana live?", "Lisbon")


def prompts(backend: str) -> PromptSet:
    slots = (*create_backend(backend).slots, response_slot())
    return PromptSet({slot.name: slot.seed for slot in slots})


def test_state_holds_handles_only(database: Database) -> None:
    """Ingest returns the session's id; a question returns entry ids and the answer's id; the
    contents stay in backend and context."""
    gateway = Gateway({"agent": Model()}, Ledger(database), Budget(Limits()))
    backend, agent = create_backend("fact_store"), build_agent()
    recorder = Recorder()
    ctx = OperationContext(
        "c", "", SESSION.date, prompts("fact_store"), gateway.bind, recorder=recorder
    )
    with dspy_scope():
        taken = agent.invoke(
            {"session": "s1"},
            context=Turn(backend, ctx.child("s1", SESSION.date), session=SESSION),
        )
        turn = Turn(backend, ctx.child("q1", SESSION.date), question=QUESTION)
        asked = agent.invoke({"question": "q1"}, context=turn)
    assert taken == {"session": "s1"}
    (entry,) = turn.entries
    assert turn.answer is not None
    assert asked == {"question": "q1", "retrieved": [entry.id], "answer": turn.answer.id}
    assert turn.answer.value == {"text": "Lisbon"}
    assert [o.name for o in recorder.operations] == ["extract", "update", "retrieve", "respond"]


def test_an_episode_and_a_chat_answer_alike(database: Database) -> None:
    """The same facts told in an episode give the answer that a chat gives; a request of an
    episode holds nothing of a chat."""
    model = Model()
    gateway = Gateway({"agent": model}, Ledger(database), Budget(Limits()))
    run = EpisodeRunner(lambda: create_backend("rag"), gateway, None, "p")
    done = run(Conversation("c", (SESSION,), (QUESTION,)), prompts("rag"))
    assert done.predictions == {"q1": ("Lisbon", None)}
    assert model.tasks == {"response": 1}
    assert "recent" not in model.requests[0]
