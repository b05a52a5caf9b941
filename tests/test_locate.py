"""Evidence that the data set does not name: found by question and gold answer alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.attribution_fixture import Pipeline, Reader
from traces.attribution.carries import Carries
from traces.attribution.evidence_search import KEPT, READ
from traces.attribution.index import index_of
from traces.attribution.locate import locate, with_evidence
from traces.attribution.provenance import Provenance
from traces.attribution.targets import Target
from traces.domain import Question
from traces.graph import EvolutionGraph
from traces.results import Failure
from traces.store import Store

Said = Mapping[str, tuple[str, str, str]]
TALK: Said = {
    "m1": ("s1", "Rosa", "I moved my desk to room 214 yesterday."),
    "m2": ("s1", "Tom", "Nice weather for a walk, is it not?"),
    "m3": ("s1", "Rosa", "We went hiking near the lake on 2 May, it rained."),
    "m4": ("s2", "Tom", "The lunch order goes to Bella Cucina this time."),
    "m5": ("s2", "Rosa", "For lunch I always take soup."),
}  # fmt: skip


def search(
    said: Said, question: str, gold: str | None, ask: Reader | None = None
) -> tuple[list[Target], Carries]:
    """Locate the evidence of a question that is asked after everything was said."""
    failure = failed(said, question, gold)
    index = index_of(graph_of(said))
    carries = Carries(index, failure.question, ask)
    return locate(index, failure.question, carries, failure.conversation), carries


def graph_of(said: Said) -> EvolutionGraph:
    pipe = Pipeline(said)
    for session in pipe.sessions:
        pipe.extract(session)
    return EvolutionGraph.of(pipe.ctx.recorder)


def failed(said: Said, question: str, gold: str | None) -> Failure:
    asked = Question("q1", question, gold, unanswerable=gold is None)
    conversation = replace(Pipeline(said).conversation, questions=(asked,))
    return Failure(conversation, asked, "something else", 1)


def ids(said: Said, question: str, gold: str | None) -> list[str]:
    return [target.message_id for target in search(said, question, gold)[0]]


def withdrawn(said: Said, question: str) -> tuple[str, ...]:
    failure, index = failed(said, question, None), index_of(graph_of(said))
    return with_evidence(failure, index, Carries(index, failure.question)).question.evidence


# what holds the answer ---------------------------------------------------------------


def test_the_message_that_holds_the_answer_is_found() -> None:
    """Of two messages on lunch, the one with the gold answer is taken, and it alone."""
    assert ids(TALK, "Where does the lunch order go?", "Bella Cucina") == ["m4"]
    (target,), _ = search(TALK, "Which room is Rosa's desk in?", "room 214")
    assert (target.kind, target.complete) == ("value", True)


def test_a_rare_answer_is_found_though_the_question_is_worded_otherwise() -> None:
    """'Who caters?' shares no word with the message; its answer occurs there alone."""
    assert ids(TALK, "Who caters?", "Bella Cucina") == ["m4"]


def test_an_answer_of_several_parts_takes_the_messages_that_make_it_up() -> None:
    """Each part of a list is found where it was said, each message once."""
    said = {
        **TALK,
        "m6": ("s2", "Rosa", "I play the cello, and I paint."),
        "m7": ("s2", "Rosa", "Lately I swim, too."),
    }
    assert ids(said, "What are Rosa's hobbies?", "cello, painting and swimming") == ["m6", "m7"]


def test_a_date_is_found_behind_a_relative_word() -> None:
    """Said on 10 May, 'yesterday' is the gold answer's 9 May; another time on another matter,
    or the same matter at another time, is not."""
    (target,), _ = search(TALK, "When did Rosa move her desk?", "9 May 2024")
    assert (target.message_id, target.kind) == ("m1", "time")
    assert ids(TALK, "When did Rosa go hiking?", "2 May 2024") == ["m3"]
    assert ids(TALK, "When did Rosa go hiking?", "3 June 2021") != ["m3"]


def test_a_time_that_the_question_names_decides_between_equals() -> None:
    """The same was said in two sessions: the question asks for the later."""
    said = {
        "m1": ("s1", "Rosa", "I ran a race and my prize was a medal."),
        "m2": ("s2", "Rosa", "I ran a race and my prize was a cup, not a medal."),
    }
    assert ids(said, "Which prize did Rosa get for the race on 12 June 2024?", "medal") == ["m2"]
    assert ids(said, "Which prize did Rosa get for the race on 10 May 2024?", "medal") == ["m1"]


def test_a_statement_comes_before_a_question_with_the_same_words() -> None:
    """Who only asks about it does not say it."""
    said = {
        "m1": ("s1", "Tom", "Rosa, is your new hobby the cello, really the cello?"),
        "m2": ("s1", "Rosa", "I took up the cello."),
    }
    assert ids(said, "What is Rosa's new hobby?", "the cello") == ["m2"]


def test_a_person_may_be_called_by_a_short_name() -> None:
    """'Mel' in the question is Melanie, who speaks."""
    said = {
        "m1": ("s1", "Caroline", "I have been to the pottery class."),
        "m2": ("s1", "Melanie", "I have been to the pottery class twice."),
    }
    (target,), _ = search(said, "Which class has Mel been to?", "pottery class")
    assert target.message_id == "m2"


def test_what_was_said_after_the_question_is_no_evidence() -> None:
    """A question after the first session finds nothing in the second."""
    failure = failed(TALK, "Where does the lunch order go?", "Bella Cucina")
    early = replace(failure.question, asked_after="s1")
    index = index_of(graph_of(TALK))
    assert locate(index, early, Carries(index, early), failure.conversation) == []


def test_given_ids_are_not_searched_for() -> None:
    """Evidence that the data set names is taken as it is; an id of no message is left out."""
    failure = failed(TALK, "Where does the lunch order go?", "Bella Cucina")
    question = replace(failure.question, evidence=("m5", "m99", "m5"))
    index = index_of(graph_of(TALK))
    found = locate(index, question, Carries(index, question), failure.conversation)
    assert [target.message_id for target in found] == ["m5"]
    known = replace(failure, question=question)
    assert with_evidence(known, index, Carries(index, question)) is known


# where wording does not settle it ----------------------------------------------------------


def test_a_paraphrase_is_found_through_the_reader() -> None:
    """No message holds 'a vegetarian'; a reader gets it from one, and is asked about few."""
    said = {**TALK, "m6": ("s2", "Tom", "With my diet I eat neither meat nor fish.")}
    reader = Reader({"neither meat nor fish": "vegetarian"})
    (target,), carries = search(said, "What diet does Tom keep?", "vegetarian", reader)
    assert (target.message_id, target.kind) == ("m6", "read")
    assert 1 <= carries.calls <= READ


def test_without_a_hit_nothing_is_claimed(store: Store) -> None:
    """An answer that nobody gave, on a matter that nobody spoke of, is `no_evidence`."""
    assert ids(TALK, "Which language does Ben teach?", "Basque") == []
    pipe = Pipeline(TALK)
    pipe.remember("s1", ("m1", "Rosa moved her desk."))
    pipe.ask("Which language does Ben teach?", "Basque", "Latin", found=[])
    found = Provenance()(pipe.failure(), pipe.graph(store))
    assert (found.verdict, found.reason) == ("abstained", "no_evidence")


def test_an_inference_rests_on_what_is_clearly_on_its_matter() -> None:
    """A yes is found nowhere; the message on hiking near the lake is what it follows from."""
    (target, *_), _ = search(TALK, "Did Rosa go hiking near a lake?", "Yes")
    assert (target.message_id, target.kind) == ("m3", "bridge")
    assert ids(TALK, "Would Rosa enjoy an opera by Verdi?", "Likely no") == []


# what an answer is not understood without ---------------------------------------------------


def test_the_link_to_whom_the_answer_is_about_is_found() -> None:
    """The answer is told of Bo; that Bo is Ann's tutor was said elsewhere."""
    said = {
        "m1": ("s1", "Ann", "By the way, my tutor is called Bo."),
        "m2": ("s1", "Tom", "Bo lives in Tartu."),
        "m3": ("s2", "Tom", "Ann, shall we meet?"),
        "m4": ("s2", "Ann", "Tomorrow, in the library."),
    }
    assert ids(said, "Where does Ann's tutor live?", "Tartu") == ["m2", "m1"]
    assert ids(said, "Where does Bo live?", "Tartu") == ["m2"]


def test_a_proposal_needs_its_reply() -> None:
    """What was proposed is decided by the next speaker's answer; a statement needs none."""
    said = {
        "m1": ("s1", "Ann", "Shall we call the boat Marigold?"),
        "m2": ("s1", "Tom", "Fine with me!"),
        "m3": ("s2", "Ann", "The boat lies in Split."),
        "m4": ("s2", "Tom", "Lovely."),
    }
    assert ids(said, "What name did they choose for the boat?", "Marigold") == ["m1", "m2"]
    assert ids(said, "Where does the boat lie?", "Split") == ["m3"]


def test_a_former_value_needs_what_came_in_its_place() -> None:
    """Asked for the former car, both messages count; asked for the present one, only that."""
    said = {
        "m1": ("s1", "Ann", "My car is a Renault."),
        "m2": ("s1", "Tom", "My car is a Fiat now."),
        "m3": ("s2", "Ann", "My dog needs a bigger car, so I swapped it for a Volvo."),
        "m4": ("s2", "Ann", "My sister has a new bicycle now."),
    }
    assert ids(said, "Which car did Ann have before?", "Renault") == ["m1", "m3"]
    assert ids(said, "Which car does Ann have?", "Volvo") == ["m3"]


def test_what_was_taken_back_is_evidence_of_a_question_without_answer() -> None:
    """The statements, repeated ones too, and what takes them back, in order; a plain denial,
    another person's or another matter's retraction is none."""
    said = {
        "m1": ("s1", "Ann", "I have a membership in the chess club."),
        "m2": ("s1", "Tom", "I have a membership in the ski club."),
        "m3": ("s2", "Ann", "As I said, my membership in the chess club is dear to me."),
        "m4": ("s2", "Ann", "I cancelled my membership in the chess club."),
        "m5": ("s2", "Ann", "I don't like soup."),
    }
    question = "In which club does {} have a membership?"
    assert withdrawn(said, question.format("Ann")) == ("m1", "m3", "m4")
    assert withdrawn(said, question.format("Tom")) == ()
    assert withdrawn(said, "Which soup does Ann like?") == ()
    assert withdrawn(said, "What is Ann's phone number?") == ()


@pytest.mark.parametrize("named", [True, False])
def test_causes_are_the_same_with_and_without_ids(store: Store, named: bool) -> None:
    """Of a retraction that memory missed, a stale address, and a fact never extracted, the
    same operation is named whether the data set names the evidence or not."""
    said = {
        "m1": ("s1", "Ann", "I have a membership in the chess club."),
        "m2": ("s1", "Ann", "I live in Porto, by the river."),
        "m3": ("s2", "Ann", "I cancelled my membership in the chess club."),
        "m4": ("s2", "Ann", "I live in Graz now."),
        "m5": ("s2", "Tom", "The boat lies in Split."),
    }
    pipe = Pipeline(said)
    club, home = pipe.remember(
        "s1", ("m1", "Ann has a membership in the chess club."), ("m2", "Ann lives in Porto.")
    )
    pipe.remember("s2", ("m3", "Ann cancelled her membership in the chess club."),
                  ("m4", "Ann lives in Graz now."))  # fmt: skip
    asked: list[tuple[str, str | None, str, list[str], str, str]] = [
        ("In which club does Ann have a membership?", None, "the chess club", [club],
         "m1 m3", "DeletionError/stale"),
        ("Where does Ann live?", "Graz", "Porto", [home], "m4", "UpdateError/stale"),
        ("Where does the boat lie?", "Split", "In Rome", [], "m5", "ExtractionError/omission"),
    ]  # fmt: skip
    for i, (text, gold, prediction, found, evidence, _) in enumerate(asked):
        pipe.ask(text, gold, prediction, id=f"q{i}", found=found, unanswerable=gold is None,
                 evidence=evidence.split() if named else ())  # fmt: skip
    graph = pipe.graph(store)
    for i, (_, _, _, _, evidence, cause) in enumerate(asked):
        made = Provenance()(pipe.failure(f"q{i}"), graph)
        assert f"{made.error_type}/{made.sub_type}" == cause
        assert set(evidence.split()) >= set(made.evidence) > set()


# whatever comes ------------------------------------------------------------------------------

WORDS = [
    "Rosa",
    "Tom",
    "no",
    "longer",
    "cancelled",
    "club",
    "2",
    "May",
    "Lisbon",
    "?",
    ".",
    "yesterday",
]
_TEXT = st.one_of(
    st.text(max_size=40),
    st.sampled_from([m[2] for m in TALK.values()]),
    st.lists(st.sampled_from(WORDS), max_size=8).map(" ".join),
)


@settings(max_examples=150, deadline=None)
@given(
    texts=st.lists(_TEXT, min_size=1, max_size=6), question=_TEXT, gold=st.none() | _TEXT,
    early=st.booleans(),
)  # fmt: skip
def test_only_messages_said_before_are_returned(
    texts: list[str], question: str, gold: str | None, early: bool
) -> None:
    """Whatever is said and asked, nothing raises; what is found are messages of the
    conversation, said before the question, none of them twice, and not more than a few."""
    said = {
        f"m{i}": ("s1" if i % 2 else "s2", "Rosa" if i % 3 else "Tom", text)
        for i, text in enumerate(texts)
    }
    failure = failed(said, question, gold)
    asked = replace(failure.question, asked_after="s1" if early else None)
    index = index_of(graph_of(said))
    reader = Reader({"": gold or "x"})
    found = with_evidence(
        replace(failure, question=asked), index, Carries(index, asked, reader)
    ).question.evidence
    visible = {id for id, (session, _, _) in said.items() if session == "s1" or not early}
    assert set(found) <= visible
    assert len(set(found)) == len(found)
    assert len(reader.passages) <= READ
    if gold is not None:
        assert len(found) <= 4 * KEPT
