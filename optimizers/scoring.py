"""Score and progress of episode results, and the paired comparison of two prompt sets.

*Score*: share of correct answers among the questions with a verdict. *Progress*: mean over
the same questions of 1 where the answer is correct, else of the share of stages that the
question's evidence passed (`AnswerRecord.progress`; 0 where evidence is unknown). Where the
score needs two prompts mended at once, progress rewards the first of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from traces.results import AnswerRecord, EpisodeResult

Key = tuple[str, str]

# The smallest net number of questions that an improvement must show.
LEAST_NET = 2
# One stage for each of two questions: the smallest clear gain in summed progress.
LEAST_GAIN = 0.4
# Share of verdicts that a candidate may lack before the comparison says nothing.
MOST_MISSING = 0.05
_EPSILON = 1e-9


def _progress(answer: AnswerRecord) -> float:
    return 1.0 if answer.correct else answer.progress or 0.0


def _answers(results: Iterable[EpisodeResult]) -> dict[Key, AnswerRecord]:
    return {
        (result.conversation, answer.question): answer
        for result in results
        for answer in result.answers
        if answer.correct is not None
    }


def score(results: Iterable[EpisodeResult]) -> float:
    """Return the share of correct answers, 0..1; 0 where nothing has a verdict."""
    answers = _answers(results).values()
    return sum(bool(a.correct) for a in answers) / len(answers) if answers else 0.0


def progress(results: Iterable[EpisodeResult]) -> float:
    """Return the mean progress, 0..1 (see the module's text)."""
    answers = _answers(results).values()
    return sum(map(_progress, answers)) / len(answers) if answers else 0.0


@dataclass(frozen=True)
class Comparison:
    """A candidate against the working set, on the questions where both have a verdict.

    `fixed` and `broken`: verdicts that changed. `improved` and `worsened`: questions whose
    progress changed (the former are among them). `gain` is the sum of the differences in
    progress, `spread` the sum of their squares; `missing` counts the working set's verdicts
    that the candidate lacks.
    """

    compared: frozenset[Key]
    missing: int
    score: float
    progress: float
    score_before: float
    progress_before: float
    fixed: frozenset[Key]
    broken: frozenset[Key]
    improved: frozenset[Key]
    worsened: frozenset[Key]
    gain: float
    spread: float

    @property
    def questions(self) -> int:
        """How many questions were compared."""
        return len(self.compared)

    @property
    def net(self) -> int:
        """Questions fixed minus questions broken."""
        return len(self.fixed) - len(self.broken)

    @property
    def conclusive(self) -> bool:
        """Whether enough questions could be compared."""
        lost = self.missing / max(1, self.questions + self.missing)
        return self.questions > 0 and lost <= MOST_MISSING

    @property
    def deviations(self) -> float:
        """McNemar's z without correction: net over the root of the questions that changed."""
        return float(self.net / max(1, len(self.fixed) + len(self.broken)) ** 0.5)

    @property
    def better(self) -> bool:
        """Whether score, or at no loss of score progress, clearly rose.

        Score: a net of at least `LEAST_NET` questions and of one standard deviation of what
        chance alone would do to as many changed questions. Progress: the same of questions
        that moved, and a summed gain of at least `LEAST_GAIN`.
        """
        if self.net >= LEAST_NET and self.deviations >= 1 - _EPSILON:
            return True
        moved = len(self.improved) - len(self.worsened)
        return (
            self.net >= 0
            and moved >= LEAST_NET
            and self.gain >= LEAST_GAIN - _EPSILON
            and self.gain**2 >= self.spread - _EPSILON
        )

    @property
    def harmless(self) -> bool:
        """Whether neither score nor progress fell."""
        return self.net >= 0 and self.gain >= -_EPSILON

    @property
    def rank(self) -> tuple[int, float]:
        """Order of candidates compared on the same episodes: score, then progress."""
        return self.net, round(self.gain, 9)

    @property
    def summary(self) -> str:
        """One line for people."""
        return (
            f"score {self.score_before:.3f} -> {self.score:.3f}, progress "
            f"{self.progress_before:.3f} -> {self.progress:.3f} on {self.questions} questions: "
            f"{len(self.fixed)} fixed, {len(self.broken)} broken, "
            f"{len(self.improved)} moved on, {len(self.worsened)} fell back"
        )


def compare(before: Iterable[EpisodeResult], after: Iterable[EpisodeResult]) -> Comparison:
    """Return the paired comparison of two prompt sets' results on the same episodes."""
    old, new = _answers(before), _answers(after)
    keys = sorted(old.keys() & new.keys())
    moves = {key: _progress(new[key]) - _progress(old[key]) for key in keys}
    n = max(1, len(keys))
    return Comparison(
        compared=frozenset(keys),
        missing=len(old.keys() - new.keys()),
        score=sum(bool(new[k].correct) for k in keys) / n,
        progress=sum(_progress(new[k]) for k in keys) / n,
        score_before=sum(bool(old[k].correct) for k in keys) / n,
        progress_before=sum(_progress(old[k]) for k in keys) / n,
        fixed=frozenset(k for k in keys if new[k].correct and not old[k].correct),
        broken=frozenset(k for k in keys if old[k].correct and not new[k].correct),
        improved=frozenset(k for k in keys if moves[k] > _EPSILON),
        worsened=frozenset(k for k in keys if moves[k] < -_EPSILON),
        gain=sum(moves.values()),
        spread=sum(move * move for move in moves.values()),
    )
