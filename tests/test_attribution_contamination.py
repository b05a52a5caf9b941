"""Provenance, the contamination pass: which entry misled the answer, and who made it?"""

from __future__ import annotations

from tests.attribution_fixture import Pipeline
from tests.test_attribution_loss import attribute, kind
from traces.errors import TransientProviderError
from traces.store import Store

SAID = {
    "m1": ("s1", "Rosa", "My locker is number 12, near the stairs."),
    "m2": ("s1", "Tom", "I rent a garage on Mill Street."),
    "m3": ("s2", "Rosa", "My locker is number 77 from today."),
    "m4": ("s2", "Rosa", "I gave up the locker near the stairs."),
}
OLD, NEW = "Rosa's locker is number 12, near the stairs.", "Rosa's locker is number 77."


def test_an_old_value_beside_the_new_one_is_stale(store: Store) -> None:
    """The update that took in the new value should have changed the old entry."""
    pipe = Pipeline(SAID)
    (old,) = pipe.remember("s1", ("m1", OLD))
    (fact,) = pipe.extract("s2", ("m3", NEW))
    new = pipe.update("s2", fact, "add", near=[old])
    pipe.ask("Which locker does Rosa have?", "77", "12", evidence=["m3"], found=[old, new])
    found = attribute(pipe, store)
    assert kind(found) == ("UpdateError", "stale")
    assert found.slot == "update"
    assert NEW in found.given


def test_stale_decides_before_a_retrieval_that_found_only_the_old_value(store: Store) -> None:
    """Stale decides before a retrieval that found only the old value."""
    pipe = Pipeline(SAID)
    (old,) = pipe.remember("s1", ("m1", OLD))
    (fact,) = pipe.extract("s2", ("m3", NEW))
    pipe.update("s2", fact, "add", near=[old])
    pipe.ask("Which locker does Rosa have?", "77", "12", evidence=["m3"], found=[old])
    found = attribute(pipe, store)
    assert kind(found) == ("UpdateError", "stale")
    assert len(found.alternatives) == 1


def test_an_old_value_named_beside_the_right_one_is_stale(store: Store) -> None:
    """What the gold answer says too is not what went wrong."""
    pipe = Pipeline(SAID)
    (old,) = pipe.remember("s1", ("m1", OLD))
    (fact,) = pipe.extract("s2", ("m3", NEW))
    new = pipe.update("s2", fact, "add", near=[old])
    pipe.ask("Which locker does Rosa have?", "77", "12 and 77", evidence=["m3"], found=[new, old])
    assert kind(attribute(pipe, store)) == ("UpdateError", "stale")


def test_an_event_of_another_day_is_a_distractor_and_not_stale(store: Store) -> None:
    """Dated events stand beside each other; the search should have told them apart."""
    said = {
        "m1": ("s1", "Tom", "The quiz was at Cafe Orbit on 2 May 2024."),
        "m2": ("s2", "Tom", "The quiz was at the Old Mill on 7 June 2024."),
    }
    pipe = Pipeline(said)
    (orbit,) = pipe.remember("s1", ("m1", "The quiz was at Cafe Orbit on 2 May 2024."))
    (fact,) = pipe.extract("s2", ("m2", "The quiz was at the Old Mill on 7 June 2024."))
    mill = pipe.update("s2", fact, near=[orbit])
    pipe.ask("Where was the quiz in June?", "Old Mill", "Cafe Orbit", evidence=["m2"],
             found=[orbit, mill])  # fmt: skip
    assert kind(attribute(pipe, store)) == ("RetrievalError", "distractor")


def test_anothers_word_against_ones_own_is_the_updates(store: Store) -> None:
    """The evidence is Rosa's own word; Tom's claim about her was stored beside it."""
    said = {**SAID, "m5": ("s2", "Tom", "Rosa has locker 31 these days.")}
    pipe = Pipeline(said)
    (own,) = pipe.remember("s1", ("m1", OLD))
    (claim,) = pipe.extract("s2", ("m5", "Rosa has locker 31."))
    told = pipe.update("s2", claim, near=[own])
    pipe.ask("Which locker does Rosa have?", "12", "31", evidence=["m1"], found=[told, own])
    found = attribute(pipe, store)
    assert kind(found) == ("UpdateError", "overwritten")
    assert "31" in found.produced


def unanswered(pipe: Pipeline, text: str, prediction: str, *found: str, **more: object) -> Pipeline:
    pipe.ask(text, None, prediction, found=found, unanswerable=True, **more)  # type: ignore[arg-type]
    return pipe


def test_an_invented_fact_blames_the_extraction(store: Store) -> None:
    """An invented fact blames the extraction."""
    pipe = Pipeline(SAID)
    ids = pipe.remember("s1", ("m1", "Rosa's locker holds a trumpet."))
    unanswered(pipe, "Which instrument does Rosa play?", "trumpet", *ids)
    found = attribute(pipe, store)
    assert kind(found) == ("ExtractionError", "hallucination")
    assert found.evidence == ("m1",)


def test_an_invented_date_blames_the_extraction_for_the_time(store: Store) -> None:
    """An invented date blames the extraction for the time."""
    pipe = Pipeline(SAID)
    ids = pipe.remember("s1", ("m2", "Tom rented a garage on 3 March 2021.", "Tom", "2021-03-03"))
    unanswered(pipe, "When did Tom rent a garage?", "3 March 2021", *ids)
    assert kind(attribute(pipe, store)) == ("ExtractionError", "wrong_time")


def test_a_fact_credited_to_another_person_blames_the_extraction(store: Store) -> None:
    """A fact credited to another person blames the extraction."""
    pipe = Pipeline(SAID)
    ids = pipe.remember("s1", ("m2", "Rosa rents a garage on Mill Street.", "Rosa"))
    unanswered(pipe, "Where does Rosa rent a garage?", "Mill Street", *ids)
    assert kind(attribute(pipe, store)) == ("ExtractionError", "wrong_speaker")


def test_a_fact_that_does_not_say_who_speaks_blames_the_extraction(store: Store) -> None:
    """A fact that does not say who speaks blames the extraction."""
    pipe = Pipeline(SAID)
    ids = pipe.remember("s1", ("m2", "I rent a garage on Mill Street."))
    unanswered(pipe, "Where does Rosa rent a garage?", "Mill Street", *ids)
    assert kind(attribute(pipe, store)) == ("ExtractionError", "wrong_speaker")


def test_a_merge_that_invents_blames_the_update(store: Store) -> None:
    """A merge that invents blames the update."""
    pipe = Pipeline(SAID)
    one, two = pipe.extract("s1", ("m1", OLD), ("m2", "Tom rents a garage on Mill Street."))
    entry = pipe.update("s1", one)
    pipe.update("s1", two, "change", "Rosa's locker and Tom's garage hold a trumpet.", entry,
                [entry])  # fmt: skip
    unanswered(pipe, "Which instrument does Rosa play?", "trumpet", entry)
    assert kind(attribute(pipe, store)) == ("UpdateError", "wrong_merge")


def test_an_entry_credited_to_another_person_by_the_update_is_its_fault(store: Store) -> None:
    """An entry credited to another person by the update is its fault."""
    pipe = Pipeline(SAID)
    (fact,) = pipe.extract("s1", ("m2", "Tom rents a garage on Mill Street."))
    entry = pipe.update("s1", fact, "add", "Rosa rents a garage on Mill Street.")
    unanswered(pipe, "Where does Rosa rent a garage?", "Mill Street", entry)
    assert kind(attribute(pipe, store)) == ("UpdateError", "wrong_merge")


def test_a_faithful_entry_on_something_else_is_a_distractor(store: Store) -> None:
    """A retrieval with a slot could have returned nothing; without one the answer is wrong."""
    pipe = Pipeline(SAID)
    ids = pipe.remember("s1", ("m2", "Tom rents a garage on Mill Street."))
    unanswered(pipe, "Where does Rosa rent a garage?", "Mill Street", *ids)
    found = attribute(pipe, store)
    assert kind(found) == ("RetrievalError", "distractor")
    assert found.slot == "retrieval"
    raw = Pipeline(SAID)
    unanswered(raw, "Where does Rosa rent a garage?", "Mill Street", *raw.index("m2"), slot=None)
    assert kind(attribute(raw, store)) == ("ResponseError", "distractor")


def test_an_answer_that_nothing_supports_is_the_responses_invention(store: Store) -> None:
    """An answer that nothing supports is the response's invention."""
    pipe = Pipeline(SAID)
    ids = pipe.remember("s1", ("m2", "Tom rents a garage on Mill Street."))
    unanswered(pipe, "Which instrument does Rosa play?", "the oboe", *ids)
    assert kind(attribute(pipe, store)) == ("ResponseError", "hallucination")


def test_a_retraction_that_deleted_nothing_is_a_stale_deletion(store: Store) -> None:
    """A retraction that deleted nothing is a stale deletion."""
    pipe = Pipeline(SAID)
    (old,) = pipe.remember("s1", ("m1", OLD))
    (fact,) = pipe.extract("s2", ("m4", "Rosa gave up the locker near the stairs."))
    added = pipe.update("s2", fact, "add", near=[old])
    unanswered(pipe, "Which locker does Rosa have?", "12", old, added, evidence=["m1", "m4"])
    found = attribute(pipe, store)
    assert kind(found) == ("DeletionError", "stale")
    assert (found.kind, found.slot, found.evidence) == ("update", "update", ("m4",))


def test_a_retraction_that_was_not_extracted_is_an_omission(store: Store) -> None:
    """A retraction that was not extracted is an omission."""
    pipe = Pipeline(SAID)
    (old,) = pipe.remember("s1", ("m1", OLD))
    pipe.extract("s2")
    unanswered(pipe, "Which locker does Rosa have?", "12", old, evidence=["m1", "m4"])
    found = attribute(pipe, store)
    assert kind(found) == ("ExtractionError", "omission")
    assert found.evidence == ("m4",)


def test_abstaining_from_the_unanswerable_puts_the_judge_in_doubt(store: Store) -> None:
    """Abstaining from the unanswerable puts the judge in doubt."""
    pipe = Pipeline(SAID)
    unanswered(pipe, "Which instrument does Rosa play?", "That is not mentioned.")
    assert attribute(pipe, store).error_type == "JudgeError"


def test_a_question_without_operations_is_an_abstention(store: Store) -> None:
    """A question without operations is an abstention."""
    pipe = Pipeline(SAID)
    pipe.remember("s1", ("m1", OLD))
    graph = pipe.graph(store)
    pipe.ask("Which locker does Rosa have?", "12", "Not mentioned", evidence=["m1"])
    from traces.attribution.provenance import Provenance

    found = Provenance()(pipe.failure(), graph)
    assert found.verdict == "abstained"
    assert found.reason.startswith("not_in_graph")


def test_a_failed_provider_during_the_question_is_no_memory_fault(store: Store) -> None:
    """A failed provider during the question is no memory fault."""
    pipe = Pipeline(SAID)
    unanswered(pipe, "Which locker does Rosa have?", "12")
    record = pipe.ctx.recorder.operations[-1]
    record.status, record.error = "failed", f"{TransientProviderError.__name__}: overloaded"
    found = attribute(pipe, store)
    assert (found.verdict, found.error_type) == ("abstained", "ProviderError")
