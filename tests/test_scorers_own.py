"""Scorers of the user's own: every form, every bad result, and the trial before a run."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.loop.summary import summarize
from agent.scoring import scoring_identity, scoring_of
from agent.settings import load_settings
from evals.evaluate import EpisodeRun, Evaluator
from evals.scorers import Grader, Score
from evals.scorers.adapt import adapted
from evals.scorers.trial import questions_to_try, try_scorer
from tests.loop_fixture import opened, small
from traces.database import Database
from traces.domain import Conversation, PromptSet, Question
from traces.errors import BudgetExceeded, IdentityError, OperationError, SettingsError
from traces.operation import Recorder
from traces.store import Store

SWEDEN = Question("c:q0", "Where is she?", "Sweden", "4")
NOWHERE = Question("c:q1", "Where is he?", None, "5", unanswerable=True)


def share_of_words(question: Question, prediction: str) -> float:
    wanted = (question.answer or "").lower().split()
    return sum(word in prediction.lower() for word in wanted) / max(1, len(wanted))


class Strict:
    """A judge with a state of its own."""

    def __call__(
        self, question: Question, prediction: str, sample_index: int = 0
    ) -> tuple[bool, str]:
        return prediction == question.answer, f"draw {sample_index}"


@dataclass
class OwnScore:
    value: float
    correct: Any
    reason: str = "own"


FORMS: dict[str, Any] = {
    "a number": share_of_words,
    "a number of NumPy's": lambda q, p: np.float32(p == q.answer),
    "a truth value": lambda q, p: p == q.answer,
    "a truth value of NumPy's": lambda q, p: np.bool_(p == q.answer),
    "a Score": lambda q, p: Score(float(p == q.answer), p == q.answer, "as it is"),
    "a class like Score": lambda q, p: OwnScore(float(p == q.answer), p == q.answer),
    "a judge": lambda q, p, sample_index: (p == q.answer, "so"),
    "a judge by another name": lambda q, p, k: [p == q.answer, "so"],
    "a class": Strict,
    "an instance": Strict(),
    "a factory": lambda: share_of_words,
    "a factory of a class": lambda: Strict,
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_a_scorer_becomes_a_judge(form: str) -> None:
    """Functions, judges, classes and factories: right is right and wrong wrong."""
    judge = adapted("own:it", FORMS[form])
    assert isinstance(judge, Grader)
    correct, reason = judge(SWEDEN, "Sweden")
    assert correct is True
    assert reason
    assert judge(SWEDEN, "Norway", 3)[0] is False
    assert judge.grade(SWEDEN, "Sweden").value == 1


def test_a_number_is_right_from_one_half_and_kept() -> None:
    """The value stands beside the verdict that is made of it."""
    judge = adapted("own:it", lambda q, p: 0.5)
    assert judge.grade(SWEDEN, "x") == Score(0.5, True, "scorer own:it: 0.5")
    assert not adapted("own:it", lambda q, p: 0.49).grade(SWEDEN, "x").correct


def test_a_judge_is_given_the_sample_index() -> None:
    """A judge that asks a model can draw anew; other scorers are not troubled with it."""
    assert adapted("own:it", Strict)(SWEDEN, "x", 7) == (False, "draw 7")
    seen: list[float] = []

    def with_a_default(question: Question, prediction: str, threshold: float = 0.7) -> bool:
        seen.append(threshold)
        return True

    adapted("own:it", with_a_default)(SWEDEN, "x", 7)
    assert seen == [0.7]


async def asynchronous(question: Question, prediction: str) -> bool:
    return True


BAD: dict[str, tuple[Callable[..., Any], str]] = {
    "nan": (lambda q, p: math.nan, "returned nan; a score is a number from 0 to 1"),
    "infinite": (lambda q, p: -math.inf, "returned -inf"),
    "too large": (lambda q, p: 87, "returned 87; a score is from 0 to 1"),
    "negative": (lambda q, p: -0.1, "returned -0.1; a score is from 0 to 1"),
    "nothing": (lambda q, p: None, r"returned nothing \(None\)"),
    "text": (lambda q, p: "yes", "returned str 'yes'"),
    "no verdict": (lambda q, p, k: (0.7, "x"), "a judge returns"),
    "three parts": (lambda q, p: (True, "x", 1), "a judge returns"),
    "a vague Score": (lambda q, p: OwnScore(0.7, None), "'correct' is nothing"),
    "a Score without a number": (lambda q, p: OwnScore("7", True), "'value' is str"),  # type: ignore[arg-type]
    "a Score of NaN": (lambda q, p: Score(math.nan, True, ""), "returned nan"),
    "asynchronous": (asynchronous, "not an async one"),
    "raises": (lambda q, p: 1 / 0, "raised ZeroDivisionError: division by zero"),
    "leaves": (lambda q, p: exit(3), "raised SystemExit"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_result_is_one_verdict_less(name: str) -> None:
    """Scorer, question and what is wrong are named, in the error that costs one question."""
    scorer, said = BAD[name]
    with pytest.raises(OperationError, match=rf"^scorer own:it, question c:q0: .*{said}"):
        adapted("own:it", scorer)(SWEDEN, "Sweden")


@given(st.one_of(st.none(), st.floats(), st.text(), st.integers(), st.booleans(),
                 st.lists(st.one_of(st.booleans(), st.text(), st.none()), max_size=3)))  # fmt: skip
def test_anything_returned_is_a_score_or_a_clear_error(returned: Any) -> None:
    """Whatever comes back, either a verdict with a value in 0..1 comes of it, or the error."""
    with suppress(OperationError):
        score = adapted("own:it", lambda q, p: returned).grade(SWEDEN, "x")
        assert 0 <= score.value <= 1
        assert isinstance(score.correct, bool)


def test_what_ends_a_run_is_not_swallowed() -> None:
    """A budget that a scorer's own model has spent ends the run like any other."""

    def spent(question: Question, prediction: str) -> bool:
        raise BudgetExceeded("spent")

    with pytest.raises(BudgetExceeded):
        adapted("own:it", spent)(SWEDEN, "x")


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (7, "is int 7, no scorer"),
        (lambda q: True, "does not take the arguments"),
        (lambda a, b, c, d: True, "does not take the arguments"),
        (type("Needy", (), {"__init__": lambda self, model: None}), "without arguments"),
        (lambda: None, "no scorer"),
    ],
)
def test_what_is_no_scorer_is_refused(found: Any, said: str) -> None:
    """One line says what it is and what it could be."""
    with pytest.raises(SettingsError, match=rf"^--scorer own:it: .*{said}.*give a function"):
        adapted("own:it", found)


# the trial ---------------------------------------------------------------------------


def test_the_trial_takes_questions_of_every_category() -> None:
    """Of each category in turn, and none that has no gold answer."""
    questions = [Question(f"q{i}", "?", "x", "a") for i in range(20)]
    rare = Question("rare", "?", "x", "b")
    chosen = questions_to_try([*questions, Question("no", "?", None, "c"), rare, NOWHERE])
    assert len(chosen) == 10
    assert [q.id for q in chosen[:4]] == ["q0", "rare", "c:q1", "q1"]


@pytest.mark.parametrize(
    ("scorer", "said"),
    [
        (BAD["nan"][0], "question c:q0 with its gold answer before the run, it returned nan"),
        (BAD["raises"][0], "it raised ZeroDivisionError"),
        (BAD["no verdict"][0], "a judge returns"),
        (lambda q, p: 1 / len(p) * 0, "with an empty answer before the run"),
        (lambda q, p: float(p != q.answer), "calls the empty answer right on all 1"),
        (lambda q, p: True, "calls the empty answer right"),
    ],
)
def test_an_unusable_scorer_is_refused_before_anything_is_paid_for(
    scorer: Callable[..., Any], said: str
) -> None:
    """Gold and empty answers of real questions show it; the line tells the way out."""
    way_out = "choose judge, f1, exact or longmemeval"
    with pytest.raises(SettingsError, match=rf"^--scorer own:it: .*{said}.*{way_out}"):
        try_scorer(adapted("own:it", scorer), [SWEDEN, NOWHERE])


def test_a_scorer_that_asks_for_more_than_the_gold_answer_is_remarked_on() -> None:
    """It may be meant (a form that gold answers lack); the user is told."""
    (remark,) = try_scorer(adapted("own:it", lambda q, p: p.startswith("{")), [SWEDEN, NOWHERE])
    assert "gold answers themselves wrong on all 1" in remark
    assert try_scorer(adapted("f1", share_of_words), [SWEDEN]) == ()


# in a run ----------------------------------------------------------------------------


def plugin(directory: Path, name: str, body: str) -> str:
    (directory / f"{name}.py").write_text(body, "utf-8")
    return f"{name}:score"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def test_a_run_is_scored_by_a_plugin_and_fixed_by_its_source(here: Path) -> None:
    """The run names the scorer; when its source has changed, the run is not continued."""
    body = "def score(question, prediction):\n    return prediction == question.answer\n"
    chosen = plugin(here, "first_scorer", body)
    with ExitStack() as stack:
        services = opened(small(here, scorer=chosen), stack)
        assert services.evaluator.judge(SWEDEN, "Sweden")[0] is True
        done = summarize(services, run="run", status="stopped", stop_reason="budget")
        assert done["scorer"] == chosen
    before = scoring_identity(load_settings(scorer=chosen))
    plugin(here, "first_scorer", body + "# changed\n")
    assert scoring_identity(load_settings(scorer=chosen)) != before
    with ExitStack() as stack, pytest.raises(IdentityError, match="scorer was"):
        opened(small(here, scorer=chosen), stack)


def test_an_unusable_plugin_leaves_no_run_behind(here: Path) -> None:
    """It is refused before the directory is made."""
    chosen = plugin(here, "nan_scorer", "def score(q, p):\n    return float('nan')\n")
    with ExitStack() as stack, pytest.raises(SettingsError, match="returned nan"):
        opened(small(here, scorer=chosen), stack)
    assert not (here / "run").exists()


def test_the_default_scorer_leaves_a_runs_identity_as_it_was() -> None:
    """Runs that began before there was a choice go on."""
    assert scoring_identity(load_settings()) == {}
    assert scoring_identity(load_settings(scorer="f1")) == {"scorer": "f1"}


@pytest.mark.parametrize("name", ["F1", "judge.md", "no_such_module:score", "math:no_such"])
def test_an_unknown_scorer_is_refused(name: str) -> None:
    """Names, modules and attributes that are not there."""
    with pytest.raises(SettingsError, match=rf"^--scorer {name}"):
        scoring_of(load_settings(scorer=name))


def test_a_scorer_that_raises_midway_costs_one_record() -> None:
    """The answer has no verdict and says why; its neighbour has verdict and value."""

    def moody(question: Question, prediction: str) -> float:
        if "!" in prediction:
            raise LookupError("no such word")
        return 0.75

    conversation = Conversation("c", (), (SWEDEN, Question("c:q2", "Who?", "Ann", "4")))
    found = Evaluator(
        lambda *_: EpisodeRun(Recorder(), {"c:q0": ("Sweden!", None), "c:q2": ("Ann", None)}),
        adapted("own:moody", moody),
        Store(Database(":memory:")),
        "parameters",
    )(PromptSet({"extraction": "Keep."}), [conversation])[0]
    lost, kept = found.answers
    assert (lost.correct, lost.prediction) == (None, "Sweden!")
    assert lost.reason == (
        "operation_error: scorer own:moody, question c:q0: raised LookupError: no such word"
    )
    assert (kept.correct, kept.scores["own:moody"], kept.scores["f1"]) == (True, 0.75, 1.0)


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [("f1", "in Sweden", "a big boat"), ("exact", "sweden.", "in Sweden")],
)
def test_the_built_in_scorers_are_judges_too(name: str, right: str, wrong: str) -> None:
    """No model is asked; a question without a gold answer costs one verdict, not the run."""
    scoring = scoring_of(load_settings(scorer=name))
    assert not scoring.asks_model
    judge = scoring.judge(lambda *_: {})  # type: ignore[arg-type]
    assert judge(SWEDEN, right)[0]
    assert not judge(SWEDEN, wrong)[0]
    with pytest.raises(OperationError, match="has no gold answer"):
        judge(Question("c:q3", "?", None), "x")
