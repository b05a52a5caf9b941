"""Error signals gathered by what seems to be their cause.

First by content: average-linkage agglomeration of cosine similarities over TF-IDF of stems
and shape tokens (see `shapes`), of question and evidence alone. Then the failures of a group
vote: its slot, error type and sub-type are those that at least half of them name, so that
single wrong attributions are outvoted; and the vote has to tell something: the cause is
commoner in the group than outside (Fisher's exact test), or the only one there is. What is
spread over all kinds of failures alike may be noise, and such a group is left out.
Deterministic: signals are put in a fixed order first, and ties fall to the earlier one.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optimizers.shapes import shape_weights, speakers_of, word_weights
from traces.results import ErrorSignal

MOST_EXAMPLES = 4
MOST_CLUSTERS = 8
# Average cosine below which two groups stay apart.
ALIKE = 0.28
_SHAPE_SHARE = 0.6
# Agglomeration is cubic; what exceeds this joins the group's remainder.
_MOST_COMPARED = 500

# Share of a group's weight that has to name the same slot, and of those the same type.
MAJORITY = 0.5
# Level at which a cause counts as commoner in its group than outside.
PECULIAR = 0.05
# Share of all signals from which on one cause is taken for the only one.
PREVAILING = 2 / 3

Key = tuple[str, str]
Cause = tuple[str, str, str]
Vector = dict[str, float]


@dataclass(frozen=True)
class Cluster:
    """Signals that seem to have one cause; the first `MOST_EXAMPLES` are its examples.

    `outvoted` resemble them but were attributed to another cause: the cluster's edits are
    expected to mend them as well.
    """

    id: str
    slot: str
    error_type: str
    sub_type: str
    signals: tuple[ErrorSignal, ...]
    outvoted: tuple[ErrorSignal, ...] = ()

    @property
    def weight(self) -> float:
        """Total weight of the signals that name the cause."""
        return sum(signal.weight for signal in self.signals)

    @property
    def questions(self) -> frozenset[Key]:
        """The failures behind it, as (conversation id, question id)."""
        members = (*self.signals, *self.outvoted)
        return frozenset((s.conversation, s.question_id) for s in members)

    def to_json(self) -> dict[str, Any]:
        """Return what the reflection model is shown."""
        return {
            "id": self.id,
            "slot": self.slot,
            "error_type": self.error_type,
            "sub_type": self.sub_type,
            "count": len(self.signals),
            "examples": [_example(signal) for signal in self.signals[:MOST_EXAMPLES]],
        }


def _example(signal: ErrorSignal) -> dict[str, Any]:
    return {
        "question": signal.question,
        "expected": signal.expected,
        "predicted": signal.predicted,
        "evidence": [asdict(item) for item in signal.evidence],
        "given": signal.given,
        "produced": signal.produced,
        **({"repair": signal.repair} if signal.repair else {}),
    }


def cluster_signals(
    signals: Sequence[ErrorSignal], most: int = MOST_CLUSTERS
) -> tuple[Cluster, ...]:
    """Return at most `most` clusters a slot, heaviest first, with the ids c1, c2, ...

    The lighter ones beyond that are left for a later round, when the others are solved.
    """
    ordered = sorted(signals, key=lambda s: (s.conversation, s.question_id, s.slot))
    similar = _similarities(ordered, speakers_of(ordered))
    groups, alone = _agglomerate(similar)
    found: list[tuple[Cause, list[int], list[int]]] = []
    for group in groups:
        inside = set(group)
        others = [signal for i, signal in enumerate(ordered) if i not in inside]
        for cause in _causes([ordered[i] for i in group], others):
            agreeing = [i for i in group if _cause(ordered[i]) == cause]
            found.append((cause, agreeing, [i for i in group if i not in agreeing]))
    # What resembles nothing cannot be outvoted: it goes by what was attributed.
    for cause in sorted({_cause(ordered[i]) for i in alone}):
        found.append((cause, [i for i in alone if _cause(ordered[i]) == cause], []))
    found.sort(key=lambda f: (-sum(ordered[i].weight for i in f[1]), f[0], f[1]))
    counts: Counter[str] = Counter()
    clusters: list[Cluster] = []
    for cause, agreeing, differing in found:
        counts[cause[0]] += 1
        if counts[cause[0]] <= most:
            members = [ordered[i] for i in _examples_first(agreeing, similar, ordered)]
            outvoted = tuple(ordered[i] for i in differing)
            clusters.append(Cluster(f"c{len(clusters) + 1}", *cause, tuple(members), outvoted))
    return tuple(clusters)


def _cause(signal: ErrorSignal) -> Cause:
    return signal.slot, signal.error_type, signal.sub_type


def _causes(group: Sequence[ErrorSignal], others: Sequence[ErrorSignal]) -> list[Cause]:
    """Return the causes that a group's failures agree on: at least half of their weight for
    the slot, of those half for the error type, and the commonest sub-type; and only what
    tells something (`_credible`). Two where failures name two slots each, often none."""
    found: list[Cause] = []
    for slot, of_slot in _halves(group, 0, MAJORITY):
        for error_type, of_type in _halves(of_slot, 1, MAJORITY):
            sub_type, agreeing = _halves(of_type, 2, 0.0)[0]
            cause = (slot, error_type, sub_type)
            elsewhere = [signal for signal in others if _cause(signal) == cause]
            named, size = _failures(agreeing), _failures(group)
            if _credible(named, size, _failures(elsewhere), _failures(others)):
                found.append(cause)
    return found


def _failures(signals: Sequence[ErrorSignal]) -> int:
    return len({(s.conversation, s.question_id) for s in signals})


def _credible(named: int, size: int, elsewhere: int, outside: int) -> bool:
    """Say whether it tells something that `named` of a group's `size` failures have a cause
    which `elsewhere` of the `outside` other failures have.

    It does where the cause is commoner in the group than outside (one-sided Fisher test),
    where there is no outside, or where nearly all failures have that one cause.
    """
    prevails = named >= PREVAILING * size and elsewhere >= PREVAILING * outside
    if outside == 0 or prevails:
        return True
    from scipy.stats import fisher_exact

    table = np.array([[named, size - named], [elsewhere, outside - elsewhere]])
    return float(fisher_exact(table, alternative="greater").pvalue) <= PECULIAR


def _halves(
    group: Sequence[ErrorSignal], part: int, least: float
) -> list[tuple[str, list[ErrorSignal]]]:
    """Return the values of one part of the cause, heaviest first, with who names them; only
    those that failures with at least the share `least` of the weight name."""
    named: dict[str, list[ErrorSignal]] = defaultdict(list)
    for signal in group:
        named[_cause(signal)[part]].append(signal)
    weights = {value: _weight(who) for value, who in named.items()}
    needed = least * _weight(group)
    order = sorted(named, key=lambda value: (-weights[value], value))
    return [(value, named[value]) for value in order if weights[value] >= needed]


def _weight(signals: Sequence[ErrorSignal]) -> float:
    """Return the weight of the failures behind signals, each counted once."""
    by_failure: dict[Key, float] = {}
    for s in signals:
        key = (s.conversation, s.question_id)
        by_failure[key] = max(s.weight, by_failure.get(key, 0.0))
    return sum(by_failure.values())


def _similarities(signals: Sequence[ErrorSignal], people: frozenset[str]) -> NDArray[np.float64]:
    """Return cosine similarities, shape (n, n), in 0..1."""
    words = _unit([word_weights(s, people) for s in signals])
    shapes = _unit([shape_weights(s, people) for s in signals])
    joined = (1 - _SHAPE_SHARE) * (words @ words.T) + _SHAPE_SHARE * (shapes @ shapes.T)
    return np.asarray(joined, dtype=np.float64)


def _unit(vectors: Sequence[Mapping[str, float]]) -> NDArray[np.float64]:
    """Return TF-IDF rows of length 1 (or 0) over the features that at least two share."""
    seen = Counter(name for vector in vectors for name in vector)
    columns = {name: i for i, name in enumerate(sorted(n for n, c in seen.items() if c > 1))}
    rows = np.zeros((len(vectors), max(1, len(columns))))
    for row, vector in zip(rows, vectors, strict=True):
        for name, weight in vector.items():
            if name in columns:
                rarity = 1 + np.log((1 + len(vectors)) / (1 + seen[name]))
                row[columns[name]] = weight * rarity
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(lengths == 0, 1, lengths), dtype=np.float64)


def _agglomerate(similar: NDArray[np.float64]) -> tuple[list[list[int]], list[int]]:
    """Return groups of indexes, and the indexes of what resembles nothing."""
    n = min(len(similar), _MOST_COMPARED)
    groups = {i: [i] for i in range(n)}
    # Rounding differs between machines' linear algebra; a decision must not hang on it.
    links = np.round(similar[:n, :n], 9)
    np.fill_diagonal(links, -1)
    while len(groups) > 1:
        a, b = divmod(int(np.argmax(links)), n)
        if links[a, b] < ALIKE:
            break
        a, b = min(a, b), max(a, b)
        sizes = len(groups[a]), len(groups[b])
        joined = (sizes[0] * links[a] + sizes[1] * links[b]) / sum(sizes)
        joined = np.where((links[a] < 0) | (links[b] < 0), -1, np.round(joined, 9))
        links[a], links[:, a] = joined, joined
        links[b], links[:, b] = -1, -1
        links[a, a] = -1
        groups[a] += groups.pop(b)
    alone = [i for group in groups.values() if len(group) == 1 for i in group]
    alone += range(n, len(similar))
    return [sorted(group) for group in groups.values() if len(group) > 1], sorted(alone)


def _examples_first(
    indexes: Sequence[int], similar: NDArray[np.float64], signals: Sequence[ErrorSignal]
) -> list[int]:
    """Order a cluster: typical but different ones first (maximal marginal relevance).

    Carbonell and Goldstein (1998), equal parts of typical and different; a certified
    signal and one from another conversation are preferred.
    """
    left, chosen = list(indexes), list[int]()
    central = similar[np.ix_(left, left)].mean(axis=1)
    typical = dict(zip(left, central.tolist(), strict=True))
    while left and len(chosen) < MOST_EXAMPLES:
        told = {signals[i].conversation for i in chosen}

        def worth(i: int, told: set[str] = told) -> tuple[float, int]:
            like = max((float(similar[i, j]) for j in chosen), default=0.0)
            extra = 0.1 * signals[i].certified + 0.1 * (signals[i].conversation not in told)
            return round(typical[i] - like + extra, 9), -i

        best = max(left, key=worth)
        chosen.append(best)
        left.remove(best)
    return chosen + left
