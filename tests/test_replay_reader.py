"""What a reader is given and what its answers show: the present, and doubt about a label."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.attribution_fixture import Pipeline, Reader
from traces.attribution.index import GraphIndex
from traces.attribution.replay.entailment import annotation_wrong, read
from traces.attribution.replay.trial import Trial
from traces.attribution.words import without_history
from traces.graph import EvolutionGraph
from traces.schema import MemoryEntry

SAID = {
    "m1": ("s1", "Salma", "Shall we host the archive on Cobalt?"),
    "m2": ("s1", "Kwame", "+1!"),
}
NOW = "The team decided to host the archive on Cobalt"
BEFORE = "(formerly, until then: the team decided to buy the barometer)"
QUESTION = "On what did the team decide to host the archive?"


def trial(reader: Reader, gold: str, prediction: str, question: str = QUESTION) -> Trial:
    """Return what reading needs of a trial: the question, the messages, a reader, a judge."""
    pipe = Pipeline(SAID)
    pipe.remember("s1", ("m1", f"{NOW}."))
    pipe.ask(question, gold, prediction, evidence=["m1", "m2"])
    made: Any = SimpleNamespace(
        failure=pipe.failure(), recorded=GraphIndex(EvolutionGraph.of(pipe.ctx.recorder)),
        ask=reader, targets=(), allows=lambda calls: True,
        right=lambda answer: gold.lower() in answer.lower(),
    )  # fmt: skip
    return cast(Trial, made)


@pytest.mark.parametrize(
    ("text", "present"),
    [
        (f"{NOW} {BEFORE}.", NOW),
        (f"{NOW} (formerly: the one (old) plan)", NOW),
        (f"{NOW} (by the door).", f"{NOW} (by the door)."),
        (f"Salma (formerly of Bern) said: {NOW}", f"Salma (formerly of Bern) said: {NOW}"),
        (BEFORE, BEFORE),
    ],
)
def test_only_brackets_at_the_end_tell_what_was_before(text: str, present: str) -> None:
    """Other brackets belong to what is so now, and a text is not emptied."""
    assert without_history(text) == present


@pytest.mark.parametrize(
    ("question", "shown"), [(QUESTION, False), ("What did the team decide before?", True)]
)
def test_a_reader_asked_for_what_is_so_is_not_shown_what_was(question: str, shown: bool) -> None:
    """Asked for what was before, it is."""
    reader = Reader({})
    entry = MemoryEntry("e1", f"{NOW} {BEFORE}.", "Salma", "2024-05-10", ("m1",)).as_variable()
    read(trial(reader, "Cobalt", "no idea", question), [entry])
    assert (BEFORE in reader.passages[0], NOW in reader.passages[0]) == (shown, True)


@pytest.mark.parametrize(
    ("prediction", "doubtful"),
    [
        ("host the archive on Cobalt", True),
        ("Cobalt.", True),
        ("host the archive on Meadow", False),
    ],
)
def test_a_label_is_in_doubt_where_reader_and_memory_say_the_same(
    prediction: str, doubtful: bool
) -> None:
    """Compared is what they say beyond the question's words: these are in every answer."""
    reader = Reader({"archive": "Salma we the on Cobalt"})
    assert annotation_wrong(trial(reader, "Granite", prediction), agreeing=True) is doubtful
