"""Progress, journey, baselines and the registry of attribution methods."""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.attribution_fixture import Pipeline, Reader
from traces.attribution.dates import Span, spans
from traces.attribution.journey import Step, journey
from traces.attribution.progress import evidence_progress
from traces.attribution.registry import METHODS, Replaying, create
from traces.errors import BudgetExceeded, ContentError, SettingsError
from traces.store import Store

SAID = {
    "m1": ("s1", "Rosa", "I moved my desk to room 214."),
    "m2": ("s1", "Tom", "I like walks."),
    "m3": ("s2", "Tom", "I ordered lunch from Bella Cucina."),
}
FACT = "Rosa moved her desk to room 214."
QUESTION = "Which room is Rosa's desk in?"


def at_stage(stage: str) -> Pipeline:
    """A pipeline whose evidence gets as far as `stage`."""
    pipe = Pipeline(SAID)
    facts = pipe.extract("s1", *([("m1", FACT)] if stage != "" else []), ("m2", "Tom likes walks."))
    walks = pipe.update("s1", facts[-1])
    found = [walks]
    if stage == "extracted":
        pipe.update("s1", facts[0], "keep", near=[walks])
    elif stage:
        entry = pipe.update("s1", facts[0])
        if stage == "stored":
            (lunch,) = pipe.extract("s2", ("m3", "Tom ordered lunch."))
            pipe.update("s2", lunch, "delete", target=entry, near=[entry])
        if stage in ("retrieved", "answered"):
            found.append(entry)
    prediction = "room 214" if stage == "answered" else "Not mentioned"
    pipe.ask(QUESTION, "214", prediction, evidence=["m1"], found=found)
    return pipe


@pytest.mark.parametrize(
    ("stage", "expected"),
    [("", 0.0), ("extracted", 0.2), ("stored", 0.4), ("alive", 0.6), ("retrieved", 0.8),
     ("answered", 1.0)],
)  # fmt: skip
def test_progress_is_the_share_of_stages_passed(store: Store, stage: str, expected: float) -> None:
    """Progress is the share of stages passed."""
    pipe = at_stage(stage)
    question = pipe.failure().question
    assert evidence_progress(question, pipe.graph(store)) == pytest.approx(expected)


def test_progress_is_averaged_over_messages(store: Store) -> None:
    """Evidence that no operation used has passed no stage."""
    pipe = Pipeline(SAID)
    ids = pipe.remember("s1", ("m1", FACT))
    text = "Where is Rosa's desk and from where does Tom order?"
    gold = "room 214, Bella Cucina"
    question = pipe.ask(text, gold, "none", evidence=["m1", "m3"], found=ids)
    assert evidence_progress(question, pipe.graph(store)) == pytest.approx(0.4)


def test_progress_is_unknown_without_evidence_or_answer(store: Store) -> None:
    """Progress is unknown without evidence or answer."""
    pipe = Pipeline(SAID)
    pipe.remember("s1", ("m1", FACT))
    plain = pipe.ask(QUESTION, "214", "none", id="q1")
    none = pipe.ask(QUESTION, None, "214", id="q2", evidence=["m1"], unanswerable=True)
    graph = pipe.graph(store)
    assert evidence_progress(plain, graph) is None
    assert evidence_progress(none, graph) is None


def test_progress_asks_whoever_is_handed_in(store: Store) -> None:
    """What carries may be decided elsewhere."""
    pipe = at_stage("retrieved")
    question = pipe.failure().question
    assert evidence_progress(question, pipe.graph(store), lambda item, target: False) == 0.0


def kinds(step: Step) -> list[str]:
    return [s.kind for s in step.walk()]


def test_a_journey_tells_a_memorys_life(store: Store) -> None:
    """Said, extracted, stored, changed, retrieved: each step with its operation."""
    pipe = Pipeline(SAID)
    (entry,) = pipe.remember("s1", ("m1", FACT))
    (fact,) = pipe.extract("s2", ("m3", "Rosa's desk is by the lift."))
    pipe.update("s2", fact, "change", "", entry, [entry])
    question = pipe.ask(QUESTION, "214", "by the lift", evidence=["m1"], found=[entry])
    graph = pipe.graph(store)
    told = journey(question, graph)
    (message,) = told.messages
    assert kinds(message) == ["message", "fact", "stored", "changed", "retrieved"]
    assert (message.speaker, message.date[:10], message.text) == (
        "Rosa", "2024-05-10", "I moved my desk to room 214.",
    )  # fmt: skip
    steps = list(message.walk())
    assert [graph.operations[s.operation].name for s in steps[1:]] == [
        "extract", "update", "update", "retrieve",
    ]  # fmt: skip
    assert "because" in steps[3].note
    assert steps[4].rank == 1
    assert told.answer is not None
    assert told.answer.text == "by the lift"
    assert [s.rank for s in told.context] == [1]


def test_a_journey_shows_where_a_memory_ended(store: Store) -> None:
    """A journey shows where a memory ended."""
    for stage, expected in [
        ("", ["message"]),
        ("extracted", ["message", "fact", "kept"]),
        ("stored", ["message", "fact", "stored", "deleted"]),
        ("alive", ["message", "fact", "stored", "not_retrieved"]),
    ]:
        pipe = at_stage(stage)
        told = journey(pipe.failure().question, pipe.graph(store))
        assert kinds(told.messages[0]) == expected


def test_a_journey_without_evidence_ids_is_located(store: Store) -> None:
    """A journey without evidence ids is located."""
    pipe = Pipeline(SAID)
    ids = pipe.remember("s1", ("m1", FACT))
    told = journey(pipe.ask(QUESTION, "214", "none", found=ids), pipe.graph(store))
    assert told.located
    assert [m.text for m in told.messages] == ["I moved my desk to room 214."]


def test_the_decisive_operation_stands_on_the_journey(store: Store) -> None:
    """What attribution names can be marked in the tree."""
    for stage in ("extracted", "stored", "alive"):
        pipe = at_stage(stage)
        graph = pipe.graph(store)
        found = create("provenance", None, 0)(pipe.failure(), graph)
        told = journey(pipe.failure().question, graph)
        assert found.operations[0] in {s.operation for m in told.messages for s in m.walk()}


def test_last_operation_always_blames_the_response(store: Store) -> None:
    """Last operation always blames the response."""
    for stage in ("", "alive", "retrieved"):
        pipe = at_stage(stage)
        found = create("last_operation", None, 0)(pipe.failure(), pipe.graph(store))
        assert (found.error_type, found.kind, found.slot) == ("ResponseError",) + ("response",) * 2


def test_random_draws_from_what_the_answer_rests_on(store: Store) -> None:
    """The same seed draws the same; seeds differ; the error fits the operation."""
    pipe = at_stage("retrieved")
    pipe.extract("s2", ("m3", "Tom ordered lunch."))
    graph, failure = pipe.graph(store), pipe.failure()
    drawn = [create("random", None, seed)(failure, graph) for seed in range(60)]
    assert drawn[3] == create("random", None, 3)(failure, graph)
    responses = [o.id for o in graph.of_scope("q1")]
    inside = graph.backward_slice(responses) & set(graph.operations)
    assert {a.operations[0] for a in drawn} == inside
    assert len(inside) == 5
    fitting = {"extraction": {"ExtractionError"}, "update": {"UpdateError", "DeletionError"},
               "retrieval": {"RetrievalError"}, "response": {"ResponseError"}}  # fmt: skip
    assert all(a.error_type in fitting[a.kind] for a in drawn if a.kind)
    assert max(Counter(a.operations[0] for a in drawn).values()) < 30


def test_the_registry_knows_its_methods() -> None:
    """Six methods are made by name; one that asks a model, or replays, is refused without what
    it works with, and an unknown one with the names that there are."""
    reader = Reader({})

    def never(*_: object, **__: object) -> Any:
        raise AssertionError("nothing is replayed or judged while a method is made")

    replaying = Replaying(never, never, lambda: (0, 0))
    assert len(METHODS) == 6
    for name in METHODS:
        assert create(name, reader, 0, replaying).name == name
    for name in ("provenance", "last_operation", "random"):
        assert create(name, None, 0).name == name
    for name in ("replay", "model_judged", "model_judged_stepwise"):
        with pytest.raises(SettingsError, match=f"'{name}' needs a judge model"):
            create(name, None, 0, replaying)
    with pytest.raises(SettingsError, match="'replay' needs a memory"):
        create("replay", reader, 0)
    with pytest.raises(SettingsError, match=", ".join(METHODS)):
        create("divination", reader, 0)


def test_a_spent_budget_passes_through_and_an_unreadable_reply_does_not(store: Store) -> None:
    """One reading that cannot be parsed costs that reading; a spent budget ends the run."""
    said = {"m1": ("s1", "Rosa", "I took in a stray puppy from the shelter.")}
    pipe = Pipeline(said)
    pipe.remember("s1", ("m1", "Rosa gave a home to a young dog."))
    pipe.ask("What did Rosa take in?", "a stray puppy", "none", evidence=["m1"])
    graph = pipe.graph(store)

    class Broken(Reader):
        error: type[Exception] = ContentError

        def __call__(self, *args: object, **kwargs: object) -> dict[str, object]:  # type: ignore[override]
            raise self.error("no")

    reader = Broken({})
    assert create("provenance", reader, 0)(pipe.failure(), graph).verdict == "suspected"
    reader.error = BudgetExceeded
    with pytest.raises(BudgetExceeded):
        create("provenance", reader, 0)(pipe.failure(), graph)


SAID_ON = date(2023, 6, 9)


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("on 9 May 2024", "2024-05-09", "2024-05-09"),
        ("May 9th, 2024", "2024-05-09", "2024-05-09"),
        ("2024-05-09", "2024-05-09", "2024-05-09"),
        ("on 8 May", "2023-05-08", "2023-05-08"),
        ("in May 2024", "2024-05-01", "2024-05-31"),
        ("back in 2022", "2022-01-01", "2022-12-31"),
        ("yesterday", "2023-06-08", "2023-06-08"),
        ("the day before yesterday", "2023-06-07", "2023-06-07"),
        ("last Fri", "2023-06-02", "2023-06-02"),
        ("the Friday before 15 July 2023", "2023-07-14", "2023-07-14"),
        ("two days ago", "2023-06-07", "2023-06-07"),
        ("last weekend", "2023-06-03", "2023-06-04"),
        ("next month", "2023-07-01", "2023-07-31"),
        ("ten years ago", "2013-01-01", "2013-12-31"),
    ],
)
def test_times_are_spans_of_days(text: str, first: str, last: str) -> None:
    """Times are spans of days."""
    (found,) = spans(text, SAID_ON)
    assert (found.first.isoformat(), found.last.isoformat()) == (first, last)


def test_last_week_is_the_week_before() -> None:
    """A gold answer's wording and the message's own denote the same time."""
    (said,) = spans("last week", SAID_ON)
    (gold,) = spans("The week before 9 June 2023", SAID_ON)
    assert gold.holds(said)
    assert gold.holds(Span(date(2023, 6, 2), date(2023, 6, 2)))
    assert not gold.holds(Span(date(2023, 7, 2), date(2023, 7, 2)))


def test_a_coarser_time_does_not_say_the_day() -> None:
    """A coarser time does not say the day."""
    (day,) = spans("9 May 2024")
    (month,) = spans("May 2024")
    assert month.holds(day)
    assert not day.holds(month)


@given(st.text(max_size=200), st.dates())
def test_any_text_can_be_read_for_times(text: str, day: date) -> None:
    """Any text can be read for times."""
    assert all(span.first <= span.last for span in spans(text, day))


@given(
    st.text(st.sampled_from("0123456789-/ ,.ymayfeb last agoweekin the before"), max_size=60),
    st.dates(),
)
def test_date_like_text_never_fails(text: str, day: date) -> None:
    """Date like text never fails."""
    assert all(span.first <= span.last for span in spans(text, day))
