"""What the loop's nodes call, made once a process; and the run's fixed choices."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.models.gateway import Gateway
from evals.evaluate import Evaluator
from evals.splits import Splits, TestSeal, conversations_of
from evals.statistics import Mode
from optimizers.protocol import Optimizer
from traces.domain import Conversation, Dataset, PromptSet, PromptSlot
from traces.protocols import Attribute
from traces.results import EpisodeResult, ErrorSignal
from traces.store import Store


@dataclass(frozen=True, slots=True)
class Progress:
    """What a long run says while it works: round, stage, and how far the stage is."""

    round: int
    rounds: int
    stage: str
    done: int = 0
    total: int = 0
    questions: int = 0


@dataclass
class Services:
    """Everything that nodes use. `dataset` is cut to the limit of questions, `data_hash` is
    that of the whole. `slots` are the tunable ones, `rounds` the limit now in
    force, `declared_rounds` what the error rate was divided by when the run began.
    `transform_signals` is the identity but in benchmarks, which spoil the signals to see
    whether the gain depends on them."""

    dataset: Dataset
    data_hash: str
    splits: Splits
    store: Store
    gateway: Gateway
    evaluator: Evaluator
    attribute: Attribute
    optimizer: Optimizer
    slots: tuple[PromptSlot, ...]
    seed_prompts: PromptSet
    seed: int
    rounds: int
    declared_rounds: int
    patience: int
    target: float | None
    gate_mode: Mode
    min_gain: float
    concurrency: int
    seal: TestSeal
    identity: str
    directory: Path
    log: Callable[..., None]
    transform_signals: Callable[[Sequence[ErrorSignal]], Sequence[ErrorSignal]]
    on_progress: Callable[[Progress], None]

    def conversations(self, split: str) -> tuple[Conversation, ...]:
        """Return the conversations of `train`, `selection` or `test`."""
        return conversations_of(self.dataset, getattr(self.splits, split))

    def evaluate(
        self, prompts: PromptSet, conversations: Sequence[Conversation], round: int, stage: str
    ) -> list[EpisodeResult]:
        """Evaluate and report progress under this stage's name."""
        self.evaluator.stage = stage
        self.evaluator.on_progress = lambda p: self.on_progress(
            Progress(round, self.rounds, stage, p.done, p.total, p.questions)
        )
        return self.evaluator(prompts, conversations)


def conversation_scores(results: Sequence[EpisodeResult]) -> dict[str, float]:
    """Return the share of right answers by conversation, over its judged questions."""
    scores = {}
    for result in results:
        judged = [a.correct for a in result.answers if a.correct is not None]
        if judged:
            scores[result.conversation] = sum(judged) / len(judged)
    return scores


def score_of(results: Sequence[EpisodeResult]) -> float | None:
    """Return the score: the mean over conversations; None where nothing was judged."""
    scores = conversation_scores(results).values()
    return sum(scores) / len(scores) if scores else None


def verdicts_of(
    results: Sequence[EpisodeResult],
) -> Mapping[str, Mapping[str, tuple[bool | None, str]]]:
    """Return verdict and category by conversation and question, as the gate reads them."""
    return {
        result.conversation: {a.question: (a.correct, a.category) for a in result.answers}
        for result in results
    }


def digest(results: Sequence[EpisodeResult]) -> dict[str, Any]:
    """Return counts of an evaluation for the log and the round's record."""
    answers = [a for r in results for a in r.answers]
    judged = [a for a in answers if a.correct is not None]
    return {
        "score": score_of(results),
        "questions": len(answers),
        "wrong": sum(not a.correct for a in judged),
        "missing": len(answers) - len(judged),
        "conversations": len(results),
    }
