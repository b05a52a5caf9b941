"""A recorded run as the plain data that evals.report builds on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from agent.cli.recorded import STAGES
from agent.cli.recorded_examples import example_causes
from agent.cli.recorded_summary import summary_of

if TYPE_CHECKING:
    from agent.cli.recorded import RecordedRun

LIMITS = (
    "rounds", "concurrency", "max_calls", "max_tokens", "max_usd", "deadline", "patience", "target",
)  # fmt: skip


def report_data(recorded: RecordedRun) -> Mapping[str, Any]:
    """Return the plain data that evals.report builds on."""
    status, reason = recorded.status
    by_round: dict[int, dict[str, Any]] = {}
    for stage in STAGES:
        for record in recorded.store.rounds(stage):
            number = record["round"]
            by_round.setdefault(number, {"round": number})[stage] = record
    return {
        "run": recorded.name,
        "status": status,
        "stop_reason": reason,
        "done": summary_of(recorded),
        "simulated": recorded.simulated,
        "identity": recorded.identity,
        "models": recorded.models,
        "limits": {name: recorded.settings.get(name) for name in LIMITS},
        "dataset": recorded.lock_file(),
        "rounds": [by_round[number] for number in sorted(by_round)],
        "finish": recorded.finish,
        "prompts": {
            "seed": dict(recorded.seed.instructions),
            "final": dict(recorded.final.instructions),
        },
        "spent": {
            role: {"calls": s.calls, "input": s.input_tokens, "output": s.output_tokens}
            for role, s in recorded.spent.items()
        },
        # What only a rejected candidate broke is missing from no score.
        "broken": recorded.store.broken({recorded.seed.hash, recorded.final.hash}),
        "examples": [found.to_json() for found in example_causes(recorded)],
    }
