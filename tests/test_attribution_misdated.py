"""Evidence that reached the answer under another day than it was said of."""

from __future__ import annotations

import pytest

from tests.attribution_fixture import Pipeline
from tests.replay_scene import repairs, scene_of, texts
from traces.attribution.suspects import Suspects, suspects

SAID = {
    "m1": ("s1", "Rosa", "The team lunch on 3 May 2024 was at the Boathouse."),
    "m2": ("s2", "Tom", "The printer is sulking again."),
}
QUESTION = "Where was the team lunch in May?"
OTHER_DAY = "The team lunch on 20 July 2024 was at the Boathouse."


def asked(fact: str, entry: str = "") -> tuple[Pipeline, Suspects]:
    """The lunch is stored as `fact` (the entry worded as `entry`), returned, and not answered."""
    pipe = Pipeline(SAID)
    (lunch,) = pipe.extract("s1", ("m1", fact))
    held = pipe.update("s1", lunch, text=entry)
    pipe.ask(QUESTION, "the Boathouse", "Not mentioned", evidence=["m1"], found=[held])
    scene = scene_of(pipe)
    return pipe, suspects(pipe.failure(), scene.index, scene.carries)


@pytest.mark.parametrize(
    ("fact", "entry", "name", "error_type"),
    [
        (OTHER_DAY, "", "extract", "ExtractionError"),
        (SAID["m1"][2], OTHER_DAY, "update", "UpdateError"),
    ],
)
def test_who_put_the_evidence_under_another_day_is_suspected_beside_the_response(
    fact: str, entry: str, name: str, error_type: str
) -> None:
    """A reader may still get the answer from it: so whether the day matters is tried by replay."""
    _, found = asked(fact, entry)
    assert found.blame is not None
    assert found.blame.operation.name == "respond"
    (other,) = found.others
    assert (other.operation.name, other.error_type, other.sub_type) == (
        name, error_type, "wrong_time",
    )  # fmt: skip


def test_the_repair_of_a_misdated_fact_gives_the_day_that_was_said() -> None:
    """It is tried before the response is blamed: the extraction has lost the day."""
    pipe, _ = asked(OTHER_DAY)
    first = repairs(scene_of(pipe), "extraction")[0]
    assert texts(first, "fact") == ["Rosa: The team lunch on 3 May 2024 was at the Boathouse."]


def test_evidence_under_its_own_day_leaves_the_response_alone() -> None:
    """So does a fact that gives no day but that of its session."""
    for text in (SAID["m1"][2], "The team lunch was at the Boathouse."):
        _, found = asked(text)
        assert found.others == ()
