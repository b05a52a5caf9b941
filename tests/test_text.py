"""Words, stems and BM25."""

from __future__ import annotations

import math
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from traces.text import (
    BM25,
    CACHED_CHARS,
    contains_words,
    content_words,
    normalise,
    stem,
    stems,
    tokens,
)

WORDS = st.lists(st.sampled_from(["cat", "dog", "run", "sea", "tree", "moon"]), max_size=8)
SUFFIXES = """
    ational tional enci anci izer bli alli entli eli ousli ization ation ator alism iveness fulness
    ousness aliti iviti biliti fulli logi icate ative alize iciti ical ful ness al ance ence er ic
    able ible ant ement ment ent ion ou ism ate iti ous ive ize e ll ed ing eed ied ies sses s y
"""
ENDINGS = st.builds(
    lambda start, ends: start + "".join(ends),
    st.text(alphabet="aeioybcstlzwxYé'", max_size=5),
    st.lists(st.sampled_from(SUFFIXES.split()), max_size=3),
)
CORPORA = st.lists(WORDS, min_size=1, max_size=8)


def test_tokens_fold_case_possessives_and_numbers() -> None:
    """Case, curly apostrophes, possessives and thousands separators do not count."""
    assert tokens("Ada\u2019s 1,000 Books, at 3.5%: don't!") == [
        "ada", "1000", "books", "at", "3.5", "don't",
    ]  # fmt: skip


def test_a_comma_between_day_and_year_separates() -> None:
    """'8,2023' is a day and a year, not a number of five digits."""
    assert tokens("May 8,2023") == ["may", "8", "2023"]


def test_stems_drop_stop_words_and_join_inflections() -> None:
    """'adopting agencies' and 'the agency adopted' have the same stems."""
    assert set(stems("adopting agencies")) == set(stems("the agency has adopted"))


def test_content_words_keep_their_form() -> None:
    """Content words are unstemmed, without stop words, in order and with repeats."""
    assert content_words("The dogs and the dogs ran") == ("dogs", "dogs", "ran")


@given(ENDINGS)
def test_any_word_has_a_stem_that_does_not_depend_on_case(word: str) -> None:
    """Every combination of suffixes is stemmed, the same in capitals."""
    assert stem(word.upper()) == stem(word.upper().lower())


def test_a_long_run_of_one_letter_is_no_trouble() -> None:
    """What is no word at all keeps its ending instead of breaking the stemmer."""
    assert stem("Y" * 1_000_000) == "y" * 1_000_000


def test_huge_texts_give_the_same_words_uncached() -> None:
    """Beyond the cached length the result does not change."""
    text = "sailing boats " * CACHED_CHARS
    assert set(stems(text)) == set(stems("sailing boats"))


def test_containment_is_by_whole_adjacent_words() -> None:
    """'art' is not in 'party', and words must be adjacent."""
    assert contains_words("She moved to New York.", "new york")
    assert not contains_words("a party", "art")
    assert not contains_words("new and old York", "new York")
    assert not contains_words("anything", "")


@given(st.text())
def test_any_text_is_tokenised_stably(text: str) -> None:
    """Any text gives words without spaces, and normalising twice changes nothing."""
    assert all(word and not any(c.isspace() for c in word) for word in tokens(text))
    assert normalise(normalise(text)) == normalise(text)
    stems(text)


def test_the_returned_list_is_the_callers_own() -> None:
    """Changing a returned list does not change what the next call returns."""
    tokens("one two").append("three")
    assert tokens("one two") == ["one", "two"]


def _reference(
    docs: dict[str, list[str]], query: list[str], k1: float, b: float
) -> dict[str, float]:
    n = len(docs)
    average = sum(map(len, docs.values())) / n if n else 0.0
    found: dict[str, float] = {}
    for name, doc in docs.items():
        counts = Counter(doc)
        total = 0.0
        for word in query:
            if counts[word]:
                df = sum(word in d for d in docs.values())
                idf = math.log(1 + (n - df + 0.5) / (df + 0.5))
                norm = k1 * (1 - b + b * len(doc) / average)
                total += idf * counts[word] * (k1 + 1) / (counts[word] + norm)
        if total:
            found[name] = total
    return found


@given(CORPORA, WORDS, st.data())
def test_bm25_agrees_with_its_formula_after_any_changes(
    corpus: list[list[str]], query: list[str], data: st.DataObject
) -> None:
    """After adding, replacing and removing, scores equal the textbook's on what is left."""
    index = BM25()
    docs: dict[str, list[str]] = {}
    for number, doc in enumerate(corpus):
        name = f"d{number % 5}"
        index.add(name, doc)
        docs[name] = doc
    for name in data.draw(st.lists(st.sampled_from(sorted(docs)), unique=True)):
        index.remove(name)
        del docs[name]
    assert len(index) == len(docs)
    assert index.scores(query) == pytest.approx(_reference(docs, query, 1.2, 0.75))


@given(CORPORA, WORDS)
def test_bm25_does_not_depend_on_the_order_of_arrival(
    corpus: list[list[str]], query: list[str]
) -> None:
    """The same documents added backwards have exactly the same scores."""
    forward, backward = BM25(), BM25()
    docs = [(f"d{i}", doc) for i, doc in enumerate(corpus)]
    for name, doc in docs:
        forward.add(name, doc)
    for name, doc in reversed(docs):
        backward.add(name, doc)
    assert forward.scores(query) == backward.scores(query)
    assert forward.top(query, 3) == backward.top(query, 3)


def test_bm25_breaks_ties_by_id() -> None:
    """Equal scores are ranked by id, whatever the order of arrival."""
    index = BM25()
    for name in ("b", "c", "a"):
        index.add(name, ["moon"])
    assert [name for name, _ in index.top(["moon"], 2)] == ["a", "b"]


def test_bm25_score_array_follows_the_given_ids() -> None:
    """The array has the given order, with 0 for a document that shares nothing."""
    index = BM25()
    index.add("a", ["moon"])
    index.add("b", ["sea"])
    scores = index.score_array(["moon"], ["b", "a"])
    assert scores.shape == (2,)
    assert scores[0] == 0
    assert scores[1] > 0


def test_bm25_refuses_unknown_documents_and_parameters() -> None:
    """Removing what is not held, and parameters out of range, are errors."""
    with pytest.raises(KeyError):
        BM25().remove("a")
    with pytest.raises(ValueError, match="k1"):
        BM25(k1=-1)


@settings(max_examples=30)
@given(st.text(max_size=40))
def test_stems_are_a_function_of_the_text(text: str) -> None:
    """Cached and fresh results agree."""
    assert stems(text) == tuple(stem(w) for w in content_words(text))
