"""What a data set holds, and what a run on it could find out: JSON-native figures."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Any

from evals.loaders.gold import askable, only_askable
from evals.spending import Spending, choose_mode, conversations_needed
from evals.splits import conversations_of, split, split_counts
from evals.statistics import Mode, smallest_gain
from traces.domain import Conversation, Dataset, Question
from traces.errors import DataError, SettingsError

POWER = 0.8
# How often incumbent and candidate are taken to differ on a question, by chance and by gain.
DISCORDANCE = 0.2
# The exact test over many questions takes its time: fewer draws from here on.
_MANY, _DRAWS, _FEW_DRAWS = 1500, 400, 100


def holdings(conversations: Sequence[Conversation]) -> dict[str, Any]:
    """Return counts of what is there, the questions also by category, and the dates."""
    sessions = [s for c in conversations for s in c.sessions]
    questions = [q for c in conversations for q in c.questions]
    dates = [session.date for session in sessions]
    return {
        "conversations": len(conversations),
        "sessions": len(sessions),
        "messages": sum(len(s.messages) for s in sessions),
        **_counts(questions),
        "categories": [
            {"category": name, **_counts([q for q in questions if q.category == name])}
            for name in sorted({q.category for q in questions})
        ],
        "dates": [min(dates).isoformat(), max(dates).isoformat()] if dates else None,
    }


def _counts(questions: Sequence[Question]) -> dict[str, int]:
    return {
        "questions": len(questions),
        "with_evidence": sum(bool(q.evidence) for q in questions),
        "without_evidence": sum(not q.evidence for q in questions),
        "unanswerable": sum(q.unanswerable for q in questions),
        "without_gold_answer": sum(not askable(q) for q in questions),
    }


def prospects(dataset: Dataset, rounds: int, asked: Mode | None) -> dict[str, Any]:
    """Return how a run would divide the data, and the smallest gain that it would find.

    `rounds` is the greatest number of rounds, `asked` the gate mode asked for (None: chosen).
    `obstacle` says why there can be no run (too few conversations, too few for the mode); the
    figures that need one are None then.
    """
    dataset = only_askable(dataset)
    spending = Spending(rounds)
    needed = conversations_needed(spending.alpha)
    found: dict[str, Any] = {
        "obstacle": None,
        "rounds": rounds,
        "alpha": spending.alpha,
        "splits": None,
        "mode": None,
        "population": {"selection": needed, "conversations": _whole(needed)},
        "smallest_gain": None,
        "power": POWER,
        "discordance": DISCORDANCE,
        "selection": None,
    }
    if not any(c.questions for c in dataset.conversations):
        found["obstacle"] = "no conversation has a question that can be judged; add some"
        return found
    try:
        splits = split(dataset)
        selection = conversations_of(dataset, splits.selection)
        found["splits"] = {name: len(ids) for name, ids in splits.to_json().items()}
        found["selection"] = _by_conversation(selection)
        found["mode"] = choose_mode(asked, len(selection), spending)
    except (DataError, SettingsError) as error:
        found["obstacle"] = str(error)
        return found
    asked_there = [len(c.questions) for c in selection]
    draws = _DRAWS if sum(asked_there) <= _MANY else _FEW_DRAWS
    found["smallest_gain"] = smallest_gain(
        asked_there, spending.alpha, found["mode"], DISCORDANCE, POWER, draws
    )
    return found


def _whole(selection: int) -> int:
    """Return how many conversations are needed for a selection split of this size."""
    whole = selection
    while split_counts(whole)[1] < selection:
        whole += 1
    return whole


def _by_conversation(conversations: Sequence[Conversation]) -> dict[str, Any]:
    counts = [len(c.questions) for c in conversations]
    return {
        "conversations": len(counts),
        "questions": sum(counts),
        "fewest": min(counts),
        "median": median(counts),
        "most": max(counts),
    }
