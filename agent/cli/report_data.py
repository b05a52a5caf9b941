"""A recorded run as the plain data that evals.report builds on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from agent.cli.recorded import STAGES
from agent.cli.recorded_examples import example_causes
from agent.cli.recorded_summary import summary_of
from agent.loop.mending import how_to_go_on

if TYPE_CHECKING:
    from agent.cli.recorded import RecordedRun

LIMITS = (
    "rounds", "concurrency", "max_calls", "max_tokens", "max_usd", "deadline", "patience", "target",
)  # fmt: skip


def report_data(recorded: RecordedRun) -> Mapping[str, Any]:
    """Return the plain data that evals.report builds on."""
    status, reason = recorded.status
    lock = recorded.lock_file()
    # What only a rejected candidate broke is missing from no score.
    broken = recorded.store.broken({recorded.seed.hash, recorded.final.hash})
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
        "dataset": lock,
        "tested": _tested(recorded, lock["splits"]["test"]),
        "rounds": [by_round[number] for number in sorted(by_round)],
        "finish": recorded.finish,
        "prompts": {
            "seed": dict(recorded.seed.instructions),
            "final": dict(recorded.final.instructions),
            "given": recorded.settings.get("prompts"),
        },
        "spent": {
            role: {"calls": s.calls, "input": s.input_tokens, "output": s.output_tokens}
            for role, s in recorded.spent.items()
        },
        "broken": broken,
        "go_on": f"mend what broke, {how_to_go_on(broken[0]['error'])}" if broken else "",
        "examples": [found.to_json() for found in example_causes(recorded)],
    }


def _tested(recorded: RecordedRun, test: Sequence[str]) -> dict[str, Any]:
    """Return whether the sealed test split was opened, and how many of its questions that the
    final prompts were asked have a verdict."""
    found = [r for r in recorded.results(recorded.final) if r.conversation in test]
    answers = [a for result in found for a in result.answers]
    return {
        "opened": any(conversation in test for _, conversation, _ in recorded.store.passes()),
        "questions": len(answers),
        "judged": sum(a.correct is not None for a in answers),
    }
