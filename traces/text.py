"""Words, stems and BM25: shared by retrieval, attribution and scorers.

Everything is deterministic and independent of the process. Texts up to
`CACHED_CHARS` characters are tokenised once and remembered (bounded); longer ones
are tokenised at each call.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

CACHED_CHARS = 20_000
LONGEST_WORD = 60

_WORD = re.compile(r"\d{1,3}(?:,\d{3})+(?![\d])|\d+\.\d+|[^\W_]+(?:'[^\W_]+)*")
_APOSTROPHES = str.maketrans({"\u2019": "'", "\u02bc": "'", "\u2018": "'"})

_STOP = """
a an the this that these those i me my mine myself we us our ours ourselves you your yours
yourself yourselves he him his himself she her hers herself it its itself they them their
theirs themselves who whom whose which what when where why how am is are was were be been
being have has had having do does did doing done will would shall should can could may might
must ought and or but nor so if then else than because as until while of at by for with about
against between into through during before after above below to from up down in out on off
over under again further once here there all any both each few more most other some such no
not only own same too very just also s t d ll m o re ve y don't doesn't didn't isn't aren't
wasn't weren't hasn't haven't hadn't won't wouldn't shan't shouldn't can't cannot couldn't
mightn't mustn't needn't i'm i'd i'll i've you're you'd you'll you've he'd he'll she'd she'll
it'd it'll we're we'd we'll we've they're they'd they'll they've that'll there'd
"""
STOP_WORDS = frozenset(_STOP.split())


@lru_cache(maxsize=1)
def _porter() -> Callable[[str], str]:
    # Imported where it is first needed: NLTK takes over a second.
    from nltk.stem.porter import PorterStemmer

    stemmer: Callable[[str], str] = PorterStemmer().stem
    return stemmer


@lru_cache(maxsize=65_536)
def _stem_cached(word: str) -> str:
    return _porter()(word)


def stem(word: str) -> str:
    """Return the Porter stem (NLTK's default mode), lowercased.

    What is longer than any word keeps its ending: NLTK recurses over its letters.
    """
    return _stem_cached(word) if len(word) <= LONGEST_WORD else word.lower()


def _tokenise(text: str) -> tuple[str, ...]:
    folded = unicodedata.normalize("NFKC", text).translate(_APOSTROPHES).lower()
    return tuple(word.removesuffix("'s").replace(",", "") for word in _WORD.findall(folded))


def _stem_all(text: str) -> tuple[str, ...]:
    return tuple(stem(word) for word in _words(text) if word not in STOP_WORDS)


_tokenise_cached = lru_cache(maxsize=16_384)(_tokenise)
_stem_all_cached = lru_cache(maxsize=16_384)(_stem_all)


def _words(text: str) -> tuple[str, ...]:
    return _tokenise_cached(text) if len(text) <= CACHED_CHARS else _tokenise(text)


def tokens(text: str) -> list[str]:
    """Return the lowercased words and numbers of `text`, in order.

    Possessive 's is dropped, '1,000' becomes '1000', '3.5' stays one token, other
    punctuation separates. Compatibility forms are folded (NFKC).
    """
    return list(_words(text))


def stems(text: str) -> tuple[str, ...]:
    """Return the stems of the words that are not stop words, in order, with repeats."""
    return _stem_all_cached(text) if len(text) <= CACHED_CHARS else _stem_all(text)


def content_words(text: str) -> tuple[str, ...]:
    """Return the words that are not stop words, unstemmed, in order, with repeats."""
    return tuple(word for word in _words(text) if word not in STOP_WORDS)


def normalise(text: str) -> str:
    """Return the words of `text` joined by single spaces: equal for equal wording."""
    return " ".join(_words(text))


def contains_words(text: str, phrase: str) -> bool:
    """Say whether the words of `phrase` occur in `text`, adjacent and in order."""
    wanted = normalise(phrase)
    return bool(wanted) and f" {wanted} " in f" {normalise(text)} "


class BM25:
    """Okapi BM25 over stems, with documents added and removed one at a time.

    Robertson and Zaragoza (2009), with the idf log(1 + (N - df + 0.5) / (df + 0.5)),
    which is never negative. Scores depend on the documents held, not on the order
    in which they came. Not safe for concurrent change.
    """

    def __init__(self, k1: float = 1.2, b: float = 0.75) -> None:
        if k1 < 0 or not 0 <= b <= 1:
            raise ValueError(f"BM25 needs k1 >= 0 and 0 <= b <= 1, not k1={k1}, b={b}")
        self.k1 = k1
        self.b = b
        self._rows: dict[str, int] = {}
        self._counts: list[Mapping[str, int] | None] = []
        self._ids: list[str] = []
        self._lengths = np.zeros(16)
        self._free: list[int] = []
        self._postings: dict[str, dict[int, int]] = {}
        self._total = 0
        self._arrays: dict[str, tuple[NDArray[np.intp], NDArray[np.float64]]] = {}
        self._norms: NDArray[np.float64] | None = None

    def __len__(self) -> int:
        return len(self._rows)

    def __contains__(self, doc_id: object) -> bool:
        return doc_id in self._rows

    def add(self, doc_id: str, stems: Iterable[str]) -> None:
        """Add a document, replacing the one of the same id."""
        if doc_id in self._rows:
            self.remove(doc_id)
        counts = Counter(stems)
        length = counts.total()
        if self._free:
            row = self._free.pop()
            self._ids[row], self._counts[row], self._lengths[row] = doc_id, counts, length
        else:
            row = len(self._ids)
            self._ids.append(doc_id)
            self._counts.append(counts)
            if row == len(self._lengths):
                self._lengths = np.concatenate([self._lengths, np.zeros(row)])
            self._lengths[row] = length
        self._rows[doc_id] = row
        self._total += length
        for word, count in counts.items():
            self._postings.setdefault(word, {})[row] = count
            self._arrays.pop(word, None)
        self._norms = None

    def remove(self, doc_id: str) -> None:
        """Remove a document. Raises KeyError when there is none of this id."""
        row = self._rows.pop(doc_id)
        for word in self._counts[row] or ():
            rows = self._postings[word]
            del rows[row]
            if not rows:
                del self._postings[word]
            self._arrays.pop(word, None)
        self._total -= self._lengths[row]
        self._counts[row], self._lengths[row] = None, 0
        self._free.append(row)
        self._norms = None

    def scores(self, query_stems: Iterable[str]) -> dict[str, float]:
        """Return the scores of the documents that share a stem with the query, by id.

        All are above 0. A stem that the query repeats counts as often as it occurs.
        """
        array = self._score(query_stems)
        hits = np.flatnonzero(array)
        return {self._ids[row]: float(array[row]) for row in hits.tolist()}

    def score_array(
        self, query_stems: Iterable[str], doc_ids: Iterable[str]
    ) -> NDArray[np.float64]:
        """Return the scores of `doc_ids`, shape (len(doc_ids),); 0 where nothing is shared.

        Raises KeyError for a document that is not held.
        """
        rows = np.array([self._rows[doc_id] for doc_id in doc_ids], dtype=np.intp)
        return self._score(query_stems)[rows]

    def top(self, query_stems: Iterable[str], k: int) -> list[tuple[str, float]]:
        """Return the k best (id, score), best first, ties by id; fewer where fewer match."""
        ranked = sorted(self.scores(query_stems).items(), key=lambda item: (-item[1], item[0]))
        return ranked[:k]

    def shares(self, stems: Iterable[str], at_least: float) -> list[tuple[str, float]]:
        """Return (id, share) of the documents with a share of `at_least` (above 0), unordered.

        A share is a document's score for `stems` over the score that a document of these very
        stems has, both as if that one were held too.
        """
        counts = Counter(stems)
        length = counts.total()
        if not length:
            return []
        n = len(self._rows) + 1
        norms = self._norms_of((self._total + length) / n)
        own_norm = float(self.k1 * (1 - self.b + self.b * length / ((self._total + length) / n)))
        total = np.zeros(len(self._ids), dtype=np.float64)
        own = 0.0
        for word, times in sorted(counts.items()):
            posting = self._postings.get(word, {})
            idf = _idf(n, len(posting) + 1)
            own += times * idf * times * (self.k1 + 1) / (times + own_norm)
            if posting:
                rows, held = self._array(word, posting)
                total[rows] += times * idf * held * (self.k1 + 1) / (held + norms[rows])
        hits = np.flatnonzero((total > 0) & (total >= at_least * own))
        return [(self._ids[row], float(total[row]) / own) for row in hits.tolist()]

    def _score(self, query_stems: Iterable[str]) -> NDArray[np.float64]:
        total = np.zeros(len(self._ids), dtype=np.float64)
        n = len(self._rows)
        for word, times in sorted(Counter(query_stems).items()):
            posting = self._postings.get(word)
            if posting is None:
                continue
            rows, counts = self._array(word, posting)
            idf = _idf(n, len(posting))
            norms = self._norm_array()[rows]
            total[rows] += times * idf * counts * (self.k1 + 1) / (counts + norms)
        return total

    def _array(
        self, word: str, posting: Mapping[int, int]
    ) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        if word not in self._arrays:
            rows = np.fromiter(posting.keys(), dtype=np.intp, count=len(posting))
            counts = np.fromiter(posting.values(), dtype=np.float64, count=len(posting))
            self._arrays[word] = rows, counts
        return self._arrays[word]

    def _norm_array(self) -> NDArray[np.float64]:
        if self._norms is None:
            self._norms = self._norms_of(self._total / len(self._rows) if self._total else 1.0)
        return self._norms

    def _norms_of(self, average: float) -> NDArray[np.float64]:
        lengths = self._lengths[: len(self._ids)]
        return self.k1 * (1 - self.b + self.b * lengths / average)


def _idf(documents: int, holding: int) -> float:
    return float(np.log1p((documents - holding + 0.5) / (holding + 0.5)))
