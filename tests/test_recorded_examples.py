"""Which wrong answer is shown as an example of a run: the one whose cause is surest."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

from agent.cli.recorded import RecordedRun
from agent.cli.recorded_examples import example_failure
from traces.operation import Recorder
from traces.results import AnswerRecord, Attribution
from traces.store import Store

FINAL, SEED = "final", "seed"


def recorded(store: Store) -> RecordedRun:
    """Return what is looked at of a run: its passes, and what was found of their failures."""
    made: Any = SimpleNamespace(
        store=store, final=SimpleNamespace(hash=FINAL), seed=SimpleNamespace(hash=SEED),
        attributions=lambda pass_id: store.attributions(pass_id, "replay"),
    )  # fmt: skip
    return cast(RecordedRun, made)


def fail(
    store: Store, prompts: str, conversation: str, **causes: tuple[str, float | None] | None
) -> None:
    """Record a pass with these wrong answers, each with its verdict and confidence, or none."""
    answers = [AnswerRecord(question, "", "x", False) for question in causes]
    made = store.save_pass(conversation, prompts, "p", Recorder(), answers)
    for question, cause in causes.items():
        if cause is not None:
            verdict: Any = cause[0]
            named = () if verdict == "abstained" else ("o1",)
            found = Attribution(conversation, question, "replay", verdict, operations=named,
                                confidence=cause[1])  # fmt: skip
            store.save_attribution(made, found)


def test_a_certified_cause_is_shown_before_a_suspected_one_and_the_surest_of_them(
    store: Store,
) -> None:
    """Over all conversations, whatever their order."""
    fail(store, FINAL, "c1", a=("suspected", 0.99), b=("certified", 0.8))
    fail(store, FINAL, "c2", c=("certified", 0.9), d=("certified", None), e=("abstained", None))
    fail(store, FINAL, "c3", f=("certified", 0.7), g=None)
    assert example_failure(recorded(store)) == "c2/c"


def test_the_final_prompts_come_before_the_seed_prompts(store: Store) -> None:
    """A cause that was named of theirs is shown; where there is none, one of the seed's; else
    any failure, or none."""
    assert example_failure(recorded(store)) is None
    fail(store, FINAL, "c1", a=("abstained", None))
    assert example_failure(recorded(store)) == "c1/a"
    fail(store, SEED, "c2", b=("certified", 0.9))
    assert example_failure(recorded(store)) == "c2/b"
    fail(store, FINAL, "c3", c=("suspected", 0.1))
    assert example_failure(recorded(store)) == "c3/c"
