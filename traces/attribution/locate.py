"""Step 1: which messages hold the answer. The data set's ids, else a search."""

from __future__ import annotations

from dataclasses import replace

from traces.attribution.carries import Carries
from traces.attribution.evidence_search import Messages, answering
from traces.attribution.index import GraphIndex
from traces.attribution.related import further, withdrawn
from traces.attribution.targets import Target
from traces.domain import Conversation, Question
from traces.results import Failure
from traces.schema import Variable, message_variable


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

    Where the data set names none, messages are searched with question and gold answer: what
    holds the answer (all its parts; a date may follow from a relative word), else what a
    reader gets it from, else (yes, no, an inference) what is clearly on the question's matter;
    then what these messages do not answer the question without (see `related`).
    """
    known = known_messages(index, question, conversation)
    if known:
        alone = len(known) == 1
        return [carries.target(m) if alone else carries.wording_target(m) for m in known]
    if question.unanswerable or not question.answer:
        return []
    messages = Messages(index, question, conversation)
    found = answering(messages, carries)
    return [*found, *further(messages, carries, found)]


def with_evidence(failure: Failure, index: GraphIndex, carries: Carries) -> Failure:
    """Return the failure with the ids of its evidence, searched for where the data set names
    none; itself where nothing is found.

    Of a question that cannot be answered the evidence is what once answered it and was taken
    back, with what takes it back.
    """
    question = failure.question
    if known_messages(index, question, failure.conversation):
        return failure
    if question.unanswerable:
        ids = withdrawn(Messages(index, question, failure.conversation))
    else:
        found = locate(index, question, carries, failure.conversation)
        ids = [target.message_id for target in found]
    return replace(failure, question=replace(question, evidence=tuple(ids))) if ids else failure
