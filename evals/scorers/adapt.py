"""Makes a judge of any scorer: the built-in ones and those of a user's own.

A scorer of one's own is one of

    a function (question, prediction) -> Score | bool | float
    a judge (question, prediction, sample_index) -> (bool, reason)
    a class, or a function without arguments, that makes one of these

`question` is a traces.domain.Question, `prediction` a string. A number is a value in 0..1
and right from 0.5. A scorer is called from several threads, once an answer; what it spends
is its own affair. Whatever it returns is checked here: one bad result costs one verdict.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np

from evals.scorers.base import Score
from evals.scorers.f1 import CORRECT_FROM
from traces.domain import Question
from traces.errors import (
    BudgetExceeded,
    DeadlineExceeded,
    OperationError,
    ProviderError,
    SettingsError,
    StopRequested,
)

# What a scorer that asks a model may raise, and what the run knows how to take.
_PASSES = (BudgetExceeded, DeadlineExceeded, StopRequested, ProviderError, OperationError)
LONGEST_REASON = 2000
_FORMS = (
    "give a function (question, prediction) that returns a Score, a truth value or a number "
    "from 0 to 1, a judge, or a class that makes one"
)


class ScorerError(OperationError):
    """A scorer gave no verdict on one answer; `what` says why, without scorer and question."""

    def __init__(self, scorer: str, question: Question, what: str) -> None:
        super().__init__(f"scorer {scorer}, question {question.id}: {what}")
        self.what = what


@dataclass(frozen=True)
class ScorerJudge:
    """A scorer as `traces.protocols.Judge` and `Grader`.

    Raises ScorerError where the scorer raises or returns what is no score; the errors of
    models and budgets pass.
    """

    name: str
    call: Callable[[Question, str, int], Any]

    def __call__(
        self, question: Question, prediction: str, sample_index: int = 0
    ) -> tuple[bool, str]:
        """Return (correct, reason)."""
        score = self.grade(question, prediction, sample_index)
        return score.correct, score.reason

    def grade(self, question: Question, prediction: str, sample_index: int = 0) -> Score:
        """Return value, verdict and reason."""
        try:
            returned = self.call(question, prediction, sample_index)
            return _score(self.name, returned)
        except _PASSES:
            raise
        except _Unfit as unfit:
            raise ScorerError(self.name, question, f"returned {unfit}") from None
        except (Exception, SystemExit) as error:
            said = " ".join(str(error).split())[:200]
            what = f"raised {type(error).__name__}" + (f": {said}" if said else "")
            raise ScorerError(self.name, question, what) from error


def adapted(name: str, found: object) -> ScorerJudge:
    """Return a judge over what a user named, made where it is a class or a factory.

    Raises SettingsError where it is none of the forms that the module lists.
    """
    made: Any = found
    for _ in range(2):  # a factory may return a class
        if not (isinstance(made, type) or (callable(made) and _makes(made))):
            break
        try:
            made = made()
        except (Exception, SystemExit) as error:
            raise SettingsError(
                f"--scorer {name}: cannot be made without arguments "
                f"({type(error).__name__}: {error}); {_FORMS}"
            ) from error
    if not callable(made) or isinstance(made, type):
        raise SettingsError(f"--scorer {name}: is {_kind(made)}, no scorer; {_FORMS}")
    scorer = made
    if not _takes(scorer, 2):
        if not _takes(scorer, 3):
            raise SettingsError(
                f"--scorer {name}: does not take the arguments (question, prediction); {_FORMS}"
            )
        return ScorerJudge(name, lambda question, text, index: scorer(question, text, index))
    if "sample_index" in _parameters(scorer):
        return ScorerJudge(
            name, lambda question, text, index: scorer(question, text, sample_index=index)
        )
    return ScorerJudge(name, lambda question, text, index: scorer(question, text))


class _Unfit(Exception):
    """What was returned, and what a score is."""


def _score(name: str, returned: Any) -> Score:
    said = f"scorer {name}"
    if isinstance(returned, tuple | list):
        if len(returned) != 2 or not isinstance(returned[0], bool | np.bool_):
            raise _Unfit(f"{_kind(returned)}; a judge returns (true or false, reason)")
        correct = bool(returned[0])
        return Score(float(correct), correct, _reason(returned[1], said))
    if isinstance(returned, bool | np.bool_):
        return Score(float(returned), bool(returned), f"{said}: {'right' if returned else 'wrong'}")
    if isinstance(returned, Real):
        value = _value(returned)
        return Score(value, value >= CORRECT_FROM, f"{said}: {value:.3g}")
    if hasattr(returned, "value") and hasattr(returned, "correct"):
        if not isinstance(returned.correct, bool | np.bool_):
            raise _Unfit(
                f"a score whose 'correct' is {_kind(returned.correct)}; a verdict is true or false"
            )
        if isinstance(returned.value, bool | np.bool_) or not isinstance(returned.value, Real):
            raise _Unfit(f"a score whose 'value' is {_kind(returned.value)}; a value is a number")
        reason = _reason(getattr(returned, "reason", ""), said)
        return Score(_value(returned.value), bool(returned.correct), reason)
    if inspect.iscoroutine(returned):
        returned.close()
        raise _Unfit("a coroutine; a scorer is a plain function, not an async one")
    raise _Unfit(f"{_kind(returned)}; a score is a Score, true or false, or a number from 0 to 1")


def _value(returned: Real) -> float:
    value = float(returned)
    if not math.isfinite(value):
        raise _Unfit(f"{value}; a score is a number from 0 to 1")
    if not 0 <= value <= 1:
        raise _Unfit(f"{value:g}; a score is from 0 to 1")
    return value


def _reason(given: object, said: str) -> str:
    return (" ".join(str(given).split()) or said)[:LONGEST_REASON]


def _kind(value: object) -> str:
    if value is None:
        return "nothing (None)"
    shown = ascii(value)
    return f"{type(value).__name__} {shown if len(shown) <= 40 else shown[:37] + '...'}"


def _parameters(scorer: Callable[..., Any]) -> tuple[str, ...]:
    try:
        return tuple(inspect.signature(scorer).parameters)
    except (TypeError, ValueError):  # some built-in functions do not tell
        return ()


def _takes(scorer: Callable[..., Any], arguments: int) -> bool:
    try:
        inspect.signature(scorer).bind(*[None] * arguments)
    except TypeError:
        return False
    except ValueError:
        return arguments == 2
    return True


def _makes(found: Callable[..., Any]) -> bool:
    return not _takes(found, 2) and not _takes(found, 3) and _takes(found, 0)
