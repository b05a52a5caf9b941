"""The plot of accuracy against cost: where points and names are."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree

from evals.benchmarks.attribution import by_method
from evals.benchmarks.attribution_metrics import Outcome
from evals.benchmarks.attribution_plot import HEIGHT, WIDTH, accuracy_against_cost
from tests.fault_case_fixture import MISSED, STALE, Names, case, changed, scored

GOOD = scored(Names(("update",), "UpdateError"), case(STALE), method="replay")
BAD = scored(Names(("retrieval",)), case(STALE), method="other", calls=40, tokens=90_000)
_SVG = "{http://www.w3.org/2000/svg}"


def drawn(outcomes: Sequence[Outcome]) -> ElementTree.Element:
    return ElementTree.fromstring(accuracy_against_cost(by_method(outcomes), "SIMULATED: a & <b>"))


def test_the_plot_puts_the_better_higher_and_the_dearer_further_right() -> None:
    """Two methods, two panels: four points; text from outside is escaped."""
    found = drawn([GOOD, BAD])
    points = [(float(c.get("cx", 0)), float(c.get("cy", 0))) for c in found.iter(f"{_SVG}circle")]
    assert len(points) == 4
    for mine, theirs in (points[:2], points[2:]):
        assert mine[0] < theirs[0]
        assert mine[1] < theirs[1]
    texts = [text.text for text in found.iter(f"{_SVG}text")]
    assert texts.count("replay") == texts.count("other") == 2
    assert "SIMULATED: a & <b>" in texts


def test_names_of_methods_at_one_place_are_moved_apart() -> None:
    """Six methods with the same figures: no name lies on another, none leaves the picture."""
    names = ["replay", "provenance", "last_operation", "random", "model_judged",
             "model_judged_stepwise"]  # fmt: skip
    found = drawn([changed(GOOD, method=name, tokens=10**6) for name in names])
    boxes = []
    for text in found.iter(f"{_SVG}text"):
        if text.text not in names:
            continue
        width, x, y = 7 * len(text.text), float(text.get("x", 0)), float(text.get("y", 0))
        left = x - width if text.get("text-anchor") == "end" else x
        assert left >= 0
        assert left + width <= WIDTH
        assert 0 < y < HEIGHT
        boxes.append((left, left + width, y))
    assert len(boxes) == 12
    for at, (start, end, height) in enumerate(boxes):
        for other_start, other_end, other_height in boxes[at + 1 :]:
            beside = end <= other_start or other_end <= start
            assert beside or abs(height - other_height) >= 12


def test_a_method_without_single_faults_has_no_point() -> None:
    """Nothing measured, nothing drawn, and no error."""
    assert (
        list(drawn([scored(Names(), case(STALE, MISSED, group="pair"))]).iter(f"{_SVG}circle"))
        == []
    )
