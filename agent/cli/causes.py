"""Which wrong answers of a run are looked at, and the causes found for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agent.cli.failures import Answered
    from agent.cli.recorded import RecordedRun
    from agent.loop.reopening import Reopened
    from agent.settings import Settings
    from traces.results import Attribution

# The method where none is named.
DEFAULT = "replay"

Found = dict[tuple[int, str], "Attribution"]  # by pass and question
OnMade = Callable[["Answered", "Attribution", "Reopened"], None]


@dataclass
class Causes:
    """The answers that were asked for, and the causes of the wrong ones.

    `asked` are all answers that were looked at, `chosen` the wrong ones among them whose
    operations the store holds; `gone` the conversations of those whose operations it does not.
    `question` is the one answer that was asked for, if one was. `made` counts the causes that
    were found now; `spent` what that cost; `stopped` is the limit that ended it.
    """

    run: str
    directory: Path
    method: str
    which: str | None
    simulated: bool
    banner: str | None
    asked: Sequence[Answered]
    chosen: Sequence[Answered]
    gone: Sequence[str] = ()
    question: Answered | None = None
    found: Found = field(default_factory=dict)
    made: int = 0
    spent: Mapping[str, Any] = field(default_factory=dict)
    stopped: str = ""
    stop_reason: str = ""

    @property
    def missing(self) -> list[Answered]:
        """The wrong answers whose cause is not known yet."""
        return [one for one in self.chosen if key(one) not in self.found]

    @property
    def attributions(self) -> list[Attribution]:
        """The causes known now, in the order of the answers."""
        return [self.found[key(one)] for one in self.chosen if key(one) in self.found]


def key(one: Answered) -> tuple[int, str]:
    """Return what an answer's attribution is kept under."""
    return one.pass_id, one.question.id


def choose(
    recorded: RecordedRun, name: str | None, which: str | None, method: str, *, again: bool = False
) -> Causes:
    """Return the wrong answers that are asked for, with the causes that are recorded (none of
    them with `again`).

    Raises SettingsError for an unknown question, DataError where the run's data have changed,
    RunDirectoryError where nothing was answered with these prompts or nothing is left of it.
    """
    from agent.cli.failures import answers_of, not_in_store
    from agent.cli.trace import dataset_of, find_question
    from evals.report import wording
    from traces.errors import RunDirectoryError

    dataset = dataset_of(recorded)
    wanted = None if name is None else find_question(dataset, name)
    asked = answers_of(recorded, dataset, which).all
    if wanted is not None:
        conversation, question = wanted
        asked = [
            one for one in asked
            if (one.conversation.id, one.question.id) == (conversation.id, question.id)
        ]  # fmt: skip
        if not asked:
            raise RunDirectoryError(
                f"{conversation.id}/{question.id} was not answered with {which or 'any'} prompts "
                "yet; finish the run with 'memtune resume', or choose other --prompts"
            )
    wrong = [one for one in asked if one.wrong]
    empty = {id for id in {one.pass_id for one in wrong} if not recorded.store.operations(id)}
    gone = list(dict.fromkeys(one.conversation.id for one in wrong if one.pass_id in empty))
    chosen = [one for one in wrong if one.pass_id not in empty]
    if gone and not chosen:
        raise RunDirectoryError(not_in_store(recorded.name, gone))
    found: Found = {}
    if not again:
        for pass_id in {one.pass_id for one in chosen}:
            known = recorded.attributions(pass_id, method)
            found.update({(pass_id, question): one for question, one in known.items()})
    simulated = any(recorded.simulated.values())
    return Causes(
        recorded.name,
        recorded.directory,
        method,
        which,
        simulated,
        wording.banner(**recorded.simulated) if simulated else None,
        asked,
        chosen,
        gone,
        asked[0] if wanted is not None else None,
        found,
    )


def find(
    causes: Causes,
    settings: Settings,
    on_made: OnMade,
    *,
    on_opened: Callable[[], None] = lambda: None,
    again: bool = False,
) -> None:
    """Look for the causes that are missing, and enter them.

    A limit that is reached is entered as `stopped`; what was found until then is kept. Raises
    what `agent.loop.reopening.reopen` raises, and ProviderError.
    """
    from agent.attributing import attribute_pass
    from agent.loop.reopening import reopen
    from agent.loop.runner import STOP_REASONS
    from traces.results import Failure

    by_pass: dict[int, list[Answered]] = {}
    for one in causes.missing:
        by_pass.setdefault(one.pass_id, []).append(one)
    with ExitStack() as stack:
        opened = reopen(settings, stack)
        method = opened.method(causes.method)
        opened.log("attributing", method=causes.method, failures=len(causes.missing))
        before = opened.gateway.ledger.spending()
        on_opened()
        try:
            for pass_id, wrong in by_pass.items():
                answered = {one.question.id: one for one in wrong}

                def made(
                    found: Attribution,
                    pass_id: int = pass_id,
                    answered: Mapping[str, Answered] = answered,
                ) -> None:
                    causes.found[pass_id, found.question] = found
                    on_made(answered[found.question], found, opened)

                failures = [
                    Failure(one.conversation, one.question, one.answer.prediction or "", pass_id)
                    for one in wrong
                ]
                attribute_pass(
                    failures, opened.store, method, settings.concurrency, again=again, on_made=made
                )
        except tuple(STOP_REASONS) as stopped:
            causes.stopped, causes.stop_reason = str(stopped), STOP_REASONS[type(stopped)]
        finally:
            causes.spent = _spent(opened, before)
            opened.log("attributed_again", found=len(causes.found), stopped=causes.stopped)


def _spent(opened: Reopened, before: Mapping[str, Any]) -> dict[str, Any]:
    """Return calls, tokens and dollars since `before`, which is what the ledger held then."""
    from traces.ledger import Spending

    after = opened.gateway.ledger.spending()
    nothing = Spending()
    gained = {
        role: Spending(
            s.calls - before.get(role, nothing).calls,
            s.input_tokens - before.get(role, nothing).input_tokens,
            s.output_tokens - before.get(role, nothing).output_tokens,
        )
        for role, s in after.items()
    }
    return {
        "calls": sum(s.calls for s in gained.values()),
        "tokens": sum(s.tokens for s in gained.values()),
        "usd": opened.gateway.prices.summary(gained)["total"],
    }
