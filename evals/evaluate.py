"""Runs, judges and scores episodes: incremental, cached, one bad episode a record.

An episode that the store holds for the same prompt set and parameters is not run again.
What does run goes through `perform`, so unchanged operations are reused without calls.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Protocol

from evals.scorers.base import Grader
from evals.scorers.exact import exact_match
from evals.scorers.f1 import locomo_f1
from evals.stages import stage_scores
from traces.attribution.progress import evidence_progress
from traces.domain import Conversation, PromptSet, Question
from traces.errors import ContentError, OperationError, ProviderError, TransientProviderError
from traces.graph import EvolutionGraph
from traces.operation import Recorder
from traces.protocols import Judge
from traces.results import AnswerRecord, EpisodeResult
from traces.store import Store

# How the error of an episode begins that no prompt is to blame for.
_UNREACHABLE = (f"{ProviderError.code}:", f"{TransientProviderError.code}:")

Prediction = tuple[str | None, str | None]  # (text, error); one of them is None


# What spoils one sample and becomes a record. Everything else stops the run: a spent budget,
# a provider that will refuse the next call as well, a broken system.
BAD_SAMPLE = (OperationError, TransientProviderError, ContentError)


@dataclass(frozen=True)
class EpisodeRun:
    """What running one conversation left: its operations and, by question id, predictions."""

    recorder: Recorder
    predictions: Mapping[str, Prediction]


class RunEpisode(Protocol):
    """Runs one conversation with a prompt set. Raises OperationError, ProviderError for a
    broken episode; a spent budget, deadline or stop passes through."""

    def __call__(self, conversation: Conversation, prompts: PromptSet) -> EpisodeRun: ...


@dataclass(frozen=True, slots=True)
class EvaluationProgress:
    """How far one evaluation has come: episodes done of all, questions answered."""

    stage: str
    done: int
    total: int
    questions: int


@dataclass
class Evaluator:
    """traces.protocols.Evaluate over a run-episode function, a judge and the store.

    `parameters` hashes everything besides conversation and prompts that results depend
    on. A judge that is a `Grader` has its value recorded beside its verdict; `scorer` tells
    readers where verdicts come from. Episodes run in `concurrency` threads; results keep the
    order asked for.
    """

    run_episode: RunEpisode
    judge: Judge
    store: Store
    parameters: str
    concurrency: int = 1
    on_progress: Callable[[EvaluationProgress], None] | None = None
    stage: str = "evaluate"
    scorer: str = "judge"
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(
        self, prompts: PromptSet, conversations: Sequence[Conversation]
    ) -> list[EpisodeResult]:
        """Return one result a conversation.

        Raises TransientProviderError when every episode broke on the provider; a single
        episode that broke on what the model said, or on an operation, is one bad sample.
        """
        self.store.save_prompt_set(prompts)
        done: list[EpisodeResult] = []

        def episode(conversation: Conversation) -> EpisodeResult:
            result = self._episode(conversation, prompts)
            with self._lock:
                done.append(result)
                self._report(done, len(conversations))
            return result

        if self.concurrency <= 1 or len(conversations) <= 1:
            results = [episode(conversation) for conversation in conversations]
        else:
            with ThreadPoolExecutor(self.concurrency) as pool:
                futures = [pool.submit(episode, conversation) for conversation in conversations]
                # A spent budget ends the rest at once: what has not begun does not begin.
                wait(futures, return_when=FIRST_EXCEPTION)
                if any(f.done() and f.exception() for f in futures):
                    pool.shutdown(wait=True, cancel_futures=True)
                    for future in futures:
                        if future.done() and not future.cancelled():
                            future.result()
                results = [future.result() for future in futures]
        broken = [result.error for result in results if result.error]
        if broken and len(broken) == len(results):
            unreachable = all(error.startswith(_UNREACHABLE) for error in broken)
            if unreachable or len(broken) > 1:
                raise TransientProviderError(f"every episode broke; the first: {broken[0]}")
        return results

    def _report(self, done: Sequence[EpisodeResult], total: int) -> None:
        if self.on_progress is not None:
            questions = sum(len(result.answers) for result in done)
            self.on_progress(EvaluationProgress(self.stage, len(done), total, questions))

    def _episode(self, conversation: Conversation, prompts: PromptSet) -> EpisodeResult:
        found = self.store.find_pass(conversation.id, prompts.hash, self.parameters)
        if found is not None and all(a.correct is not None for a in found.answers):
            return found
        try:
            run = self.run_episode(conversation, prompts)
        except BAD_SAMPLE as error:
            return self._broken(conversation, prompts, f"{error.code}: {error}")
        graph = EvolutionGraph.of(run.recorder)
        records = [
            self._judged(question, run.predictions[question.id], graph)
            for question in conversation.questions
        ]
        stages = stage_scores(conversation, graph)
        pass_id = self.store.save_pass(
            conversation.id, prompts.hash, self.parameters, run.recorder, records, stages=stages
        )
        return EpisodeResult(conversation.id, prompts.hash, pass_id, tuple(records), stages)

    def _broken(self, conversation: Conversation, prompts: PromptSet, error: str) -> EpisodeResult:
        records = [
            AnswerRecord(question.id, question.category, None, None, error)
            for question in conversation.questions
        ]
        pass_id = self.store.save_pass(
            conversation.id, prompts.hash, self.parameters, Recorder(), records, error=error
        )
        return EpisodeResult(conversation.id, prompts.hash, pass_id, tuple(records), error=error)

    def _judged(
        self, question: Question, prediction: Prediction, graph: EvolutionGraph
    ) -> AnswerRecord:
        text, error = prediction
        if text is None:
            return AnswerRecord(question.id, question.category, None, None, error or "no answer")
        scores: dict[str, float] = {}
        try:
            if isinstance(self.judge, Grader):
                given = self.judge.grade(question, text)
                correct, reason = given.correct, given.reason
                scores[self.judge.name] = given.value
            else:
                correct, reason = self.judge(question, text)
        except BAD_SAMPLE as failed:
            line = f"{failed.code}: {failed}"
            return AnswerRecord(question.id, question.category, text, None, line)
        return AnswerRecord(
            question.id,
            question.category,
            text,
            correct,
            reason,
            {**_scores(question, text), **scores},
            1.0 if correct else evidence_progress(question, graph),
        )


def _scores(question: Question, prediction: str) -> dict[str, float]:
    if question.answer is None and not question.unanswerable:
        return {}
    scores = {"f1": locomo_f1(question, prediction).value}
    if question.answer is not None:
        scores["exact"] = exact_match(question, prediction).value
    return scores
