"""Provenance, the loss pass: at which operation was the evidence lost?"""

from __future__ import annotations

from tests.attribution_fixture import Pipeline, Reader
from traces.attribution.provenance import Provenance
from traces.errors import OperationError, TransientProviderError
from traces.results import Attribution
from traces.store import Store

SAID = {
    "m1": ("s1", "Rosa", "I moved my desk to room 214 yesterday."),
    "m2": ("s1", "Tom", "Nice weather for a walk, is it not?"),
    "m3": ("s2", "Tom", "The lunch order goes to Bella Cucina this time."),
}
QUESTION = "Which room is Rosa's desk in?"
FACT = "Rosa moved her desk to room 214."


def attribute(
    pipe: Pipeline, store: Store, ask: Reader | None = None, **kwargs: int
) -> Attribution:
    return Provenance(ask, **kwargs)(pipe.failure(), pipe.graph(store))


def kind(found: Attribution) -> tuple[str | None, str | None]:
    return found.error_type, found.sub_type


def asked(
    pipe: Pipeline, *found: str, prediction: str = "Not mentioned", **more: object
) -> Pipeline:
    pipe.ask(QUESTION, "214", prediction, evidence=["m1"], found=found, **more)  # type: ignore[arg-type]
    return pipe


def test_a_message_without_a_fact_is_an_omission(store: Store) -> None:
    """The extraction that read the message is named, with its slot and quotes."""
    pipe = Pipeline(SAID)
    other = pipe.remember("s1", ("m2", "Tom likes walks."))
    found = attribute(asked(pipe, *other), store)
    assert kind(found) == ("ExtractionError", "omission")
    assert (found.verdict, found.kind, found.slot) == ("suspected", "extraction", "extraction")
    assert found.names == ("extract",)
    assert found.evidence == ("m1",)
    assert "room 214" in found.given
    assert found.produced == "(no fact from this message)"
    assert found.calls == 0
    assert found.confidence is None


def test_a_fact_on_something_else_is_an_omission_too(store: Store) -> None:
    """What a message also says does not count as the evidence."""
    said = {**SAID, "m1": ("s1", "Rosa", "My desk is in room 214. I had soup for lunch.")}
    pipe = Pipeline(said)
    ids = pipe.remember("s1", ("m1", "Rosa had soup for lunch."))
    assert kind(attribute(asked(pipe, *ids), store)) == ("ExtractionError", "omission")


def test_a_fact_with_another_value_is_a_distortion(store: Store) -> None:
    """A fact with another value is a distortion."""
    pipe = Pipeline(SAID)
    ids = pipe.remember("s1", ("m1", "Rosa moved her desk to room 412."))
    assert kind(attribute(asked(pipe, *ids, prediction="412"), store)) == (
        "ExtractionError", "distortion",
    )  # fmt: skip


def test_a_fact_that_says_i_lost_its_speaker(store: Store) -> None:
    """A fact that says 'I' lost its speaker."""
    pipe = Pipeline(SAID)
    ids = pipe.remember("s1", ("m1", "I moved my desk to room 214."))
    assert kind(attribute(asked(pipe, *ids), store)) == ("ExtractionError", "wrong_speaker")


def test_a_fact_about_somebody_else_has_the_wrong_speaker(store: Store) -> None:
    """A fact about somebody else has the wrong speaker."""
    pipe = Pipeline(SAID)
    ids = pipe.remember("s1", ("m1", "Tom moved his desk to room 214."))
    assert kind(attribute(asked(pipe, *ids), store)) == ("ExtractionError", "wrong_speaker")


def test_a_fact_with_another_date_has_the_wrong_time(store: Store) -> None:
    """A fact with another date has the wrong time."""
    pipe = Pipeline(SAID)
    ids = pipe.remember("s1", ("m1", "Rosa moved her desk on 19 May 2024.", "Rosa", "2024-05-19"))
    pipe.ask("When did Rosa move her desk?", "9 May 2024", "19 May", evidence=["m1"], found=ids)
    assert kind(attribute(pipe, store)) == ("ExtractionError", "wrong_time")


def test_an_unresolved_relative_date_in_the_context_is_the_extractions(store: Store) -> None:
    """The word came through, but the answer could not tell the day from it."""
    pipe = Pipeline(SAID)
    ids = pipe.remember("s1", ("m1", "Rosa moved her desk yesterday."))
    pipe.ask("When did Rosa move her desk?", "9 May 2024", "2024-05-10", evidence=["m1"], found=ids)
    assert kind(attribute(pipe, store)) == ("ExtractionError", "wrong_time")


def test_a_resolved_date_in_any_writing_arrives(store: Store) -> None:
    """'2024-05-09' is '9 May 2024', so the answer is to blame."""
    pipe = Pipeline(SAID)
    ids = pipe.remember("s1", ("m1", "Rosa moved her desk on 2024-05-09.", "Rosa", "2024-05-09"))
    pipe.ask("When did Rosa move her desk?", "May 9, 2024", "Unknown", evidence=["m1"], found=ids)
    assert kind(attribute(pipe, store)) == ("ResponseError", "wrong_abstention")


def test_a_failed_extraction_is_named_by_its_error(store: Store) -> None:
    """A failed extraction is named by its error."""
    pipe = Pipeline(SAID)
    pipe.extract("s1", fail=OperationError("no such role"))
    other = pipe.remember("s2", ("m3", "Lunch is from Bella Cucina."))
    assert kind(attribute(asked(pipe, *other), store)) == ("ExtractionError", "format")


def test_a_provider_failure_is_no_memory_fault(store: Store) -> None:
    """A provider failure is no memory fault."""
    pipe = Pipeline(SAID)
    pipe.extract("s1", fail=TransientProviderError("overloaded"))
    found = attribute(asked(pipe), store)
    assert (found.verdict, found.error_type, found.reason) == (
        "abstained", "ProviderError", "provider_error",
    )  # fmt: skip


def test_a_fact_that_was_not_stored_is_the_updates(store: Store) -> None:
    """'Keep' without an entry that says it loses the fact."""
    pipe = Pipeline(SAID)
    fact, other = pipe.extract("s1", ("m1", FACT), ("m2", "Tom likes walks."))
    walks = pipe.update("s1", other)
    pipe.update("s1", fact, "keep", target=walks, near=[walks])
    found = attribute(asked(pipe, walks), store)
    assert kind(found) == ("UpdateError", "omission")
    assert found.slot == "update"
    assert FACT in found.given
    assert "keep (because)" in found.produced


def test_keeping_an_old_value_is_stale(store: Store) -> None:
    """Keeping an old value is stale."""
    said = {**SAID, "m0": ("s1", "Rosa", "My desk is in room 101."),
            "m1": ("s2", "Rosa", "My desk moved to room 214.")}  # fmt: skip
    pipe = Pipeline(said)
    (old,) = pipe.remember("s1", ("m0", "Rosa's desk is in room 101."))
    (new,) = pipe.extract("s2", ("m1", "Rosa's desk moved to room 214."))
    pipe.update("s2", new, "keep", target=old, near=[old])
    assert kind(attribute(asked(pipe, old, prediction="101"), store)) == ("UpdateError", "stale")


def test_keeping_what_an_entry_already_says_loses_nothing(store: Store) -> None:
    """The chain goes on with the entry that the update saw."""
    pipe = Pipeline({**SAID, "m0": ("s1", "Tom", "Rosa has her desk in room 214 now.")})
    first, second = pipe.extract("s1", ("m0", "Rosa's desk is in room 214."), ("m1", FACT))
    entry = pipe.update("s1", first)
    pipe.update("s1", second, "keep", target=entry, near=[entry])
    assert kind(attribute(asked(pipe), store)) == ("RetrievalError", "missed")


def test_a_merge_that_drops_the_new_value_is_a_wrong_merge(store: Store) -> None:
    """A merge that drops the new value is a wrong merge."""
    pipe = Pipeline(SAID)
    fact, other = pipe.extract(
        "s1", ("m1", FACT), ("m2", "Tom thinks the weather is nice for a walk.")
    )
    entry = pipe.update("s1", other)
    pipe.update(
        "s1", fact, "change", "Tom thinks the weather is nice. Rosa moved her desk.", entry, [entry]
    )
    assert kind(attribute(asked(pipe, entry), store)) == ("UpdateError", "wrong_merge")


def test_a_later_merge_that_mixes_entries_up_is_a_wrong_merge(store: Store) -> None:
    """A later merge that mixes entries up is a wrong merge."""
    pipe = Pipeline(SAID)
    (entry,) = pipe.remember("s1", ("m1", FACT))
    (fact,) = pipe.extract("s2", ("m3", "Lunch is from Bella Cucina."))
    pipe.update("s2", fact, "change", "Rosa moved her desk, lunch is from Bella Cucina.", entry,
                [entry])  # fmt: skip
    found = attribute(asked(pipe, entry), store)
    assert kind(found) == ("UpdateError", "wrong_merge")


def test_a_value_that_should_stand_was_overwritten(store: Store) -> None:
    """A value that should stand was overwritten."""
    pipe = Pipeline(SAID | {"m3": ("s2", "Tom", "Rosa's desk is elsewhere.")})
    (entry,) = pipe.remember("s1", ("m1", FACT))
    (fact,) = pipe.extract("s2", ("m3", "Tom says Rosa's desk is elsewhere."))
    pipe.update("s2", fact, "change", "", entry, [entry])
    found = attribute(asked(pipe, entry, prediction="elsewhere"), store)
    assert kind(found) == ("UpdateError", "overwritten")
    assert found.kind == "update"


def test_a_value_told_as_past_is_overwritten_when_asked_for_as_present(store: Store) -> None:
    """An entry that holds the value as history fails a reader who asks for today's."""
    pipe = Pipeline(SAID | {"m3": ("s2", "Rosa", "My desk is by the lift.")})
    (entry,) = pipe.remember("s1", ("m1", FACT))
    (fact,) = pipe.extract("s2", ("m3", "Rosa's desk is by the lift."))
    text = "Rosa's desk is by the lift (formerly: Rosa's desk in room 214)."
    pipe.update("s2", fact, "change", text, entry, [entry])
    found = attribute(asked(pipe, entry, prediction="by the lift"), store)
    assert kind(found) == ("UpdateError", "overwritten")


def test_an_invention_that_overwrites_is_the_extractions(store: Store) -> None:
    """An update that took at its word a fact which no message says is not to blame."""
    pipe = Pipeline(SAID)
    (entry,) = pipe.remember("s1", ("m1", FACT))
    (fact,) = pipe.extract("s2", ("m3", "Rosa's desk is by the lift."))
    pipe.update("s2", fact, "change", "", entry, [entry])
    found = attribute(asked(pipe, entry, prediction="by the lift"), store)
    assert kind(found) == ("ExtractionError", "hallucination")


def test_a_deleted_entry_is_a_deletion_error(store: Store) -> None:
    """A deleted entry is a deletion error."""
    pipe = Pipeline(SAID)
    (entry,) = pipe.remember("s1", ("m1", FACT))
    (fact,) = pipe.extract("s2", ("m3", "Lunch is from Bella Cucina."))
    pipe.update("s2", fact, "delete", target=entry, near=[entry])
    found = attribute(asked(pipe), store)
    assert found.error_type == "DeletionError"
    assert found.kind == "update"


def test_an_entry_that_stood_and_was_not_returned_was_missed(store: Store) -> None:
    """An entry that stood and was not returned was missed."""
    pipe = Pipeline(SAID)
    entry, other = pipe.remember("s1", ("m1", FACT), ("m2", "Tom likes walks."))
    found = attribute(asked(pipe, other, queries=["walks"]), store)
    assert entry
    assert kind(found) == ("RetrievalError", "missed")
    assert found.slot == "retrieval"
    assert "searched for: walks" in found.given
    assert found.produced == "Tom likes walks."


def test_an_outranked_entry_is_told_apart_from_a_missed_one(store: Store) -> None:
    """Within twice the number of results, by the words of the query."""
    pipe = Pipeline(SAID)
    ids = pipe.remember(
        "s1", ("m1", FACT), ("m2", "Desk, desk, desk: Tom's desk is a room desk."),
        ("m2", "Lamps are nice."),
    )  # fmt: skip
    found = attribute(asked(pipe, ids[1], queries=["desk room"]), store)
    assert kind(found) == ("RetrievalError", "ranked_out")


def test_an_entry_cut_off_before_the_answer_was_ranked_out(store: Store) -> None:
    """An entry cut off before the answer was ranked out."""
    pipe = Pipeline(SAID)
    ids = pipe.remember("s1", ("m2", "Tom likes walks."), ("m1", FACT))
    found = attribute(asked(pipe, *ids, shown=ids[:1]), store)
    assert kind(found) == ("RetrievalError", "ranked_out")


def test_evidence_in_context_and_a_wrong_answer_is_the_responses(store: Store) -> None:
    """Evidence in context and a wrong answer is the response's."""
    pipe = Pipeline(SAID)
    (entry,) = pipe.remember("s1", ("m1", FACT))
    found = attribute(asked(pipe, entry, prediction="a penthouse"), store)
    assert kind(found) == ("ResponseError", "ignored_evidence")
    assert (found.kind, found.slot) == ("response", "response")
    assert found.produced == "a penthouse"


def test_an_empty_answer_has_the_wrong_format(store: Store) -> None:
    """An empty answer has the wrong format."""
    pipe = Pipeline(SAID)
    (entry,) = pipe.remember("s1", ("m1", FACT))
    assert kind(attribute(asked(pipe, entry, prediction=" "), store)) == ("ResponseError", "format")


def test_raw_messages_need_no_name_in_their_text(store: Store) -> None:
    """Retrieval over messages: the speaker stands beside the text; no slot is named."""
    pipe = Pipeline(SAID)
    ids = pipe.index("m1", "m2", "m3")
    found = attribute(asked(pipe, *ids[1:], slot=None), store)
    assert (found.error_type, found.slot) == ("RetrievalError", None)
    again = Pipeline(SAID)
    ids = again.index("m1", "m2")
    assert kind(attribute(asked(again, *ids, slot=None), store)) == (
        "ResponseError", "wrong_abstention",
    )  # fmt: skip


def test_a_message_that_was_never_indexed_blames_its_sessions_index(store: Store) -> None:
    """A message that was never indexed blames its session's index."""
    pipe = Pipeline(SAID)
    ids = pipe.index("m2", "m3")
    found = attribute(asked(pipe, *ids, slot=None), store)
    assert kind(found) == ("UpdateError", "omission")
    assert found.slot is None


def test_a_session_without_operations_blames_the_retrieval(store: Store) -> None:
    """A truncated history: nothing took the session in."""
    pipe = Pipeline(SAID)
    ids = pipe.index("m3")
    assert kind(attribute(asked(pipe, *ids, slot=None), store)) == ("RetrievalError", "missed")


def test_the_earliest_loss_of_several_evidences_decides(store: Store) -> None:
    """One part is lost in retrieval, one in extraction; the other is an alternative."""
    said = {**SAID, "m4": ("s2", "Rosa", "I keep the plants and the label printer at my desk.")}
    pipe = Pipeline(said)
    pipe.remember("s1", ("m1", FACT))
    other = pipe.remember("s2", ("m3", "Lunch is from Bella Cucina."))
    pipe.ask(
        "Where is Rosa's desk and what does she keep there?", "room 214, label printer",
        "Not mentioned", evidence=["m1", "m4"], found=other,
    )  # fmt: skip
    found = attribute(pipe, store)
    assert kind(found) == ("ExtractionError", "omission")
    assert found.evidence == ("m4", "m1")
    assert len(found.alternatives) == 1
    graph = pipe.graph(store)
    assert graph.operations[found.alternatives[0][0]].kind == "retrieval"


def test_a_second_mention_that_was_lost_does_not_matter(store: Store) -> None:
    """Another message brought the same answer into the context."""
    said = {**SAID, "m4": ("s2", "Rosa", "As I said, my desk is in room 214.")}
    pipe = Pipeline(said)
    ids = pipe.remember("s1", ("m1", FACT))
    pipe.extract("s2")
    pipe.ask(QUESTION, "214", "Not mentioned", evidence=["m1", "m4"], found=ids)
    found = attribute(pipe, store)
    assert kind(found) == ("ResponseError", "wrong_abstention")
    assert len(found.alternatives) == 1


def test_a_link_must_deliver_its_entities(store: Store) -> None:
    """The message that names the mentor does not hold the answer, but the way to it."""
    said = {
        "m1": ("s1", "Rosa", "My mentor is called Lena Berg."),
        "m2": ("s1", "Tom", "Lena Berg lives in Oslo."),
    }
    pipe = Pipeline(said)
    ids = pipe.remember("s1", ("m1", "Rosa has a mentor."), ("m2", "Lena Berg lives in Oslo."))
    pipe.ask("Where does Rosa's mentor live?", "Oslo", "Not mentioned", evidence=["m1", "m2"],
             found=ids)  # fmt: skip
    found = attribute(pipe, store)
    assert found.error_type == "ExtractionError"
    assert found.evidence[0] == "m1"


def test_a_value_replaced_by_the_answer_itself_is_no_loss(store: Store) -> None:
    """A data set may name the superseded message too."""
    said = {
        "m1": ("s1", "Rosa", "The picnic is on 3 June."),
        "m2": ("s2", "Rosa", "The picnic moved to 30 June."),
        "m3": ("s2", "Tom", "Good to know."),
    }
    pipe = Pipeline(said)
    (entry,) = pipe.remember("s1", ("m1", "The picnic is on 3 June 2024.", "Rosa", "2024-06-03"))
    fact, other = pipe.extract(
        "s2", ("m2", "The picnic moved to 30 June 2024.", "Rosa", "2024-06-30"),
        ("m3", "Tom is glad to know."),
    )  # fmt: skip
    pipe.update("s2", fact, "change", "", entry, [entry])
    tom = pipe.update("s2", other)
    pipe.ask("When is the picnic?", "30 June 2024", "Not mentioned", evidence=["m1", "m2"],
             found=[tom])  # fmt: skip
    assert attribute(pipe, store).error_type == "RetrievalError"


def test_an_inference_is_followed_by_its_words(store: Store) -> None:
    """'Yes' stands in no message: what the message says must arrive."""
    said = {"m1": ("s1", "Rosa", "I collect old fountain pens and write letters every week.")}
    pipe = Pipeline(said)
    pipe.remember("s1", ("m1", "Rosa collects old fountain pens and writes weekly letters."))
    pipe.ask("Would Rosa enjoy a bottle of ink?", "Yes, likely", "Not mentioned", evidence=["m1"])
    assert kind(attribute(pipe, store)) == ("RetrievalError", "missed")


PARAPHRASE = {"m1": ("s1", "Rosa", "I took in a stray puppy from the shelter.")}


def paraphrased(found: bool) -> Pipeline:
    pipe = Pipeline(PARAPHRASE)
    ids = pipe.remember("s1", ("m1", "Rosa gave a home to a young dog."))
    pipe.ask("What did Rosa take in?", "a stray puppy", "Not mentioned", evidence=["m1"],
             found=ids if found else [])  # fmt: skip
    return pipe


def test_the_reader_settles_what_wording_cannot(store: Store) -> None:
    """A paraphrase that a reader understands was not lost; a retrieval that misses it was."""
    reader = Reader({"young dog": "a stray puppy"})
    found = attribute(paraphrased(found=False), store, reader)
    assert kind(found) == ("RetrievalError", "missed")
    assert found.calls == len(reader.passages) > 0
    assert "(2024-05-10) Rosa gave a home to a young dog." in reader.passages


def test_a_paraphrase_that_the_reader_cannot_use_was_distorted(store: Store) -> None:
    """A paraphrase that the reader cannot use was distorted."""
    found = attribute(paraphrased(found=True), store, Reader({}))
    assert found.error_type == "ExtractionError"


def test_without_a_reader_the_reason_says_so(store: Store) -> None:
    """Without a reader the reason says so."""
    found = attribute(paraphrased(found=True), store)
    assert found.verdict == "suspected"
    assert found.calls == 0
    assert "no reader" in found.reason


def test_the_reader_is_asked_at_most_so_often(store: Store) -> None:
    """A used-up budget is said in the reason; wording decides then."""
    reader = Reader({})
    found = attribute(paraphrased(found=True), store, reader, calls_per_failure=0)
    assert (found.calls, reader.passages) == (0, [])
    assert "used up" in found.reason


def test_the_same_reading_is_asked_once(store: Store) -> None:
    """The same reading is asked once."""
    reader = Reader({"young dog": "a stray puppy"})
    pipe = paraphrased(found=False)
    method, graph = Provenance(reader), pipe.graph(store)
    first = method(pipe.failure(), graph)
    asked_first = len(reader.passages)
    again = method(pipe.failure(), graph)
    assert len(reader.passages) == asked_first
    assert (first.operations, again.calls) == (again.operations, 0)


def test_unknown_evidence_is_searched_for(store: Store) -> None:
    """Without ids the message that holds the answer is found by question and gold answer."""
    pipe = Pipeline(SAID)
    pipe.remember("s1", ("m2", "Tom likes walks."))
    pipe.ask(QUESTION, "214", "Not mentioned")
    found = attribute(pipe, store)
    assert kind(found) == ("ExtractionError", "omission")
    assert found.evidence == ("m1",)


def test_evidence_that_cannot_be_found_is_an_abstention(store: Store) -> None:
    """Evidence that cannot be found is an abstention."""
    pipe = Pipeline(SAID)
    pipe.remember("s1", ("m1", FACT))
    pipe.ask("What is Rosa's shoe size?", "41", "Not mentioned")
    found = attribute(pipe, store)
    assert (found.verdict, found.reason, found.operations) == ("abstained", "no_evidence", ())


def test_a_question_without_gold_answer_is_an_abstention(store: Store) -> None:
    """A question without gold answer is an abstention."""
    pipe = Pipeline(SAID)
    pipe.remember("s1", ("m1", FACT))
    pipe.ask(QUESTION, None, "214", evidence=["m1"])
    assert attribute(pipe, store).reason == "no_gold"


def test_a_prediction_equal_to_gold_puts_the_judge_in_doubt(store: Store) -> None:
    """A prediction equal to gold puts the judge in doubt."""
    pipe = Pipeline(SAID)
    pipe.remember("s1", ("m1", FACT))
    pipe.ask("When?", "9 May 2024", "2024-05-09", evidence=["m1"])
    found = attribute(pipe, store)
    assert (found.verdict, found.error_type, found.operations) == ("suspected", "JudgeError", ())


def test_a_later_change_is_invisible_to_an_earlier_question(store: Store) -> None:
    """The question was answered before the entry was overwritten."""
    pipe = Pipeline(SAID)
    (entry,) = pipe.remember("s1", ("m1", FACT))
    asked(pipe)
    (fact,) = pipe.extract("s2", ("m3", "Rosa's desk is elsewhere."))
    pipe.update("s2", fact, "change", "", entry, [entry])
    assert kind(attribute(pipe, store)) == ("RetrievalError", "missed")


def test_a_number_with_a_comma_is_one_part_of_the_answer() -> None:
    """'13,000 euros' is a value, 'Rome, Paris and Oslo' are three."""
    from traces.attribution.targets import gold_parts

    assert len(gold_parts("13,000 euros", "What budget is there?")) == 1
    assert len(gold_parts("Rome, Paris and Oslo", "Where?")) == 3
