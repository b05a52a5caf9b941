"""Where the model slips now and then, a planted fault does not stand or fall with one slip."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from agent.fault_bed import CleanPass, make_world
from tests.faults_fixture import SEED
from traces.operation import Draw, Intervention, Recorder
from traces.replay import Replayed


class Answers:
    """A recorded pass whose replays answer by script: one answer a draw."""

    def __init__(self, *answers: str | None, ran: tuple[str, ...] = ("update",)) -> None:
        self.answers, self.ran = answers, ran
        self.draws: list[Draw | None] = []

    def replay(
        self, question: Any, planted: Sequence[Intervention], evidence: Any, draw: Draw | None
    ) -> Replayed:
        self.draws.append(draw)
        answer = self.answers[draw.sample_index if draw else 0]
        return Replayed(Recorder(), answer, None if answer else "failed", self.ran)


def verdict(
    monkeypatch: pytest.MonkeyPatch, answers: Answers, slip: float = 0.05
) -> bool | None:  # fmt: skip
    """Return the verdict on a fault whose replays answer so; 'right' is the right answer."""
    world = make_world(SEED, 0, 1, "fact_store", {}, slip)
    clean = CleanPass(world, world.conversations[0])
    monkeypatch.setitem(clean.__dict__, "_recorded", answers)
    monkeypatch.setattr(clean, "verdict", lambda _, prediction: prediction == "right")
    found = clean.replay(world.conversations[0].questions[0], [])
    assert found is not None
    return found.correct


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        (("wrong", "wrong", "so too"), False),
        (("right", "right", "right"), True),
        (("wrong", "right", "right"), None),
        (("wrong", "wrong", "right"), None),
        (("right", "right", None), None),
    ],
)
def test_an_outcome_counts_where_all_draws_agree(
    monkeypatch: pytest.MonkeyPatch, answers: tuple[str | None, ...], expected: bool | None
) -> None:
    """One answer that another draw contradicts may be a slip's doing and not the fault's."""
    assert verdict(monkeypatch, Answers(*answers)) is expected


def test_what_the_faults_made_run_anew_is_drawn_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same operations at the next sample indices; the rest of the pass is what it was."""
    answers = Answers("wrong", "wrong", "wrong", ran=("update", "respond"))
    verdict(monkeypatch, answers)
    drawn = frozenset(["update", "respond"])
    assert answers.draws == [None, Draw(1, drawn), Draw(2, drawn)]


def test_nothing_is_drawn_where_nothing_can_slip(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model that never slips answers the same again; so does a pass of which nothing ran."""
    faultless, untouched = Answers("wrong"), Answers("wrong", ran=())
    assert verdict(monkeypatch, faultless, slip=0.0) is False
    assert verdict(monkeypatch, untouched) is False
    assert faultless.draws == untouched.draws == [None]
