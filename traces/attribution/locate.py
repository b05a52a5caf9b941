"""Step 1: which messages hold the answer. The data set's ids, else a search."""

from __future__ import annotations

from traces.attribution.carries import Carries
from traces.attribution.index import GraphIndex
from traces.attribution.targets import Target
from traces.attribution.words import key_stems
from traces.domain import Conversation, Question
from traces.schema import Variable, message_variable

SEARCHED = 10  # messages looked at
READ = 3  # of them, how many a reader is asked about
KEPT = 3


def known_messages(
    index: GraphIndex, question: Question, conversation: Conversation | None = None
) -> list[Variable]:
    """Return the evidence messages that the data set names, in its order, without repeats.

    A message that no operation used is taken from the conversation, where one is given.
    """
    found: list[Variable] = []
    for id in dict.fromkeys(question.evidence):
        variable = index.messages.get(id)
        if variable is None and conversation is not None:
            message, session = conversation.message(id), conversation.session_of(id)
            if message is not None and session is not None:
                variable = message_variable(message, session.date)
        if variable is not None:
            found.append(variable)
    return found


def locate(
    index: GraphIndex,
    question: Question,
    carries: Carries,
    conversation: Conversation | None = None,
) -> list[Target]:
    """Return what each evidence message must deliver; empty where none is known or found.

    The search takes the best messages by BM25 over question and gold answer that hold the
    gold answer, or enough of its parts to make it up.
    """
    known = known_messages(index, question, conversation)
    if known:
        return [carries.target(message) for message in known]
    if not question.answer:
        return []
    wanted = key_stems(question.text) + key_stems(question.answer)
    position = index.asked(question.id).position
    targets: list[Target] = []
    for id, _ in index.search.top(wanted, SEARCHED):
        message = index.messages[id]
        users = index.users[message.id]
        if users and min(index.position[u.id] for u in users) > position:
            continue  # said after the question was asked
        targets.append(carries.wording_target(message))
    whole = [t for t in targets if t.complete and _about(t)]
    if whole:
        return whole[:1]
    covered: set[frozenset[str]] = set()
    partial: list[Target] = []
    for target in targets:
        if target.kind == "value" and _about(target) and not set(target.parts) <= covered:
            covered |= set(target.parts)
            partial.append(target)
    if partial:
        return partial[:KEPT]
    for target in targets[:READ]:
        read = carries.read_target(target)
        if read.kind == "read":
            return [read]
    return []


def _about(target: Target) -> bool:
    """Say whether a message shares with the question more than the answer and a name."""
    return bool(target.event) or bool(target.subjects)
