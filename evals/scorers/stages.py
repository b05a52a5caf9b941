"""Scores of single stages, where the data set knows what an ideal memory holds.

All are shares in 0..1, and None where there is nothing to score. An item is a text with
the ids of the messages that it rests on; no ids means unknown, and then the words alone
decide. An item carries a gold fact when it rests on one of its sources and holds the
words of its subject and its value.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from traces.domain import GoldFact, Question
from traces.text import contains_words, stems

Item = tuple[str, Collection[str]]

_HISTORY = (
    "formerly", "previously", "originally", "used to", "no longer", "not any more", "anymore",
    "until", "before that", "instead of", "replaced", "superseded", "retracted", "cancelled",
    "canceled", "called off", "outdated",
)  # fmt: skip


def carries(fact: GoldFact, item: Item) -> bool:
    """Say whether `item` carries `fact`: source, subject and value."""
    text, sources = item
    if sources and fact.sources and not set(sources) & set(fact.sources):
        return False
    return _holds(text, fact.value) and _holds(text, fact.subject)


def extraction_recall(gold_facts: Sequence[GoldFact], facts: Sequence[Item]) -> float | None:
    """Return the share of gold facts, superseded ones included, that some fact carries."""
    return _share(any(carries(gold, fact) for fact in facts) for gold in gold_facts)


def memory_correctness(
    gold_facts: Sequence[GoldFact], alive_entries: Sequence[Item]
) -> float | None:
    """Return the share of gold facts whose standing in memory is right.

    A fact that holds must be carried by an alive entry. One that was superseded or
    retracted must not be, except as history: by an entry that says so ('formerly',
    'used to') or carries a fact about the same subject that holds.
    """
    alive = [fact for fact in gold_facts if fact.alive]

    def right(fact: GoldFact) -> bool:
        holders = [entry for entry in alive_entries if carries(fact, entry)]
        if fact.alive:
            return bool(holders)
        return all(_is_history(fact, entry, alive) for entry in holders)

    return _share(right(fact) for fact in gold_facts)


def evidence_recall(question: Question, retrieved_sources: Iterable[Iterable[str]]) -> float | None:
    """Return the share of the evidence messages among the sources of retrieved entries.

    `retrieved_sources` holds the message ids of each entry; pass the first k for recall
    at k. None where the evidence is unknown.
    """
    found = {source for sources in retrieved_sources for source in sources}
    return _share(message in found for message in question.evidence)


def _holds(text: str, phrase: str) -> bool:
    wanted = set(stems(phrase))
    if not wanted:
        return not phrase.strip() or contains_words(text, phrase)
    return wanted <= set(stems(text))


def _is_history(fact: GoldFact, entry: Item, alive: Sequence[GoldFact]) -> bool:
    text = entry[0]
    if any(contains_words(text, phrase) for phrase in _HISTORY):
        return True
    return any(
        other.subject == fact.subject and _holds(text, other.value) and other.value != fact.value
        for other in alive
    )


def _share(hits: Iterable[bool]) -> float | None:
    listed = list(hits)
    return sum(listed) / len(listed) if listed else None
