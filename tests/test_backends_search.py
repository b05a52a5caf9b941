"""Behaviour of the hybrid index, character n-grams, embeddings and periods."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memory_backends.retrieval.index import HybridIndex
from memory_backends.retrieval.ngrams import BUCKETS, NgramSimilarity, features
from memory_backends.retrieval.periods import period_of, periods_in
from tests.test_backends_registry import Letters

TEXTS = {
    "1": "Rosa adopted a dog called Rex",
    "2": "Ben plays chess on Sundays",
    "3": "Rosa plays the cello",
    "4": "Ben's dog is afraid of thunderstorms",
}


def index_of(texts: dict[str, str], **options: float) -> HybridIndex:
    index = HybridIndex(**options)  # type: ignore[arg-type]
    for id, text in texts.items():
        index.put(id, text)
    return index


def test_the_best_match_comes_first() -> None:
    """Words that few texts have count most; scores fall."""
    found = index_of(TEXTS).search(["what dog does Rosa have?"], 4)
    assert found[0][0] == "1"
    assert [score for _, score in found] == sorted((s for _, s in found), reverse=True)


def test_ngrams_find_what_no_word_matches() -> None:
    """A compound is found by its parts; without n-grams it is not."""
    assert index_of(TEXTS).search(["thunder"], 1)[0][0] == "4"
    assert index_of(TEXTS, weight=0).search(["thunder"], 1) == []


def test_an_embedder_takes_the_place_of_ngrams() -> None:
    """Nearness is the embedder's; texts are embedded once."""
    calls: list[int] = []

    class Counting(Letters):
        def embed(self, texts):  # type: ignore[no-untyped-def]
            calls.append(len(texts))
            return super().embed(texts)

    index = HybridIndex(Counting())
    for id, text in {"a": "silent", "b": "zzz", "c": "!?"}.items():
        index.put(id, text)
    assert index.search(["listen"], 3) == [("a", pytest.approx(0.25))]
    index.put("d", "tinsel")
    assert [id for id, _ in index.search(["listen"], 3)] == ["a", "d"]
    assert calls == [3, 1, 1, 1]


@pytest.mark.parametrize("queries", [[], [""], ["?!"], ["the of"]])
def test_queries_without_content_find_nothing_here(queries: list[str]) -> None:
    """Neither BM25 nor n-grams match."""
    assert index_of({"a": "bicycle"}).search(queries, 5) == []


def test_accept_limits_what_is_returned_and_what_scores_are_relative_to() -> None:
    """Among the accepted texts the best has the full score."""
    found = index_of(TEXTS).search(["Rosa dog"], 4, accept=lambda id: id in "23")
    assert found[0] == ("3", pytest.approx(1.25))
    assert index_of(TEXTS).search(["dog"], 4, accept=lambda id: False) == []


def test_ties_are_broken_by_text_then_id_even_at_the_cut() -> None:
    """Equal scores at rank k do not depend on arrival."""
    texts = {f"{i:02}": text for i, text in enumerate(["b x", "a x", "c x", "a x"])}
    for seed in range(5):
        items = list(texts.items())
        random.Random(seed).shuffle(items)
        found = index_of(dict(items), weight=0).search(["x"], 3)
        assert [id for id, _ in found] == ["01", "03", "00"]


WORDS = ("dog", "cat", "car", "red", "blue", "chess", "Rosa", "Ben", "plays", "adopted")
any_text = st.one_of(
    st.lists(st.sampled_from(WORDS), max_size=6).map(" ".join),
    st.text(st.characters(), max_size=20),
)
changes = st.lists(st.tuples(st.integers(0, 5), st.one_of(st.none(), any_text)), max_size=25)


@given(changes, any_text)
@settings(max_examples=80, deadline=None)
def test_results_depend_on_the_texts_held_alone(
    steps: list[tuple[int, str | None]], query: str
) -> None:
    """After any changes the index answers, bit for bit, as one built afresh."""
    index, held = HybridIndex(), {}
    for number, text in steps:
        id = str(number)
        if text is None:
            if id in held:
                index.remove(id)
                del held[id]
        else:
            index.put(id, text)
            held[id] = text
        if number == 0:
            index.search([query], 2)
            index.near(query, 2, 0)
    fresh = index_of(dict(sorted(held.items())))
    assert index.search([query, "dog"], 4) == fresh.search([query, "dog"], 4)
    assert index.near(query, 3, 0.1) == fresh.near(query, 3, 0.1)
    assert len(index) == len(held)


def test_nearness_means_the_same_in_small_and_large_memories() -> None:
    """The share tells apart a restated fact and one that shares only a name, at any size."""
    for size in (0, 200):
        index = index_of({f"n{i}": f"Rosa did thing{i} with item{i}" for i in range(size)})
        index.put("home", "Rosa lives in Lisbon by the river")
        index.put("job", "Rosa works as a baker")
        (best, share), *rest = index.near("Rosa lives in Porto", 5, 0)
        assert best == "home"
        assert share > 0.25
        assert all(score < 0.2 for _, score in rest)


def test_the_best_of_one_query_outranks_the_middling_of_all() -> None:
    """What only one step of a chain of questions finds is not averaged away."""
    queries = ["sister", "Ana", "cello", "Porto"]
    padding = " ".join(f"padding{i}" for i in range(9))
    texts = {f"n{i}": f"{padding} sister Ana cello Porto filler{i}" for i in range(3)}
    index = index_of({**texts, **{query: query for query in queries}}, weight=0)
    assert {id for id, _ in index.search(queries, 4)} == set(queries)


def test_several_queries_prefer_what_they_agree_on() -> None:
    """Of two texts that are some query's best, the one that other queries find too leads."""
    index = index_of({"a": "red car", "b": "blue boat", "c": "car"}, weight=0)
    assert index.search(["boat", "red", "car"], 1)[0][0] == "a"


def test_removing_what_is_not_there_raises() -> None:
    """A missing id is a caller's mistake."""
    with pytest.raises(KeyError):
        HybridIndex().remove("a")


def test_searches_may_run_in_parallel() -> None:
    """Threads that search the same index find the same."""
    index = index_of({str(i): f"thing{i} word{i % 7} place{i % 11}" for i in range(300)})
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: index.search(["thing5 word3 place2"], 10), range(40)))
    assert all(one == found[0] for one in found)
    assert len(found[0]) == 10


@given(st.text(st.characters()))
def test_features_are_in_range_and_blind_to_case_and_spacing(text: str) -> None:
    """Buckets are below BUCKETS and ascending; case and punctuation do not matter."""
    buckets, weights = features(text)
    assert ((buckets >= 0) & (buckets < BUCKETS)).all()
    assert (buckets[1:] > buckets[:-1]).all()
    assert (weights >= 1).all()
    again, _ = features(f"  {text}!! ")
    assert again.tolist() == buckets.tolist()


def test_ngrams_stay_inside_words() -> None:
    """The order of words changes nothing."""
    one, two = features("red car"), features("car red")
    assert one[0].tolist() == two[0].tolist()
    assert one[1].tolist() == two[1].tolist()


def test_a_text_is_most_similar_to_itself() -> None:
    """The cosine of a text with itself is 1, of unrelated texts about 0."""
    similarity = NgramSimilarity()
    similarity.prepare([*TEXTS.values(), ""])
    scores = similarity.scores(TEXTS["2"])
    assert scores[1] == pytest.approx(1)
    assert scores.argmax() == 1
    assert scores[4] == 0


DAY = (date(2024, 5, 12), date(2024, 5, 12))
MAY = (date(2024, 5, 1), date(2024, 5, 31))


@pytest.mark.parametrize(
    ("text", "periods"),
    [
        ("on 2024-05-12.", [DAY]),
        ("at 2024-05-12T09:30", [DAY]),
        ("in 2024-05", [MAY]),
        ("on 12 May 2024", [DAY]),
        ("the 12th of May, 2024", [DAY]),
        ("on MAY 12, 2024", [DAY]),
        ("in May 2024, then 2024-05-12", [MAY, DAY]),
        ("in Sept. 2023", [(date(2023, 9, 1), date(2023, 9, 30))]),
        ("29 February 2023", []),
        ("2024-13-01 12024-05-12 2024-05-123 2024", []),
        ("she may 2024 times marched 3000", [MAY]),
        ("room 112 May 2024", [MAY]),
    ],
)
def test_dates_in_texts(text: str, periods: list[object]) -> None:
    """ISO dates and written ones are found; impossible and partial ones are not."""
    assert list(periods_in(text)) == periods


@pytest.mark.parametrize(
    ("text", "period"),
    [
        ("2024-05-12", DAY),
        (" 2024-05-12T23:59:00+02:00 ", DAY),
        ("2024-05", MAY),
        ("2024", (date(2024, 1, 1), date(2024, 12, 31))),
        ("", None),
        ("None", None),
        ("12 May 2024", None),
        ("0000-01-01", None),
        ("2024-02-30", None),
    ],
)
def test_periods_of_values(text: str, period: object) -> None:
    """Dates, months and years in ISO 8601; anything else is no period."""
    assert period_of(text) == period


@given(st.text(st.characters()))
def test_no_text_breaks_the_reading_of_dates(text: str) -> None:
    """Whatever is found is a period whose first day is not after its last."""
    for first, last in (*periods_in(text), *filter(None, [period_of(text)])):
        assert first <= last
