"""A recorded run's wrong answers, with what is known of their causes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agent.cli.recorded import RecordedRun
    from traces.domain import Conversation, Dataset, PromptSet, Question
    from traces.results import AnswerRecord, Attribution


@dataclass(frozen=True)
class Answered:
    """A question with its recorded answer; `prompts` is a prompt set's hash, `which` 'seed',
    'final' or ''."""

    conversation: Conversation
    question: Question
    answer: AnswerRecord
    pass_id: int
    prompts: str
    which: str

    @property
    def name(self) -> str:
        """`conversation/question`."""
        return f"{self.conversation.id}/{self.question.id}"

    @property
    def wrong(self) -> bool:
        """Whether it was judged wrong (a question without a verdict was not)."""
        return self.answer.correct is False


@dataclass(frozen=True)
class Answers:
    """The answers of a run's conversations, in the data set's order."""

    all: Sequence[Answered]

    @property
    def wrong(self) -> list[Answered]:
        """The failures."""
        return [one for one in self.all if one.wrong]

    def by_pass(self, chosen: Sequence[Answered] | None = None) -> Mapping[int, list[Answered]]:
        """Return the failures (or those chosen) of each pass."""
        found: dict[int, list[Answered]] = {}
        for one in self.wrong if chosen is None else chosen:
            found.setdefault(one.pass_id, []).append(one)
        return found


def answers_of(recorded: RecordedRun, dataset: Dataset, which: str | None) -> Answers:
    """Return every question's answer with the prompts asked for; without any, with the final
    ones where a conversation was evaluated with them, else with the seed prompts.

    Raises RunDirectoryError where nothing was answered with them, or there are no such prompts.
    """
    from traces.errors import RunDirectoryError

    seed, final = recorded.seed, recorded.final
    wanted = [recorded.prompts(which)] if which else [final, seed]
    passes = {(of, prompts): id for id, of, prompts in reversed(recorded.store.passes())}
    found: list[Answered] = []
    for conversation in dataset.conversations:
        for prompts in wanted:
            pass_id = passes.get((conversation.id, prompts.hash))
            if pass_id is None:
                continue
            name = name_of(prompts, seed, final, which)
            given = {a.question: a for a in recorded.store.answers(pass_id)}
            found += [
                Answered(conversation, q, given[q.id], pass_id, prompts.hash, name)
                for q in conversation.questions
                if q.id in given
            ]
            break
    if not found:
        raise RunDirectoryError(
            f"{recorded.name}: nothing was answered with {which or 'any'} prompts yet; go on with "
            "'memtune resume', or choose other --prompts"
        )
    return Answers(found)


def name_of(prompts: PromptSet, seed: PromptSet, final: PromptSet, which: str | None) -> str:
    """Return 'seed', 'final' or '': what a prompt set is called. The seed prompts are the final
    ones, too, where nothing was promoted."""
    names = {final.hash: "final", seed.hash: "seed"}
    if which == "final":
        names[seed.hash] = "final"
    return names.get(prompts.hash, "")


def one_line(answered: Answered, found: Attribution | None) -> dict[str, Any]:
    """Return what a list says of one failure, JSON-native; nulls where no cause was looked for."""
    return {
        "conversation": answered.conversation.id,
        "question": answered.question.id,
        "text": answered.question.text,
        "prompts": answered.which or answered.prompts,
        "verdict": found.verdict if found else None,
        "method": found.method if found else None,
        "error_type": found.error_type if found else None,
        "sub_type": found.sub_type if found else None,
        "operation": found.names[0] if found and found.names else None,
        "reason": found.reason if found else None,
    }


def not_in_store(run: str, conversations: Sequence[str]) -> str:
    """Return the line that says that episodes' operations are gone from a run's store."""
    names = ", ".join(conversations[:5])
    if len(conversations) > 5:
        names += f" and {len(conversations) - 5} more"
    return (
        f"{names}: its operations are not in the store of {run} (any more): nothing can be traced "
        "or replayed; evaluate it again, in a new run (memtune run --out DIR)"
    )
