"""The evaluator: one bad episode is a record, a broken provider ends the run."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import datetime
from pathlib import Path

import pytest

from agent.loop.nodes.evaluate import evaluate
from evals.evaluate import EpisodeRun, Evaluator
from tests.loop_fixture import opened, small
from traces.database import Database
from traces.domain import Conversation, Message, PromptSet, Question, Session
from traces.errors import (
    ContentError,
    MemtuneError,
    OperationError,
    StoreError,
    TransientProviderError,
)
from traces.operation import Recorder
from traces.store import Store

PROMPTS = PromptSet({"extraction": "Keep what matters."})


def conversation(id: str) -> Conversation:
    session = Session("s1", datetime(2024, 5, 12), (Message("m1", "Ann", "Hello."),))
    return Conversation(id, (session,), (Question("q1", "Who?", "Ann"), Question("q2", "?", "x")))


def evaluator(failures: dict[str, MemtuneError], runs: list[str] | None = None) -> Evaluator:
    """An evaluator whose named conversations break and whose others answer rightly."""

    def run_episode(one: Conversation, prompts: PromptSet) -> EpisodeRun:
        if runs is not None:
            runs.append(one.id)
        if one.id in failures:
            raise failures[one.id]
        return EpisodeRun(Recorder(), {"q1": ("Ann", None), "q2": (None, "provider_error: no")})

    return Evaluator(run_episode, lambda *_: (True, ""), Store(Database(":memory:")), "parameters")


def test_a_broken_episode_has_no_verdicts_and_is_tried_again() -> None:
    """Its questions are missing, never wrong. What lacks a verdict is run again when asked
    for again (from reuse and ledger, as far as they reach); what is whole stands."""
    runs: list[str] = []
    failures: dict[str, MemtuneError] = {"b": ContentError("prose")}
    made = evaluator(failures, runs)
    good, bad = made(PROMPTS, [conversation("a"), conversation("b")])
    assert [a.correct for a in good.answers] == [True, None]
    assert good.error is None
    assert [a.correct for a in bad.answers] == [None, None]
    assert bad.error == "provider_content: prose"
    failures.clear()
    again = made(PROMPTS, [conversation("a"), conversation("b")])
    assert [r.error for r in again] == [None, None]
    assert runs == ["a", "b", "a", "b"]  # q2 of a has no verdict
    whole = Evaluator(
        lambda one, _: runs.append(one.id)
        or EpisodeRun(Recorder(), {"q1": ("Ann", None), "q2": ("x", None)}),
        lambda *_: (True, ""), made.store, "other parameters",
    )  # fmt: skip
    whole(PROMPTS, [conversation("a")])
    whole(PROMPTS, [conversation("a")])
    assert runs[4:] == ["a"]


@pytest.mark.parametrize("error", [ContentError("prose"), OperationError("no field")])
def test_one_episode_alone_may_break_on_what_was_said(error: MemtuneError) -> None:
    """A race on a single training conversation goes on when a candidate's reply is no good."""
    (found,) = evaluator({"a": error})(PROMPTS, [conversation("a")])
    assert found.error == f"{error.code}: {error}"


def test_a_provider_that_is_down_for_all_ends_the_run() -> None:
    """Nobody waits for the next thousand questions; several that all break end it too."""
    down = TransientProviderError("down")
    with pytest.raises(TransientProviderError, match=r"every episode broke.*down"):
        evaluator({"a": down})(PROMPTS, [conversation("a")])
    prose = ContentError("prose")
    with pytest.raises(TransientProviderError, match=r"every episode broke.*prose"):
        evaluator({"a": prose, "b": prose})(PROMPTS, [conversation("a"), conversation("b")])


def test_a_broken_store_is_no_bad_sample() -> None:
    """What the run cannot be recorded in is raised, whatever else stands."""
    with pytest.raises(StoreError):
        evaluator({"b": StoreError("full")})(PROMPTS, [conversation("a"), conversation("b")])


def test_training_without_a_verdict_is_not_a_run_without_failures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One training conversation, and it broke: the round says so and opens nothing."""
    with ExitStack() as stack:
        services = opened(small(tmp_path), stack)
        assert len(services.splits.train) == 1

        def broken(*_: object) -> EpisodeRun:
            raise ContentError("prose")

        monkeypatch.setattr(services.evaluator, "run_episode", broken)
        seed = services.seed_prompts.hash
        with pytest.raises(OperationError, match=r"no training question has a verdict.*prose"):
            evaluate({"round": 0, "incumbent": seed, "working": seed}, services)
