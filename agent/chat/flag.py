"""A wrong answer in use, with the user's correction: a question of a data set, and its cause."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from agent.chat.record import Turn, TurnLog
from traces.abstention import abstains
from traces.domain import Conversation, Question
from traces.errors import DataError, SettingsError
from traces.graph import EvolutionGraph
from traces.results import Attribution, Failure

CATEGORY = "flagged"
# How a correction is put in words, around what it says.
_CARRIER = re.compile(r"^(?:no,? )?(?:it(?: is|'s|’s| was)|the answer is) (?=\S)", re.IGNORECASE)


@dataclass(frozen=True)
class Flagged:
    """A wrong answer: the conversation up to it with its one question, and why it is wrong.

    `graph` holds the recorded operations to the answer, both included.
    """

    turn: Turn
    conversation: Conversation
    question: Question
    graph: EvolutionGraph
    attribution: Attribution


def flag(log: TurnLog, turn: Turn, correction: str, evidence: Sequence[str] = ()) -> Flagged:
    """Turn a wrong answer and its correction into a question; name the operation behind it.

    The conversation is what memory had been told, a session a turn, under the ids of the
    record. The gold answer is the correction without an "it is" before it; one that says that
    nothing is known makes the question unanswerable.
    `evidence` are ids of messages that hold the answer. The cause is looked for in the record
    alone, by provenance: no model is called. Raises SettingsError for an empty correction or
    unknown evidence, DataError where nothing had been said before.
    """
    correction = _CARRIER.sub("", " ".join(correction.split()), count=1)
    if not correction:
        raise SettingsError("--correction is empty: say what the answer should have been")
    told = log.conversation(turn.user, before=turn.number)
    if not told.sessions:
        raise DataError(
            f"{turn.id} is the first turn of '{turn.user}': no memory could have held its answer; "
            "flag a later one"
        )
    unknown = [id for id in evidence if told.message(id) is None]
    if unknown:
        last = told.sessions[-1].messages[-1].id
        raise SettingsError(
            f"--evidence {unknown[0]}: no message before {turn.id} has this id; ids are those "
            f"that '/why' shows, such as {last}"
        )
    unanswerable = abstains(correction)
    question = Question(
        turn.question.id,
        turn.question.text,
        None if unanswerable else correction,
        CATEGORY,
        tuple(dict.fromkeys(evidence)),
        told.sessions[-1].id,
        unanswerable,
        turn.date,
    )
    conversation = Conversation(turn.user, told.sessions, (question,))
    graph = log.graph(turn.user, turn.answer_pass)
    return Flagged(turn, conversation, question, graph, _attribute(conversation, turn, graph))


def _attribute(conversation: Conversation, turn: Turn, graph: EvolutionGraph) -> Attribution:
    from traces.attribution.registry import create

    (question,) = conversation.questions
    method = create("provenance", None, 0)
    return method(Failure(conversation, question, turn.prediction, turn.answer_pass), graph)
