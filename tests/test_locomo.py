"""Loading LoCoMo's published format, and refusing what cannot be used."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.loaders import load_dataset
from evals.loaders.locomo import load_locomo
from tests.locomo_fixture import Sample, locomo_samples, write_locomo
from traces.domain import Dataset, Question
from traces.errors import DataError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "locomo.json"


def load(file: Path, samples: list[Sample]) -> Dataset:
    return load_locomo(write_locomo(file, samples))


def question(dataset: Dataset, start: str) -> Question:
    return next(q for q in dataset.conversations[0].questions if q.text.startswith(start))


def test_sessions_messages_and_questions_are_all_there(file: Path) -> None:
    """Every turn becomes a message, every usable question a question, with stable ids."""
    dataset = load(file, locomo_samples(conversations=3))
    assert [c.id for c in dataset.conversations] == ["conv-1", "conv-2", "conv-3"]
    first = dataset.conversations[0]
    assert [s.id for s in first.sessions] == ["session_1", "session_2", "session_3", "session_4"]
    assert [m.id for m in first.sessions[0].messages] == ["D1:1", "D1:2", "D1:3", "D1:4"]
    assert [q.id for q in first.questions] == [f"conv-1:q{i}" for i in range(10)]
    assert not dataset.simulated


def test_dates_are_read_from_their_published_wording(file: Path) -> None:
    """'1:56 pm on 8 May, 2023' is 13:56 of that day."""
    samples = locomo_samples(conversations=1)
    samples[0]["conversation"]["session_1_date_time"] = "1:56 pm on 8 May, 2020"
    session = load(file, samples).conversations[0].sessions[0]
    assert session.date == datetime(2020, 5, 8, 13, 56)


def test_a_photo_is_its_caption_after_the_text(file: Path) -> None:
    """The caption is part of the message's text, marked as a photo."""
    message = load(file, locomo_samples()).conversations[0].message("D2:3")
    assert message is not None
    assert message.text.startswith("We adopted ")
    assert message.text.endswith(" on a sofa]")
    assert " [photo: a photo of " in message.text


def test_a_photo_without_text_is_its_caption_alone(file: Path) -> None:
    """No leading space is left where the text is empty."""
    samples = locomo_samples(conversations=1)
    samples[0]["conversation"]["session_2"][2] |= {"text": "", "blip_caption": "a\n dog"}
    message = load(file, samples).conversations[0].message("D2:3")
    assert message is not None
    assert message.text == "[photo: a dog]"


def test_integer_answers_become_text(file: Path) -> None:
    """A number as gold answer is its decimal text."""
    answer = question(load(file, locomo_samples()), "How many concerts").answer
    assert answer is not None
    assert answer.isdigit()


def test_category_five_is_unanswerable_and_has_no_gold_answer(file: Path) -> None:
    """Neither the adversarial answer nor a stray answer is gold; the stray one is reported."""
    dataset = load(file, locomo_samples(conversations=1))
    unanswerable = [q for q in dataset.conversations[0].questions if q.unanswerable]
    assert [q.category for q in unanswerable] == ["5", "5"]
    assert [q.answer for q in unanswerable] == [None, None]
    assert "conv-1, question conv-1:q9: is unanswerable; its answer 'No' is not used" in (
        dataset.problems
    )


@pytest.mark.parametrize(
    ("start", "evidence"),
    [
        ("Which hobbies", ("D2:1", "D3:3")),
        ("Which cities", ("D1:1", "D4:1")),
        ("When did", ("D2:3",)),
        ("Where does Ada live now", ("D4:1",)),
    ],
)
def test_malformed_evidence_is_resolved_where_it_is_clear(
    file: Path, start: str, evidence: tuple[str, ...]
) -> None:
    """Several ids in a string, leading zeros, a misplaced colon and repeats are understood."""
    assert question(load(file, locomo_samples()), start).evidence == evidence


def test_evidence_that_cannot_be_resolved_is_reported(file: Path) -> None:
    """Fragments, ids of no message and missing evidence are named with their question."""
    assert load(file, locomo_samples(conversations=1)).problems == (
        "conv-1, question conv-1:q4: evidence 'D' cannot be read in full",
        "conv-1, question conv-1:q5: evidence 'D9:99' points to no message",
        "conv-1, question conv-1:q6: names no evidence",
        "conv-1, question conv-1:q9: is unanswerable; its answer 'No' is not used",
    )


@given(evidence=st.lists(st.text(alphabet="D:0123456789 ;,x-", max_size=12), max_size=4))
def test_no_evidence_string_is_dropped_silently(
    tmp_path_factory: pytest.TempPathFactory, evidence: list[str]
) -> None:
    """Whatever the strings are, each gives a message id or a problem that names the question."""
    samples = locomo_samples(conversations=1)
    samples[0]["qa"] = [
        {"question": "Where?", "answer": "Here", "category": 4, "evidence": evidence}
    ]
    dataset = load(tmp_path_factory.mktemp("data") / "a.json", samples)
    found = dataset.conversations[0].questions[0].evidence
    ids = {m.id for s in dataset.conversations[0].sessions for m in s.messages}
    assert set(found) <= ids
    assert all("conv-1:q0" in line for line in dataset.problems)
    assert found or dataset.problems


def test_a_question_without_gold_answer_is_left_out_and_reported(file: Path) -> None:
    """The others keep their ids."""
    samples = locomo_samples(conversations=1)
    del samples[0]["qa"][1]["answer"]
    dataset = load(file, samples)
    assert [q.id for q in dataset.conversations[0].questions][:2] == ["conv-1:q0", "conv-1:q2"]
    assert "conv-1, question conv-1:q1: has no gold answer and was left out" in dataset.problems


def test_sessions_dated_out_of_order_are_reported_and_kept(file: Path) -> None:
    """The number decides the order; the date that disagrees is a problem."""
    samples = locomo_samples(conversations=1)
    samples[0]["conversation"]["session_2_date_time"] = "1:00 am on 1 May, 1999"
    dataset = load(file, samples)
    assert [s.id for s in dataset.conversations[0].sessions][1] == "session_2"
    assert "session_2 (1999-05-01T01:00:00) is dated before session_1" in dataset.problems[0]


def test_the_hash_depends_on_content_not_on_the_path(tmp_path: Path) -> None:
    """The same content elsewhere has the same hash; another seed another one."""
    one = load(tmp_path / "a.json", locomo_samples(1))
    assert one.hash == load(tmp_path / "b.json", locomo_samples(1)).hash
    assert one.hash != load(tmp_path / "c.json", locomo_samples(2)).hash


def test_the_registry_knows_its_names_and_what_they_need(file: Path) -> None:
    """A known name loads; an unknown one lists the known; a file loader needs a path."""
    write_locomo(file, locomo_samples())
    assert load_dataset("locomo", file).name == "locomo"
    with pytest.raises(DataError, match=r"unknown data set 'x': choose one of .*locomo"):
        load_dataset("x")
    with pytest.raises(DataError, match="give its path"):
        load_dataset("locomo")
