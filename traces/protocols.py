"""What crosses package boundaries, handed in by `agent`.

Each says who owns budget, retry and failure; implementations live elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from traces.domain import Conversation, PromptSet, Question
from traces.graph import EvolutionGraph
from traces.results import Attribution, EpisodeResult, Failure


class Ask(Protocol):
    """Asks a model one typed question.

    `outputs` maps output fields to Python types; the answer holds exactly these.
    The implementation owns ledger, budget and retry (a reply that cannot be parsed is
    drawn again at the next sample index). Raises ProviderError, ContentError,
    BudgetExceeded, DeadlineExceeded.
    """

    def __call__(
        self,
        task: str,
        instruction: str,
        inputs: Mapping[str, str],
        outputs: Mapping[str, Any],
        sample_index: int = 0,
    ) -> dict[str, Any]: ...


class Evaluate(Protocol):
    """Runs and scores episodes with a prompt set; incremental and cached.

    A broken episode becomes a result with `error`; a spent budget raises.
    """

    def __call__(
        self, prompts: PromptSet, conversations: Sequence[Conversation]
    ) -> list[EpisodeResult]: ...


class Attribute(Protocol):
    """An attribution method: says which operation caused a failure.

    Never raises for a single bad case: what cannot be attributed abstains with a
    reason. BudgetExceeded, DeadlineExceeded and ProviderError pass through.
    """

    name: str

    def __call__(self, failure: Failure, graph: EvolutionGraph) -> Attribution: ...


class Judge(Protocol):
    """Says whether a prediction answers a question, with a reason.

    Returns (correct, reason). Raises what Ask raises.
    """

    def __call__(
        self, question: Question, prediction: str, sample_index: int = 0
    ) -> tuple[bool, str]: ...
