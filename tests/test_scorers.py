"""LoCoMo's F1, exact match, abstention and stage scores."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.scorers import SCORERS, abstains, exact_match, locomo_f1
from evals.scorers.f1 import multi_answer_f1, normalise_answer, token_f1
from evals.scorers.stages import evidence_recall, extraction_recall, memory_correctness
from traces.domain import GoldFact, Question
from traces.errors import DataError


def ask_about(answer: str | None, category: str = "4", text: str = "Where is she?") -> Question:
    return Question("c:q0", text, answer, category, unanswerable=answer is None)


def test_normalisation_drops_articles_commas_and_punctuation() -> None:
    """'and' goes with the articles; punctuation goes without leaving a space."""
    assert normalise_answer("The cat, a dog-house AND an 'owl'.") == "cat doghouse owl"


def test_f1_is_over_bags_of_stems() -> None:
    """Two of three predicted stems are among the two gold ones: 2 * (2/3) * 1 / (5/3)."""
    assert token_f1("running dogs outside", "dog run") == pytest.approx(0.8)
    assert token_f1("dog dog", "dog") == pytest.approx(2 / 3)
    assert token_f1("", "dog") == 0
    assert token_f1("the", "a") == 0


def test_multi_answers_take_their_best_match() -> None:
    """Each gold part counts with its best predicted part; extra parts cost nothing."""
    assert multi_answer_f1("pottery, camping, chess", "camping, pottery") == 1
    assert multi_answer_f1("pottery", "camping, pottery") == 0.5


def test_categories_are_scored_by_their_own_rules() -> None:
    """Multi-hop by parts, inferential before the semicolon, the others as a whole."""
    assert locomo_f1(ask_about("camping, pottery", "1"), "pottery").value == 0.5
    assert locomo_f1(ask_about("Likely no; she is busy", "3"), "likely no").value == 1
    assert locomo_f1(ask_about("no; busy", "4"), "no").value < 1
    assert locomo_f1(ask_about("7 May 2023", "2"), "7 May, 2023").value == 1


def test_unanswerable_questions_need_one_of_two_phrases() -> None:
    """As published: other words for it do not count in this score."""
    question = ask_about(None, "5")
    assert locomo_f1(question, "That is NOT mentioned.").correct
    assert locomo_f1(question, "No information available").value == 1
    assert not locomo_f1(question, "I don't know").correct


def test_f1_is_correct_from_one_half() -> None:
    """The binary verdict without a judge is F1 >= 0.5."""
    assert locomo_f1(ask_about("red boat"), "boat blue").correct
    assert not locomo_f1(ask_about("red boat"), "a boat on blue water").correct


@given(st.text(max_size=60), st.text(max_size=60))
def test_f1_is_a_symmetric_share(one: str, other: str) -> None:
    """F1 lies in 0..1 and does not depend on which text is gold."""
    assert 0 <= token_f1(one, other) <= 1
    assert token_f1(one, other) == pytest.approx(token_f1(other, one))


@pytest.mark.parametrize("name", SCORERS)
def test_a_question_without_gold_answer_is_an_error(name: str) -> None:
    """An answerable question that cannot be scored is never counted as wrong."""
    with pytest.raises(DataError, match="c:q0"):
        SCORERS[name](Question("c:q0", "?", None), "x")


def test_exact_match_is_over_sets_of_words() -> None:
    """Order and articles do not count, any other word does."""
    assert exact_match(ask_about("pottery and camping"), "Camping, pottery").value == 1
    assert not exact_match(ask_about("camping"), "camping trips").correct
    assert exact_match(ask_about(None), "I do not know.").correct
    assert not exact_match(ask_about(None), "Paris").correct


ABSTENTIONS = [
    "I don't know.", "I'm not sure about that.", "Not mentioned", "N/A", "Unknown.", "none",
    "Not mentioned in the conversation.", "No information available", "It isn't stated.",
    "There is no information about Caroline's dog.", "This was never mentioned.",
    "The conversation does not mention where she lives.", "There's no mention of it.",
    "The provided context doesn\u2019t specify this.", "Cannot be determined from the messages.",
    "I couldn't find any information on that.", "The memory contains no record of that",
    "Unable to determine", "There is not enough information to answer.",
    "I have no information about that.", "The question can't be answered.",
    "The messages never mention her birthday.", "Not available in the provided memories.",
    "No evidence of this in the conversation", "Based on the memories, it's unclear.",
]  # fmt: skip
ANSWERS = [
    "", "Paris", "No", "Never", "She doesn't know how to swim", "Not married", "7 May 2023",
    "He said he did not know the answer", "Nothing was broken", "None of them came",
    "Ada told Bruno that it was not mentioned", "The keys were not found",
    "Not stated, but probably Paris", "I don't know exactly, but likely in May 2023",
    "No, she does not like dogs", "She had no idea he was coming", "She cannot tell him",
    "She is not known for cooking", "Her phone was not available",
    "She did not mention her birthday to Bruno", "Unknown Pleasures by Joy Division",
]  # fmt: skip


@pytest.mark.parametrize("text", ABSTENTIONS)
def test_refusals_abstain(text: str) -> None:
    """A refusal in the answerer's voice or about the record is recognised in many words."""
    assert abstains(text)


@pytest.mark.parametrize("text", ANSWERS)
def test_answers_do_not_abstain(text: str) -> None:
    """Negation about a person, a guess after a refusal, and silence are no abstention."""
    assert not abstains(text)


@given(st.text(max_size=300))
def test_any_text_either_abstains_or_not(text: str) -> None:
    """The detector takes any text, also very long."""
    assert abstains(text) in (True, False)
    abstains(text * 200)


OLD = GoldFact("f1", "Ada", "Lisbon", ("D1:1",), alive=False)
NEW = GoldFact("f2", "Ada", "Osaka", ("D4:1",))


def test_extraction_recall_asks_for_source_subject_and_value() -> None:
    """A fact counts when one item has all three; superseded facts count too."""
    assert extraction_recall([OLD, NEW], [("Ada lives in Lisbon.", ["D1:1"])]) == 0.5
    assert extraction_recall([NEW], [("She lives in Osaka.", ["D4:1"])]) == 0
    assert extraction_recall([NEW], [("Ada lives in Osaka.", ["D2:1"])]) == 0
    assert extraction_recall([NEW], [("Ada lives in Osaka.", [])]) == 1
    assert extraction_recall([], []) is None


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ([("Ada lives in Osaka.", ["D4:1"])], 1.0),
        ([("Ada lives in Osaka.", ["D4:1"]), ("Ada lives in Lisbon.", ["D1:1"])], 0.5),
        ([("Ada lives in Osaka (formerly Lisbon).", ["D1:1", "D4:1"])], 1.0),
        ([("Ada lives in Osaka, Lisbon.", ["D1:1", "D4:1"])], 1.0),
        ([("Ada used to live in Lisbon.", ["D1:1"])], 0.5),
        ([("Ada lives in Lisbon.", ["D1:1"])], 0.0),
    ],
)
def test_memory_is_right_when_the_new_value_stands_and_the_old_one_is_history(
    entries: list[tuple[str, list[str]]], expected: float
) -> None:
    """A stale value beside or instead of the new one costs; one marked as past does not."""
    assert memory_correctness([OLD, NEW], entries) == expected


def test_evidence_recall_is_over_messages() -> None:
    """Each evidence message among the retrieved sources counts once."""
    question = Question("q", "?", "x", evidence=("D1:1", "D4:1"))
    assert evidence_recall(question, [["D1:1", "D2:2"], ["D1:1"]]) == 0.5
    assert evidence_recall(Question("q", "?", "x"), [["D1:1"]]) is None
