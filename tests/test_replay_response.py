"""A response at fault over a memory whose wording no reader follows: nothing else is named."""

from __future__ import annotations

from typing import Any

from agent.fault_cases import FaultPlan, make_cases
from agent.models.gateway import metered, spent
from traces.attribution.registry import Replaying
from traces.attribution.replay.method import ReplayAttribution


class Telling:
    """Keeps every message as `Ana said: ...`, in the first person; finds by shared words."""

    def __init__(self) -> None:
        self.kept: dict[str, dict[str, Any]] = {}

    def add(self, messages: list[dict[str, str]]) -> None:
        for m in messages:
            text = f"{m['speaker']} said: {m['text']}"
            self.put({"id": m["id"], "text": text, "date": m["date"][:10], "sources": [m["id"]]})

    def search(self, question: str) -> list[dict[str, Any]]:
        words = {w[:5] for w in question.lower().strip("?").split()}
        ranked = [
            (len(words & {w[:5] for w in e["text"].lower().split()}), e["id"])
            for e in self.kept.values()
        ]
        best = sorted(((-share, id) for share, id in ranked if share))
        return [self.kept[id] for _, id in best[:8]]

    def entries(self) -> list[dict[str, Any]]:
        return list(self.kept.values())

    def put(self, entry: dict[str, Any]) -> None:
        self.kept[entry["id"]] = entry

    def remove(self, entry_id: str) -> None:
        self.kept.pop(entry_id, None)


def test_where_the_evidence_had_reached_the_answer_no_repair_is_named() -> None:
    """A repair that rewords what was already delivered, and leaves the answer wrong, proves
    nothing against the operation that stored it: the response alone is suspected."""
    plan = FaultPlan(singles=24, seed=405, backend=f"{__name__}:Telling")
    seen = 0
    for case in make_cases(plan):
        kinds = {case.graph.operations[id].kind for truth in case.truths for id in truth}
        if kinds != {"response"}:
            continue
        method = ReplayAttribution(case.ask, Replaying(case.open, case.judge, spent))
        with metered(case.known_calls):
            attribution = method(case.failure, case.graph)
        assert frozenset(attribution.operations) in case.truths
        seen += 1
    assert seen >= 3
