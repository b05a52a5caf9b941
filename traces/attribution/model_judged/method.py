"""`model_judged`: a language model reads what the memory did and names the operation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from traces.attribution.index import index_of
from traces.attribution.model_judged.log import OperationLog
from traces.attribution.model_judged.reply import ImpossibleReplyError, recorded
from traces.attribution.model_judged.stepwise import Walk
from traces.attribution.model_judged.whole_log import judge_log
from traces.attribution.record import abstention
from traces.attribution.words import quote
from traces.errors import ContentError, MemtuneError
from traces.graph import EvolutionGraph
from traces.protocols import Ask
from traces.results import Attribution, Failure

TOKENS = 32_000
STEPS = 8


@dataclass
class ModelJudged:
    """A `traces.protocols.Attribute`: one prompt with the whole log or, `stepwise`, a walk.

    `ask` is the judge's role. About `tokens` tokens of operations are shown for one failure,
    over all of at most `steps` requests. Whatever is named is suspected; a reply that stays
    unreadable or impossible is an abstention. Raises BudgetExceeded, DeadlineExceeded and
    ProviderError.
    """

    ask: Ask
    stepwise: bool = False
    tokens: int = TOKENS
    steps: int = STEPS
    name: str = field(init=False)

    def __post_init__(self) -> None:
        self.name = "model_judged_stepwise" if self.stepwise else "model_judged"

    def __call__(self, failure: Failure, graph: EvolutionGraph) -> Attribution:
        """Return a suspicion, or an abstention with its reason."""
        asked = _Counted(self.ask)
        try:
            return self._attribute(failure, graph, asked)
        except ContentError as error:
            reason = f"unreadable_reply: {error}"
        except ImpossibleReplyError as error:
            reason = f"impossible_reply: {error}"
        except MemtuneError:
            raise
        except Exception as error:
            # One strange case must not end a night's run; it is counted as an abstention.
            reason = f"internal_error: {type(error).__name__}: {error}"
        return abstention(failure, self.name, quote(reason), calls=asked.calls)

    def _attribute(self, failure: Failure, graph: EvolutionGraph, asked: _Counted) -> Attribution:
        question = failure.question
        if question.answer is None and not question.unanswerable:
            return abstention(failure, self.name, "no_gold")
        log = OperationLog(failure, graph, index_of(graph))
        if not log.asked.retrievals and not log.asked.responses:
            return abstention(failure, self.name, "not_in_graph: the question has no operation")
        if self.stepwise:
            decision, how = Walk(log, self.steps, self.tokens).decide(asked)
        else:
            decision, how = judge_log(log, asked, self.tokens)
        return recorded(log, self.name, decision, how, asked.calls)


class _Counted:
    """Passes questions on and counts them."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self.calls = 0

    def __call__(
        self,
        task: str,
        instruction: str,
        inputs: Mapping[str, str],
        outputs: Mapping[str, Any],
        sample_index: int = 0,
    ) -> dict[str, Any]:
        self.calls += 1
        return self._ask(task, instruction, inputs, outputs, sample_index)
