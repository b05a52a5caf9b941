"""A wrong answer in use, with the user's correction: a question of a data set, and its cause."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from agent.chat.correction import gold_of, withholds
from agent.chat.record import Turn, TurnLog
from traces.domain import Conversation, Question
from traces.errors import BudgetExceeded, DataError, OperationError, ProviderError, SettingsError
from traces.graph import EvolutionGraph
from traces.results import Attribution, Failure

if TYPE_CHECKING:
    from agent.chat.turns import Turns

CATEGORY = "flagged"


@dataclass(frozen=True)
class Flagged:
    """A wrong answer: the conversation up to it with its one question, and why it is wrong.

    `graph` holds the recorded operations to the answer, both included. `remark` says why the
    cause was not proved by replay, where that was wanted; else ''.
    """

    turn: Turn
    conversation: Conversation
    question: Question
    graph: EvolutionGraph
    attribution: Attribution
    remark: str = ""


def flag(
    log: TurnLog,
    turn: Turn,
    correction: str,
    evidence: Sequence[str] = (),
    *,
    turns: Turns | None = None,
    required: bool = False,
) -> Flagged:
    """Turn a wrong answer and its correction into a question; name the operation behind it.

    The conversation is what memory had been told, a session a turn, under the ids of the
    record. The gold answer is what the correction says (`agent.chat.correction`); one that
    says that nothing was told makes the question unanswerable. `evidence` are ids of messages
    that hold the answer; without any they are searched for.

    With `turns` the cause is proved by replay: the memory is rebuilt from the record, apart
    from the user's, and the model of these turns is asked, within their budget. Where that is
    not possible, and without `turns`, it is looked for in the record alone, by provenance, at
    no model call; `required` raises instead (ProviderError, BudgetExceeded, OperationError,
    SettingsError). Raises SettingsError for a correction that says nothing or unknown
    evidence, DataError where nothing had been said before.
    """
    gold = gold_of(correction, turn.question.text)
    if not gold:
        raise SettingsError(
            "--correction is empty: say what the answer should have been"
            if not correction.strip()
            else f"--correction {correction.strip()!r}: says only that the answer was wrong; say "
            "what it should have been"
        )
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
    unanswerable = withholds(correction)
    question = Question(
        turn.question.id,
        turn.question.text,
        None if unanswerable else gold,
        CATEGORY,
        tuple(dict.fromkeys(evidence)),
        told.sessions[-1].id,
        unanswerable,
        turn.date,
    )
    conversation = Conversation(turn.user, told.sessions, (question,))
    graph = log.graph(turn.user, turn.answer_pass)
    failure = Failure(conversation, question, turn.prediction, turn.answer_pass)
    remark = ""
    if turns is not None:
        try:
            proved = _replayed(turns, turn, failure, graph)
            return Flagged(turn, conversation, question, graph, proved)
        except (ProviderError, BudgetExceeded, OperationError, SettingsError) as error:
            if required:
                raise
            remark = str(error)
    return Flagged(turn, conversation, question, graph, _looked_up(failure, graph), remark)


def _looked_up(failure: Failure, graph: EvolutionGraph) -> Attribution:
    from traces.attribution.registry import create

    return create("provenance", None, 0)(failure, graph)


def _replayed(turns: Turns, turn: Turn, failure: Failure, graph: EvolutionGraph) -> Attribution:
    """Attribute by replay, when it is this user's turn."""
    from agent.chat.replaying import TurnReplayer
    from agent.models.gateway import metered, spent
    from evals.scorers import ModelJudge
    from traces.attribution.registry import Replaying, create

    _require_same(turns, turn)
    parts = turns.parts

    def work() -> Attribution:
        replayer = TurnReplayer.opened(parts, turn, graph, turns.embedder)
        try:
            ask = parts.gateway.ask("judge")
            method = create("replay", ask, 0, Replaying(replayer, ModelJudge(ask), spent))
            passes = parts.log.passes(turn.user, turn.answer_pass)
            known = frozenset[str]().union(*(parts.log.store.call_keys(id) for id in passes))
            with metered(known) as meter:
                made = method(failure, graph)
            return replace(made, calls=meter.calls, tokens=meter.tokens)
        finally:
            replayer.close()

    return turns.run(turn.user, work)


def _require_same(turns: Turns, turn: Turn) -> None:
    """Raise SettingsError where another model (or memory) answered than would answer now."""
    _, parameters = turns.log.made_with(turn.answer_pass)
    if parameters != turns.parts.parameters:
        raise SettingsError(
            f"{turn.id} was answered by another model or configuration than '{turns.model}', with "
            "which a replay would prove nothing; give the one that answered (--model, memtune.toml)"
        )
