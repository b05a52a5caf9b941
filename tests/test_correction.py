"""A user's correction in words: what it says the answer should have been."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.chat.correction import gold_of, withholds

LIVE = "Ana: Where does my sister live?"


@pytest.mark.parametrize(
    ("correction", "gold"),
    [
        ("Porto", "Porto"),
        ("it is Porto", "Porto"),
        ("No, it's  Porto ", "Porto"),
        ("That was wrong, it is Porto.", "Porto"),
        ("That's not right. It's Rome, Italy.", "Rome, Italy"),
        ("Actually, the answer is 42.", "42"),
        ("I told you it was Porto", "Porto"),
        ("Wrong! I said 5pm", "5pm"),
        ("it should have been “Porto”", "Porto"),
        ("She lives in Lisbon now", "in Lisbon"),
        ("my sister lives in Graz, as I said", "in Graz"),
        ("No - Thursday", "Thursday"),
        ("No, Nora", "Nora"),
        ("The Hague", "The Hague"),
        ("red, green and blue", "red, green and blue"),
        ("13,000 euros", "13,000 euros"),
        ("two cats, no dogs", "two cats, no dogs"),
    ],
)
def test_what_is_said_around_the_answer_is_left_out(correction: str, gold: str) -> None:
    """Rejections, 'it is', and what the question says already are no part of the answer."""
    assert gold_of(correction, LIVE) == gold


@pytest.mark.parametrize(
    ("correction", "gold"),
    [
        ("it's Lisbon, not Porto", "Lisbon"),
        ("not Porto but Lisbon", "Lisbon"),
        ("It's not Porto, it's Lisbon.", "Lisbon"),
        ("It isn't Porto. It's Lisbon.", "Lisbon"),
        ("Lisbon instead of Porto", "Lisbon"),
        ("Lisbon rather than Porto", "Lisbon"),
        ("Lisbon - not Porto", "Lisbon"),
        ("She doesn't live in Porto any more, she lives in Lisbon now", "in Lisbon"),
        ("I never said Porto, I said Lisbon", "Lisbon"),
        ("Dr. Smith, not Dr. Jones", "Dr. Smith"),
        ("the 5th of May, not June", "the 5th of May"),
        ("He isn't a doctor but a nurse", "a nurse"),
        ("not only tea but also coffee", "not only tea but also coffee"),
    ],
)
def test_the_wrong_value_is_kept_out(correction: str, gold: str) -> None:
    """What the answer is not is no part of the gold answer."""
    assert gold_of(correction, LIVE) == gold


def test_what_the_question_says_is_left_out() -> None:
    """A whole sentence is cut down to what the question asks for."""
    assert gold_of("no, she moved in May", "Ana: When did my sister move?") == "in May"
    assert gold_of("I am allergic to nuts, not to milk", "Ana: What am I allergic to?") == "nuts"
    assert gold_of("she's called Mia", "Ana: What is my daughter called?") == "Mia"


def test_of_a_yes_or_no_question_the_whole_correction_stands() -> None:
    """'No' is the answer there, and not a way to begin one."""
    assert gold_of("no, she doesn't", "Ana: Does she like tea?") == "no, she doesn't"
    assert gold_of("No", "Is Mia older than Bo?") == "No"
    assert gold_of("No", "Ana: Where?") == "No"


@pytest.mark.parametrize("correction", ["", "  ", "that was wrong", "Wrong!", "it's", "Actually,"])
def test_a_correction_may_say_nothing(correction: str) -> None:
    """That the answer was wrong is no answer."""
    assert gold_of(correction, LIVE) == ""


def test_what_was_never_told_cannot_be_answered() -> None:
    """The user says so in many ways; who never said one thing may have said another."""
    for told in ("not mentioned", "I never told you that", "You can't know that!", "nobody said so",
                 "I don't know", "No, I haven't told you"):  # fmt: skip
        assert withholds(told)
    for known in ("Porto", "I never said Porto, I said Lisbon", "No", "not Porto"):
        assert not withholds(known)


@given(correction=st.text(max_size=80), question=st.text(max_size=60))
def test_whatever_is_typed_is_taken(correction: str, question: str) -> None:
    """Nothing raises, and a gold answer is made of the correction's own words."""
    gold = gold_of(correction, question)
    assert gold == gold.strip()
    said = correction.split()
    assert all(any(word.strip(",") in one for one in said) for word in gold.split())
    withholds(correction)


@given(value=st.from_regex(r"[A-Z][a-z]{3,9}", fullmatch=True))
def test_the_value_is_found_in_every_frame(value: str) -> None:
    """Whatever the value is, it is what is left of these corrections."""
    for frame in ("it is {}", "no, it's {}", "that was wrong, it is {}", "{}, not Porto", "{}!",
                  "not Porto but {}", "Actually, it's {} now"):  # fmt: skip
        assert gold_of(frame.format(value), "Ana: Where?") == value
