"""The race: candidates against the working set, on training episodes, within a call budget.

Costs are estimates of agent calls (the evaluator's real ones are on its own account): they
only decide what is worth starting, the same way in every repetition of a round.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from optimizers.edits import Edit, edits_json
from optimizers.scoring import Comparison, Key, compare
from traces.domain import PIPELINE, Conversation, OperationKind, PromptSet
from traces.hashing import text_hash
from traces.protocols import Evaluate
from traces.results import EpisodeResult


def estimated_calls(kind: OperationKind, conversation: Conversation) -> int:
    """Return about how many calls an episode costs whose prompt of this kind changed.

    A question takes a retrieval and a response, two messages give about one fact that needs
    an update call; an update prompt changes what about half of the questions retrieve.
    """
    sessions = len(conversation.sessions)
    questions = len(conversation.questions)
    updates = math.ceil(sum(len(s.messages) for s in conversation.sessions) / 2)
    return {
        "extraction": sessions + updates + 2 * questions,
        "update": updates + math.ceil(1.2 * questions),
        "retrieval": 2 * questions,
        "response": questions,
    }[kind]


@dataclass(frozen=True)
class Entrant:
    """A candidate: prompts, the edits in them, and the clusters' failures they answer."""

    prompts: PromptSet
    edits: tuple[Edit, ...]
    targets: frozenset[Key]
    label: str


@dataclass(frozen=True)
class Heat:
    """What came of one entrant: `kept` with `why`; `comparison` is None when it never ran.

    `conclusive` is False where nothing was learnt about the edit itself.
    """

    entrant: Entrant
    comparison: Comparison | None
    kept: bool
    why: str
    conclusive: bool = True

    @property
    def reach(self) -> float:
        """Share (0..1) of the targets tried that moved on; 0 where one alone says nothing."""
        if self.comparison is None:
            return 0.0
        aimed = self.entrant.targets & self.comparison.compared
        return len(aimed & self.comparison.improved) / len(aimed) if len(aimed) > 1 else 0.0


class Race:
    """Evaluates entrants on training episodes and keeps account and record of it."""

    def __init__(
        self,
        working: PromptSet,
        kinds: Mapping[str, OperationKind],
        episodes: Sequence[Conversation],
        evaluate: Evaluate,
        budget: int,
        salt: str,
    ) -> None:
        self.working = working
        self.episodes = tuple(sorted(episodes, key=lambda c: c.id))
        self.budget = budget
        self.spent = 0
        self.records: list[dict[str, Any]] = []
        self._kinds = kinds
        self._evaluate = evaluate
        self._salt = salt
        self._known: dict[tuple[str, str], EpisodeResult] = {}

    # cost ------------------------------------------------------------------------

    def cost(self, prompts: PromptSet, episodes: Iterable[Conversation]) -> int:
        """Return the estimated calls of what is not known yet; the working set costs 0."""
        changed = [
            self._kinds.get(slot, "extraction")
            for slot, text in prompts.instructions.items()
            if text != self.working.instructions.get(slot)
        ]
        if not changed:
            return 0
        kind = min(changed, key=PIPELINE.index)
        fresh = (c for c in episodes if (prompts.hash, c.id) not in self._known)
        return sum(estimated_calls(kind, c) for c in fresh)

    def affords(
        self, prompts: PromptSet, episodes: Iterable[Conversation], reserve: int = 0
    ) -> bool:
        """Say whether the budget holds an evaluation, and `reserve` calls after it."""
        return self.spent + self.cost(prompts, episodes) + reserve <= self.budget

    # running ---------------------------------------------------------------------

    def results(self, prompts: PromptSet, episodes: Sequence[Conversation]) -> list[EpisodeResult]:
        """Return the results of these episodes, each evaluated once a race."""
        self.spent += self.cost(prompts, episodes)
        fresh = [c for c in episodes if (prompts.hash, c.id) not in self._known]
        for result in self._evaluate(prompts, fresh) if fresh else ():
            self._known[prompts.hash, result.conversation] = result
        keys = [(prompts.hash, c.id) for c in episodes]
        return [self._known[key] for key in keys if key in self._known]

    def against_working(self, prompts: PromptSet, episodes: Sequence[Conversation]) -> Comparison:
        """Return the paired comparison with the working set on these episodes."""
        return compare(self.results(self.working, episodes), self.results(prompts, episodes))

    def sample(self, targets: Iterable[Key] = ()) -> tuple[Conversation, ...]:
        """Return half of the episodes, at least two: those with most targets first.

        Which of equals are taken is decided by a hash, not by their names' order.
        """
        counts: dict[str, int] = {}
        for conversation, _ in targets:
            counts[conversation] = counts.get(conversation, 0) + 1
        ordered = sorted(
            self.episodes, key=lambda c: (-counts.get(c.id, 0), text_hash(f"{self._salt}:{c.id}"))
        )
        most = max(2, len(ordered) // 2)
        holding = [c for c in ordered if counts.get(c.id)]
        return tuple(ordered[: min(most, max(2, len(holding)) if holding else most)])

    def screen(self, entrant: Entrant) -> Heat:
        """Try one edit alone on the episodes that hold its cluster's failures.

        The first episode decides whether the others are worth their calls: it must not lose
        two questions, nor leave two or more failures of the cluster where they were. Kept is
        what is `better`, and moves failures of its own cluster: what else it seems to mend
        is likely to be noise, unless it is two standard deviations of it.
        """
        episodes = self.sample(entrant.targets)
        first = self.against_working(entrant.prompts, episodes[:1])
        aimed = entrant.targets & first.compared
        if first.conclusive and first.net <= -2:
            return self.record(entrant, episodes[:1], first, False, "loses questions")
        if first.conclusive and len(aimed) >= 2 and not aimed & first.improved:
            why = "moves none of its cluster's failures"
            return self.record(entrant, episodes[:1], first, False, why)
        found = self.against_working(entrant.prompts, episodes)
        aimed = entrant.targets & found.compared
        hits = len(aimed & found.improved)
        if not found.conclusive:
            why = "inconclusive: verdicts are missing"
            return self.record(entrant, episodes, found, False, why, conclusive=False)
        if found.net < 0:
            return self.record(entrant, episodes, found, False, "loses questions")
        if not found.better:
            return self.record(entrant, episodes, found, False, "no clear gain")
        if hits < min(2, max(1, len(aimed))) and found.deviations < 2:
            why = "gains elsewhere than in its cluster, as noise does"
            return self.record(entrant, episodes, found, False, why)
        return self.record(entrant, episodes, found, True, f"moves {hits} of {len(aimed)} targets")

    def record(
        self,
        entrant: Entrant,
        episodes: Sequence[Conversation],
        found: Comparison | None,
        kept: bool,
        why: str,
        *,
        conclusive: bool = True,
    ) -> Heat:
        """Write the entrant's record and return its heat."""
        text = f"{why} ({found.summary})" if found else why
        self.records.append(
            {
                "hash": entrant.prompts.hash,
                "label": entrant.label,
                "edits": edits_json(entrant.edits),
                "episodes": [c.id for c in episodes],
                "score": round(found.score, 6) if found else None,
                "progress": round(found.progress, 6) if found else None,
                "score_before": round(found.score_before, 6) if found else None,
                "progress_before": round(found.progress_before, 6) if found else None,
                "fixed": len(found.fixed) if found else None,
                "broken": len(found.broken) if found else None,
                "kept": kept,
                "why": text,
            }
        )
        return Heat(entrant, found, kept, text, conclusive)
